package source

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// Overlaps of pages: rows that are asked for twice so that a page border that
// moved between two requests is noticed.
const (
	sweepOverlap = 1
	deltaOverlap = 10
)

// quietPage is the page of a delta poll of which the one before found little: a
// full page of rows that are known costs the vendor, the network and us. If it
// does not reach the watermark, the poll begins anew with full pages.
const quietPage = 200

// futureTolerance is how far a stamp may be ahead of the vendor's own Date
// header before it is not trusted as a watermark.
const futureTolerance = time.Minute

// scan is what a stream is in the middle of. A delta poll that is due goes
// between two pages of a sweep.
type scan struct {
	delta   *cdc.Delta
	ceiling bool // the delta knows the vendor's time
	small   bool // the delta asks for small pages
	sweep   *cdc.Sweep
	confirm confirmation
	mark    mark
	// fresh are the rows of a delta's pages, newest first.
	fresh      []cdc.Sighting
	freshBytes int
	// unsaved are the pages of a sweep since its position was last written.
	unsaved int
	// listed and calls are the rows and pages of the part of a sweep before the
	// archived records.
	listed, calls int
}

// savePages is after how many pages without a change the position of a sweep
// is written: a long sweep has to survive what ends a short one.
const savePages = 20

// step makes at most one API call for the stream and returns whether there is
// nothing left to do for now.
func (w *workspace) step(ctx context.Context, s *stream) (done bool, err error) {
	now := w.now()
	if s.health.held {
		if _, err := w.checkPins(ctx, s); err != nil {
			return false, err
		}
		s.health.held = false
	}
	if err := w.identify(ctx, s); err != nil {
		return false, err
	}
	if s.reading.unplanned() {
		return false, w.stepPlan(ctx, s)
	}
	s.begin(now)
	s.schedule.rests = s.scan.delta == nil && s.scan.sweep == nil && !s.confirming(now)
	switch {
	case s.scan.delta != nil:
		err = w.stepDelta(ctx, s)
	case s.scan.sweep != nil:
		err = w.stepSweep(ctx, s)
	case s.confirming(now):
		if err = w.stepConfirm(ctx, s); err != nil {
			return false, confirmError{err}
		}
	}
	now = w.now()
	return s.scan.delta == nil && s.scan.sweep == nil && !s.sweepDue(now) && !s.confirming(now), err
}

// begin begins what is due.
func (s *stream) begin(now time.Time) {
	if s.scan.delta == nil && s.deltaDue(now) && !s.yields(now) {
		s.beginDelta(now)
		s.schedule.polled = true
	}
	if s.scan.sweep == nil && s.sweepDue(now) && !(s.schedule.owed && s.confirming(now)) {
		s.beginSweep(now)
	}
}

// yields gives what is not a poll its turn: where calls take longer than the
// freshness target allows, the next poll is always due, and would keep sweeps and
// deletes waiting for ever.
func (s *stream) yields(now time.Time) bool {
	polled := s.schedule.polled
	s.schedule.polled = false
	return polled && (s.scan.sweep != nil || s.sweepDue(now) || s.confirming(now))
}

func (s *stream) confirming(now time.Time) bool {
	return s.hasCandidates() && !now.Before(s.schedule.confirmAt)
}

// hasCandidates reports whether there are records to be asked for.
func (s *stream) hasCandidates() bool { return len(s.cursor.Candidates) > 0 && !s.cursor.Held }

// deltaDue reports whether a delta poll has to begin. The first one after a
// snapshot covers what was edited behind its sweep: see mark.
func (s *stream) deltaDue(now time.Time) bool {
	return s.polls() && s.cursor.SnapshotDone && !now.Before(s.schedule.deltaAt)
}

func (s *stream) beginDelta(now time.Time) {
	s.schedule.deltaAt = now.Add(stretched(s.schedule.interval(), s.schedule.stretch))
	limit := s.pageSize()
	if s.scan.small = s.schedule.quiet && limit > quietPage; s.scan.small {
		limit = quietPage
	}
	s.scan.ceiling = false
	s.scan.delta = cdc.NewDelta(s.cursor.Watermark, limit, deltaOverlap)
}

func (s *stream) sweepDue(now time.Time) bool {
	return s.cursor.Sweep != nil || !s.cursor.SnapshotDone || s.reread != nil || !now.Before(s.sweepTime())
}

func (s *stream) beginSweep(now time.Time) {
	var pos cdc.SweepPosition
	if s.cursor.Sweep != nil {
		pos = *s.cursor.Sweep
	} else {
		s.schedule.sweepAt = now.Add(s.schedule.sweepEvery)
		s.schedule.swept, s.schedule.settles = now, true
		s.forgetHeld()
		s.sweeps++
	}
	s.schedule.broken = false
	s.scan.confirm = confirmation{}
	s.scan.sweep = cdc.NewSweep(pos, s.pageSize(), sweepOverlap, pos.Archived)
}

func (s *stream) pageSize() int { return s.objects[0].spec.PageSize }

// page asks for a page; its rows are read into room, which may be nil.
func (w *workspace) page(ctx context.Context, s *stream, sort string, req cdc.Request, room []byte) (planhat.Page, error) {
	page, err := w.client.Page(ctx, s.objects[0].spec.Object, planhat.ListOptions{
		Sort: sort, Offset: req.Offset, Limit: req.Limit, Archived: req.Archived, CompanyIDs: s.filter, Buffer: room,
	})
	w.passed(PointPageRead)
	if err == nil && !w.tokenStands() {
		return planhat.Page{}, errTokenChanged
	}
	return page, err
}

// stepDelta asks for the next page of a delta poll. Its rows are held back to
// go out oldest first when the poll has ended, or as they are when there are
// too many of them; the watermark moves only with the end.
func (w *workspace) stepDelta(ctx context.Context, s *stream) error {
	req, more := s.scan.delta.Next()
	if more {
		if err := w.pollPage(ctx, s, req); err != nil {
			return err
		}
		_, more = s.scan.delta.Next()
		if more && s.scan.small {
			s.schedule.quiet = false
			s.scan.takeFresh()
			s.beginDelta(w.now())
			return nil
		}
		if more && s.scan.freshBytes < maxDeltaBytes {
			return nil
		}
	}
	changes, err := w.admitOldestFirst(ctx, s)
	if err != nil {
		return err
	}
	w.passed(PointPageAdmitted)
	if !more {
		s.schedule.quiet = changes < quietPage/2
		outcome := s.scan.delta.Outcome()
		if s.cursor.Watermark == 0 && outcome.Reason == "" { // one page was read: what is behind it is not known
			outcome.SweepDue, outcome.Reason = true, cdc.ReasonOverlap
		}
		s.cursor.Watermark = max(s.cursor.Watermark, outcome.Watermark)
		if outcome.SweepDue {
			s.cursor.SweepDue = outcome.Reason
			s.schedule.settles = false // only a sweep that begins after this poll settles it
		}
		s.scan.delta = nil
		s.health.lastScan = w.now()
	}
	return w.flush(ctx, s)
}

// pollPage reads one page of a delta poll.
func (w *workspace) pollPage(ctx context.Context, s *stream, req cdc.Request) error {
	page, err := w.page(ctx, s, "-"+s.shape.Stamp, req, nil) // its rows are held back
	if err != nil {
		return err
	}
	if !s.scan.ceiling && !page.Date.IsZero() {
		s.scan.delta.SetCeiling(page.Date.Add(futureTolerance).UnixMilli())
		s.scan.ceiling = true
	}
	rows, err := s.sight(nil, page.Rows)
	if err != nil {
		return err
	}
	if err := s.inspect(rows); err != nil {
		return err
	}
	if req.Offset == 0 {
		if err := w.familiar(ctx, s, rows); err != nil {
			return err
		}
	}
	s.listed(rows)
	fresh, err := s.scan.delta.Page(rows)
	s.scan.fresh = append(s.scan.fresh, fresh...)
	for _, row := range fresh {
		s.scan.freshBytes += len(row.Raw)
	}
	return err
}

// takeFresh ends the holding back of a poll's rows.
func (sc *scan) takeFresh() []cdc.Sighting {
	rows := sc.fresh
	sc.fresh, sc.freshBytes = nil, 0
	return rows
}

func (w *workspace) admitOldestFirst(ctx context.Context, s *stream) (changes int, err error) {
	rows := s.scan.takeFresh()
	slices.Reverse(rows)
	return w.admit(ctx, s, rows)
}

// stepSweep asks for the next page of a sweep.
func (w *workspace) stepSweep(ctx context.Context, s *stream) error {
	req, more := s.scan.sweep.Next()
	if more {
		asked := w.now()
		page, err := w.page(ctx, s, "_id", req, w.room.take())
		if err != nil {
			return err
		}
		if err := w.admitSweepPage(ctx, s, page, asked); err != nil {
			return err
		}
		w.passed(PointPageAdmitted)
		if _, more = s.scan.sweep.Next(); more && len(s.pending.changes) == 0 {
			w.room.page = page.Buffer // nothing of it is needed any more
		}
	}
	if !more {
		return w.endSweep(ctx, s)
	}
	pos := s.scan.sweep.Position()
	s.cursor.Sweep = &pos
	w.tellReread(s, pos)
	if s.scan.unsaved++; len(s.pending.changes) > 0 || s.scan.unsaved >= savePages {
		return w.flush(ctx, s)
	}
	return nil
}

// progressEvery is how often a snapshot says how far it is.
const progressEvery = 10 * time.Second

// tellReread says how far a re-read is that a signal asked for.
func (w *workspace) tellReread(s *stream, pos cdc.SweepPosition) {
	now := w.now()
	if s.reread == nil || now.Sub(s.health.progress) < progressEvery {
		return
	}
	s.health.progress = now
	records, calls := s.scan.listed+pos.Rows, s.scan.calls+pos.Calls
	w.notify(schemas.Notification{
		Kind: schemas.NotifySnapshotProgress, Stream: s.listing, ID: s.reread.Signal, Message: fmt.Sprintf("%d records are read", records),
		Snapshot: &schemas.SnapshotProgress{Records: records, Calls: calls, RecordsExpected: s.index.Len(), CallsExpected: s.pages()},
	})
	w.log.Info("records are read again", "workspace", w.cfg.Name, "stream", s.listing, "records", records, "calls", calls)
}

func (w *workspace) admitSweepPage(ctx context.Context, s *stream, page planhat.Page, asked time.Time) error {
	seen, err := s.sight(w.room.rows[:0], page.Rows)
	if err != nil {
		return err
	}
	w.room.rows = seen // the sweep copies what it keeps
	pos := s.scan.sweep.Position()
	first := pos == cdc.SweepPosition{}
	if first {
		if err := w.familiar(ctx, s, seen); err != nil {
			return err
		}
	}
	s.listed(seen)
	whole := pos.Offset == 0 && len(seen) < s.pageSize()
	if whole { // in whatever order they come
		slices.SortFunc(seen, func(a, b cdc.Sighting) int { return a.ID.Compare(b.ID) })
	}
	fresh, candidates, err := s.scan.sweep.Page(seen, s.index, nil)
	if err != nil {
		return err
	}
	fresh = s.withOwed(seen, fresh)
	if err := s.read(fresh); err != nil { // the others are known byte for byte
		return err
	}
	s.markRows(fresh, page.Date, asked, first)
	if candidates, err = w.worthAsking(ctx, s, s.settled(candidates, vendorTime(page, asked))); err != nil {
		return err
	}
	if _, err := w.admit(ctx, s, fresh); err != nil {
		return err
	}
	if whole && first { // not before: what admit writes of a part of the page must not claim all of it
		s.markWhole(fresh, page.Date)
	}
	s.addCandidates(candidates)
	return nil
}

// vendorTime is when a page was answered, by the vendor's clock where it tells.
func vendorTime(page planhat.Page, asked time.Time) time.Time {
	if page.Date.IsZero() {
		return asked
	}
	return page.Date
}

// endSweep goes on with the archived records where there are such, else ends
// the sweep and, if it was the first, the snapshot.
func (w *workspace) endSweep(ctx context.Context, s *stream) error {
	pos := s.scan.sweep.Position()
	s.scan.sweep, w.room = nil, room{}
	s.scan.listed, s.scan.calls = s.scan.listed+pos.Rows, s.scan.calls+pos.Calls
	if s.archive && !pos.Archived {
		s.cursor.Sweep = &cdc.SweepPosition{Archived: true}
		return w.flush(ctx, s)
	}
	s.cursor.SnapshotRows, s.schedule.sweepCalls = s.scan.listed, s.scan.calls
	took := s.scan.calls
	s.reading.ends(took)
	s.scan.listed, s.scan.calls = 0, 0
	first := !s.cursor.SnapshotDone
	s.schedule.owed = true
	if first {
		s.markSnapshot(w.now())
	}
	s.cursor.Sweep, s.cursor.SnapshotDone = nil, true
	s.haveRead()
	s.visitGraves(w.now())
	s.forgetRegressed()
	if err := w.saveHolds(ctx, w.guard(s)); err != nil {
		return err
	}
	if first || s.reread != nil {
		signal, message := s.haveReread()
		w.notifyWith(s, schemas.Notification{
			Kind: schemas.NotifySnapshotCompleted, ID: signal, Message: message, Snapshot: &schemas.SnapshotProgress{Records: s.index.Len(), Calls: took},
		})
	}
	if s.schedule.settles {
		s.cursor.SweepDue = ""
	}
	s.health.lastScan = w.now()
	if err := w.flush(ctx, s); err != nil {
		return err
	}
	if first {
		w.log.Info("snapshot complete", "workspace", w.cfg.Name, "stream", s.listing, "records", s.index.Len())
	}
	return nil
}

// abandon drops what a failed scan has read; the cursor and the index stand as
// the log has them, and the scan starts again. A poll that fails leaves the
// sweep that it interrupted alone.
func (s *stream) abandon() error {
	if s.scan.delta != nil && len(s.pending.changes) == 0 {
		s.scan.delta = nil
		s.scan.takeFresh()
		return nil
	}
	s.scan = scan{}
	s.pending.reset()
	return s.rewindCursor()
}
