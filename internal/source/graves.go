package source

import (
	"time"

	"github.com/planhat-bridge/planhat-bridge/cdc"
)

// maxGraves bounds what is remembered of deleted records.
const maxGraves = 10_000

// grave is what is remembered of a record whose delete was written. A part of
// the vendor that lags behind may still show it: as it was, or as it was before.
type grave struct {
	stamp int64
	died  time.Time
	shown time.Time // when the first sweep in a row began that showed it; zero: the last one did not
}

// bury remembers a record that was deleted.
func (s *stream) bury(id cdc.ID, e cdc.Entry, now time.Time) {
	if s.graves == nil {
		s.graves = map[cdc.ID]grave{}
	}
	if len(s.graves) >= maxGraves {
		for other := range s.graves { // one of them, not all
			delete(s.graves, other)
			break
		}
	}
	s.graves[id] = grave{stamp: e.Stamp, died: now}
}

// ghost says that a row shows a record that was deleted, and is not news: its
// stamp is not newer than what was deleted, or it has none. A record that comes
// back as it was is believed when the next sweep shows it, too.
func (s *stream) ghost(row cdc.Sighting) bool {
	g, deleted := s.graves[row.ID]
	if !deleted {
		return false
	}
	again := s.scan.sweep != nil && s.scan.delta == nil && !g.shown.IsZero() && g.shown.Before(s.schedule.swept)
	if again || row.Facts.HasStamp && row.Facts.Stamp > g.stamp {
		delete(s.graves, row.ID)
		return false
	}
	if s.scan.sweep != nil && s.scan.delta == nil && g.shown.IsZero() {
		g.shown = s.schedule.swept
		s.graves[row.ID] = g
	}
	return true
}

// graveTime is how long a deleted record that is not shown again is remembered.
const graveTime = time.Hour

// visitGraves ends a sweep: what is long gone is forgotten, and what the sweep did
// not show has to be shown twice again.
func (s *stream) visitGraves(now time.Time) {
	for id, g := range s.graves {
		switch {
		case g.shown.IsZero() && now.Sub(g.died) > max(graveTime, 2*s.schedule.sweepEvery):
			delete(s.graves, id)
		case g.shown.Before(s.schedule.swept):
			g.shown = time.Time{}
			s.graves[id] = g
		}
	}
}
