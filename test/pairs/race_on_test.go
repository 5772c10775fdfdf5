//go:build race

package pairs_test

// raced tells whether the race detector watches.
const raced = true
