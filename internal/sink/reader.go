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

// quarters are the places where commands are held: the batch under way, the one that
// grows beside it, what was polled, and what the client has fetched. Each has an equal
// part of SINK_BUFFER_BYTES.
const quarters = 4

// fetchMost bounds one fetch where there is room for more.
const fetchMost = 16 << 20

// reader reads a workspace's commands from its positions on.
type reader struct {
	client *kgo.Client
	topic  string
	log    *slog.Logger
	starts map[int32]int64 // the first offset of each partition, when reading began

	held []*kgo.Record // polled, not yet handed out
}

// newReader starts reading. Every partition is read from its position, or from
// the beginning. Commands that the topic's retention has removed unread are
// reported, since nothing can be done about them. room bounds the bytes of a fetch.
func newReader(ctx context.Context, opts kafka.Options, p positions, room int, log *slog.Logger) (*reader, error) {
	fetch := int32(min(room, fetchMost)) //nolint:gosec // at most fetchMost
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
		kgo.FetchMaxBytes(fetch),
		kgo.FetchMaxPartitionBytes(fetch/4),
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

// next waits for commands and returns some of them, at most most and, but for the first,
// bytes; each partition's are in order. The error is that of ctx, or of Kafka saying that
// reading on makes no sense.
func (r *reader) next(ctx context.Context, most, bytes int) ([]*kgo.Record, error) {
	if len(r.held) == 0 {
		if err := r.poll(ctx, most); err != nil {
			return nil, err
		}
	}
	n := 0
	for n < len(r.held) && n < most {
		if bytes -= size(r.held[n]); bytes < 0 && n > 0 {
			break
		}
		n++
	}
	out := r.held[:n:n]
	if r.held = r.held[n:]; len(r.held) == 0 {
		r.held = nil
	}
	return out, nil
}

// more tells whether there are commands at hand that nobody has to be asked for.
func (r *reader) more() bool { return len(r.held) > 0 || r.client.BufferedFetchRecords() > 0 }

// poll holds what has been fetched, waiting for at least one record.
func (r *reader) poll(ctx context.Context, most int) error {
	for {
		fetches := r.client.PollRecords(ctx, most)
		if err := ctx.Err(); err != nil {
			return err
		}
		var fatal error
		fetches.EachError(func(topic string, partition int32, err error) {
			fatal = fmt.Errorf("read %s partition %d: %w", topic, partition, err)
		})
		if fatal != nil {
			return fatal
		}
		if r.held = fetches.Records(); len(r.held) > 0 {
			return nil
		}
	}
}
