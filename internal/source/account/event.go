package account

import (
	"bytes"
	"context"
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/source/emit"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// images finds the record before each pending change, and with it what was
// cleared: only the two together are the row that is written. Changes that turn
// out to be none are left out.
func (a *Account) images(ctx context.Context) error {
	wanted := map[string][]kafka.Place{}
	for _, c := range a.pending.changes {
		if c.hasPrior {
			wanted[c.stream.topic] = append(wanted[c.stream.topic], placeOf(c.prior))
		}
	}
	found := map[string]map[kafka.Place]*kgo.Record{}
	for topic, places := range wanted {
		got, err := kafka.ReadAt(ctx, a.lease.Client(), topic, places)
		if err != nil {
			return emit.LeaseError{Err: fmt.Errorf("read before images from %s: %w", topic, err)}
		}
		found[topic] = got
	}
	var kept pending
	for _, c := range a.pending.changes {
		var before *row
		if c.hasPrior {
			before = a.imageOf(ctx, &c, found[c.stream.topic][placeOf(c.prior)])
		}
		if c.render(before) {
			kept.add(c)
		}
	}
	a.pending = kept
	return nil
}

func placeOf(e cdc.Entry) kafka.Place { return kafka.Place{Partition: e.Partition, Offset: e.Offset} }

// imageOf is the row before a change, which it also sets. It is the one that the
// index remembers, or none; a delete always has one with at least the id.
func (a *Account) imageOf(ctx context.Context, c *change, rec *kgo.Record) *row {
	if image := a.decode(ctx, c, rec); image != nil {
		if read, err := readRow(image); err == nil {
			fingerprint, err := cdc.Fingerprint(read.write(nil), &c.stream.shape)
			if err == nil && fingerprint == c.prior.Fingerprint {
				c.before = image
				return &read
			}
		}
	}
	a.metrics.beforeMissing.WithLabelValues(a.cfg.Name, string(c.stream.Object)).Inc()
	if c.op == opDelete {
		c.before = []byte(`{"id":` + decimal(c.id) + `}`)
	}
	return nil
}

// decode is the row that an event of the change's record holds.
func (a *Account) decode(ctx context.Context, c *change, rec *kgo.Record) []byte {
	if rec == nil || rec.Value == nil || string(rec.Key) != decimal(c.id) {
		return nil
	}
	env, err := c.stream.codec.Decode(ctx, rec.Value, a.opts.Resolver)
	if err != nil {
		return nil
	}
	return env.After
}

// render makes the row of a change, and says whether it is a change at all.
func (c *change) render(before *row) bool {
	if c.op == opDelete {
		return true
	}
	cleared := c.read.cleared(before, c.told)
	if c.onlyCleared && before != nil {
		news := false
		for name := range cleared {
			news = news || !before.nulls[name]
		}
		if !news {
			return false // it was told before
		}
	}
	c.after = c.read.write(cleared)
	return true
}

// records encodes one change: an event and, for a delete, its tombstone. An event
// that is too large with its before image goes without it.
func (a *Account) records(ctx context.Context, c *change) ([]*kgo.Record, error) {
	most := emit.Room(ctx, a.lease, c.stream.topic)
	env := a.envelope(c)
	var err error
	if c.op == opUpdate && c.before != nil {
		if env.Changed, err = cdc.ChangedIn(customFields, c.before, c.after); err != nil {
			return nil, fmt.Errorf("compare with what was written: %w", err)
		}
	}
	a.encoded, err = c.stream.codec.Append(a.encoded[:0], &env)
	if err == nil && len(a.encoded) > most && c.op != opDelete {
		env.Before = nil
		a.encoded, err = c.stream.codec.Append(a.encoded[:0], &env)
	}
	if err != nil {
		return nil, err
	}
	if len(a.encoded) > most {
		return nil, emit.TooLarge{Topic: c.stream.topic, Bytes: len(a.encoded), Most: most}
	}
	key := []byte(decimal(c.id))
	records := []*kgo.Record{{Topic: c.stream.topic, Key: key, Value: bytes.Clone(a.encoded)}}
	if c.op == opDelete {
		records = append(records, &kgo.Record{Topic: c.stream.topic, Key: key})
	}
	return records, nil
}

func (a *Account) envelope(c *change) schemas.Envelope {
	now, at := a.now().UnixMilli(), c.entry.Stamp
	if c.op == opDelete {
		at = c.stamp
	}
	if at == 0 {
		at = now
	}
	env := schemas.Envelope{
		Before: c.before, After: c.after, Op: c.op, TsMs: now,
		Source: schemas.Source{
			Version: a.opts.Version, Connector: connector, Name: a.opts.Names.Bridge, TsMs: at, Snapshot: strconv.FormatBool(c.op == opRead),
			DB: a.cfg.Name, Table: string(c.stream.Object), Sequence: a.lease.NextSequence(), Stream: string(c.stream.Object),
		},
	}
	if c.op != opUpdate && c.op != opDelete {
		env.Before = nil
	}
	return env
}
