//go:build race

package faults_test

// raced tells whether the race detector watches.
const raced = true
