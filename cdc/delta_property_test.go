package cdc_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/planhat-bridge/planhat-bridge/cdc"
)

// capture is what a reader of deltas knows of a moving listing.
type capture struct {
	*rapid.T
	v      *vendor
	known  map[cdc.ID]int // version
	mark   int64
	events int  // how many may still happen
	calm   bool // every write has its own stamp, and nothing is deleted
}

// Every record written since the watermark is fresh, or a sweep is due.
func TestDeltaOfMovingListing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := newCapture(rt, false)
		limit := rapid.IntRange(1, 10).Draw(rt, "limit")
		overlap := rapid.IntRange(0, limit).Draw(rt, "overlap")
		for range rapid.IntRange(1, 4).Draw(rt, "scans") {
			c.happen(20)
			c.scan(limit, overlap, 3)
		}
		c.events = 0
		if c.scan(limit, overlap, 0); c.missing() != nil {
			rt.Fatalf("record %s is not known after a quiet scan", c.missing().id)
		}
	})
}

// While nothing is deleted and stamps differ, a few writes between two pages
// give no false alarm.
func TestDeltaGivesNoFalseAlarm(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := newCapture(rt, true)
		limit := rapid.IntRange(8, 14).Draw(rt, "limit")
		overlap := rapid.IntRange(1, limit-5).Draw(rt, "overlap")
		for range rapid.IntRange(1, 4).Draw(rt, "scans") {
			c.happen(40)
			if out := c.scan(limit, overlap, 2); out.SweepDue {
				rt.Fatalf("outcome %+v", out)
			}
		}
	})
}

// newCapture has read all records and has a watermark.
func newCapture(t *rapid.T, calm bool) *capture {
	c := &capture{T: t, known: map[cdc.ID]int{}, events: 200, calm: calm}
	c.v = newVendor(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(0, 50).Draw(t, "records"))
	first := cdc.NewDelta(0, 1, 0)
	request, _ := first.Next()
	if _, err := first.Page(c.v.pageByStamp(request)); err != nil {
		t.Fatal(err)
	}
	c.mark = first.Outcome().Watermark
	c.sweep()
	return c
}

// sweep learns everything, as a real one does.
func (c *capture) sweep() {
	for _, r := range c.v.byID() {
		c.known[r.id] = r.version
	}
}

// scan makes one delta, with writes between its pages.
func (c *capture) scan(limit, overlap, writes int) cdc.DeltaOutcome {
	owed := map[cdc.ID]int{}
	for _, r := range c.v.byID() {
		if c.known[r.id] != r.version {
			owed[r.id] = r.version
		}
	}
	size := len(c.v.records)
	delta := cdc.NewDelta(c.mark, limit, overlap)
	for calls := 0; ; calls++ {
		request, more := delta.Next()
		if !more {
			break
		}
		if calls > 10*(size+c.events+10) {
			c.Fatalf("no end after %d calls", calls)
		}
		fresh, err := delta.Page(c.v.pageByStamp(request))
		if err != nil {
			c.Fatal(err)
		}
		for _, row := range fresh {
			if r := c.v.records[row.ID]; r != nil && row.RawHash == r.sighting().RawHash {
				c.known[row.ID] = r.version
			}
			delete(owed, row.ID)
		}
		c.happen(writes)
	}
	out := delta.Outcome()
	if out.Watermark < c.mark {
		c.Fatalf("the watermark went back from %d to %d", c.mark, out.Watermark)
	}
	c.mark = out.Watermark
	for id, version := range owed {
		if r := c.v.records[id]; r != nil && r.version == version && !out.SweepDue {
			c.Fatalf("record %s was written before the scan, but is not fresh; limit %d, overlap %d", id, limit, overlap)
		}
	}
	if out.SweepDue {
		c.sweep()
	}
	return out
}

// missing is a record whose last version is not known, nil if there is none.
func (c *capture) missing() *record {
	for _, r := range c.v.byID() {
		if c.known[r.id] != r.version {
			return r
		}
	}
	return nil
}

// happen lets some things happen at the vendor.
func (c *capture) happen(most int) {
	v := c.v
	for range v.random.IntN(most + 1) {
		if c.events--; c.events < 0 {
			return
		}
		if v.clock += v.random.Int64N(2); c.calm {
			v.clock++
		}
		r := v.any()
		switch kind := v.random.IntN(8); {
		case kind < 2 || r == nil:
			v.insert(v.random.IntN(2) == 0)
		case kind == 2 && !c.calm:
			v.delete(r)
		case kind == 3 && !c.calm: // a bulk write: many equal stamps
			for range v.random.IntN(8) {
				v.edit(v.any())
			}
		case kind == 4 && !c.calm: // the newest ones go
			for _, row := range v.pageByStamp(cdc.Request{Limit: v.random.IntN(8)}) {
				v.delete(v.records[row.ID])
			}
		default:
			v.edit(r)
		}
	}
}
