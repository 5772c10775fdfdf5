package account

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

func entryAt(offset int64) cdc.Entry { return cdc.Entry{Offset: offset, Stamp: 1} }

// A sweep over pages of any size names exactly the records that the index holds
// and the listing does not, of the part that each belongs to.
func TestASweepFindsWhatIsGone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := newObject(pipedrive.Object(rapid.SampledFrom([]string{"deal", "person", "note"}).Draw(t, "object")))
		o.PageSize = rapid.IntRange(2, 9).Draw(t, "page")
		index := cdc.NewIndex()
		listed := make([][]int64, len(o.live))
		var want, got []cdc.ID
		for id := range int64(rapid.IntRange(0, 40).Draw(t, "records")) {
			p := rapid.IntRange(0, len(o.live)-1).Draw(t, "part")
			known, shown := rapid.Bool().Draw(t, "known"), rapid.Bool().Draw(t, "shown")
			if known {
				index.Put(idOf(id+1), cdc.Entry{Archived: o.live[p].archived})
			}
			if shown {
				listed[p] = append(listed[p], id+1)
			}
			if known && !shown {
				want = append(want, idOf(id+1))
			}
		}
		place := &sweepPlace{}
		for calls := 0; ; calls++ {
			if calls > 100 {
				t.Fatal("it does not end")
			}
			page := pageOf(o, listed[place.Part], place.request(o))
			missing, done, err := place.take(o, page, index)
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, missing...); done {
				break
			}
		}
		slices.SortFunc(got, cdc.ID.Compare)
		if !slices.Equal(got, want) {
			t.Fatalf("found %v gone, want %v", got, want)
		}
	})
}

// pageOf is the page of a listing, sorted by id, that some options ask for.
func pageOf(o *object, ids []int64, opts pipedrive.ListOptions) (page pipedrive.Page) {
	start := opts.Start
	if !o.offset() && opts.Cursor != "" {
		after, _ := parseNumber(opts.Cursor)
		start, _ = slices.BinarySearch(ids, after+1)
	}
	end := min(start+opts.Limit, len(ids))
	for _, id := range ids[min(start, end):end] {
		page.Rows = append(page.Rows, pipedrive.Row{ID: id})
	}
	if page.More = end < len(ids); page.More {
		page.NextStart = end
		if !o.offset() {
			page.Next = decimal(idOf(ids[end-1]))
		}
	}
	return page
}

func TestASweepRefusesDisorder(t *testing.T) {
	t.Parallel()
	o := newObject(pipedrive.Deal)
	_, _, err := (&sweepPlace{Last: idOf(5)}).take(o, pipedrive.Page{Rows: []pipedrive.Row{{ID: 5}}}, cdc.NewIndex())
	if !errors.Is(err, cdc.ErrOrder) {
		t.Errorf("a row twice: %v", err)
	}
}

// A row that changes while a listing by offset is read moves others up: pages have
// to join.
func TestRecentPagesJoin(t *testing.T) {
	t.Parallel()
	o := newObject(pipedrive.Note)
	rows := func(from, to int64) (out []pipedrive.Row) {
		for id := from; id <= to; id++ {
			out = append(out, pipedrive.Row{ID: id})
		}
		return out
	}
	r := &recent{}
	if done, err := r.take(o, pipedrive.Page{Rows: rows(1, 30), More: true}); done || err != nil || r.start != 20 {
		t.Fatalf("done %v, %v, at %d", done, err, r.start)
	}
	moved := *r
	if _, err := moved.take(o, pipedrive.Page{Rows: rows(31, 50), More: true}); !errors.Is(err, errMoved) {
		t.Errorf("a gap: %v", err)
	}
	if done, err := r.take(o, pipedrive.Page{Rows: rows(21, 44)}); !done || err != nil {
		t.Errorf("the last page: done %v, %v", done, err)
	}
	r.limit = 100
	if r.see(90); r.newest != 90 {
		t.Errorf("newest %d", r.newest)
	}
	if r.see(101); r.newest != 90 {
		t.Errorf("a stamp of the future is taken for a watermark: %d", r.newest)
	}
}
