package oracle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// sabotages are the ways to falsify evidence.
var sabotages = map[string]func(context.Context, Options) error{
	"drop":          drop,
	"invent":        invent,
	"swap":          swap,
	"double-result": doubleResult,
}

// Sabotages lists the kinds that Sabotage takes.
func Sabotages() []string { return []string{"drop", "invent", "swap", "double-result"} }

// Sabotage falsifies evidence after a run and before Check, so that a reader can
// see the oracle fail:
//
//	drop           takes one event out of a change topic
//	invent         adds an event of a record that never was
//	swap           changes the places of two events of a record
//	double-result  answers a command twice
//
// drop and swap delete the topic and write it again: the bridge must have ended,
// and the broker must be one that nobody needs.
func Sabotage(ctx context.Context, o Options, kind string) error {
	do, ok := sabotages[kind]
	if !ok {
		return fmt.Errorf("sabotage %q: there are %s", kind, strings.Join(Sabotages(), ", "))
	}
	if err := do(ctx, o); err != nil {
		return fmt.Errorf("sabotage %s: %w", kind, err)
	}
	return nil
}

// tape is one change topic as it is in the log.
type tape struct {
	topic   string
	form    Form
	codec   *schemas.Codec
	records []*kgo.Record
	changes []Change // of the same indexes
}

func tapes(ctx context.Context, o Options) ([]tape, error) {
	var out []tape
	for _, object := range o.Objects {
		form, err := formOf(o.vendorName(), object)
		if err != nil {
			return nil, err
		}
		codec, err := schemas.NewCodec(o.vendorName(), object)
		if err != nil {
			return nil, err
		}
		t := tape{topic: o.changes(object), form: form, codec: codec}
		if t.records, err = readAll(ctx, o, t.topic); err != nil {
			return nil, err
		}
		for _, rec := range t.records {
			t.changes = append(t.changes, decodeChange(Place{rec.Topic, rec.Partition, rec.Offset}, string(rec.Key), rec.Value, codec))
		}
		out = append(out, t)
	}
	return out, nil
}

func readAll(ctx context.Context, o Options, topic string) ([]*kgo.Record, error) {
	var out []*kgo.Record
	r, err := newReader(o.Kafka, kgo.ReadCommitted(), func(_ context.Context, rec *kgo.Record) { out = append(out, rec) })
	if err != nil {
		return nil, err
	}
	defer r.cl.Close()
	if _, err := r.catchUp(ctx, topic); err != nil {
		return nil, err
	}
	slices.SortStableFunc(out, func(a, b *kgo.Record) int { return int(a.Partition - b.Partition) })
	return out, nil
}

// pair is two indexes of a tape: an event and the next record of its key, or -1.
type pair struct{ at, next int }

func (t tape) pairs() []pair {
	next := map[string]int{}
	var out []pair
	for i, c := range slices.Backward(t.changes) {
		after, ok := next[c.Key]
		if !ok {
			after = -1
		}
		if !c.Tombstone && c.Err == nil {
			out = append(out, pair{i, after})
		}
		next[c.Key] = i
	}
	slices.Reverse(out)
	return out
}

// drops rates how well an event is missed: 0, the next event of its record
// tells; 1, only the vendor's state tells.
func (t tape) drops(p pair) (rating int, ok bool) {
	if p.next < 0 {
		return 1, t.changes[p.at].Op != "d"
	}
	c, next := t.changes[p.at], t.changes[p.next]
	seen := c.Op == "c" || c.Op == "r" || next.Op == "c" || len(next.Before) > 1
	return 0, seen && !next.Tombstone
}

func drop(ctx context.Context, o Options) error {
	all, err := tapes(ctx, o)
	if err != nil {
		return err
	}
	for wanted := range 2 {
		for _, t := range all {
			for _, p := range t.pairs() {
				if rating, ok := t.drops(p); ok && rating == wanted {
					return rewrite(ctx, o, t.topic, slices.Delete(slices.Clone(t.records), p.at, p.at+1))
				}
			}
		}
	}
	return errors.New("no event to drop: let the bridge run first")
}

func swap(ctx context.Context, o Options) error {
	all, err := tapes(ctx, o)
	if err != nil {
		return err
	}
	for _, t := range all {
		for _, p := range t.pairs() {
			if p.next < 0 || t.changes[p.next].Tombstone {
				continue
			}
			records := slices.Clone(t.records)
			records[p.at], records[p.next] = records[p.next], records[p.at]
			return rewrite(ctx, o, t.topic, records)
		}
	}
	return errors.New("no record has two events to swap: let the bridge run for longer")
}

// inventedID has the form of Planhat's ids and a date that no record has, and
// inventedNumber that of Pipedrive's.
const (
	inventedID     = "00000000deadbeef00000000"
	inventedNumber = "3735928559"
)

// invented is an id that no record has, and a record with it and nothing else.
func (f Form) invented() (id string, record []byte) {
	if f.IDField == "id" {
		return inventedNumber, []byte(`{"id":` + inventedNumber + `}`)
	}
	return inventedID, []byte(`{"_id":"` + inventedID + `"}`)
}

func invent(ctx context.Context, o Options) error {
	all, err := tapes(ctx, o)
	if err != nil {
		return err
	}
	for _, t := range all {
		model := slices.IndexFunc(t.changes, func(c Change) bool { return !c.Tombstone && c.Err == nil })
		if model < 0 {
			continue
		}
		e, err := t.codec.DecodeEnvelope(t.records[model].Value)
		if err != nil {
			return err
		}
		key, record := t.form.invented()
		e.Op, e.Before, e.After, e.Changed = "c", nil, record, nil
		e.Source.Sequence = topSequence(all, e.Source.Stream) + 1
		id, ok := schemas.WireID(t.records[model].Value)
		if !ok {
			return errors.New("the topic's values have no schema id")
		}
		value, err := t.codec.AppendEnvelope(nil, id, &e)
		if err != nil {
			return err
		}
		return produce(ctx, o, []*kgo.Record{{Topic: t.topic, Partition: t.records[model].Partition, Key: []byte(key), Value: value}})
	}
	return errors.New("no change topic has an event: let the bridge run first")
}

func topSequence(all []tape, stream string) int64 {
	var top int64
	for _, t := range all {
		for _, c := range t.changes {
			if c.Stream == stream {
				top = max(top, c.Sequence)
			}
		}
	}
	return top
}

func doubleResult(ctx context.Context, o Options) error {
	records, err := readAll(ctx, o, o.Names.Results(o.vendorName(), o.Workspace))
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return errors.New("no result to double: send a command first")
	}
	r := records[len(records)/2]
	return produce(ctx, o, []*kgo.Record{{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: r.Headers}})
}
