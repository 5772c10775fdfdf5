package account

import (
	"context"
	"errors"
	"slices"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

// confirmStep is how many candidates are asked for in one step.
const confirmStep = 20

// maxWitnesses is how many records that should exist are asked for before a token
// is taken for one that sees none any more.
const maxWitnesses = 3

var errBlind = errors.New("records that were there a moment ago do not answer either: the token may have lost a right, so that nothing is deleted")

// confirm asks for deletion candidates, and deletes those that do not exist if
// another record of the stream still does.
func (a *Account) confirm(ctx context.Context, s *stream) error {
	if a.guard(s); s.cursor.Capture.Held {
		return a.flush(ctx, writes{})
	}
	asked := 0
	for _, id := range slices.Clone(s.cursor.Capture.Candidates) {
		if _, known := s.gone[id]; known {
			continue
		}
		if asked++; asked > confirmStep {
			return a.flush(ctx, writes{})
		}
		if err := a.askFor(ctx, s, id); err != nil {
			return err
		}
	}
	if len(s.gone) > 0 {
		if err := a.witness(ctx, s); err != nil {
			clear(s.gone)
			s.confirmAt = a.now().Add(a.times.Refused)
			return err
		}
	}
	if err := a.deleteGone(ctx, s); err != nil {
		return err
	}
	return a.flush(ctx, writes{})
}

// askFor asks for one candidate. One that cannot be asked for must not keep the
// others waiting: it is a candidate again after a later sweep.
func (a *Account) askFor(ctx context.Context, s *stream, id cdc.ID) error {
	if _, exists := s.index.Get(id); !exists {
		s.shown(id)
		return nil
	}
	r, err := a.get(ctx, s, numberOf(id))
	switch pipedrive.KindOf(err) {
	case pipedrive.KindNone:
		if err != nil {
			return err
		}
		shown, err := a.admit(s, look{row: r, by: bySweep})
		if err == nil && shown == gone {
			s.cursor.Capture.AddCandidates(id)
			s.gone[id] = rowStamp(r)
		}
		return err
	case pipedrive.KindNotFound:
		s.gone[id] = 0
	case pipedrive.KindForbidden, pipedrive.KindInvalid, pipedrive.KindMalformed:
		s.shown(id)
		a.metrics.failures.WithLabelValues(a.cfg.Name, string(s.Object)).Inc()
		a.log.Warn("a deletion is not confirmed", "account", a.cfg.Name, "object", string(s.Object), "id", numberOf(id), "error", err.Error())
	default:
		if !a.passesOver(ctx, s, numberOf(id), false, err) {
			return err
		}
		s.shown(id)
	}
	return nil
}

// witness makes sure that a record which should exist answers: a token that has
// lost a right would be told of every record that there is none.
func (a *Account) witness(ctx context.Context, s *stream) error {
	tried := 0
	for id := range s.index.All() {
		if _, gone := s.gone[id]; gone {
			continue
		}
		if tried++; tried > maxWitnesses {
			break
		}
		r, err := a.get(ctx, s, numberOf(id))
		if err == nil && !pipedrive.Deleted(r) {
			return nil
		}
		if err != nil && !pipedrive.IsNotFound(err) {
			return err
		}
	}
	if tried == 0 {
		return nil // so few that the guard has let all of them go
	}
	return errBlind
}

// deleteGone adds the deletes of what is confirmed to be gone. What there was no
// room for among the candidates, the next sweep finds.
func (a *Account) deleteGone(ctx context.Context, s *stream) error {
	c := &s.cursor.Capture
	for id, stamp := range s.gone {
		if c.Released > 0 {
			c.Released--
		} else {
			c.Losses.Add(id, a.now())
		}
		a.bury(s, id, stamp, a.expects(s))
		c.DropCandidate(id)
		delete(s.gone, id)
		if len(a.pending.changes) < maxPendingDeletes {
			continue
		}
		if err := a.flush(ctx, writes{}); err != nil {
			return err
		}
	}
	if s.cursor.Unlisted > 0 {
		s.sweepAt = a.now()
	}
	return nil
}

// maxPendingDeletes bounds the deletes of one transaction, and with them the rows
// before them that are in memory.
const maxPendingDeletes = 500
