package sink

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
)

// batchBytes bounds the keys, values and headers of one batch.
const batchBytes = 16 << 20

// reader reads a workspace's commands from its positions on, a batch at a time.
type reader struct {
	client *kgo.Client
	topic  string
	max    int
	linger time.Duration
	log    *slog.Logger
	starts map[int32]int64 // the first offset of each partition, when reading began

	held  []*kgo.Record // polled, not yet handed out
	bytes int           // of held
}

// newReader starts reading. Every partition is read from its position, or from
// the beginning. Commands that the topic's retention has removed unread are
// reported, since nothing can be done about them.
func newReader(ctx context.Context, opts kafka.Options, p positions, log *slog.Logger) (*reader, error) {
	offsets := make(map[int32]kgo.Offset, p.Partitions)
	for n := range p.Partitions {
		offsets[n] = kgo.NewOffset().AtStart()
		if next, ok := p.Next[n]; ok {
			offsets[n] = kgo.NewOffset().At(next)
		}
	}
	client, err := opts.NewClient(
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{p.Topic: offsets}),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxBytes(batchBytes),
		kgo.FetchMaxPartitionBytes(batchBytes/4),
		kgo.FetchMaxWait(500*time.Millisecond),
	)
	if err != nil {
		return nil, err
	}
	r := &reader{client: client, topic: p.Topic, log: log, starts: map[int32]int64{}}
	if err := r.reportLost(ctx, p); err != nil {
		client.Close()
		return nil, err
	}
	return r, nil
}

func (r *reader) close() { r.client.CloseAllowingRebalance() }

func (r *reader) reportLost(ctx context.Context, p positions) error {
	starts, err := kadm.NewClient(r.client).ListStartOffsets(ctx, p.Topic)
	if err != nil {
		return fmt.Errorf("list the first offsets of %s: %w", p.Topic, err)
	}
	starts.Each(func(o kadm.ListedOffset) {
		if o.Err == nil {
			r.starts[o.Partition] = o.Offset
		}
	})
	for partition, next := range p.Next {
		if start, ok := r.starts[partition]; ok && start > next {
			r.log.Error("commands were removed by the topic's retention before they were read",
				"topic", p.Topic, "partition", partition, "first_lost", next, "first_kept", start)
		}
	}
	return nil
}

// next waits for commands and returns a batch of them; each partition's are in
// order. The error is that of ctx, or of Kafka saying that reading on makes no
// sense.
func (r *reader) next(ctx context.Context) ([]*kgo.Record, error) {
	if len(r.held) == 0 {
		if err := r.poll(ctx); err != nil {
			return nil, err
		}
	}
	linger, cancel := context.WithTimeout(ctx, r.linger)
	defer cancel()
	for len(r.held) < r.max && r.bytes < batchBytes && linger.Err() == nil {
		if err := r.poll(linger); err != nil {
			if linger.Err() == nil || ctx.Err() != nil {
				return nil, err
			}
			break
		}
	}
	n, bytes := 0, 0
	for n < len(r.held) && n < r.max {
		bytes += size(r.held[n])
		if n++; bytes >= batchBytes {
			break
		}
	}
	batch := r.held[:n:n]
	r.held = r.held[n:]
	r.bytes -= bytes
	return batch, nil
}

// poll holds what has been fetched, waiting for at least one record.
func (r *reader) poll(ctx context.Context) error {
	for {
		fetches := r.client.PollRecords(ctx, r.max)
		if err := ctx.Err(); err != nil {
			r.hold(fetches)
			return err
		}
		var fatal error
		fetches.EachError(func(topic string, partition int32, err error) {
			fatal = fmt.Errorf("read %s partition %d: %w", topic, partition, err)
		})
		if fatal != nil {
			return fatal
		}
		if r.hold(fetches) {
			return nil
		}
	}
}

func (r *reader) hold(fetches kgo.Fetches) bool {
	n := len(r.held)
	fetches.EachRecord(func(rec *kgo.Record) {
		r.held = append(r.held, rec)
		r.bytes += size(rec)
	})
	return len(r.held) > n
}
