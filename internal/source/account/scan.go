package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/internal/source/emit"
	"github.com/planhat-bridge/planhat-bridge/internal/source/guard"
	"github.com/planhat-bridge/planhat-bridge/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// overlap is how far before the newest stamp that is known reconciliation begins:
// stamps are whole seconds, and what the vendor shows may lag.
const overlap = time.Minute

// task is a step of a stream: confirming what is gone, reconciling or sweeping.
type task struct {
	stream *stream
	due    time.Time
	do     func(*Account, context.Context, *stream) error
}

// scan makes the most overdue step of all streams, or says how long until one is
// due.
func (a *Account) scan(ctx context.Context) (worked bool, wait time.Duration, err error) {
	var first task
	for _, s := range a.streams {
		if t := a.taskOf(s); t.do != nil && (first.do == nil || t.due.Before(first.due)) {
			first = t
		}
	}
	if first.do == nil {
		return false, maxIdle, nil
	}
	if wait := first.due.Sub(a.now()); wait > 0 {
		return false, wait, nil
	}
	s := first.stream
	if err := first.do(a, ctx, s); err != nil {
		if over, ok := errors.AsType[emit.LeaseError](err); ok {
			return false, 0, over
		}
		return false, 0, streamError{s, err}
	}
	s.failures, s.lastScan = 0, a.now()
	if s.state != stateHeld {
		a.turnStream(s, stateOK, nil)
	}
	return true, 0, nil
}

// taskOf is what a stream has to do next.
func (a *Account) taskOf(s *stream) task {
	if s.cursor.Paused != nil {
		return task{}
	}
	t := task{stream: s, due: s.sweepAt, do: (*Account).sweep}
	if s.cursor.Sweep != nil {
		t.due = time.Time{}.Add(1) // it goes on, but others that are under way come first
	}
	if s.object.recent != nil && s.snapshotDone() {
		due := s.reconcileAt
		if s.recent != nil {
			due = time.Time{}
		}
		if !due.After(a.now()) || due.Before(t.due) {
			t.due, t.do = due, (*Account).reconcile
		}
	}
	// During a sweep it is not known yet how much is gone.
	if n := len(s.cursor.Capture.Candidates); n > 0 && !s.cursor.Capture.Held && s.cursor.Sweep == nil && !s.confirmAt.After(a.now()) {
		t.due, t.do = s.confirmAt, (*Account).confirm
	}
	if s.state == stateHeld {
		t.due, t.do = s.retryAt, (*Account).lookAgain
	}
	if t.due.Before(s.retryAt) {
		t.due = s.retryAt
	}
	return t
}

// lookAgain goes on with a held stream when its topic is what it has to be.
func (a *Account) lookAgain(ctx context.Context, s *stream) error {
	if err := a.checkPin(ctx, s); err != nil || s.state == stateHeld {
		return err
	}
	s.reconcileAt, s.sweepAt = a.now(), a.now()
	return nil
}

// reconcile reads one page of what changed since the watermark, oldest first.
func (a *Account) reconcile(ctx context.Context, s *stream) error {
	if s.recent == nil {
		s.recent = &recent{since: s.cursor.Capture.Watermark - overlap.Milliseconds()}
	}
	page, err := a.page(ctx, s, s.recent.request(s.object))
	if err != nil {
		return err
	}
	s.recent.begin(a, page)
	if err := a.admitAll(ctx, s, page.Rows, byReconcile); err != nil {
		return err
	}
	for _, r := range page.Rows {
		s.recent.see(rowStamp(r))
	}
	done, err := s.recent.take(s.object, page)
	if err != nil {
		return err
	}
	if done {
		s.cursor.Capture.Watermark = max(s.cursor.Capture.Watermark, s.recent.newest)
		s.recent, s.reconcileAt = nil, a.now().Add(a.cfg.ReconcileInterval)
		a.metrics.reconciled(a.cfg.Name, s, a.now())
	}
	return a.flush(ctx, writes{})
}

// begin notes when the listing began: a younger stamp is no watermark, so that the
// next one overlaps with all that may have appeared behind this one.
func (r *recent) begin(a *Account, page pipedrive.Page) {
	if r.limit == 0 {
		r.limit = a.vendorNow(page).UnixMilli()
	}
}

// admitAll compares the rows of a page.
func (a *Account) admitAll(ctx context.Context, s *stream, rows []pipedrive.Row, by looker) error {
	for _, r := range rows {
		id := idOf(r.ID)
		l := look{row: r, by: by}
		if c := a.pending.of(s, id); c != nil {
			if !c.outdatedBy(r) {
				continue
			}
			l.created, l.told = c.op == opCreate, c.told
			a.pending.drop(s, id)
		}
		shown, err := a.admit(s, l)
		if err != nil {
			return err
		}
		if shown == gone {
			a.bury(s, id, rowStamp(r), a.expects(s))
		}
		if err := a.ease(ctx); err != nil {
			return err
		}
	}
	a.passed(PointAdmitted)
	return nil
}

// sweep reads one page of an object's live listings.
func (a *Account) sweep(ctx context.Context, s *stream) error {
	place := s.cursor.Sweep
	if place == nil {
		place = &sweepPlace{}
		guard.Recount(&s.cursor.Capture, s.absentNow())
		s.cursor.Unlisted = 0
	}
	page, err := a.page(ctx, s, place.request(s.object))
	if err != nil {
		return err
	}
	if place.Began == 0 {
		place.Began = a.vendorNow(page).UnixMilli()
	}
	if err := a.admitAll(ctx, s, page.Rows, bySweep); err != nil {
		return err
	}
	next := *place
	missing, done, err := next.take(s.object, page, s.index)
	if err != nil {
		return err
	}
	s.absent(slices.DeleteFunc(missing, func(id cdc.ID) bool { return a.pending.has(s, id) }))
	s.cursor.Sweep = &next
	if done {
		a.swept(s)
	}
	return a.flush(ctx, writes{more: a.exhume(s, done)})
}

// maxCandidates bounds the deletion candidates that wait, and with them the cursor,
// which has to fit into a record of the state.
const maxCandidates = 10_000

// absent notes what a sweep did not find: as much of it as the cursor may hold. The
// rest is counted, so that the guard sees all that is gone.
func (s *stream) absent(found []cdc.ID) {
	c := &s.cursor.Capture
	room := max(maxCandidates-len(c.Candidates), 0)
	found = slices.DeleteFunc(found, func(id cdc.ID) bool {
		_, noted := slices.BinarySearchFunc(c.Candidates, id, cdc.ID.Compare)
		return noted
	})
	s.cursor.Unlisted += max(len(found)-room, 0)
	c.AddCandidates(found[:min(len(found), room)]...)
}

// absentNow is how many records the last sweep did not find and that are not asked for.
func (s *stream) absentNow() int { return len(s.cursor.Capture.Candidates) + s.cursor.Unlisted }

// vendorNow is the vendor's clock, or ours less what it may be off.
func (a *Account) vendorNow(page pipedrive.Page) time.Time {
	if !page.Date.IsZero() {
		return page.Date
	}
	return a.now().Add(-5 * time.Minute)
}

// swept ends a sweep.
func (a *Account) swept(s *stream) {
	c := &s.cursor
	first := !c.Capture.SnapshotDone
	c.Capture.SnapshotDone, c.Capture.SnapshotRows, c.Swept = true, c.Sweep.Rows, c.Sweep.Began
	if c.Capture.Watermark == 0 {
		c.Capture.Watermark = c.Sweep.Began
	}
	n := schemas.Notification{
		Kind: schemas.NotifySnapshotCompleted, Stream: string(s.Object), Object: string(s.Object),
		Message:  fmt.Sprintf("every one of %d %s has been read", c.Sweep.Rows, s.Listing),
		Snapshot: &schemas.SnapshotProgress{Records: c.Sweep.Rows, Calls: c.Sweep.Calls},
	}
	if c.Reread != nil {
		n.ID, n.Signal = c.Reread.Signal, schemas.SignalObject
		c.Reread = nil
		first = true
	}
	if first {
		a.log.Info("snapshot completed", "account", a.cfg.Name, "object", string(s.Object), "records", c.Sweep.Rows)
		a.notify(n)
	}
	c.Sweep = nil
	s.sweepAt = a.now().Add(a.sweepEvery(s))
	a.guard(s)
	a.metrics.swept(a.cfg.Name, s, a.now())
}

// exhume forgets, at the end of a sweep, the deleted records that the vendor has
// purged by now.
func (a *Account) exhume(s *stream, done bool) func(*shard.Tx) {
	if !done {
		return nil
	}
	var old []cdc.ID
	for id, g := range s.graves {
		if a.now().Sub(timeOf(g.died)) > keepDeleted {
			old = append(old, id)
			delete(s.graves, id)
		}
	}
	if old == nil {
		return nil
	}
	return func(tx *shard.Tx) {
		for _, id := range old {
			tx.State(stateKey(a.stateName(string(s.Object)), keyGrave, id[:]...), nil)
		}
	}
}

// reconcileNow has everything reconciled at once that changed since a moment, if
// one is given and it is earlier than what is known.
func (a *Account) reconcileNow(since time.Time) {
	for _, s := range a.streams {
		s.recent, s.reconcileAt = nil, a.now()
		if s.object.recent == nil {
			s.sweepAt = a.now()
		}
		if w := since.UnixMilli(); !since.IsZero() && s.cursor.Capture.Watermark > w {
			s.cursor.Capture.Watermark = w
		}
	}
}
