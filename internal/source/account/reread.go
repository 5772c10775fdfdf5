package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/internal/source/durable"
	"github.com/planhat-bridge/planhat-bridge/internal/source/emit"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// rereadStream has every record of an object written again, as r. A change topic
// that was created anew is filled from the beginning.
func (a *Account) rereadStream(ctx context.Context, s *stream, sig schemas.Signal) (outcome, error) {
	if s.refused != nil {
		return refuse(schemas.SignalNotNow, "the object is held: %v", s.refused), nil //nolint:nilerr // it is the answer
	}
	have, err := a.topicOf(ctx, s)
	if over, ok := errors.AsType[emit.LeaseError](err); ok {
		return outcome{}, over
	}
	if err != nil {
		return refuse(schemas.SignalNotNow, "%v", err), nil
	}
	if s.cursor.Pin == nil || *s.cursor.Pin != have {
		return a.refill(s, have)
	}
	end, err := durable.EndOf(ctx, a.lease.Client(), s.topic)
	if err != nil {
		return outcome{}, emit.LeaseError{Err: err}
	}
	s.cursor.Reread = &reread{Signal: sig.ID, Ends: end.Next}
	s.cursor.Sweep, s.recent, s.sweepAt, s.cursor.Swept = nil, nil, a.now(), 0
	o := done("every record of %s is read again and written as r; %d are known", s.Listing, s.index.Len())
	o.notes = []schemas.Notification{{Kind: schemas.NotifySnapshotStarted, Message: fmt.Sprintf("%s are read again", s.Listing)}}
	return o, nil
}

// refill forgets what was on a topic that is gone, in one transaction, so that the
// next sweep is a snapshot.
func (a *Account) refill(s *stream, have emit.Topic) (outcome, error) {
	name := a.stateName(string(s.Object))
	var keys [][]byte
	for id := range s.index.All() {
		keys = append(keys, stateKey(name, keyEntry, id[:]...))
	}
	for id := range s.graves {
		keys = append(keys, stateKey(name, keyGrave, id[:]...))
	}
	o := done("the topic %s is filled from the beginning: every record of %s is read", s.topic, s.Listing)
	o.notes = []schemas.Notification{{Kind: schemas.NotifySnapshotStarted, Message: fmt.Sprintf("%s are read from the beginning", s.Listing)}}
	o.more = func(tx *shard.Tx) {
		for _, key := range keys {
			tx.State(key, nil)
		}
	}
	paused := s.cursor.Paused
	s.index, s.recent = cdc.NewIndex(), nil
	clear(s.graves)
	clear(s.young)
	clear(s.gone)
	s.cursor = cursor{Pin: &have, Paused: paused}
	s.sweepAt, s.retryAt = a.now(), a.now()
	a.turnStream(s, stateStarting, nil)
	return o, nil
}
