// Package guard tells whether more records are gone than is plausible, for the
// captures of all vendors, and keeps in a cursor that their deletes are held.
package guard

import (
	"time"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/config"
)

// What passes whatever the share: in a stream of a few records a handful is soon a
// third.
const (
	FewOfListing = 20
	fewOfTenant  = 50
	fewOfAll     = 3
)

// ByListing says that the limit of a listing holds its deletes.
const ByListing = "listing"

// Loss is how many of some records are gone and not let go by an operator.
type Loss struct{ Gone, Records int }

// Of is what a listing has lost, with what was deleted within a day.
func Of(c *cdc.Cursor, gone, records int, now time.Time) Loss {
	deleted := c.Losses.Sum(now)
	return Loss{Gone: Missing(c, gone) + deleted, Records: records + deleted}
}

// Exceeds says that more is gone than a limit lets pass, and than a few.
func (l Loss) Exceeds(limit config.DeleteLimit, few int) bool {
	return cdc.MassDelete(l.Gone, l.Records, cdc.DeleteLimits{Share: limit.Share, Count: limit.Count, Few: few, Last: fewOfAll})
}

// TogetherExceed says that more of all records is gone than is plausible, and of
// more than one listing: what happens to one listing is for its own limit.
func TogetherExceed(limit config.DeleteLimit, losses []Loss) bool {
	var sum Loss
	listings := 0
	for _, l := range losses {
		sum.Gone, sum.Records = sum.Gone+l.Gone, sum.Records+l.Records
		if l.Gone > 0 {
			listings++
		}
	}
	return listings > 1 && sum.Exceeds(limit, fewOfTenant)
}

// Missing is how many of the records that are gone were not let go.
func Missing(c *cdc.Cursor, gone int) int {
	if c.Held { // of a sweep under way only a part is counted yet
		gone = max(gone, c.Gone)
	}
	return max(gone-c.Released, 0)
}

// Hold keeps deletes from being written, and says whether they were not held before.
func Hold(c *cdc.Cursor, by string, gone int) (fresh bool) {
	fresh = !c.Held
	c.Held, c.HeldBy, c.Gone, c.Released = true, by, gone, 0
	return fresh
}

// Release lets as many deletes go as were gone when they were held, or are now, and
// says how many.
func Release(c *cdc.Cursor, gone int) int {
	n := max(c.Gone, gone)
	c.Held, c.HeldBy, c.Gone, c.Released, c.Losses = false, "", 0, n, nil
	return n
}

// Recount begins the count anew with a sweep: what is still gone is found again,
// what came back is not.
func Recount(c *cdc.Cursor, gone int) {
	if c.Held {
		c.Gone = max(c.Gone, gone, 1)
		c.Candidates = nil
	}
}

// Sample are ids to look for at the vendor: the first, the middle and the last.
func Sample(c *cdc.Cursor, name func(cdc.ID) string) []string {
	ids := c.Candidates
	switch n := len(ids); {
	case n == 0:
		return nil
	case n < 3:
		return []string{name(ids[0])}
	default:
		return []string{name(ids[0]), name(ids[n/2]), name(ids[n-1])}
	}
}
