package sink

import (
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
)

// TestReaderHoldsLittle reads large commands with a long linger: what is held
// back for the next batch does not grow with the backlog.
func TestReaderHoldsLittle(t *testing.T) {
	t.Parallel()
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
	value := make([]byte, 900<<10)
	const backlog = 90
	for range backlog {
		producer.Produce(t.Context(), &kgo.Record{Topic: "c", Value: value}, nil)
	}
	if err := producer.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := newReader(t.Context(), opts, positions{Topic: "c", Partitions: 1}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	r.max, r.linger = 5000, 500*time.Millisecond
	for read := 0; read < backlog; {
		batch, err := r.next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		read += len(batch)
		held := 0
		for _, rec := range r.held {
			held += len(rec.Value)
		}
		if held > batchBytes {
			t.Fatalf("%d bytes are held after %d of %d commands", held, read, backlog)
		}
	}
}
