//go:build race

package brokerfaults

// The race detector makes everything several times slower: fewer stories at a
// time, more time for each.
const (
	atOnce = 5
	slack  = 3
)
