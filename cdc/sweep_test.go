package cdc_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/cdc"
)

func rowsOf(numbers ...int) []cdc.Sighting {
	var rows []cdc.Sighting
	for _, n := range numbers {
		rows = append(rows, (&record{id: id(n), stamp: int64(n), version: 1}).sighting())
	}
	return rows
}

// sweepStep is one page of a sweep told as a story.
type sweepStep struct {
	offset     int
	rows       []int
	fresh      []int
	candidates []int
}

func TestSweepStories(t *testing.T) {
	tests := []struct {
		name  string
		index []int // limit is 4, overlap 1
		steps []sweepStep
	}{
		{"empty listing", []int{1, 2}, []sweepStep{{0, nil, nil, nil}, {0, nil, nil, []int{1, 2}}}},
		{"short page", []int{1, 3}, []sweepStep{{0, []int{1, 2}, []int{1, 2}, nil}, {1, []int{2}, []int{2}, []int{3}}}},
		{"a page that is cut short", []int{1, 2, 3, 4, 5}, []sweepStep{
			{0, []int{1, 2}, []int{1, 2}, nil}, // the listing goes on, as the next page shows
			{1, []int{2, 3, 4, 5}, []int{2, 3, 4, 5}, nil},
			{4, []int{5}, []int{5}, nil},
		}},
		{"two pages that are cut short", []int{1, 2, 3, 4, 5, 6}, []sweepStep{
			{0, nil, nil, nil},
			{0, []int{1, 2}, []int{1, 2}, nil},
			{1, []int{2, 3, 4}, []int{2, 3, 4}, nil},
			{3, []int{4, 5}, []int{4, 5}, nil},
			{4, []int{5}, []int{5}, []int{6}},
		}},
		{"a full page is followed by one more", nil, []sweepStep{{0, []int{1, 2, 3, 4}, []int{1, 2, 3, 4}, nil}, {3, []int{4}, []int{4}, nil}}},
		{"deletes before, between and behind", []int{1, 2, 4, 6, 9, 12}, []sweepStep{
			{0, []int{2, 3, 5, 7}, []int{2, 3, 5, 7}, []int{1, 4, 6}},
			{3, []int{7, 8, 10}, []int{7, 8, 10}, []int{9}},
			{5, []int{10}, []int{10}, []int{12}},
		}},
		{"the border record is deleted", []int{4}, []sweepStep{
			{0, []int{1, 2, 3, 4}, []int{1, 2, 3, 4}, nil},
			{3, []int{5, 6, 7, 8}, nil, nil}, // 4 is gone: could 5 be hidden? not told yet
			{2, []int{3, 5, 6, 7}, []int{3, 5, 6, 7}, nil},
			{5, []int{7, 8}, []int{7, 8}, nil},
		}},
		{"each row of steps back begins small", nil, []sweepStep{
			{0, []int{1, 2, 3, 4}, []int{1, 2, 3, 4}, nil},
			{3, []int{5, 6, 7, 8}, nil, nil},
			{2, []int{3, 5, 6, 7}, []int{3, 5, 6, 7}, nil},
			{5, []int{8, 9, 10, 11}, nil, nil},
			{4, []int{6, 8, 9, 10}, []int{6, 8, 9, 10}, nil},
			{7, []int{10}, []int{10}, nil},
		}},
		{"an empty page proves nothing", []int{5}, []sweepStep{
			{0, []int{1, 2, 3, 4}, []int{1, 2, 3, 4}, nil},
			{3, nil, nil, nil}, // 1 and 2 are gone, 5 moved up
			{2, []int{5}, nil, nil},
			{0, []int{3, 4, 5}, []int{3, 4, 5}, nil},
		}},
		{"all read records are deleted", []int{6}, []sweepStep{
			{0, []int{1, 2, 3, 4}, []int{1, 2, 3, 4}, nil},
			{3, nil, nil, nil},
			{2, nil, nil, nil},
			{0, []int{5}, []int{5}, nil},
			{0, []int{5}, []int{5}, []int{6}},
		}},
		{"records appear before the page", []int{3}, []sweepStep{
			{0, []int{5, 6, 7, 8}, []int{5, 6, 7, 8}, []int{3}},
			{3, []int{2, 5, 6, 7}, []int{2, 5, 6, 7}, nil},
			{6, []int{7, 8, 9}, []int{7, 8, 9}, nil},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			index := cdc.NewIndex()
			for _, n := range test.index {
				index.Put(id(n), cdc.Entry{})
			}
			sweep := cdc.NewSweep(cdc.SweepPosition{}, 4, 1, false)
			for i, step := range test.steps {
				request, more := sweep.Next()
				if want := (cdc.Request{Offset: step.offset, Limit: 4}); !more || request != want {
					t.Fatalf("step %d: asks for %+v %v, want %+v", i, request, more, want)
				}
				fresh, candidates, err := sweep.Page(rowsOf(step.rows...), index, nil)
				if err != nil {
					t.Fatal(err)
				}
				if got := idsOf(fresh); !slices.Equal(got, ids(step.fresh...)) {
					t.Errorf("step %d: fresh %v", i, got)
				}
				if !slices.Equal(candidates, ids(step.candidates...)) {
					t.Errorf("step %d: candidates %v", i, candidates)
				}
			}
			if request, more := sweep.Next(); more {
				t.Errorf("it asks for %+v after the last step", request)
			}
			if _, _, err := sweep.Page(nil, index, nil); !errors.Is(err, cdc.ErrFinished) {
				t.Errorf("a page after the end: %v", err)
			}
		})
	}
}

func idsOf(rows []cdc.Sighting) []cdc.ID {
	var got []cdc.ID
	for _, row := range rows {
		got = append(got, row.ID)
	}
	return got
}

func TestSweepSkipsBytesItKnows(t *testing.T) {
	index, rows := cdc.NewIndex(), rowsOf(1, 2, 3)
	index.Put(id(1), cdc.Entry{Raw: rows[0].RawHash})
	index.Put(id(2), cdc.Entry{Raw: rows[0].RawHash})
	index.Put(id(3), cdc.Entry{})
	fresh, _, err := cdc.NewSweep(cdc.SweepPosition{}, 10, 1, false).Page(rows, index, nil)
	if err != nil || !slices.Equal(idsOf(fresh), ids(2, 3)) {
		t.Errorf("fresh %v, %v", idsOf(fresh), err)
	}
}

func TestSweepCandidatesByArchivedFlag(t *testing.T) {
	index := cdc.NewIndex()
	index.Put(id(1), cdc.Entry{Archived: true})
	index.Put(id(2), cdc.Entry{})
	for archived, want := range map[bool][]cdc.ID{true: ids(1), false: ids(2)} {
		sweep := cdc.NewSweep(cdc.SweepPosition{}, 10, 1, archived)
		if request, _ := sweep.Next(); request.Archived != archived {
			t.Errorf("request %+v", request)
		}
		if _, early, err := sweep.Page(nil, index, nil); err != nil || len(early) > 0 {
			t.Errorf("archived %v: candidates %v of one empty page, %v", archived, early, err)
		}
		_, candidates, err := sweep.Page(nil, index, nil)
		if err != nil || !slices.Equal(candidates, want) {
			t.Errorf("archived %v: candidates %v, %v", archived, candidates, err)
		}
	}
}

func TestSweepRefusesUnorderedPages(t *testing.T) {
	for _, numbers := range [][]int{{2, 1}, {1, 1}, {1, 3, 2}} {
		sweep := cdc.NewSweep(cdc.SweepPosition{}, 10, 1, false)
		before := sweep.Position()
		if _, _, err := sweep.Page(rowsOf(numbers...), cdc.NewIndex(), nil); !errors.Is(err, cdc.ErrOrder) {
			t.Errorf("%v: %v", numbers, err)
		}
		if sweep.Position() != before {
			t.Errorf("%v: the sweep moved", numbers)
		}
	}
}

// A listing that ignores offsets must not be read for ever.
func TestSweepStalls(t *testing.T) {
	tests := map[string]func(cdc.Request) []cdc.Sighting{
		"offset ignored":     func(cdc.Request) []cdc.Sighting { return rowsOf(1, 2, 3, 4) },
		"rows only up front": func(q cdc.Request) []cdc.Sighting { return rowsOf(10-q.Offset%2, 20, 30, 40) },
	}
	for name, list := range tests {
		sweep := cdc.NewSweep(cdc.SweepPosition{}, 4, 1, false)
		var err error
		for calls := 0; err == nil; calls++ {
			if calls > 100 {
				t.Fatalf("%s: %d calls", name, calls)
			}
			request, more := sweep.Next()
			if !more {
				t.Fatalf("%s: it ends", name)
			}
			_, _, err = sweep.Page(list(request), cdc.NewIndex(), nil)
		}
		if !errors.Is(err, cdc.ErrStalled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSweepGoesOnElsewhere(t *testing.T) {
	pos := cdc.SweepPosition{Last: id(4), Offset: 30, Rows: 33, Calls: 9}
	if request, more := cdc.NewSweep(pos, 10, 1, false).Next(); !more || request != (cdc.Request{Offset: 30, Limit: 10}) {
		t.Errorf("request %+v %v", request, more)
	}
	if got := cdc.NewSweep(pos, 10, 1, true).Position(); got != (cdc.SweepPosition{Archived: true}) {
		t.Errorf("of the other listing: %+v", got)
	}
	pos.Done = true
	if _, more := cdc.NewSweep(pos, 10, 1, false).Next(); more {
		t.Error("a finished sweep asks for more")
	}
	pos = cdc.SweepPosition{Offset: -5}
	if request, _ := cdc.NewSweep(pos, 0, 99, false).Next(); request != (cdc.Request{Limit: 2}) {
		t.Errorf("odd arguments: %+v", request)
	}
}
