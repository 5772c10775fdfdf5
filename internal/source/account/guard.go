package account

import (
	"fmt"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/internal/source/guard"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// heldByAccount says that the limit of the account holds the deletes of a stream.
const heldByAccount = "account"

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
		a.holdDeletes(s, guard.ByListing)
		return
	case a.accountLoses():
		for _, o := range a.streams {
			if guard.Missing(&o.cursor.Capture, o.absentNow()) > 0 {
				a.holdDeletes(o, heldByAccount)
			}
		}
		return
	}
	a.letGo(s)
}

func (a *Account) listingLoses(s *stream) bool {
	return a.lost(s).Exceeds(a.cfg.DeleteGuard.Listing, guard.FewOfListing)
}

// accountLoses says that more of all records is gone than is plausible.
func (a *Account) accountLoses() bool {
	var losses []guard.Loss
	for _, s := range a.streams {
		losses = append(losses, a.lost(s))
	}
	return guard.TogetherExceed(a.cfg.DeleteGuard.Workspace, losses)
}

func (a *Account) lost(s *stream) guard.Loss {
	return guard.Of(&s.cursor.Capture, s.absentNow(), s.index.Len(), a.now())
}

func (a *Account) holdDeletes(s *stream, by string) {
	c := &s.cursor.Capture
	fresh := guard.Hold(c, by, s.absentNow())
	s.sample = guard.Sample(c, decimal)
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
		s.sample = guard.Sample(c, decimal)
	}
	return fmt.Sprintf("%d of %d %s are gone, for example %s: more than PIPEDRIVE_<NAME>_DELETE_GUARD (%s) lets pass. Nothing is deleted. "+
		"Compare with Pipedrive, and look at what the token's user may see. If they are deleted there: %s. If not, and the token sees them again, the hold ends with the next sweep.",
		max(c.Gone, s.absentNow()), s.index.Len(), s.Listing, strings.Join(s.sample, ", "), c.HeldBy, a.command("release", string(s.Object)))
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
	n := guard.Release(&s.cursor.Capture, s.absentNow())
	s.confirmAt = a.now()
	return fmt.Sprintf("%d %s are asked for, and deleted where Pipedrive says that they do not exist", n, s.Listing)
}
