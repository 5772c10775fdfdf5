//go:build !race

package brokerfaults

const (
	atOnce = 12
	slack  = 1
)
