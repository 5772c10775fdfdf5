package cdc_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/cdc"
)

// at makes rows from pairs of id number and stamp; stamp 0 = none.
func at(pairs ...int) []cdc.Sighting {
	var rows []cdc.Sighting
	for i := 0; i < len(pairs); i += 2 {
		row := (&record{id: id(pairs[i]), stamp: int64(pairs[i+1]), version: pairs[i+1]}).sighting()
		row.Facts.HasStamp = pairs[i+1] != 0
		rows = append(rows, row)
	}
	return rows
}

// respelled is the same row in other bytes.
func respelled(row cdc.Sighting) cdc.Sighting {
	row.Raw = append([]byte(" "), row.Raw...)
	row.RawHash = cdc.RawHash(row.Raw)
	return row
}

type deltaStep struct {
	offset int
	rows   []cdc.Sighting
	fresh  []int
}

func TestDeltaStories(t *testing.T) {
	tests := []struct {
		name      string
		watermark int64 // limit is 4, overlap 2
		steps     []deltaStep
		want      cdc.DeltaOutcome
	}{
		{"without a watermark one page defines it", 0, []deltaStep{{0, at(1, 9, 2, 8, 3, 7, 4, 6), []int{1, 2, 3, 4}}}, cdc.DeltaOutcome{Watermark: 9}},
		{"an empty listing defines one", 0, []deltaStep{{0, nil, nil}}, cdc.DeltaOutcome{Watermark: 1}},
		{"nothing new", 9, []deltaStep{{0, at(1, 9, 2, 8, 3, 7, 4, 6), []int{1, 2, 3, 4}}}, cdc.DeltaOutcome{Watermark: 9}},
		{"everything is gone", 9, []deltaStep{{0, nil, nil}}, cdc.DeltaOutcome{Watermark: 9}},
		{"an equal stamp does not end it", 6, []deltaStep{
			{0, at(1, 9, 2, 8, 3, 7, 4, 6), []int{1, 2, 3, 4}},
			{2, at(3, 7, 4, 6, 5, 5, 6, 4), []int{5, 6}},
		}, cdc.DeltaOutcome{Watermark: 9}},
		{"a short page ends it", 1, []deltaStep{{0, at(1, 9, 2, 8, 3, 7), []int{1, 2, 3}}}, cdc.DeltaOutcome{Watermark: 9}},
		{"the first page gives the watermark", 5, []deltaStep{
			{0, at(1, 9, 2, 8, 3, 7, 4, 6), []int{1, 2, 3, 4}},
			{2, at(2, 8, 3, 7, 4, 6, 5, 4), []int{5}}, // an edit pushed all down by one
		}, cdc.DeltaOutcome{Watermark: 9}},
		{"a row of the overlap with other bytes is fresh again", 1, []deltaStep{
			{0, at(1, 9, 2, 8, 3, 7, 4, 6), []int{1, 2, 3, 4}},
			{2, append(at(3, 7), respelled(at(4, 6)[0])), []int{4}},
		}, cdc.DeltaOutcome{Watermark: 9}},
		{"moved down by a page", 5, []deltaStep{
			{0, at(1, 9, 2, 8, 3, 7, 4, 6), []int{1, 2, 3, 4}},
			{2, at(11, 14, 12, 13, 13, 12, 14, 11), []int{11, 12, 13, 14}},
			{4, at(14, 11, 1, 9, 2, 8, 3, 7), []int{14}}, // row 14 again: the former page is still the first
			{6, at(2, 8, 3, 7, 4, 6, 5, 4), []int{5}},
		}, cdc.DeltaOutcome{Watermark: 9}},
		{"one row of the overlap is left", 5, []deltaStep{
			{0, at(1, 9, 2, 8, 3, 7, 4, 6), []int{1, 2, 3, 4}},
			{2, at(3, 7, 5, 4), []int{5}},
		}, cdc.DeltaOutcome{Watermark: 9}},

		{"a row without stamp", 5, []deltaStep{{0, at(1, 9, 2, 0, 3, 7), []int{1, 2, 3}}}, cdc.DeltaOutcome{Watermark: 9, SweepDue: true, Reason: cdc.ReasonNoStamp}},
		{"no stamps at all", 0, []deltaStep{{0, at(1, 0), []int{1}}}, cdc.DeltaOutcome{SweepDue: true, Reason: cdc.ReasonNoStamp}},
		{"out of order", 5, []deltaStep{{0, at(1, 7, 2, 9, 3, 4), []int{1, 2, 3}}}, cdc.DeltaOutcome{Watermark: 9, SweepDue: true, Reason: cdc.ReasonOrder}},
		{"the overlap is gone", 5, []deltaStep{
			{0, at(1, 9, 2, 8, 3, 7, 4, 6), []int{1, 2, 3, 4}},
			{2, at(6, 5, 7, 4), []int{6, 7}},
		}, cdc.DeltaOutcome{Watermark: 9, SweepDue: true, Reason: cdc.ReasonOverlap}},
		{"nobody knows the overlap", 5, []deltaStep{
			{0, at(1, 9, 2, 8, 3, 7, 4, 5), []int{1, 2, 3, 4}},
			{2, at(16, 7, 17, 6, 18, 5, 19, 4), []int{16, 17, 18, 19}},
		}, cdc.DeltaOutcome{Watermark: 9, SweepDue: true, Reason: cdc.ReasonOverlap}},
		{"a row of the overlap with another stamp proves nothing", 5, []deltaStep{
			{0, at(1, 9, 2, 8, 3, 7, 4, 6), []int{1, 2, 3, 4}},
			{2, at(4, 5, 7, 4), []int{4, 7}},
		}, cdc.DeltaOutcome{Watermark: 9, SweepDue: true, Reason: cdc.ReasonOverlap}},
		{"an empty page instead of the overlap", 5, []deltaStep{
			{0, at(1, 9, 2, 8, 3, 7, 4, 6), []int{1, 2, 3, 4}},
			{2, nil, nil},
		}, cdc.DeltaOutcome{Watermark: 9, SweepDue: true, Reason: cdc.ReasonOverlap}},
		{"a border inside a run of equal stamps", 5, []deltaStep{
			{0, at(1, 9, 2, 6, 3, 6, 4, 6), []int{1, 2, 3, 4}},
			{2, at(3, 6, 4, 6, 5, 6, 6, 4), []int{5, 6}},
		}, cdc.DeltaOutcome{Watermark: 9, SweepDue: true, Reason: cdc.ReasonEqualStamps}},
		{"the overlap covers the run", 5, []deltaStep{
			{0, at(1, 9, 2, 8, 3, 7, 4, 6), []int{1, 2, 3, 4}},
			{2, at(3, 7, 5, 6, 4, 6, 6, 4), []int{5, 6}},
		}, cdc.DeltaOutcome{Watermark: 9}},
		{"the watermark never goes back", 50, []deltaStep{{0, at(1, 9), []int{1}}}, cdc.DeltaOutcome{Watermark: 50}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			delta := cdc.NewDelta(test.watermark, 4, 2)
			for i, step := range test.steps {
				if out := delta.Outcome(); out != (cdc.DeltaOutcome{Watermark: test.watermark}) {
					t.Errorf("step %d: outcome before the end is %+v", i, out)
				}
				request, more := delta.Next()
				if want := (cdc.Request{Offset: step.offset, Limit: 4}); !more || request != want {
					t.Fatalf("step %d: asks for %+v %v, want %+v", i, request, more, want)
				}
				fresh, err := delta.Page(step.rows)
				if err != nil {
					t.Fatal(err)
				}
				if got := idsOf(fresh); !slices.Equal(got, ids(step.fresh...)) {
					t.Errorf("step %d: fresh %v", i, got)
				}
			}
			if request, more := delta.Next(); more {
				t.Errorf("it asks for %+v after the last step", request)
			}
			if out := delta.Outcome(); out != test.want {
				t.Errorf("outcome %+v, want %+v", out, test.want)
			}
			if _, err := delta.Page(nil); !errors.Is(err, cdc.ErrFinished) {
				t.Errorf("a page after the end: %v", err)
			}
		})
	}
}

func TestDeltaStalls(t *testing.T) {
	tests := map[string]func(n int) []cdc.Sighting{
		"offset ignored":             func(int) []cdc.Sighting { return at(1, 9, 2, 8, 3, 7, 4, 6) },
		"changes faster than a scan": func(n int) []cdc.Sighting { n *= 10; return at(n, n+9, n+1, n+8, n+2, n+7, n+3, n+6) },
	}
	for name, list := range tests {
		delta := cdc.NewDelta(1, 4, 2)
		for n := 0; ; n++ {
			if _, more := delta.Next(); !more {
				break
			}
			if n > 20 {
				t.Fatalf("%s: no end", name)
			}
			if _, err := delta.Page(list(n)); err != nil {
				t.Fatal(err)
			}
		}
		if out := delta.Outcome(); out.Reason != cdc.ReasonStalled || !out.SweepDue {
			t.Errorf("%s: %+v", name, out)
		}
	}
}

func TestDeltaCeiling(t *testing.T) {
	delta := cdc.NewDelta(5, 4, 2)
	delta.SetCeiling(100)
	if _, err := delta.Page(at(1, 4_000_000, 2, 8, 3, 4)); err != nil {
		t.Fatal(err)
	}
	if out := delta.Outcome(); out != (cdc.DeltaOutcome{Watermark: 8}) {
		t.Errorf("outcome %+v", out)
	}
}

func TestDeltaArguments(t *testing.T) {
	if request, _ := cdc.NewDelta(0, 1, 50).Next(); request != (cdc.Request{Limit: 1}) {
		t.Errorf("request %+v", request)
	}
	delta := cdc.NewDelta(1, 1, 0) // a page of one row can prove nothing
	for n, more := 0, true; more; n++ {
		if n > 5 {
			t.Fatal("no end")
		}
		if _, err := delta.Page(at(9-n, 9-n)); err != nil {
			t.Fatal(err)
		}
		_, more = delta.Next()
	}
	if out := delta.Outcome(); out.Reason != cdc.ReasonOverlap {
		t.Errorf("outcome %+v", out)
	}
}
