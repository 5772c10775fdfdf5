package source

import (
	"cmp"
	"context"
	"time"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/config"
)

// What passes the guard whatever the share: in a stream of a few records a
// handful is soon a third. A listing that shows nothing any more is what a lost
// right looks like, so that there less passes.
const (
	fewOfListing   = 20
	fewOfBlind     = 10 // where a delete is written without a question
	fewOfWorkspace = 50
	fewOfAll       = 3
)

// Which limit holds the deletes of a stream.
const (
	heldByListing   = "listing"
	heldByWorkspace = "workspace"
)

func limits(of config.DeleteLimit, few int) cdc.DeleteLimits {
	return cdc.DeleteLimits{Share: of.Share, Count: of.Count, Few: few, Last: fewOfAll}
}

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
		w.holdDeletes(s, gone, heldByListing)
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
	few := fewOfListing
	if s.blind {
		few = fewOfBlind
	}
	most, deleted := limits(w.cfg.DeleteGuard.Listing, few), s.cursor.Losses.Sum(now)
	if cdc.MassDelete(s.missing()+deleted, s.index.Len()+deleted, most) {
		return true
	}
	if len(s.objects) == 1 || s.cursor.Released > 0 {
		return false
	}
	most.Count = 0
	gone, records := make([]int, len(s.objects)), make([]int, len(s.objects))
	for _, id := range s.cursor.Candidates {
		if e, ok := s.index.Get(id); ok {
			gone[e.Object]++
		}
	}
	for _, e := range s.index.All() {
		records[e.Object]++
	}
	for i := range gone {
		if cdc.MassDelete(gone[i], records[i], most) {
			return true
		}
	}
	return false
}

// workspaceLoses says that more of all records is gone than is plausible, and of
// more than one listing: what happens to one listing is for its own limit.
func (w *workspace) workspaceLoses(now time.Time) bool {
	gone, records, listings := 0, 0, 0
	for _, s := range w.streams {
		deleted := s.cursor.Losses.Sum(now)
		lost := s.missing() + deleted
		gone, records = gone+lost, records+s.index.Len()+deleted
		if lost > 0 {
			listings++
		}
	}
	return listings > 1 && cdc.MassDelete(gone, records, limits(w.cfg.DeleteGuard.Workspace, fewOfWorkspace))
}

// missing is how many records of a stream are gone and not let go.
func (s *stream) missing() int {
	n := s.gone()
	if s.cursor.Held { // of a sweep under way only a part is counted yet
		n = max(n, s.cursor.Gone)
	}
	return max(n-s.cursor.Released, 0)
}

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

// forgetHeld begins the count anew with a sweep: what is still gone is found
// again, what came back is not.
func (s *stream) forgetHeld() {
	s.unlisted = 0
	if s.cursor.Held {
		s.cursor.Gone = max(s.cursor.Gone, len(s.cursor.Candidates), 1)
		s.cursor.Candidates = nil
	}
}

// heldBy is the limit that holds a stream; a state of an earlier release does
// not say.
func (s *stream) heldBy() string { return cmp.Or(s.cursor.HeldBy, heldByListing) }
