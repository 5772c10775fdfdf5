//go:build !race

package freshness_test

const raced = false
