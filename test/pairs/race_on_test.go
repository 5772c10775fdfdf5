//go:build race

package pairs_test

// raced: the race detector makes a row several times as expensive.
const raced = true
