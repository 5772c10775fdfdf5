package source

import (
	"time"

	"github.com/planhat-bridge/planhat-bridge/cdc"
)

// mark finds the watermark of the first delta poll in the rows of a snapshot,
// which costs no call. Whatever the snapshot does not show was edited after its
// first page was answered. That moment, by the vendor's clock, is no earlier
// than any stamp on that page; and no earlier than any stamp of the whole
// snapshot less the time that the snapshot took.
type mark struct {
	asked  time.Time // when the first page was asked for; zero: by an earlier process
	newest int64     // newest stamp seen that is not of the future
}

// markRows takes the stamps of a page of a snapshot. date is the vendor's time of the
// page, asked when it was asked for, first whether it is the sweep's first.
func (s *stream) markRows(rows []cdc.Sighting, date, asked time.Time, first bool) {
	if !s.stamped || s.cursor.SnapshotDone {
		return
	}
	for _, row := range rows {
		if row.Facts.HasStamp && !ofTheFuture(row, date) {
			s.scan.mark.newest = max(s.scan.mark.newest, row.Facts.Stamp)
		}
	}
	if !first {
		return
	}
	s.scan.mark.asked = asked
	s.cursor.Watermark = s.scan.mark.newest
	if len(rows) == 0 {
		s.cursor.Watermark = 1 // an empty listing: whatever comes is newer
	}
}

// markWhole keeps the watermark up while sweeps of one page find all changes, for
// the day on which the listing needs polls: a page that is the whole listing shows
// what was edited before it was answered.
func (s *stream) markWhole(rows []cdc.Sighting, date time.Time) {
	if !s.stamped || !s.cursor.SnapshotDone {
		return
	}
	for _, row := range rows {
		if row.Facts.HasStamp && !ofTheFuture(row, date) {
			s.cursor.Watermark = max(s.cursor.Watermark, row.Facts.Stamp)
		}
	}
}

// ofTheFuture tells whether a row's stamp is ahead of the vendor's own time.
func ofTheFuture(row cdc.Sighting, date time.Time) bool {
	return !date.IsZero() && row.Facts.Stamp > date.Add(futureTolerance).UnixMilli()
}

// markSnapshot sets the watermark at the end of the first sweep. It is safe
// without this, too, but may lie far back, with many rows above it.
func (s *stream) markSnapshot(now time.Time) {
	s.schedule.quiet = true
	if m := s.scan.mark; !m.asked.IsZero() && s.cursor.Watermark > 0 {
		took := now.Sub(m.asked) + futureTolerance
		s.cursor.Watermark = max(s.cursor.Watermark, m.newest-took.Milliseconds())
	}
}
