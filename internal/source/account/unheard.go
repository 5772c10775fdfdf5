package account

import (
	"fmt"
	"time"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// A hole is a change that reconciliation or a sweep found and of which no webhook
// told: lost in a ban, in an outage, or with a webhook that was deleted. It is
// filled like every other change; it is also counted and told of, so that an
// operator knows that webhooks alone would not have been enough.

// unheard says that a change comes from elsewhere than a webhook that should have
// told of it.
func (a *Account) unheard(s *stream, v seen, known cdc.Entry, exists bool) bool {
	if !a.expects(s) || v.by != byReconcile && v.by != bySweep {
		return false
	}
	stamp := v.read.stamp()
	if v.by == byReconcile {
		return !exists || stamp >= known.Stamp
	}
	return !exists || stamp > known.Stamp // else it changed without a stamp: no webhook is due
}

// expects says that webhooks tell of what changes in a stream.
func (a *Account) expects(s *stream) bool { return a.cfg.WebhookURL != "" && s.snapshotDone() }

// noteUnheard counts a committed change as a hole, or waits for its webhook where
// that may still be on its way.
func (a *Account) noteUnheard(s *stream, c *change) {
	id, stamp := c.id, c.entry.Stamp
	until := timeOf(stamp).Add(a.times.Delivery)
	if c.op == opDelete { // nobody says when it was deleted: any webhook of it will do
		s.young[id] = suspect{until: a.now().Add(a.times.Delivery)}
		return
	}
	if stamp == 0 || !a.now().Before(until) {
		a.holes[s]++
		return
	}
	s.young[id] = suspect{stamp: stamp, until: until}
}

// heardOf takes a change off those that no webhook has told of.
func (s *stream) heardOf(id cdc.ID, stamp int64) {
	if y, is := s.young[id]; is && stamp >= y.stamp {
		delete(s.young, id)
	}
}

// ripe counts the changes whose webhooks did not come in time.
func (a *Account) ripe(now time.Time) {
	for _, s := range a.streams {
		for id, y := range s.young {
			if !now.Before(y.until) {
				delete(s.young, id)
				a.holes[s]++
			}
		}
	}
}

// tellHoles counts and tells of the holes that were filled since it was last
// called.
func (a *Account) tellHoles() {
	for s, n := range a.holes {
		a.metrics.holes.WithLabelValues(a.cfg.Name, string(s.Object)).Add(float64(n))
		a.log.Warn("changes were found that no webhook had told of", "account", a.cfg.Name, "object", string(s.Object), "changes", n)
		a.notify(schemas.Notification{
			Kind: schemas.NotifyEventsMissed, Stream: string(s.Object), Object: string(s.Object),
			Message: fmt.Sprintf("%d changes of %s were found and written of which no webhook had told; look at the webhooks of the account", n, s.Listing),
		})
		delete(a.holes, s)
	}
}
