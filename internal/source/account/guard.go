package account

import (
	"fmt"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// What passes the guard whatever the share: in a stream of a few records a
// handful is soon a third.
const (
	fewOfListing = 20
	fewOfAccount = 50
	fewOfAll     = 3
)

// Which limit holds the deletes of a stream.
const (
	heldByListing = "listing"
	heldByAccount = "account"
)

func limits(of config.DeleteLimit, few int) cdc.DeleteLimits {
	return cdc.DeleteLimits{Share: of.Share, Count: of.Count, Few: few, Last: fewOfAll}
}

// guard holds the deletes of a stream when more records are gone than is
// plausible: of the stream, or of all of them, as a token that sees less than it
// did loses some of every listing. Nothing is deleted until a later sweep finds
// the records again, or an operator lets them go. Deletes that webhooks tell of do
// not come here: somebody made each of them.
func (a *Account) guard(s *stream) {
	c := &s.cursor.Capture
	gone := s.absentNow()
	c.Released = min(c.Released, gone)
	c.Gone = 0
	switch {
	case gone <= c.Released: // nothing, or what an operator has looked at
	case a.listingLoses(s):
		a.holdDeletes(s, heldByListing)
		return
	case a.accountLoses():
		for _, o := range a.streams {
			if o.missing() > 0 {
				a.holdDeletes(o, heldByAccount)
			}
		}
		return
	}
	a.letGo(s)
}

func (a *Account) listingLoses(s *stream) bool {
	deleted := s.cursor.Capture.Losses.Sum(a.now())
	return cdc.MassDelete(s.missing()+deleted, s.index.Len()+deleted, limits(a.cfg.DeleteGuard.Listing, fewOfListing))
}

// accountLoses says that more of all records is gone than is plausible, and of
// more than one listing: what happens to one listing is for its own limit.
func (a *Account) accountLoses() bool {
	gone, records, listings := 0, 0, 0
	for _, s := range a.streams {
		deleted := s.cursor.Capture.Losses.Sum(a.now())
		lost := s.missing() + deleted
		gone, records = gone+lost, records+s.index.Len()+deleted
		if lost > 0 {
			listings++
		}
	}
	return listings > 1 && cdc.MassDelete(gone, records, limits(a.cfg.DeleteGuard.Workspace, fewOfAccount))
}

// missing is how many records are gone and not let go.
func (s *stream) missing() int {
	c := &s.cursor.Capture
	n := s.absentNow()
	if c.Held { // of a sweep under way only a part is counted yet
		n = max(n, c.Gone)
	}
	return max(n-c.Released, 0)
}

// forgetHeld begins the count anew with a sweep: what is still gone is found
// again, what came back is not.
func (s *stream) forgetHeld() {
	if c := &s.cursor.Capture; c.Held {
		c.Gone = max(c.Gone, s.absentNow(), 1)
		c.Candidates = nil
	}
}

func (a *Account) holdDeletes(s *stream, by string) {
	c := &s.cursor.Capture
	fresh := !c.Held
	c.Held, c.HeldBy, c.Gone, c.Released = true, by, s.absentNow(), 0
	s.sample = s.someGone()
	clear(s.gone)
	if !fresh {
		return
	}
	a.log.Error("too many records are gone at once: no delete is written before an operator releases the stream",
		"account", a.cfg.Name, "object", string(s.Object), "limit", by, "gone", c.Gone, "records", s.index.Len(), "for_example", s.sample,
		"remedy", a.command("release", string(s.Object)))
	a.notify(schemas.Notification{Kind: schemas.NotifyDeletesHeld, Stream: string(s.Object), Object: string(s.Object), Message: a.heldText(s)})
}

// heldText tells an operator all that is needed to decide.
func (a *Account) heldText(s *stream) string {
	c := &s.cursor.Capture
	if s.sample == nil {
		s.sample = s.someGone()
	}
	return fmt.Sprintf("%d of %d %s are gone, for example %s: more than PIPEDRIVE_<NAME>_DELETE_GUARD (%s) lets pass. Nothing is deleted. "+
		"Compare with Pipedrive, and look at what the token's user may see. If they are deleted there: %s. If not, and the token sees them again, the hold ends with the next sweep.",
		max(c.Gone, s.absentNow()), s.index.Len(), s.Listing, strings.Join(s.sample, ", "), c.HeldBy, a.command("release", string(s.Object)))
}

// someGone are ids to look for at the vendor: the first, the middle and the last.
func (s *stream) someGone() []string {
	c := s.cursor.Capture.Candidates
	switch n := len(c); {
	case n == 0:
		return nil
	case n < 3:
		return []string{decimal(c[0])}
	default:
		return []string{decimal(c[0]), decimal(c[n/2]), decimal(c[n-1])}
	}
}

// letGo ends a hold because the records were found again.
func (a *Account) letGo(s *stream) {
	c := &s.cursor.Capture
	if !c.Held {
		return
	}
	c.Held, c.HeldBy = false, ""
	a.log.Info("the records are there again: deletes are no longer held", "account", a.cfg.Name, "object", string(s.Object))
	a.notify(schemas.Notification{
		Kind: schemas.NotifyDeletesReleased, Stream: string(s.Object), Object: string(s.Object),
		Message: "the records are there again: deletes are no longer held",
	})
}

// release lets the deletes of a stream go that an operator has looked at: as many
// as were gone, and no more. They are asked for at once.
func (a *Account) release(s *stream) string {
	c := &s.cursor.Capture
	n := max(c.Gone, s.absentNow())
	c.Held, c.HeldBy, c.Gone, c.Released, c.Losses = false, "", 0, n, nil
	s.confirmAt = a.now()
	return fmt.Sprintf("%d %s are asked for, and deleted where Pipedrive says that they do not exist", n, s.Listing)
}
