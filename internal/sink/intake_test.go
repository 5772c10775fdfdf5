package sink

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
)

// TestMemoryIsBoundedByBytes reads large commands with a small buffer and a long linger:
// what is held does not grow with the backlog.
func TestMemoryIsBoundedByBytes(t *testing.T) {
	t.Parallel()
	const backlog, buffer, large = 60, 4 << 20, 600 << 10
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "c"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	opts := kafka.Options{Brokers: cluster.ListenAddrs()}
	producer, err := opts.NewClient(kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	padding := strings.Repeat("x", large)
	for n := range backlog {
		value := fmt.Sprintf(`{"op":"create","object":"company","fields":{"name":"%d","description":"%s"}}`, n, padding)
		producer.Produce(t.Context(), &kgo.Record{Topic: "c", Value: []byte(value)}, nil)
	}
	if err := producer.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := &workspace{
		service: &Service{cfg: config.Config{Sink: config.Sink{MaxBatch: 5000, Linger: time.Minute, BufferBytes: buffer}}},
		log:     slog.New(slog.DiscardHandler), positions: positions{Topic: "c", Partitions: 1, Next: map[int32]int64{}},
	}
	r, err := newReader(t.Context(), opts, w.positions, buffer/quarters, w.log)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	ctx, end := context.WithCancel(t.Context())
	in := newIntake(ctx, w, r)
	defer func() { end(); in.stop() }()
	for read := 0; read < backlog; {
		batch, err := in.next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		read += len(batch)
		held := int(r.client.BufferedFetchBytes())
		for _, c := range batch {
			held += size(c.record)
		}
		in.mu.Lock()
		held += in.size
		in.mu.Unlock()
		// Each part may be exceeded by one command.
		if held > buffer+3*large {
			t.Fatalf("%d bytes are held after %d of %d commands", held, read, backlog)
		}
	}
}

// TestWhenABatchStarts holds the moments to what is pending.
func TestWhenABatchStarts(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	start := time.Now()
	at := start.Add
	some := make([]*command, 10)
	tests := []struct {
		name string
		in   *intake
		want time.Duration
	}{
		{"a lone command", &intake{pending: some[:1], oldest: at(0), latest: at(0)}, 10 * ms},
		{"commands that keep coming", &intake{pending: some, oldest: at(0), latest: at(45 * ms)}, 50 * ms},
		{"a pause among them", &intake{pending: some, oldest: at(0), latest: at(30 * ms)}, 40 * ms},
		{"more is at hand", &intake{pending: some, oldest: at(0), latest: at(0), reading: true}, backlogLinger},
		{"as many as may be", &intake{pending: some, oldest: at(0), latest: at(0), reading: true, most: 10}, 0},
		{"as large as may be", &intake{pending: some, oldest: at(0), latest: at(0), reading: true, bytes: 5, size: 5}, 0},
	}
	for _, tt := range tests {
		in := tt.in
		in.linger = 50 * ms
		if in.most == 0 {
			in.most = 5000
		}
		if in.bytes == 0 {
			in.bytes = 1 << 20
		}
		if got := in.due().Sub(start); got != tt.want {
			t.Errorf("%s: after %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestABatchGrowsBesideAnother lets commands come while nobody takes them: the batch that
// has grown starts at once, whole.
func TestABatchGrowsBesideAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := &intake{w: &workspace{}, most: 5000, bytes: 1 << 20, linger: 50 * time.Millisecond, grown: make(chan struct{}, 1), taken: make(chan struct{}, 1)}
		for n := range 100 {
			time.Sleep(time.Millisecond) //nolint:forbidigo // fake clock
			if err := in.add([]*command{{record: &kgo.Record{Offset: int64(n)}}}); err != nil {
				t.Fatal(err)
			}
		}
		in.note(func() { in.reading = false })
		before := time.Now()
		batch, err := in.next(t.Context())
		if err != nil || len(batch) != 100 || time.Since(before) > 0 {
			t.Errorf("%d commands after %s, %v", len(batch), time.Since(before), err)
		}
		in.w.busy.Store(false) // it has ended
		alone := time.Now()
		if err := in.add([]*command{{record: &kgo.Record{}}}); err != nil {
			t.Fatal(err)
		}
		in.note(func() { in.reading = false })
		if batch, err = in.next(t.Context()); err != nil || len(batch) != 1 || time.Since(alone) != 10*time.Millisecond {
			t.Errorf("a lone command after %s: %d, %v", time.Since(alone), len(batch), err)
		}
	})
}
