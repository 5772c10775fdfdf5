package account

import (
	"bytes"
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/internal/source/durable"
	"github.com/planhat-bridge/planhat-bridge/internal/source/emit"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// maxPendingBytes bounds the rows of the changes of one transaction.
const maxPendingBytes = 2 << 20

// writes is what a transaction takes along besides the pending changes, their
// index entries and the cursors that moved.
type writes struct {
	places *durable.Position // of the webhooks that are settled
	facts  *facts
	notes  []schemas.Notification
	more   func(*shard.Tx)
}

// flush writes the pending changes, their index entries, the cursors and what w
// adds in one transaction, and moves the memory once the commit is confirmed. An
// error is the end of the lease.
func (a *Account) flush(ctx context.Context, w writes) error {
	if err := a.checkPins(ctx); err != nil {
		return err
	}
	if err := a.images(ctx); err != nil {
		return err
	}
	records, err := a.events(ctx)
	if err != nil {
		return err
	}
	cursors := a.movedCursors()
	if len(records) == 0 && len(cursors) == 0 && w.places == nil && w.facts == nil && w.more == nil && len(w.notes) == 0 {
		return nil
	}
	a.passed(PointBeforeFlush)
	err = a.transact(ctx, w.notes, func(tx *shard.Tx) error {
		if err := tx.Produce(emit.Flatten(records)...); err != nil {
			return err
		}
		a.passed(PointChangesAcked)
		a.state(tx, records)
		for s, text := range cursors {
			tx.State(stateKey(a.stateName(string(s.Object)), keyCursor), text)
		}
		w.state(a, tx)
		return nil
	})
	if err != nil {
		return err
	}
	a.passed(PointAfterFlush)
	a.applied(cursors, w)
	return nil
}

func (w writes) state(a *Account, tx *shard.Tx) {
	if w.places != nil {
		tx.State(stateKey(a.stateName(wholeAccount), keyPlaces), encodePlaces(*w.places))
	}
	if w.facts != nil {
		tx.State(stateKey(a.stateName(wholeAccount), keyFacts), w.facts.encode())
	}
	if w.more != nil {
		w.more(tx)
	}
}

// movedCursors are those that the log does not have yet.
func (a *Account) movedCursors() map[*stream][]byte {
	out := map[*stream][]byte{}
	for _, s := range a.streams {
		if s.refused != nil {
			continue
		}
		if text := s.cursor.encode(); !bytes.Equal(text, s.recorded) {
			out[s] = text
		}
	}
	return out
}

// events builds the records of each pending change. A change that cannot be
// written is taken out, counted and told of; its neighbours go on.
func (a *Account) events(ctx context.Context) ([][]*kgo.Record, error) {
	var kept pending
	var out [][]*kgo.Record
	for i := range a.pending.changes {
		c := &a.pending.changes[i]
		records, err := a.records(ctx, c)
		if err != nil {
			if large, ok := errors.AsType[emit.TooLarge](err); ok && a.lease.Outgrown(ctx, large.Topic) {
				return nil, emit.LeaseError{Err: err}
			}
			a.skip(c, err)
			continue
		}
		kept.add(*c)
		out = append(out, records)
	}
	if cap(a.encoded) > emit.MaxEvent {
		a.encoded = nil // after a record of unusual size
	}
	a.pending = kept
	return out, nil
}

func (a *Account) skip(c *change, err error) {
	s := c.stream
	a.metrics.skipped.WithLabelValues(a.cfg.Name, string(s.Object)).Inc()
	a.log.Error("a record cannot be written and is left as it was", "account", a.cfg.Name, "object", string(s.Object), "id", decimal(c.id), "error", err.Error())
	if s.skipped[c.id] || len(s.skipped) >= emit.MaxSkippedTold {
		return
	}
	s.skipped[c.id] = true
	a.notify(schemas.Notification{
		Kind: schemas.NotifyRecordSkipped, Stream: string(s.Object), Object: string(s.Object), Record: decimal(c.id), Message: err.Error(),
	})
}

// state writes the entry of each changed record, or its grave.
func (a *Account) state(tx *shard.Tx, records [][]*kgo.Record) {
	died := a.now().UnixMilli()
	for i := range a.pending.changes {
		c := &a.pending.changes[i]
		c.entry.Partition, c.entry.Offset = records[i][0].Partition, records[i][0].Offset
		name := a.stateName(string(c.stream.Object))
		if c.op == opDelete {
			tx.State(stateKey(name, keyEntry, c.id[:]...), nil)
			tx.State(stateKey(name, keyGrave, c.id[:]...), grave{stamp: c.stamp, died: died}.encode())
			continue
		}
		tx.State(stateKey(name, keyEntry, c.id[:]...), cdc.AppendEntry(nil, c.entry))
		if _, buried := c.stream.graves[c.id]; buried {
			tx.State(stateKey(name, keyGrave, c.id[:]...), nil)
		}
	}
}

// applied moves the memory to what has been committed.
func (a *Account) applied(cursors map[*stream][]byte, w writes) {
	died := a.now().UnixMilli()
	for i := range a.pending.changes {
		c := &a.pending.changes[i]
		s := c.stream
		a.metrics.changes.WithLabelValues(a.cfg.Name, string(s.Object), c.op).Inc()
		if c.op == opDelete {
			s.index.Delete(c.id)
			s.graves[c.id] = grave{stamp: c.stamp, died: died}
		} else {
			s.index.Put(c.id, c.entry)
			delete(s.graves, c.id)
		}
		if c.unheard {
			a.noteUnheard(s, c)
		}
	}
	for s, text := range cursors {
		s.recorded = text
	}
	if w.places != nil {
		a.places = *w.places
		a.lag.commit(a.places)
	}
	if w.facts != nil {
		a.facts = *w.facts
	}
	a.pending = pending{}
}
