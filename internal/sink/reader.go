package sink

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
)

// quarters are the places where commands are held: the batch under way, the one that
// grows beside it, what was polled, and what the client has fetched. Each has an equal
// part of SINK_BUFFER_BYTES; of the latter two each broker's commands have one.
const quarters = 4

// fetchMost bounds one fetch where there is room for more.
const fetchMost = 16 << 20

// reader reads a workspace's commands from its positions on.
type reader struct {
	client *kgo.Client
	topic  string
	log    *slog.Logger
	starts map[int32]int64 // the first offset of each partition, when reading began

	held [][]*kgo.Record // polled, not yet handed out, by partition
}

// newReader starts reading. Every partition is read from its position, or from
// the beginning. Commands that the topic's retention has removed unread are
// reported, since nothing can be done about them. room bounds the bytes of a fetch.
func newReader(ctx context.Context, opts kafka.Options, p positions, room int, log *slog.Logger) (*reader, error) {
	fetch := int32(min(room, fetchMost))
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

// next waits for commands and returns some of them, up to a number and, but for the first,
// to a number of bytes; each partition's are in order. The partitions give alike, so that a batch has as
// many keys, and as few commands of each, as can be. The error is that of ctx, or of Kafka
// saying that reading on makes no sense.
func (r *reader) next(ctx context.Context, most, bytes int) ([]*kgo.Record, error) {
	if len(r.held) == 0 {
		if err := r.poll(ctx); err != nil {
			return nil, err
		}
	}
	var out []*kgo.Record
	for len(r.held) > 0 && len(out) < most && bytes > 0 {
		share := max((most-len(out))/len(r.held), 1)
		for n, held := range r.held {
			some := part(held, min(share, most-len(out)), bytes, len(out) == 0)
			for _, rec := range held[:some] {
				bytes -= size(rec)
			}
			out, r.held[n] = append(out, held[:some]...), held[some:]
			if some < min(share, len(held)) {
				bytes = 0 // the next one does not fit
			}
		}
		r.held = slices.DeleteFunc(r.held, func(held []*kgo.Record) bool { return len(held) == 0 })
	}
	return out, nil
}

// part is how many of some commands fit; first says that one does in any case.
func part(held []*kgo.Record, most, bytes int, first bool) int {
	n := 0
	for n < len(held) && n < most {
		if bytes -= size(held[n]); bytes < 0 && (n > 0 || !first) {
			break
		}
		n++
	}
	return n
}

// more tells whether there are commands at hand that nobody has to be asked for.
func (r *reader) more() bool { return len(r.held) > 0 || r.client.BufferedFetchRecords() > 0 }

// poll holds what has been fetched, waiting for at least one record.
func (r *reader) poll(ctx context.Context) error {
	for {
		fetches := r.client.PollFetches(ctx)
		var fatal error
		if ctx.Err() != nil { // it may have come with commands
			fatal = ctx.Err()
		}
		fetches.EachError(func(topic string, partition int32, err error) {
			if ctx.Err() != nil {
				return
			}
			fatal = fmt.Errorf("read %s partition %d: %w", topic, partition, err)
		})
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if len(p.Records) > 0 {
				r.held = append(r.held, p.Records)
			}
		})
		if fatal != nil {
			return fatal
		}
		if len(r.held) > 0 {
			return nil
		}
	}
}
