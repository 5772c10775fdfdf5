package plan

import (
	"cmp"
	"slices"
)

// Stage is a set of calls that do not depend on each other: singles may be
// made at the same time, bulk calls one after the other beside them.
type Stage []Call

// Build plans the orders of a batch, which must be sorted by Seq. Stages are
// carried out one after the other. Every order is in exactly one item.
//
// A chain gives at most one item to each wave; the waves' items are staged by
// dependency rank, deletes last and reversed. An item that names a record by
// a key which another chain's item may create waits for that item's stage,
// unless both wait for each other.
func Build(orders []*Order, limits Limits) []Stage {
	limits = limits.withDefaults()
	queues := make([]queue, 0, len(orders))
	for _, chain := range chains(orders) {
		queues = append(queues, queue{items: merge(chain, limits)})
	}
	s := newSchedule(queues)
	var out []Stage
	for {
		wave := s.wave()
		if len(wave) == 0 {
			return out
		}
		out = append(out, stages(wave, limits)...)
	}
}

// stages orders the independent items of one wave by rank.
func stages(wave []Item, limits Limits) []Stage {
	slices.SortStableFunc(wave, func(a, b Item) int {
		if c := cmp.Compare(phase(a), phase(b)); c != 0 {
			return c
		}
		return cmp.Compare(a.Orders[0].Seq, b.Orders[0].Seq)
	})
	var out []Stage
	for start := 0; start < len(wave); {
		end := start + 1
		for end < len(wave) && phase(wave[end]) == phase(wave[start]) {
			end++
		}
		out = append(out, calls(wave[start:end], limits))
		start = end
	}
	return out
}

// deletePhase is above every rank.
const deletePhase = 1 << 20

// phase sorts the items of a wave: a record's parents are written before it
// and deleted after it.
func phase(i Item) int {
	if i.Op == Delete {
		return deletePhase - i.Spec.Rank
	}
	return i.Spec.Rank
}
