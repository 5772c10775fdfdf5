package source

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/internal/source/emit"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// What a stream keeps in memory at most, or little more. An event takes several
// times the bytes of its row until it is written: before image, encoding, batch.
const (
	maxDeltaBytes   = 12 << 20 // rows of a delta poll that are held back to go out oldest first
	maxPendingBytes = 2 << 20  // rows of the changes of one transaction
)

// admit compares rows with the index, adds what changed to the pending changes,
// and says how many these are. It must see the rows of a page before the next
// page is asked for. Where the changes are too many for one transaction, all but
// the last of them go out here: with the cursor as it was before the page, so
// that a crash in between reads the page again and finds them known.
func (w *workspace) admit(ctx context.Context, s *stream, rows []cdc.Sighting) (changes int, err error) {
	for _, row := range rows {
		before := len(s.pending.changes)
		if err := s.admitRow(row); err != nil {
			return changes, fmt.Errorf("row %s of %s: %w", row.ID, s.listing, err)
		}
		changes += len(s.pending.changes) - before
		if s.pending.bytes < maxPendingBytes {
			continue
		}
		if err := w.flush(ctx, s); err != nil {
			return changes, err
		}
	}
	return changes, nil
}

// flush writes the pending changes, their index entries and the cursor in one
// transaction, and moves the index once the commit is confirmed. An error is
// the end of the lease.
func (w *workspace) flush(ctx context.Context, s *stream) error {
	cursor, err := json.Marshal(&s.cursor)
	if err != nil {
		return fmt.Errorf("cursor of %s: %w", s.listing, err)
	}
	if len(s.pending.changes) == 0 && len(s.pending.notes) == 0 && s.pinned() && bytes.Equal(cursor, s.recorded) && bytes.Equal(s.encodeOrders(), s.ordered) {
		return nil
	}
	pinned := s.pins
	if len(s.pending.changes) > 0 || !s.pinned() {
		if pinned, err = w.checkPins(ctx, s); err != nil {
			return err
		}
	}
	return w.write(ctx, s, pinned, func(*shard.Tx) {})
}

// write is flush without a question whether there is anything to write, and
// with pins that the caller has checked; more adds to the transaction.
func (w *workspace) write(ctx context.Context, s *stream, pinned pins, more func(*shard.Tx)) error {
	cursor, err := json.Marshal(&s.cursor)
	if err != nil {
		return fmt.Errorf("cursor of %s: %w", s.listing, err)
	}
	records, err := w.events(ctx, s)
	if err != nil {
		return err
	}
	ordered := s.encodeOrders()
	w.passed(PointBeforeFlush)
	err = w.transact(ctx, s.pending.notes, func(tx *shard.Tx) error {
		if !pinned.equal(s.pins) {
			tx.State(pinsKey(w.streamName(s)), pinned.encode())
		}
		if err := tx.Produce(emit.Flatten(records)...); err != nil {
			return err
		}
		w.passed(PointChangesAcked)
		s.stateRecords(tx, w.streamName(s), records)
		if !bytes.Equal(ordered, s.ordered) {
			tx.State(ordersKey(w.streamName(s)), ordered)
		}
		tx.State(cursorKey(w.streamName(s)), cursor)
		more(tx)
		return nil
	})
	if err != nil {
		return err
	}
	w.passed(PointAfterFlush)
	s.recorded, s.ordered, s.pins, s.scan.unsaved = cursor, ordered, pinned, 0
	w.applied(s)
	return nil
}

// events builds the records of each pending change: one event and, for a
// delete, its tombstone. A change that cannot be written is taken out of the
// pending changes, counted and logged: the index stays as it was, so that the
// next sweep looks at the record again, and its neighbours go on.
func (w *workspace) events(ctx context.Context, s *stream) ([][]*kgo.Record, error) {
	befores, err := w.befores(ctx, s)
	if err != nil {
		return nil, err
	}
	out := make([][]*kgo.Record, len(s.pending.changes))
	skipped := map[cdc.ID]bool{}
	for i, c := range s.pending.changes {
		if skipped[c.id] {
			continue
		}
		if out[i], err = w.event(ctx, s, c, befores[i]); err != nil {
			skipped[c.id] = true
			w.skip(s, c, err)
			if large, ok := errors.AsType[emit.TooLarge](err); ok && w.lease.Outgrown(ctx, large.Topic) {
				return nil, emit.LeaseError{Err: fmt.Errorf("topic %s takes larger records than before", large.Topic)}
			}
		}
	}
	if cap(w.encoded) > emit.MaxEvent {
		w.encoded = nil // after a record of unusual size
	}
	if len(skipped) == 0 {
		return out, nil
	}
	kept := pending{notes: s.pending.notes}
	var records [][]*kgo.Record
	for i, c := range s.pending.changes {
		if !skipped[c.id] {
			kept.add(c)
			records = append(records, out[i])
		}
	}
	s.pending = kept
	return records, nil
}

// event encodes one change. An event that is too large with its before image
// goes without it.
func (w *workspace) event(ctx context.Context, s *stream, c change, before []byte) ([]*kgo.Record, error) {
	o := s.objects[c.entry.Object]
	most := emit.Room(ctx, w.lease, o.topic)
	env := origin{w.cfg.Name, w.bridge, w.version}.envelope(s, c, w.now())
	env.Before, env.Source.Sequence = before, w.lease.NextSequence()
	var err error
	if c.op == opUpdate && before != nil {
		if env.Changed, err = cdc.Changed(before, c.row); err != nil {
			return nil, fmt.Errorf("compare with what was written: %w", err)
		}
	}
	w.encoded, err = w.codecs[o.spec.Object].Append(w.encoded[:0], &env)
	if err == nil && len(w.encoded) > most && c.op != opDelete {
		env.Before = nil
		w.encoded, err = w.codecs[o.spec.Object].Append(w.encoded[:0], &env)
	}
	if err != nil {
		return nil, err
	}
	if len(w.encoded) > most {
		return nil, emit.TooLarge{Topic: o.topic, Bytes: len(w.encoded), Most: most}
	}
	key := hex.AppendEncode(nil, c.id[:])
	records := []*kgo.Record{{Topic: o.topic, Key: key, Value: bytes.Clone(w.encoded)}}
	if c.op == opDelete {
		records = append(records, &kgo.Record{Topic: o.topic, Key: key})
	}
	return records, nil
}

func (w *workspace) skip(s *stream, c change, err error) {
	name := string(s.objects[c.entry.Object].spec.Object)
	w.metrics.skipped.WithLabelValues(w.cfg.Name, name).Inc()
	w.log.Error("a record cannot be written and is left as it was", "workspace", w.cfg.Name, "object", name, "id", c.id.String(), "error", err.Error())
	if s.skipped[c.id] || len(s.skipped) >= emit.MaxSkippedTold {
		return
	}
	if s.skipped == nil {
		s.skipped = map[cdc.ID]bool{}
	}
	s.skipped[c.id] = true
	w.notify(schemas.Notification{Kind: schemas.NotifyRecordSkipped, Stream: s.listing, Object: name, Record: c.id.String(), Message: err.Error()})
}

// befores finds the before images of the pending changes: the change before it
// in the same flush, or the record that the index remembers, if its key and
// fingerprint match. An update whose image cannot be found has none; a delete
// always has one with at least the id.
func (w *workspace) befores(ctx context.Context, s *stream) ([][]byte, error) {
	out := make([][]byte, len(s.pending.changes))
	wanted := map[string][]kafka.Place{}
	inFlight := map[cdc.ID]int{}
	once := len(s.pending.latest) == len(s.pending.changes)
	for i := range s.pending.changes {
		c := &s.pending.changes[i]
		if c.hasPrior {
			if j, ok := inFlight[c.id]; ok {
				out[i] = s.pending.changes[j].row
			} else {
				topic := s.objects[c.prior.Object].topic
				wanted[topic] = append(wanted[topic], kafka.Place{Partition: c.prior.Partition, Offset: c.prior.Offset})
			}
		}
		if !once {
			inFlight[c.id] = i
		}
	}
	found, err := w.readAt(ctx, wanted)
	if err != nil {
		return nil, err
	}
	for i, c := range s.pending.changes {
		if !c.hasPrior || out[i] != nil {
			continue
		}
		o := s.objects[c.prior.Object]
		rec := found[o.topic][kafka.Place{Partition: c.prior.Partition, Offset: c.prior.Offset}]
		out[i] = w.beforeImage(ctx, s, c, rec)
		if out[i] == nil {
			w.metrics.beforeMissing.WithLabelValues(w.cfg.Name, string(o.spec.Object)).Inc()
			if c.op == opDelete {
				out[i] = []byte(`{"_id":"` + c.id.String() + `"}`)
			}
		}
	}
	return out, nil
}

// readAt reads the events at places of topics.
func (w *workspace) readAt(ctx context.Context, wanted map[string][]kafka.Place) (map[string]map[kafka.Place]*kgo.Record, error) {
	found := map[string]map[kafka.Place]*kgo.Record{}
	for topic, places := range wanted {
		got, err := kafka.ReadAt(ctx, w.reader, topic, places)
		if err != nil {
			return nil, emit.LeaseError{Err: fmt.Errorf("read before images from %s: %w", topic, err)}
		}
		found[topic] = got
	}
	return found, nil
}

// beforeImage is the row that rec's event holds, or nil where rec is not the
// event that the index remembers.
func (w *workspace) beforeImage(ctx context.Context, s *stream, c change, rec *kgo.Record) []byte {
	if rec == nil || rec.Value == nil || string(rec.Key) != c.id.String() {
		return nil
	}
	env, err := w.codecs[s.objects[c.prior.Object].spec.Object].Decode(ctx, rec.Value, w.resolver)
	if err != nil || env.After == nil {
		return nil
	}
	if fingerprint, err := cdc.Fingerprint(env.After, &s.shape); err != nil || fingerprint != c.prior.Fingerprint {
		return nil
	}
	return env.After
}

// entryBytes is what most entries take: a longer one grows.
const entryBytes = 32

// stateRecords writes the last entry of each changed record.
func (s *stream) stateRecords(tx *shard.Tx, name string, records [][]*kgo.Record) {
	for i := range s.pending.changes {
		c := &s.pending.changes[i]
		c.entry.Partition, c.entry.Offset = records[i][0].Partition, records[i][0].Offset
		if s.pending.latest[c.id] != i {
			continue
		}
		if c.op == opDelete {
			tx.State(entryKey(name, c.id), nil)
			continue
		}
		tx.State(entryKey(name, c.id), cdc.AppendEntry(make([]byte, 0, entryBytes), c.entry))
	}
}

// applied moves the index to what has been committed.
func (w *workspace) applied(s *stream) {
	type kind struct {
		object uint8
		op     string
	}
	count := map[kind]int{}
	for i := range s.pending.changes {
		c := &s.pending.changes[i]
		count[kind{c.entry.Object, c.op}]++
		if s.pending.latest[c.id] != i {
			continue
		}
		if c.op == opDelete {
			s.index.Delete(c.id)
			if c.gone {
				s.bury(c.id, c.entry, w.now())
			}
			delete(s.absent, c.id)
			delete(s.unseen, c.id)
		} else {
			s.index.Put(c.id, c.entry)
		}
	}
	for k, n := range count {
		w.metrics.changes.WithLabelValues(w.cfg.Name, string(s.objects[k.object].spec.Object), k.op).Add(float64(n))
	}
	s.pending.reset()
	s.health.lastFlush = w.now()
}
