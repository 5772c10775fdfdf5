package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
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
	if err := a.mismatch(s, *s.cursor.Pin, have); err != nil {
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

func (a *Account) topicOf(ctx context.Context, s *stream) (pin, error) {
	if s.refused != nil {
		return pin{}, &shard.Refusal{Err: s.refused}
	}
	if err := a.lease.Writable(ctx, s.topic); err != nil {
		return pin{}, err
	}
	infos, err := kafka.DescribeTopics(ctx, a.lease.Client(), s.topic)
	switch {
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return pin{}, &shard.Refusal{Err: fmt.Errorf("topic %s is not there any more; to repair: %s", s.topic, a.rereadRemedy(s))}
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return pin{}, &shard.Refusal{Err: fmt.Errorf("%w; allow this user to describe, read and write it", err)}
	case err != nil:
		return pin{}, leaseError{err}
	}
	return pin{ID: infos[s.topic].ID.String(), Partitions: infos[s.topic].Partitions}, nil
}

func (a *Account) mismatch(s *stream, was, have pin) error {
	switch {
	case was.ID != have.ID:
		return fmt.Errorf("topic %s was created anew (its id is %s, the state knows %s), so that what was captured before is not in it; to repair: %s",
			s.topic, have.ID, was.ID, a.rereadRemedy(s))
	case was.Partitions != have.Partitions:
		return fmt.Errorf("topic %s has %d partitions, the state knows %d: later events of a record would go to another partition than its "+
			"earlier ones, out of order for readers; to repair: delete the topic, and then %s", s.topic, have.Partitions, was.Partitions, a.rereadRemedy(s))
	}
	return nil
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
