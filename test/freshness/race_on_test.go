//go:build race

package freshness_test

// raced tells whether the race detector watches.
const raced = true
