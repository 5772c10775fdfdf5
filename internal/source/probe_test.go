package source

import (
	"math/bits"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/cdc"
)

// sweepCalls is how many calls a sweep of a quiet listing takes.
func sweepCalls(t *testing.T, rows, pageSize int) (calls int) {
	t.Helper()
	sweep := cdc.NewSweep(cdc.SweepPosition{}, pageSize, sweepOverlap, false)
	for {
		req, more := sweep.Next()
		if !more {
			return calls
		}
		var page []cdc.Sighting
		for i := req.Offset; i < min(req.Offset+req.Limit, rows); i++ {
			page = append(page, cdc.Sighting{ID: cdc.ID{byte(i >> 16), byte(i >> 8), byte(i), 1}})
		}
		if _, _, err := sweep.Page(page, nil, nil); err != nil {
			t.Fatal(err)
		}
		calls++
	}
}

// What is planned is what a sweep takes, whatever the size, and the questions
// are few.
func TestProbeKnowsWhatASweepTakes(t *testing.T) {
	t.Parallel()
	for _, pageSize := range []int{2, 10, 100} {
		for rows := range 250 {
			want := sweepCalls(t, rows, pageSize)
			if got := callsOf(rows, pageSize); got != want {
				t.Fatalf("%d rows in pages of %d: %d calls are computed, a sweep takes %d", rows, pageSize, got, want)
			}
			for _, offset := range []int{0, rows / 2 / (pageSize - 1) * (pageSize - 1)} { // fresh, and gone on with in the middle
				p, questions := newProbe(pageSize, offset), 0
				for {
					at, more := p.next()
					if !more {
						break
					}
					questions++
					p.answer(at < rows)
				}
				if most := 2*bits.Len(uint(want)) + 1; p.calls() != want || questions > most {
					t.Fatalf("%d rows in pages of %d from %d: %d calls are planned by %d questions, want %d by at most %d", rows, pageSize, offset, p.calls(), questions, want, most)
				}
			}
		}
	}
}

// A listing that ignores offsets shows a row at every place: nobody knows how
// long it is, and that is found out soon.
func TestProbeGivesUp(t *testing.T) {
	t.Parallel()
	p := newProbe(2000, 0)
	for questions := 0; ; questions++ {
		if _, more := p.next(); !more {
			break
		}
		if questions > 20 {
			t.Fatalf("%d questions and more", questions)
		}
		p.answer(true)
	}
	if n := p.calls(); n != 0 {
		t.Errorf("%d calls are planned for a listing without an end", n)
	}
}
