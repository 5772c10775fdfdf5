//go:build !race

package sinkfaults

const raced = false
