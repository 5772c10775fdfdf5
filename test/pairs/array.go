package pairs

import (
	"math/rand/v2"
	"slices"
)

// Axis is one thing that varies, with its values; the first is its default.
type Axis struct {
	Name   string
	Values []string
}

// candidates is how many rows are tried for each one that is kept.
const candidates = 30

// Cover gives rows of value numbers, one for each axis, in which every two
// values of every two axes meet. The first row is all defaults. The same axes
// give the same rows.
func Cover(axes []Axis) [][]int {
	c := newCover(axes)
	rows := [][]int{make([]int, len(axes))}
	c.keep(rows[0])
	for c.left > 0 {
		best, most := c.forced(), 1
		for range candidates {
			if row, news := c.candidate(); news > most {
				best, most = row, news
			}
		}
		c.keep(best)
		rows = append(rows, best)
	}
	return rows
}

// cover knows which pairs have not met yet. Values are numbered over all axes.
type cover struct {
	sizes, first []int // of each axis: how many values, and the number of the first
	open         [][]bool
	left         int // pairs that have not met, each counted once
	rng          *rand.Rand
}

func newCover(axes []Axis) *cover {
	c := &cover{rng: rand.New(rand.NewPCG(1, uint64(len(axes))))} // the rows shall be the same each time
	total := 0
	for _, a := range axes {
		c.sizes, c.first = append(c.sizes, len(a.Values)), append(c.first, total)
		total += len(a.Values)
	}
	c.open = make([][]bool, total)
	for i := range c.open {
		c.open[i] = make([]bool, total)
	}
	for a := range axes {
		for b := range a {
			for v := range c.sizes[a] {
				for w := range c.sizes[b] {
					c.set(c.first[a]+v, c.first[b]+w, true)
					c.left++
				}
			}
		}
	}
	return c
}

func (c *cover) set(v, w int, open bool) { c.open[v][w], c.open[w][v] = open, open }

// keep closes the pairs of a row.
func (c *cover) keep(row []int) {
	for a := range row {
		for b := range a {
			if v, w := c.first[a]+row[a], c.first[b]+row[b]; c.open[v][w] {
				c.set(v, w, false)
				c.left--
			}
		}
	}
}

// candidate makes a row: axis by axis, those with most values first, it takes the
// value that meets most of the others for the first time.
func (c *cover) candidate() (row []int, news int) {
	row = make([]int, len(c.sizes))
	order := c.rng.Perm(len(row))
	slices.SortStableFunc(order, func(a, b int) int { return c.sizes[b] - c.sizes[a] })
	var taken []int // numbers of the values in the row
	for _, axis := range order {
		from := c.rng.IntN(c.sizes[axis]) // the first of equals wins
		best, most := 0, -1
		for i := range c.sizes[axis] {
			v := (from + i) % c.sizes[axis]
			if n := c.meets(c.first[axis]+v, taken); n > most {
				best, most = v, n
			}
		}
		row[axis] = best
		taken = append(taken, c.first[axis]+best)
		news += most
	}
	return row, news
}

// meets counts the values that v meets for the first time.
func (c *cover) meets(v int, others []int) int {
	n := 0
	for _, w := range others {
		if c.open[v][w] {
			n++
		}
	}
	return n
}

// forced is a row with some pair that has not met; there must be one.
func (c *cover) forced() []int {
	row := make([]int, len(c.sizes))
	for a := range row {
		for b := range a {
			for v := range c.sizes[a] {
				for w := range c.sizes[b] {
					if c.open[c.first[a]+v][c.first[b]+w] {
						row[a], row[b] = v, w
						return row
					}
				}
			}
		}
	}
	return row
}
