package letters

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// Topic reads the dead letters of one workspace.
type Topic struct {
	Client   *kgo.Client
	Name     string
	Resolver schemas.Resolver
}

// ErrNoTopic means that a topic does not exist.
var ErrNoTopic = errors.New("the topic does not exist")

// clocks is how far the clocks of those who write may be apart.
const clocks = time.Minute

// partitions lists the partitions of a topic with the offset from which records
// may be as new as since; a zero since means the beginning.
func partitions(ctx context.Context, cl *kgo.Client, topic string, since time.Time) (map[int32]int64, error) {
	admin := kadm.NewClient(cl)
	details, err := admin.ListTopics(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("look for topic %s: %w", topic, err)
	}
	if err := details[topic].Err; errors.Is(err, kerr.UnknownTopicOrPartition) {
		return nil, fmt.Errorf("%s: %w", topic, ErrNoTopic)
	} else if err != nil {
		return nil, fmt.Errorf("look for topic %s: %w", topic, err)
	}
	listed, err := admin.ListStartOffsets(ctx, topic)
	if err == nil && !since.IsZero() {
		listed, err = admin.ListOffsetsAfterMilli(ctx, since.UnixMilli(), topic)
	}
	if err != nil {
		return nil, fmt.Errorf("find offsets of %s: %w", topic, err)
	}
	out := map[int32]int64{}
	for partition, o := range listed[topic] {
		if o.Err != nil {
			return nil, fmt.Errorf("find the offset of %s partition %d: %w", topic, partition, o.Err)
		}
		out[partition] = o.Offset
	}
	return out, nil
}

// errEnough ends the reading of a partition.
var errEnough = errors.New("enough")

// Each gives fn the letters that a filter chooses, partition after partition,
// each in the order of the log. The letter is fn's to keep, but shares memory
// with its neighbours.
//
// Each partition is read twice, since what settles a letter stands behind it;
// of the first reading only the marks are kept. Letters named by their places
// are read from there on; where a filter names ids of commands, the partitions
// behind the one with the last of them are not read.
func (t *Topic) Each(ctx context.Context, f *Filter, fn func(*Letter) error) error {
	since := f.Since
	if !since.IsZero() {
		since = since.Add(-clocks)
	}
	starts, err := partitions(ctx, t.Client, t.Name, since)
	if err != nil {
		return err
	}
	places, open := f.places(), map[string]bool{}
	for _, id := range f.IDs {
		open[id] = true
	}
	for _, partition := range slices.Sorted(maps.Keys(starts)) {
		span, named := places[partition]
		if places != nil && !named {
			continue
		}
		if !named {
			span[1] = math.MaxInt64
		}
		err := t.partition(ctx, partition, [2]int64{max(starts[partition], span[0]), span[1]}, f, func(l *Letter) error {
			delete(open, f.Named(l))
			return fn(l)
		})
		if err != nil {
			return err
		}
		if len(f.IDs) > 0 && len(open) == 0 {
			return nil
		}
	}
	return nil
}

// partition gives fn the chosen letters of one partition within a span of
// offsets, both ends included.
func (t *Topic) partition(ctx context.Context, partition int32, span [2]int64, f *Filter, fn func(*Letter) error) error {
	marks := map[int64]Mark{}
	err := kafka.ReadToStable(ctx, t.Client, t.Name, partition, span[0], func(r *kgo.Record) error {
		if m, ok := ReadMark(r); ok {
			if _, again := marks[m.Letter.Offset]; !again {
				marks[m.Letter.Offset] = m
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = kafka.ReadToStable(ctx, t.Client, t.Name, partition, span[0], func(r *kgo.Record) error {
		if r.Offset > span[1] {
			return errEnough
		}
		if _, is := ReadMark(r); is {
			return nil
		}
		l := Read(r)
		if m, ok := marks[r.Offset]; ok {
			l.State, l.NewID, l.Reason, l.Since = m.State, m.NewID, m.Reason, m.Time
		}
		chosen, err := f.chosen(ctx, &l, t.Resolver)
		if err != nil || !chosen {
			return err
		}
		return fn(&l)
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}
