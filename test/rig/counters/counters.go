// Package counters has workers that count: each shard writes its numbers once and in
// order, whatever happens to its owner, or something is wrong with how shards are owned.
package counters

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/test/rig/background"
)

// Counter is a worker that keeps a number in its state and writes each value of it
// once to the output.
type Counter struct {
	Shard  int32
	Output string // topic
	Limit  int    // its last value
	Value  int
	Taken  chan<- *shard.Lease                  // told of each lease; nil: nobody is
	After  func(ctx context.Context, value int) // called when a value is written; optional
}

// Restore implements shard.Worker.
func (c *Counter) Restore(key, value []byte) error {
	if string(key) != "count" {
		return fmt.Errorf("unexpected key %q", key)
	}
	_, err := fmt.Sscan(string(value), &c.Value)
	return err
}

// Run implements shard.Worker.
func (c *Counter) Run(ctx context.Context, l *shard.Lease) error {
	if c.Taken != nil {
		c.Taken <- l
	}
	for ctx.Err() == nil && c.Value < c.Limit {
		next := c.Value + 1
		err := l.Transact(ctx, func(tx *shard.Tx) error {
			rec := &kgo.Record{Topic: c.Output, Key: fmt.Append(nil, c.Shard), Value: fmt.Append(nil, next)}
			if err := tx.Produce(rec); err != nil {
				return err
			}
			tx.State([]byte("count"), fmt.Append(nil, next))
			return nil
		})
		if err != nil {
			return err
		}
		c.Value = next
		if c.After != nil {
			c.After(ctx, next)
		}
	}
	<-ctx.Done()
	return nil
}

// Topics makes those of a role's shards and their output.
func Topics(t *testing.T, o kafka.Options, names kafka.Names, output string) {
	t.Helper()
	specs := []kafka.TopicSpec{
		names.StateTopic("source", kafka.Layout{ReplicationFactor: 1}),
		{Name: output, Partitions: 1, ReplicationFactor: 1, Config: map[string]string{"cleanup.policy": "delete"}},
	}
	if err := kafka.EnsureTopics(t.Context(), Client(t, o), specs, true); err != nil {
		t.Fatal(err)
	}
}

// Client is open until the test ends.
func Client(t *testing.T, o kafka.Options, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := o.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// Run starts a manager of shards; stop drains it.
func Run(t *testing.T, o shard.Options) (stop func() error) {
	t.Helper()
	return background.Start(t, shard.New(o).Run)
}

// Collect reads committed output until so many values are there, and gives them by
// shard.
func Collect(t *testing.T, o kafka.Options, output string, want int, most time.Duration) map[string][]string {
	t.Helper()
	cl := Client(t, o, kgo.ConsumeTopics(output), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	ctx, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()
	got := map[string][]string{}
	for n := 0; n < want; {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("read %d of %d committed records: %v", n, want, got)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			n++
			got[string(r.Key)] = append(got[string(r.Key)], string(r.Value))
		})
	}
	return got
}

// Want wants every shard to have written 1 to limit, once and in order, and no more.
func Want(t *testing.T, got map[string][]string, limit int) {
	t.Helper()
	if len(got) != shard.DefaultShards {
		t.Errorf("%d shards wrote, want %d", len(got), shard.DefaultShards)
	}
	var all []string
	for i := range limit {
		all = append(all, fmt.Sprint(i+1))
	}
	want := strings.Join(all, " ")
	for s, values := range got {
		if have := strings.Join(values, " "); have != want {
			t.Errorf("shard %s wrote %q, want %q", s, have, want)
		}
	}
}
