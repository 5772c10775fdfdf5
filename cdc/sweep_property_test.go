package cdc_test

import (
	"encoding/json"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/planhat-bridge/planhat-bridge/cdc"
)

// sweepRun is one sweep of a moving listing.
type sweepRun struct {
	*rapid.T
	v          *vendor
	index      *cdc.Index
	gone       map[cdc.ID]bool // in the index, deleted before the sweep began, to be found by it
	fresh      map[cdc.ID]bool
	candidates map[cdc.ID]bool
	archived   bool
	events     int // how many may still happen
}

// A sweep misses no record that stays as it is, suspects none of them, and
// names every record that was deleted before it began.
func TestSweepOfMovingListing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		run := newSweepRun(rt)
		limit := rapid.IntRange(2, 12).Draw(rt, "limit")
		overlap := rapid.IntRange(0, limit).Draw(rt, "overlap")
		sweep := cdc.NewSweep(cdc.SweepPosition{}, limit, overlap, run.archived)
		for {
			request, more := sweep.Next()
			if !more {
				break
			}
			run.page(sweep, request)
			run.happen(3)
			if rapid.IntRange(0, 9).Draw(rt, "restart") == 0 {
				limit = rapid.IntRange(2, 12).Draw(rt, "new limit")
				sweep = cdc.NewSweep(stored(rt, sweep.Position()), limit, overlap, run.archived)
			}
		}
		run.check()
	})
}

func newSweepRun(t *rapid.T) *sweepRun {
	run := &sweepRun{T: t, index: cdc.NewIndex(), gone: map[cdc.ID]bool{}, fresh: map[cdc.ID]bool{}, candidates: map[cdc.ID]bool{}, events: 60}
	run.v = newVendor(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(0, 80).Draw(t, "records"))
	run.v.archived = rapid.Bool().Draw(t, "archived listing shows all")
	run.archived = rapid.Bool().Draw(t, "archived")
	density := rapid.IntRange(0, 4).Draw(t, "deleted before")
	for _, r := range run.v.byID() {
		r.archived = run.v.random.IntN(3) == 0
		if run.v.random.IntN(5) == 0 {
			continue // not known yet
		}
		e := cdc.Entry{Archived: r.archived}
		if run.v.random.IntN(2) == 0 {
			e.Raw = r.sighting().RawHash
		}
		run.index.Put(r.id, e)
		if run.v.random.IntN(5) < density {
			run.v.delete(r)
			if r.archived == run.archived {
				run.gone[r.id] = true
			}
		}
	}
	return run
}

// page makes one call, while things happen, and admits its answer.
func (run *sweepRun) page(sweep *cdc.Sweep, request cdc.Request) {
	held := map[cdc.ID]bool{}
	for id := range run.index.All() {
		held[id] = true
	}
	rows := run.v.pageByID(request)
	if run.v.random.IntN(4) == 0 { // a record that another way brought into the index meanwhile
		r := run.v.insert(run.v.random.IntN(2) == 0)
		r.archived = run.archived
		if !held[r.id] {
			r.touched = false // it stays as it is from here on
			run.fresh[r.id] = true
			run.index.Put(r.id, cdc.Entry{Archived: r.archived})
		}
	}
	fresh, candidates, err := sweep.Page(rows, run.index, func(id cdc.ID) bool { return held[id] })
	if err != nil {
		run.Fatalf("page at %d: %v", request.Offset, err)
	}
	if !slices.IsSortedFunc(candidates, cdc.ID.Compare) {
		run.Fatalf("candidates %v do not ascend", candidates)
	}
	for _, id := range candidates {
		run.candidates[id] = true
	}
	for _, row := range fresh {
		run.fresh[row.ID] = true
		run.index.Put(row.ID, cdc.Entry{Raw: row.RawHash, Archived: row.Facts.Archived})
	}
}

// happen lets a few things happen at the vendor.
func (run *sweepRun) happen(most int) {
	v := run.v
	for range v.random.IntN(most + 1) {
		r := v.any()
		if run.events--; run.events < 0 || r == nil {
			return
		}
		switch v.random.IntN(5) {
		case 0:
			v.insert(v.random.IntN(2) == 0)
		case 1:
			v.edit(r)
		case 2:
			v.delete(r)
		case 3: // a run of deletes
			rows := v.byID()
			from := v.random.IntN(len(rows))
			for _, r := range rows[from:min(from+v.random.IntN(10), len(rows))] {
				v.delete(r)
			}
		case 4:
			r.archived = !r.archived
			v.edit(r)
		}
	}
}

func (run *sweepRun) check() {
	for _, r := range run.v.byID() {
		if r.touched || !run.v.lists(r, run.archived) {
			continue
		}
		known, _ := run.index.Get(r.id)
		if !run.fresh[r.id] && known.Raw != r.sighting().RawHash {
			run.Fatalf("record %s was missed", r.id)
		}
		if run.candidates[r.id] {
			run.Fatalf("record %s is alive and was never touched, but is a candidate", r.id)
		}
	}
	for id := range run.gone {
		if _, back := run.v.records[id]; !back && !run.candidates[id] {
			run.Fatalf("record %s was deleted before the sweep, but is no candidate", id)
		}
	}
}

// stored sends a position through its stored form.
func stored(t *rapid.T, pos cdc.SweepPosition) cdc.SweepPosition {
	text, err := json.Marshal(cdc.Cursor{Sweep: &pos})
	if err != nil {
		t.Fatal(err)
	}
	var back cdc.Cursor
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if *back.Sweep != pos {
		t.Fatalf("stored %+v, read %+v", pos, *back.Sweep)
	}
	return *back.Sweep
}

// A quiet listing costs no call more than needed, and each row is told once.
func TestSweepOfQuietListing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := newVendor(1, rapid.IntRange(0, 200).Draw(t, "records"))
		limit := rapid.IntRange(2, 40).Draw(t, "limit")
		overlap := rapid.IntRange(1, limit-1).Draw(t, "overlap")
		sweep, index := cdc.NewSweep(cdc.SweepPosition{}, limit, overlap, false), cdc.NewIndex()
		var told []cdc.ID
		for request, more := sweep.Next(); more; request, more = sweep.Next() {
			fresh, candidates, err := sweep.Page(v.pageByID(request), index, nil)
			if err != nil || len(candidates) > 0 {
				t.Fatalf("candidates %v, %v", candidates, err)
			}
			for _, row := range fresh {
				told = append(told, row.ID)
				index.Put(row.ID, cdc.Entry{Raw: row.RawHash})
			}
		}
		n := len(v.records)
		if len(told) != n || !slices.IsSortedFunc(told, cdc.ID.Compare) {
			t.Fatalf("%d of %d rows told", len(told), n)
		}
		pos, stride := sweep.Position(), limit-overlap
		if most := (max(n-overlap, 0)+stride-1)/stride + 1; pos.Calls > most || pos.Rows != n {
			t.Fatalf("%+v for %d rows, want at most %d calls", pos, n, most)
		}
	})
}
