package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
)

// Place is where a record stands in a topic.
type Place struct {
	Partition int32
	Offset    int64
}

const (
	// A fetch takes more than one place with it where they stand close
	// together, and little more than the batch it needs where they do not.
	// Answers are compressed: what they unfold to is several times as much.
	readLeast, readMost = 64 << 10, 256 << 10
	// readAtOnce bounds the fetches under way.
	readAtOnce = 4
	// readLag is how often a place beyond the high watermark is looked at
	// again: a new leader may know it late.
	readLag = 3
)

// ReadAt fetches the records at the given places of one topic. The records do
// not share memory with what was fetched. A place that holds no record any
// more (compacted away, before the log's start, beyond its end, a transaction
// marker) is absent from the answer, which is no error.
//
// Uncommitted and aborted records are returned too: the caller knows what it
// looks for and checks it.
//
// Places are read in the order of the log, partitions at the same time, from
// the leaders, outside of the client's own consumption.
func ReadAt(ctx context.Context, cl *kgo.Client, topic string, places []Place) (map[Place]*kgo.Record, error) {
	r := placeReader{f: newFetcher(cl, topic, false), found: make(map[Place]*kgo.Record, len(places))}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readAtOnce)
	for partition, offsets := range byPartition(places) {
		for part := range slices.Chunk(offsets, segmentSize(len(offsets))) {
			g.Go(func() error { return r.read(ctx, partition, part) })
		}
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("read %d places of %s: %w", len(places), topic, err)
	}
	return r.found, nil
}

// segmentSize splits long lists, so that the broker works on the next answer
// while the last is being decoded.
func segmentSize(n int) int { return max(64, (n+readAtOnce-1)/readAtOnce) }

// byPartition sorts the offsets and drops doubles.
func byPartition(places []Place) map[int32][]int64 {
	out := map[int32][]int64{}
	for _, p := range places {
		out[p.Partition] = append(out[p.Partition], p.Offset)
	}
	for partition, offsets := range out {
		slices.Sort(offsets)
		out[partition] = slices.Compact(offsets)
	}
	return out
}

type placeReader struct {
	f *fetcher

	mu    sync.Mutex
	found map[Place]*kgo.Record
}

// read finds the ascending offsets of one partition.
func (r *placeReader) read(ctx context.Context, partition int32, offsets []int64) error {
	size, late := int32(readLeast), 0
	for len(offsets) > 0 {
		c, err := r.f.fetch(ctx, partition, offsets[0], size)
		if errors.Is(err, kerr.OffsetOutOfRange) {
			if offsets, err = r.inRange(ctx, partition, offsets); err == nil {
				continue
			}
		}
		if err != nil {
			return err
		}
		if c.next > offsets[0] {
			rest := r.take(partition, c, offsets)
			size = nextSize(size, len(offsets)-len(rest))
			offsets = rest
			continue
		}
		if c.high > offsets[0] || late == readLag {
			return nil // an empty answer: nothing stands here or behind
		}
		if late++; pause(ctx, fetchBackoff) != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// nextSize reads further ahead as long as that brings more than one place.
func nextSize(size int32, places int) int32 {
	if places > 1 {
		return min(size*2, readMost)
	}
	return max(size/2, readLeast)
}

// take keeps what was looked for and returns the offsets that the chunk does
// not settle.
func (r *placeReader) take(partition int32, c chunk, offsets []int64) []int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rec := range c.records {
		for len(offsets) > 0 && offsets[0] < rec.Offset {
			offsets = offsets[1:]
		}
		if len(offsets) == 0 {
			return nil
		}
		if offsets[0] == rec.Offset && !rec.Attrs.IsControl() {
			r.found[Place{partition, rec.Offset}] = detached(rec)
		}
	}
	for len(offsets) > 0 && offsets[0] < c.next {
		offsets = offsets[1:]
	}
	return offsets
}

// inRange drops the offsets outside of the log. At least one goes each time.
func (r *placeReader) inRange(ctx context.Context, partition int32, offsets []int64) ([]int64, error) {
	start, err := logStart(ctx, r.f.cl, r.f.topic, partition)
	if err != nil {
		return nil, err
	}
	if offsets[0] >= start {
		return nil, nil // beyond the end, and so are the others
	}
	for len(offsets) > 0 && offsets[0] < start {
		offsets = offsets[1:]
	}
	return offsets, nil
}

func logStart(ctx context.Context, cl *kgo.Client, topic string, partition int32) (int64, error) {
	starts, err := kadm.NewClient(cl).ListStartOffsets(ctx, topic)
	return offsetOf(starts, err, "start", topic, partition)
}

func offsetOf(listed kadm.ListedOffsets, err error, what, topic string, partition int32) (int64, error) {
	o, ok := listed.Lookup(topic, partition)
	if err == nil && !ok {
		err = errNoLeader
		if whole, told := listed.Lookup(topic, -1); told && whole.Err != nil { // said of the topic
			err = whole.Err
		}
	}
	if err == nil {
		err = o.Err
	}
	if err != nil {
		return 0, fmt.Errorf("ask for the %s of %s partition %d: %w", what, topic, partition, err)
	}
	return o.Offset, nil
}

// detached copies a record out of its batch: one record kept would keep the
// whole batch in memory.
func detached(r *kgo.Record) *kgo.Record {
	out := *r
	out.Key, out.Value = bytes.Clone(r.Key), bytes.Clone(r.Value)
	out.Headers = slices.Clone(r.Headers)
	for i := range out.Headers {
		out.Headers[i].Value = bytes.Clone(out.Headers[i].Value)
	}
	return &out
}
