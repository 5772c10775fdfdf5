package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// fetcher sends single fetch requests outside the client's consumer. It
// belongs to one call of ReadAt or ReadToStable and one topic; fetch may be
// called concurrently.
type fetcher struct {
	cl        *kgo.Client
	topic     string
	isolation kgo.IsolationLevel
	level     int8 // the same on the wire

	unpack kgo.Decompressor

	mu      sync.Mutex
	id      kadm.TopicID
	leaders map[int32]int32 // partition -> broker
}

const (
	fetchAttempts = 8
	fetchBackoff  = 50 * time.Millisecond
)

func newFetcher(cl *kgo.Client, topic string, committed bool) *fetcher {
	f := &fetcher{cl: cl, topic: topic, isolation: kgo.ReadUncommitted(), unpack: kgo.DefaultDecompressor()}
	if committed {
		f.isolation, f.level = kgo.ReadCommitted(), 1
	}
	return f
}

// leader is the broker to ask; again means that the last answer of the
// metadata was no good.
func (f *fetcher) leader(ctx context.Context, partition int32, again bool) (int32, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.leaders == nil || again {
		if err := f.locate(ctx); err != nil {
			return -1, err
		}
	}
	leader, ok := f.leaders[partition]
	if !ok || leader < 0 {
		return -1, errNoLeader
	}
	return leader, nil
}

func (f *fetcher) locate(ctx context.Context) error {
	details, err := kadm.NewClient(f.cl).ListTopics(ctx, f.topic)
	if err != nil {
		return err
	}
	d := details[f.topic]
	if d.Err != nil {
		return unusable{d.Err}
	}
	f.id, f.leaders = d.ID, make(map[int32]int32, len(d.Partitions))
	for n, p := range d.Partitions {
		if p.Err == nil || errors.Is(p.Err, kerr.ReplicaNotAvailable) {
			f.leaders[n] = p.Leader
		}
	}
	return nil
}

// chunk is what one partition gave from one position.
type chunk struct {
	records []*kgo.Record // control records too, ascending
	next    int64         // the position after what was read; the position asked for if nothing was
	high    int64         // high watermark, as the answering broker knows it
	stable  int64         // last stable offset, likewise
}

// fetch reads from one position of one partition: one answer of about
// maxBytes, at least one batch where there is one, nothing where there is
// none; it does not wait for more to arrive. Leaders that moved are followed.
// OffsetOutOfRange is returned as it is.
func (f *fetcher) fetch(ctx context.Context, partition int32, at int64, maxBytes int32) (chunk, error) {
	var last error
	for attempt := range fetchAttempts {
		if attempt > 0 && pause(ctx, fetchBackoff<<min(attempt, 4)) != nil {
			break
		}
		var c chunk
		if c, last = f.try(ctx, partition, at, maxBytes, attempt > 0); last == nil {
			return c, nil
		}
		if !transient(last) {
			break
		}
	}
	if ctx.Err() != nil {
		last = context.Cause(ctx)
	}
	return chunk{}, fmt.Errorf("fetch %s partition %d at offset %d: %w", f.topic, partition, at, last)
}

// transportError is a request that got no answer.
type transportError struct{ error }

func (e transportError) Unwrap() error { return e.error }

// unusable is a topic that the metadata says cannot be read.
type unusable struct{ error }

func (e unusable) Unwrap() error { return e.error }

var (
	errNoLeader = errors.New("the partition has no leader")
	errNoAnswer = errors.New("the broker gave an empty answer, as it does when a quota is spent")
)

// transient errors may go away when the metadata is read again.
func transient(err error) bool {
	if errors.As(err, new(unusable)) {
		return false
	}
	return kerr.IsRetriable(err) || errors.As(err, new(transportError)) ||
		errors.Is(err, errNoLeader) || errors.Is(err, errNoAnswer)
}

func (f *fetcher) try(ctx context.Context, partition int32, at int64, maxBytes int32, again bool) (chunk, error) {
	leader, err := f.leader(ctx, partition, again)
	if err != nil {
		return chunk{}, err
	}
	resp, err := f.request(partition, at, maxBytes).RequestWith(ctx, f.cl.Broker(int(leader)))
	if err != nil {
		return chunk{}, transportError{err}
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return chunk{}, err
	}
	if len(resp.Topics) == 0 || len(resp.Topics[0].Partitions) == 0 {
		return chunk{}, errNoAnswer
	}
	return f.decode(partition, at, &resp.Topics[0].Partitions[0])
}

func (f *fetcher) topicID() kadm.TopicID {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.id
}

func (f *fetcher) request(partition int32, at int64, maxBytes int32) *kmsg.FetchRequest {
	p := kmsg.NewFetchRequestTopicPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes = partition, at, maxBytes
	t := kmsg.NewFetchRequestTopic()
	t.Topic, t.TopicID, t.Partitions = f.topic, f.topicID(), []kmsg.FetchRequestTopicPartition{p}
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes = 0, 1
	req.MaxBytes, req.IsolationLevel = maxBytes, f.level
	req.SessionEpoch = -1 // no fetch session
	req.Topics = []kmsg.FetchRequestTopic{t}
	return req
}

func (f *fetcher) decode(partition int32, at int64, rp *kmsg.FetchResponseTopicPartition) (chunk, error) {
	if err := kerr.ErrorForCode(rp.ErrorCode); err != nil {
		return chunk{}, err
	}
	fp, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{
		KeepControlRecords: true,
		Offset:             at,
		IsolationLevel:     f.isolation,
		Topic:              f.topic,
		Partition:          partition,
	}, rp, f.unpack, nil)
	if fp.Err != nil {
		return chunk{}, fp.Err
	}
	return chunk{records: fp.Records, next: max(next, at), high: rp.HighWatermark, stable: rp.LastStableOffset}, nil
}
