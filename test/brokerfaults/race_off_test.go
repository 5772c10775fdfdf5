//go:build !race

package brokerfaults

const (
	racing = false
	atOnce = 12
	slack  = 1
)
