package account

import (
	"context"
	"errors"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/internal/source/emit"
)

// checkPin compares a stream's change topic with the one that its state refers
// to, and holds the stream where it is another one. The error ends the lease.
func (a *Account) checkPin(ctx context.Context, s *stream) error {
	have, err := a.topicOf(ctx, s)
	if refusal, ok := errors.AsType[*shard.Refusal](err); ok {
		a.hold(s, refusal)
		return nil
	}
	if err != nil {
		return err
	}
	if s.cursor.Pin == nil {
		s.cursor.Pin = &have
	}
	if err := emit.Mismatch(s.topic, *s.cursor.Pin, have, a.rereadRemedy(s)); err != nil {
		a.hold(s, &shard.Refusal{Err: err})
		return nil //nolint:nilerr // it is told of, and does not end the lease
	}
	if s.state == stateHeld {
		a.turnStream(s, stateStarting, nil)
	}
	return nil
}

// checkPins looks at the topics that the pending changes are for, right before they
// are written. Those of a stream that is held then are dropped: what it captured is
// read again when it goes on.
func (a *Account) checkPins(ctx context.Context) error {
	for s := range a.pending.ids {
		if err := a.checkPin(ctx, s); err != nil {
			return err
		}
	}
	var kept pending
	for _, c := range a.pending.changes {
		if c.stream.state != stateHeld {
			kept.add(c)
		}
	}
	a.pending = kept
	return nil
}

func (a *Account) topicOf(ctx context.Context, s *stream) (emit.Topic, error) {
	if s.refused != nil {
		return emit.Topic{}, &shard.Refusal{Err: s.refused}
	}
	return emit.Find(ctx, a.lease, s.topic, a.rereadRemedy(s))
}

func (a *Account) rereadRemedy(s *stream) string {
	return a.command("object", string(s.Object)) + " (its records are then read again from the vendor)"
}

// hold keeps a stream from going on with a state or a topic that does not hold;
// the others go on. What was read and could not be written, and what webhooks tell
// meanwhile, is found by a sweep from the beginning, whoever makes it.
func (a *Account) hold(s *stream, refusal *shard.Refusal) {
	s.beginAnew()
	s.cursor.Swept = 0
	s.retryAt = a.now().Add(a.times.Refused)
	a.turnStream(s, stateHeld, refusal)
}
