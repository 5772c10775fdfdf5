// Package share chooses, of tests that are many and alike, those that are run.
//
// A suite that holds the bridge to every fault takes longer than anybody waits
// after an edit. By default each row of such a suite tells a share of its
// variants; STORIES=all tells every one, and STORIES=1, 2, ... tells another
// share, so that runs that count through the numbers come round to all of them.
package share

import (
	"os"
	"strconv"
)

// variable chooses.
const variable = "STORIES"

// All tells whether every variant is wanted.
func All() bool { return os.Getenv(variable) == "all" }

// Of gives the variants of a row that are told: one of each step of them.
func Of[T any](variants []T, step int) []T {
	if All() {
		return variants
	}
	var told []T
	for n := range variants {
		if Has(n, step) {
			told = append(told, variants[n])
		}
	}
	if len(told) == 0 && len(variants) > 0 { // a row shorter than the step always tells something
		told = variants[number()%len(variants):][:1]
	}
	return told
}

// Has tells whether the n-th of variants is told where one of each step of them is.
func Has(n, step int) bool { return All() || n%step == number()%step }

// number is the one given, 0 without one.
func number() int {
	n, err := strconv.Atoi(os.Getenv(variable))
	if err != nil {
		return 0
	}
	return max(n, 0)
}
