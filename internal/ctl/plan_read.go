package ctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/ctl/foresight"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// starts are the first offsets of a topic's partitions; nil if there is no such
// topic.
func (r *planReader) starts(ctx context.Context, topic string) (map[int32]int64, error) {
	listed, err := kadm.NewClient(r.client).ListStartOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	out := map[int32]int64{}
	for partition, o := range listed[topic] {
		if errors.Is(o.Err, kerr.UnknownTopicOrPartition) {
			return nil, nil
		}
		if o.Err != nil {
			return nil, o.Err
		}
		out[partition] = o.Offset
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

// begin is where the reading of the commands begins.
func (r *planReader) begin(ctx context.Context, f *planFlags, topic string) (map[int32]int64, error) {
	out, err := r.starts(ctx, topic)
	switch {
	case err != nil:
		return nil, err
	case out == nil:
		return nil, usage("topic %s does not exist: start the sink once, which creates it, or check --workspace and TOPIC_PREFIX", topic)
	case f.only != nil:
		if _, ok := out[f.only.partition]; !ok {
			return nil, usage("--range: topic %s has no partition %d", topic, f.only.partition)
		}
		return map[int32]int64{f.only.partition: f.only.first}, nil
	case !f.fromTime.IsZero():
		listed, err := kadm.NewClient(r.client).ListOffsetsAfterMilli(ctx, f.fromTime.UnixMilli(), topic)
		if err != nil {
			return nil, err
		}
		for partition, o := range listed[topic] {
			if o.Err != nil {
				return nil, o.Err
			}
			out[partition] = o.Offset
		}
	case f.from == "position":
		group := r.env.names.CommandGroup(vendor, r.workspace)
		positions, err := kadm.NewClient(r.client).FetchOffsets(ctx, group)
		if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
			return nil, fmt.Errorf("the sink's position, of group %s: %w", group, err)
		}
		for partition := range out {
			if at, ok := positions.Lookup(topic, partition); ok && at.At >= 0 {
				out[partition] = max(out[partition], at.At)
			}
		}
	}
	return out, nil
}

// waiting are the commands of the topic, in the order of their times.
func (r *planReader) waiting(ctx context.Context, f *planFlags) ([]seen, error) {
	topic := r.env.names.Commands(vendor, r.workspace)
	begin, err := r.begin(ctx, f, topic)
	if err != nil {
		return nil, err
	}
	lists := map[int32][]*kgo.Record{}
	count, bytes := 0, 0
	for _, partition := range slices.Sorted(maps.Keys(begin)) {
		err := kafka.ReadToStable(ctx, r.client, topic, partition, begin[partition], func(rec *kgo.Record) error {
			switch {
			case f.only != nil && rec.Offset > f.only.last, count >= f.most || bytes >= planBytes:
				return errEnough
			case !f.untilTime.IsZero() && !rec.Timestamp.Before(f.untilTime):
				return nil
			}
			lists[partition] = append(lists[partition], rec)
			count++
			bytes += len(rec.Value)
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			return nil, err
		}
	}
	if count >= f.most || bytes >= planBytes {
		fmt.Fprintf(r.Stderr, "planhatctl: these are the first %d commands; there may be more: see --range and --max\n", count)
	}
	return r.decodeAll(ctx, interleaved(lists))
}

// interleaved merges partitions by time, as the sink may find them; the order of
// each stays.
func interleaved(lists map[int32][]*kgo.Record) []*kgo.Record {
	var out []*kgo.Record
	for {
		next := int32(-1)
		for _, partition := range slices.Sorted(maps.Keys(lists)) {
			if head := lists[partition]; len(head) > 0 && (next < 0 || head[0].Timestamp.Before(lists[next][0].Timestamp)) {
				next = partition
			}
		}
		if next < 0 {
			return out
		}
		out = append(out, lists[next][0])
		lists[next] = lists[next][1:]
	}
}

func (r *planReader) decodeAll(ctx context.Context, records []*kgo.Record) ([]seen, error) {
	out := make([]seen, len(records))
	for n, rec := range records {
		c, problem := schemas.DecodeCommand(ctx, rec.Value, r.env.resolver)
		if problem != nil && problem.Wait {
			return nil, fmt.Errorf("%s: %w", problem, problem.Err)
		}
		id := c.ID
		if id == "" {
			id = sink.DerivedID(rec.Topic, rec.Partition, rec.Offset)
		}
		out[n] = seen{foresight.Command{Command: c, Problem: problem, Key: string(rec.Key), Keyed: rec.Key != nil}, id, &kafka.Place{Partition: rec.Partition, Offset: rec.Offset}}
	}
	return out, nil
}

// fill reads the last state of the records that the mirror wants.
func (r *planReader) fill(ctx context.Context, m *foresight.Mirror) error {
	for _, object := range m.Wanted() {
		known, err := r.changes(ctx, object, func(id string, row []byte) { m.Set(object, id, row) })
		if err != nil {
			return err
		}
		if known {
			m.Known(object)
		}
	}
	return nil
}

// changes gives fn every change of an object, a nil row for a record that is
// gone; known tells whether the topic exists and something was ever in it.
func (r *planReader) changes(ctx context.Context, object planhat.Object, fn func(id string, row []byte)) (known bool, err error) {
	topic := r.env.names.Changes(vendor, r.workspace, string(object))
	starts, err := r.starts(ctx, topic)
	if err != nil {
		return false, err
	}
	for partition, from := range starts {
		err := kafka.ReadToStable(ctx, r.client, topic, partition, from, func(rec *kgo.Record) error {
			known = true
			if rec.Value == nil {
				fn(string(rec.Key), nil)
				return nil
			}
			change, err := r.envelope(ctx, string(object), rec.Value)
			if err != nil {
				return fmt.Errorf("the change at partition %d offset %d of %s: %w", rec.Partition, rec.Offset, topic, err)
			}
			fn(string(rec.Key), change.After)
			return nil
		})
		if err != nil {
			return known, err
		}
	}
	return known, nil
}

// envelope asks the registry for the writer's schema, and takes its own where
// the registry cannot be asked.
func (r *planReader) envelope(ctx context.Context, object string, value []byte) (schemas.Envelope, error) {
	change, err := schemas.DecodeAnyEnvelope(ctx, value, r.env.resolver)
	if err == nil {
		return change, nil
	}
	codec, ownErr := schemas.NewCodec(vendor, object)
	if ownErr != nil {
		return change, err
	}
	if change, ownErr = codec.DecodeEnvelope(value); ownErr != nil {
		return change, err
	}
	r.warn(err)
	return change, nil
}

// customRow is a row of the catalogue of custom fields.
type customRow struct {
	name, parent string
	formula      bool
}

func readCustomRow(row []byte) (customRow, bool) {
	var f struct {
		Name      string `json:"name"`
		Parent    string `json:"parent"`
		IsFormula any    `json:"isFormula"`
	}
	if row == nil || json.Unmarshal(row, &f) != nil || f.Name == "" {
		return customRow{}, false
	}
	return customRow{f.Name, strings.ToLower(f.Parent), f.IsFormula == true}, true
}
