package oracle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
)

// reader gathers the committed records of topics. It goes on where it stopped,
// so that waiting for a bridge costs only what is new.
type reader struct {
	cl     *kgo.Client
	next   map[string]map[int32]int64
	record func(context.Context, *kgo.Record)
}

// stall is how long a topic may bring nothing before its end: broker trouble.
const stall = 20 * time.Second

func newReader(o kafka.Options, isolation kgo.IsolationLevel, record func(context.Context, *kgo.Record)) (*reader, error) {
	o.Registerer = nil
	cl, err := o.NewClient(
		kgo.FetchIsolationLevel(isolation),
		kgo.KeepControlRecords(), // they show that the end of a partition was reached
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxWait(tick), // a fetch of what is empty must not hold up the others
	)
	if err != nil {
		return nil, err
	}
	return &reader{cl: cl, next: map[string]map[int32]int64{}, record: record}, nil
}

// catchUp reads everything that is stable now. Topics that do not exist are
// named in missing.
func (r *reader) catchUp(ctx context.Context, topics ...string) (missing map[string]bool, err error) {
	ends, missing, err := r.ends(ctx, topics)
	for began := time.Now(); kerr.IsRetriable(err) && time.Since(began) < stall; { // a leader that moves
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("read topics: %w", context.Cause(ctx))
		case <-time.After(tick):
			ends, missing, err = r.ends(ctx, topics)
		}
	}
	if err != nil {
		return nil, err
	}
	for !r.reached(ends) {
		if err := r.poll(ctx); err != nil {
			return nil, err
		}
	}
	return missing, nil
}

// ends gives the last stable offsets and starts to consume partitions that are
// new.
func (r *reader) ends(ctx context.Context, topics []string) (map[string]map[int32]int64, map[string]bool, error) {
	adm := kadm.NewClient(r.cl)
	starts, err := adm.ListStartOffsets(ctx, topics...)
	if err != nil {
		return nil, nil, fmt.Errorf("list start offsets: %w", err)
	}
	stable, err := adm.ListCommittedOffsets(ctx, topics...)
	if err != nil {
		return nil, nil, fmt.Errorf("list last stable offsets: %w", err)
	}
	missing := map[string]bool{}
	ends := map[string]map[int32]int64{}
	for _, topic := range topics {
		if len(stable[topic]) == 0 {
			missing[topic] = true
		}
		for partition, end := range stable[topic] {
			start, ok := starts.Lookup(topic, partition)
			switch {
			case end.Err != nil && partition < 0 || !ok:
				missing[topic] = true
				continue
			case end.Err != nil || start.Err != nil:
				return nil, nil, fmt.Errorf("list offsets of %s partition %d: %w", topic, partition, errors.Join(end.Err, start.Err))
			}
			r.follow(topic, partition, start.Offset)
			if ends[topic] == nil {
				ends[topic] = map[int32]int64{}
			}
			ends[topic][partition] = end.Offset
		}
	}
	return ends, missing, nil
}

func (r *reader) follow(topic string, partition int32, start int64) {
	if r.next[topic] == nil {
		r.next[topic] = map[int32]int64{}
	}
	if _, ok := r.next[topic][partition]; ok {
		return
	}
	r.next[topic][partition] = start
	r.cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(start)}})
}

func (r *reader) reached(ends map[string]map[int32]int64) bool {
	for topic, partitions := range ends {
		for partition, end := range partitions {
			if r.next[topic][partition] < end {
				return false
			}
		}
	}
	return true
}

func (r *reader) poll(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, stall, fmt.Errorf("nothing came for %s although the topics' ends are not reached", stall))
	defer cancel()
	fetches := r.cl.PollFetches(ctx)
	if ctx.Err() != nil {
		return fmt.Errorf("read topics: %w", context.Cause(ctx))
	}
	if err := fetches.Err0(); err != nil {
		return fmt.Errorf("read topics: %w", err)
	}
	var failed error
	fetches.EachError(func(topic string, partition int32, err error) {
		failed = errors.Join(failed, fmt.Errorf("read %s partition %d: %w", topic, partition, err))
	})
	fetches.EachRecord(func(rec *kgo.Record) {
		r.next[rec.Topic][rec.Partition] = rec.Offset + 1
		if !rec.Attrs.IsControl() {
			r.record(ctx, rec)
		}
	})
	return failed
}
