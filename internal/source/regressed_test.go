package source

import (
	"fmt"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// A row with an older stamp than was written is dropped, as a replica that lags may
// show it; after three sweeps in a row that show it, and nothing newer, it is the truth.
func TestAStampThatWentBack(t *testing.T) {
	t.Parallel()
	id := cdc.ID{0x66, 11: 7}
	const written = 1_772_700_000_000
	row := func(t *testing.T, s *stream, at int64, text string) cdc.Sighting {
		t.Helper()
		seen, err := cdc.Sight(id.String(), fmt.Appendf(nil, `{"_id":"%s","phase":%q,"updatedAt":%d}`, id, text, at))
		if err != nil {
			t.Fatal(err)
		}
		if err := seen.Inspect(&s.shape); err != nil {
			t.Fatal(err)
		}
		return seen
	}
	for name, c := range map[string]struct {
		shown string // by sweeps: o the old row, n the new one, p the old one by a poll, x another old one, - none
		want  int    // updates
	}{
		"dropped at first": {"oo", 0}, "believed": {"ooo", 1}, "believed once": {"ooooo", 1},
		"not by polls": {"ooppppp", 0}, "not by turns": {"oonoonoo", 0}, "not with gaps": {"oo-oo", 0}, "not different ones": {"oxoxo", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStreams(func(o planhat.Object) string { return string(o) }, map[string]bool{"company": true})[0]
			s.cursor.SnapshotDone = true
			s.index.Put(id, cdc.Entry{Fingerprint: 1, Stamp: written})
			updates := 0
			for _, c := range c.shown {
				s.sweeps++
				s.scan = scan{sweep: cdc.NewSweep(cdc.SweepPosition{}, 10, 1, false)}
				var seen cdc.Sighting
				switch c {
				case 'o', 'p':
					seen = row(t, s, written-600_000, "edited after the step")
				case 'x':
					seen = row(t, s, written-500_000, fmt.Sprint("another ", s.sweeps))
				case 'n':
					s.forgetRegressed()
					continue
				}
				if c == 'p' {
					s.scan.delta = cdc.NewDelta(1, 10, 2)
				}
				if c != '-' {
					if err := s.admitRow(seen); err != nil {
						t.Fatal(err)
					}
				}
				s.forgetRegressed()
				for _, done := range s.pending.changes {
					s.index.Put(id, done.entry)
					updates++
				}
				s.pending.reset()
			}
			if updates != c.want {
				t.Errorf("%d updates, want %d", updates, c.want)
			}
		})
	}
}

// However many stamps went back, all rows are believed in the end: what is
// remembered of some is not forgotten for others.
func TestManyStampsThatWentBack(t *testing.T) {
	t.Parallel()
	const rows = maxRegressed * 3 / 2
	s := &stream{}
	believed := map[cdc.ID]bool{}
	for range 2 * regressedSweeps {
		s.sweeps++
		s.scan = scan{sweep: cdc.NewSweep(cdc.SweepPosition{}, 10, 1, false)}
		for i := range rows {
			row := cdc.Sighting{ID: oldID(i), RawHash: 1}
			if !believed[row.ID] && s.wentBack(row) {
				believed[row.ID] = true
			}
		}
		s.forgetRegressed()
		if len(s.regressed) > maxRegressed {
			t.Fatalf("%d rows are remembered", len(s.regressed))
		}
	}
	if len(believed) != rows {
		t.Errorf("%d rows of %d are believed", len(believed), rows)
	}
}

// A full graveyard gives up one grave for a new one.
func TestGravesAreBounded(t *testing.T) {
	t.Parallel()
	s := &stream{}
	for i := range maxGraves + 100 {
		s.bury(oldID(i), cdc.Entry{}, time.Unix(1_800_000_000, 0))
	}
	if len(s.graves) != maxGraves {
		t.Errorf("%d graves, want %d", len(s.graves), maxGraves)
	}
}
