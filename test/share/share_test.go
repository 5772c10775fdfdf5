package share_test

import (
	"slices"
	"strconv"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/test/share"
)

func TestOf(t *testing.T) {
	variants := []int{0, 1, 2, 3, 4, 5, 6}
	for value, want := range map[string][]int{"": {0, 3, 6}, "1": {1, 4}, "2": {2, 5}, "3": {0, 3, 6}, "all": variants, "-1": {0, 3, 6}} {
		t.Setenv("STORIES", value)
		if got := share.Of(variants, 3); !slices.Equal(got, want) {
			t.Errorf("STORIES=%s tells %v, want %v", value, got, want)
		}
	}
}

// Whoever counts through the numbers has told all, also of a row that is shorter than the step.
func TestSharesAreWhole(t *testing.T) {
	for _, length := range []int{1, 2, 4, 9} {
		told := map[int]bool{}
		for number := range 4 {
			t.Setenv("STORIES", strconv.Itoa(number))
			row := make([]int, length)
			for n := range row {
				row[n] = n
			}
			some := share.Of(row, 4)
			if len(some) == 0 {
				t.Errorf("of %d variants none is told", length)
			}
			for _, n := range some {
				told[n] = true
			}
		}
		if len(told) != length {
			t.Errorf("%d of %d variants are told by four numbers", len(told), length)
		}
	}
}
