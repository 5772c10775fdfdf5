package pairs_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/test/pairs"
)

// switches are the axes of the simulator, by name.
func switches() []pairs.Axis {
	values := planhatsim.SwitchValues()
	var axes []pairs.Axis
	for _, name := range slices.Sorted(maps.Keys(values)) {
		axes = append(axes, pairs.Axis{Name: name, Values: values[name]})
	}
	return axes
}

func TestCoverHasEveryPair(t *testing.T) {
	t.Parallel()
	small := func(sizes ...int) []pairs.Axis {
		var axes []pairs.Axis
		for i, n := range sizes {
			axes = append(axes, pairs.Axis{Name: fmt.Sprint(i), Values: make([]string, n)})
		}
		return axes
	}
	for name, axes := range map[string][]pairs.Axis{
		"switches": switches(), "two axes": small(4, 3), "uneven": small(6, 2, 2, 5, 3, 2), "many equal": small(3, 3, 3, 3, 3, 3, 3, 3, 3, 3),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows := pairs.Cover(axes)
			if !reflect.DeepEqual(rows, pairs.Cover(axes)) {
				t.Error("the same axes give other rows")
			}
			if slices.Max(append([]int{0}, rows[0]...)) != 0 {
				t.Errorf("the first row is not all defaults: %v", rows[0])
			}
			held(t, axes, rows)
			least := leastRows(axes)
			t.Logf("%d rows, %d at the least", len(rows), least)
			if most := least*4/3 + 10; len(rows) > most {
				t.Errorf("%d rows are too many: %d are needed at the least, %d would do", len(rows), least, most)
			}
		})
	}
}

// held looks for every two values of every two axes among the rows.
func held(t *testing.T, axes []pairs.Axis, rows [][]int) {
	t.Helper()
	for a := range axes {
		for b := range a {
			for v := range axes[a].Values {
				for w := range axes[b].Values {
					if !slices.ContainsFunc(rows, func(row []int) bool { return row[a] == v && row[b] == w }) {
						t.Errorf("%s=%d and %s=%d never meet", axes[a].Name, v, axes[b].Name, w)
					}
				}
			}
		}
	}
}

// leastRows is how many rows the two largest axes need.
func leastRows(axes []pairs.Axis) int {
	sizes := []int{1, 1}
	for _, a := range axes {
		sizes = append(sizes, len(a.Values))
	}
	slices.Sort(sizes)
	return sizes[len(sizes)-1] * sizes[len(sizes)-2]
}
