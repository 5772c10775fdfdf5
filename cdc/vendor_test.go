package cdc_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/planhat-bridge/planhat-bridge/cdc"
)

// vendor is a small model of a listing whose records come, change and go.
type vendor struct {
	records  map[cdc.ID]*record
	clock    int64           // ms
	next     int             // number of the next id
	used     map[cdc.ID]bool // ids do not come back
	random   *rand.Rand
	archived bool // the archived listing shows the others as well
}

type record struct {
	id       cdc.ID
	stamp    int64
	version  int
	archived bool
	touched  bool // written since a test began to look
}

func newVendor(seed uint64, records int) *vendor {
	v := &vendor{records: map[cdc.ID]*record{}, used: map[cdc.ID]bool{}, clock: 1_000_000, next: 1000, random: rand.New(rand.NewPCG(seed, 7))}
	for range records {
		v.clock += 1 + v.random.Int64N(2)
		v.insert(true)
	}
	for _, r := range v.records {
		r.touched = false
	}
	return v
}

// insert adds a record, behind all others or anywhere.
func (v *vendor) insert(behind bool) *record {
	n := v.next
	v.next += 1 + v.random.IntN(3)
	if !behind {
		n = v.random.IntN(v.next)
	}
	made := id(n)
	if v.used[made] {
		return v.insert(true)
	}
	v.used[made] = true
	r := &record{id: made, stamp: v.clock, version: 1, touched: true}
	v.records[made] = r
	return r
}

func (v *vendor) edit(r *record) {
	r.stamp, r.touched = v.clock, true
	r.version++
}

func (v *vendor) delete(r *record) { delete(v.records, r.id) }

// byID gives the records, ids ascending.
func (v *vendor) byID() []*record {
	rows := make([]*record, 0, len(v.records))
	for _, r := range v.records {
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b *record) int { return a.id.Compare(b.id) })
	return rows
}

// any gives some record, nil if there is none.
func (v *vendor) any() *record {
	rows := v.byID()
	if len(rows) == 0 {
		return nil
	}
	return rows[v.random.IntN(len(rows))]
}

func (v *vendor) lists(r *record, archived bool) bool {
	return r.archived == archived || archived && v.archived
}

// pageByID answers a sweep's request.
func (v *vendor) pageByID(q cdc.Request) []cdc.Sighting {
	rows := slices.DeleteFunc(v.byID(), func(r *record) bool { return !v.lists(r, q.Archived) })
	return cut(rows, q)
}

// pageByStamp answers a delta's request. The order of equal stamps is another
// one in each answer.
func (v *vendor) pageByStamp(q cdc.Request) []cdc.Sighting {
	rows := v.byID()
	v.random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	slices.SortStableFunc(rows, func(a, b *record) int { return cmp.Compare(b.stamp, a.stamp) })
	return cut(rows, q)
}

func cut(rows []*record, q cdc.Request) []cdc.Sighting {
	rows = rows[min(q.Offset, len(rows)):]
	rows = rows[:min(q.Limit, len(rows))]
	page := make([]cdc.Sighting, len(rows))
	for i, r := range rows {
		page[i] = r.sighting()
	}
	return page
}

func (r *record) sighting() cdc.Sighting {
	raw := fmt.Appendf(nil, `{"_id":"%s","v":%d}`, r.id, r.version)
	return cdc.Sighting{ID: r.id, Raw: raw, RawHash: cdc.RawHash(raw), Facts: cdc.Facts{Stamp: r.stamp, HasStamp: true, Archived: r.archived}}
}
