package workspaces

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
)

// watch reads all topics of users as they are written, as a read_committed
// reader, and remembers how often it has seen each key.
type watch struct {
	t        *testing.T
	producer *kgo.Client

	mu    sync.Mutex
	seen  map[string]map[string]int // topic -> key -> records
	news  chan struct{}             // closed and replaced with every batch
	count int                       // of commands sent
}

func newWatch(t *testing.T, o kafka.Options) *watch {
	t.Helper()
	w := &watch{t: t, seen: map[string]map[string]int{}, news: make(chan struct{})}
	reader, err := o.NewClient(
		kgo.ConsumeRegex(), kgo.ConsumeTopics(`^([a-z-]+\.)?planhat\.(changes|results|deadletters)\..*`),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.MetadataMaxAge(100*time.Millisecond),
	)
	if err != nil {
		t.Fatal(err)
	}
	if w.producer, err = o.NewClient(kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.UnknownTopicRetries(-1)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			w.take(reader.PollFetches(ctx))
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		reader.Close()
		w.producer.Close()
	})
	return w
}

func (w *watch) take(fetches kgo.Fetches) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fetches.EachRecord(func(r *kgo.Record) {
		if w.seen[r.Topic] == nil {
			w.seen[r.Topic] = map[string]int{}
		}
		w.seen[r.Topic][string(r.Key)]++
	})
	close(w.news)
	w.news = make(chan struct{})
}

// has counts the records of a key.
func (w *watch) has(topic, key string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[topic][key]
}

// records counts those of a topic.
func (w *watch) records(topic string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, c := range w.seen[topic] {
		n += c
	}
	return n
}

// until waits for a record of a key, at most for a limit, and returns how long
// that took.
func (w *watch) until(topic, key string, limit time.Duration) time.Duration {
	w.t.Helper()
	began := time.Now()
	deadline := time.After(limit)
	for {
		w.mu.Lock()
		seen, news := w.seen[topic][key], w.news
		w.mu.Unlock()
		if seen > 0 {
			return time.Since(began)
		}
		select {
		case <-news:
		case <-deadline:
			w.t.Fatalf("no record with key %s on %s within %s", key, topic, limit)
		}
	}
}

// send writes a command under an id of its own, which it returns. A command
// without an operation is poison.
func (w *watch) send(workspace string, command map[string]any) (id string) {
	w.t.Helper()
	w.mu.Lock()
	w.count++
	id = fmt.Sprintf("%s-%d", workspace, w.count)
	w.mu.Unlock()
	command["id"], command["object"] = id, "company"
	value, err := json.Marshal(command)
	if err != nil {
		w.t.Fatal(err)
	}
	w.produce(workspace, id, value)
	return id
}

func (w *watch) produce(workspace, key string, value []byte) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	record := &kgo.Record{Topic: kafka.Names{}.Commands("planhat", workspace), Key: []byte(key), Value: value}
	if err := w.producer.ProduceSync(ctx, record).FirstErr(); err != nil {
		w.t.Fatalf("send: %v", err)
	}
}

func upsert(key, name string) map[string]any {
	return map[string]any{"op": "upsert", "target": map[string]any{"externalId": key}, "fields": map[string]any{"name": name}}
}

func changes(tn *tenant) string { return kafka.Names{}.Changes("planhat", tn.name, "company") }

func results(tn *tenant) string { return kafka.Names{}.Results("planhat", tn.name) }
