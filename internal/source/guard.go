package source

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/source/guard"
)

// fewOfBlind passes whatever the share where a delete is written without a question.
// A listing that shows nothing any more is what a lost right looks like, so that
// there less passes.
const fewOfBlind = 10

// heldByWorkspace says that the limit of the workspace holds the deletes of a stream.
const heldByWorkspace = "workspace"

// guard holds the deletes of a stream whose sweep has ended, when more records
// are gone than is plausible: of the listing or one of its objects, or of the
// workspace, as a token that sees less than it did loses some of every listing.
// What was deleted within a day counts, too. Nothing is deleted until a later
// sweep finds the records again, or an operator releases the stream. The streams
// named are held from now on, too.
func (w *workspace) guard(s *stream) (also []*stream) {
	now := w.now()
	gone := s.gone()
	defer func() { s.unlisted = 0 }()
	s.cursor.Released = min(s.cursor.Released, gone)
	s.cursor.Gone = 0
	switch {
	case gone <= s.cursor.Released: // nothing, or what an operator has looked at
	case w.listingLoses(s, now):
		w.holdDeletes(s, gone, guard.ByListing)
		return nil
	case w.workspaceLoses(now):
		w.holdDeletes(s, gone, heldByWorkspace)
		return w.holdOthers(s)
	}
	w.letGo(s)
	return nil
}

// listingLoses says that more of a listing, or of one of its objects, is gone
// than is plausible.
func (w *workspace) listingLoses(s *stream, now time.Time) bool {
	few := guard.FewOfListing
	if s.blind {
		few = fewOfBlind
	}
	limit := w.cfg.DeleteGuard.Listing
	if s.lost(now).Exceeds(limit, few) {
		return true
	}
	if len(s.objects) == 1 || s.cursor.Released > 0 {
		return false
	}
	limit.Count = 0
	losses := make([]guard.Loss, len(s.objects))
	for _, id := range s.cursor.Candidates {
		if e, ok := s.index.Get(id); ok {
			losses[e.Object].Gone++
		}
	}
	for _, e := range s.index.All() {
		losses[e.Object].Records++
	}
	return slices.ContainsFunc(losses, func(l guard.Loss) bool { return l.Exceeds(limit, few) })
}

// workspaceLoses says that more of all records is gone than is plausible.
func (w *workspace) workspaceLoses(now time.Time) bool {
	var losses []guard.Loss
	for _, s := range w.streams {
		losses = append(losses, s.lost(now))
	}
	return guard.TogetherExceed(w.cfg.DeleteGuard.Workspace, losses)
}

func (s *stream) lost(now time.Time) guard.Loss {
	return guard.Of(&s.cursor, s.gone(), s.index.Len(), now)
}

// missing is how many records of a stream are gone and not let go.
func (s *stream) missing() int { return guard.Missing(&s.cursor, s.gone()) }

// holdOthers holds what other streams have found gone: the limit of the
// workspace is for all of them.
func (w *workspace) holdOthers(than *stream) (held []*stream) {
	for _, o := range w.streams {
		if o != than && !o.cursor.Held && o.missing() > 0 {
			w.holdDeletes(o, o.gone(), heldByWorkspace)
			held = append(held, o)
		}
	}
	return held
}

// saveHolds writes the holds of other streams than the one at work: a crash must
// not let their deletes go.
func (w *workspace) saveHolds(ctx context.Context, held []*stream) error {
	for _, s := range held {
		if err := w.flush(ctx, s); err != nil {
			return err
		}
		w.mu.Lock()
		w.show(s)
		w.mu.Unlock()
	}
	return nil
}

// forgetHeld begins the count anew with a sweep.
func (s *stream) forgetHeld() {
	s.unlisted = 0
	guard.Recount(&s.cursor, s.gone())
}

// heldBy is the limit that holds a stream; a state of an earlier release does
// not say.
func (s *stream) heldBy() string { return cmp.Or(s.cursor.HeldBy, guard.ByListing) }
