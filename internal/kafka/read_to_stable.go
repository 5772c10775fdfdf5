package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	restoreBytes = 1 << 20
	// emptyAnswers is how many empty answers in a row prove that nothing is
	// left below the end: compaction may have taken all of the tail away.
	emptyAnswers = 2
	// lagAnswers is how often a leader that knows of less than was stable is
	// asked again, some ten seconds long. One that lost data never knows more.
	lagAnswers = 200
)

// ReadToStable gives fn every committed record of one partition from offset
// from (0: the log's start) up to the last stable offset as it is when the
// call starts, in order, then returns. Aborted records and transaction markers
// are left out. An empty partition, one that was compacted away and one that
// holds markers only end at once.
//
// An open transaction holds the last stable offset back; whoever takes a shard
// over ends it first by fencing. An error of fn ends the reading and is
// returned. The record and its bytes are fn's to keep, but share memory with
// their batch.
func ReadToStable(ctx context.Context, cl *kgo.Client, topic string, partition int32, from int64, fn func(*kgo.Record) error) error {
	ends, err := kadm.NewClient(cl).ListCommittedOffsets(ctx, topic)
	end, err := offsetOf(ends, err, "last stable offset", topic, partition)
	if err != nil {
		return err
	}
	start, err := logStart(ctx, cl, topic, partition)
	if err != nil {
		return err
	}
	r := stableReader{f: newFetcher(cl, topic, true), partition: partition, at: max(from, start), end: end, fn: fn}
	for r.at < r.end {
		if err := r.step(ctx); err != nil {
			return err
		}
	}
	return nil
}

var errLag = errors.New("was data lost with the last leader?")

type stableReader struct {
	f         *fetcher
	partition int32
	at, end   int64
	empty     int // empty answers in a row
	lagging   int // answers in a row of a leader that knows less
	fn        func(*kgo.Record) error
}

func (r *stableReader) step(ctx context.Context) error {
	c, err := r.f.fetch(ctx, r.partition, r.at, restoreBytes)
	if errors.Is(err, kerr.OffsetOutOfRange) {
		return r.skip(ctx, err)
	}
	if err != nil {
		return err
	}
	if c.next == r.at {
		return r.nothing(ctx, c)
	}
	r.empty, r.lagging = 0, 0
	for _, rec := range c.records {
		if rec.Offset >= r.end {
			break
		}
		if rec.Attrs.IsControl() {
			continue
		}
		if err := r.fn(rec); err != nil {
			return err
		}
	}
	r.at = c.next
	return nil
}

// nothing decides what an empty answer means: the end, if the broker knows
// all that is stable and says so again; else a new leader that lags.
func (r *stableReader) nothing(ctx context.Context, c chunk) error {
	if c.stable >= r.end {
		if r.empty++; r.empty == emptyAnswers {
			r.at = r.end
		}
		return nil
	}
	r.lagging++
	if r.lagging >= lagAnswers || pause(ctx, fetchBackoff) != nil {
		return fmt.Errorf("read %s partition %d: the leader's last stable offset %d stays below %d: %w",
			r.f.topic, r.partition, c.stable, r.end, errors.Join(errLag, context.Cause(ctx)))
	}
	return nil
}

// skip follows a log whose start moved on while it was read.
func (r *stableReader) skip(ctx context.Context, cause error) error {
	start, err := logStart(ctx, r.f.cl, r.f.topic, r.partition)
	if err != nil {
		return err
	}
	if start <= r.at {
		return cause
	}
	r.at = start
	return nil
}
