// Command consume-changes prints each change of a workspace's companies: op, key, name,
// and the fields that changed with their new values.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"example.com/planhat-bridge-go/confluent"
)

var (
	brokers   = cmp.Or(os.Getenv("KAFKA_BOOTSTRAP_SERVERS"), "127.0.0.1:19092")
	registry  = cmp.Or(os.Getenv("SCHEMA_REGISTRY_URL"), "http://127.0.0.1:18081")
	workspace = cmp.Or(os.Getenv("WORKSPACE"), "demo")
)

// change is what this program uses of the envelope.
type change struct {
	Op      string         `avro:"op"`
	Before  map[string]any `avro:"before"`
	After   map[string]any `avro:"after"`
	Changed []string       `avro:"changed"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "consume-changes:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	topic := "planhat.changes." + workspace + ".company"
	decoder, err := confluent.NewDecoder(registry)
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(brokers, ",")...),
		kgo.ConsumerGroup("example-go"),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		// The bridge writes in transactions: see only what was committed.
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.DisableAutoCommit(), // see the end of the loop
	)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := reachable(ctx, client, topic); err != nil {
		return err
	}
	work := context.WithoutCancel(ctx) // what was read before a signal is handled to its end
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil // asked to stop
		}
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("read %s: %w", topic, err)
		}
		for _, record := range fetches.Records() {
			if err := show(work, decoder, record); err != nil {
				return fmt.Errorf("%s, partition %d, offset %d: %w", topic, record.Partition, record.Offset, err)
			}
		}
		// Committed only after it was handled: a crash repeats changes, and skips none.
		if err := client.CommitUncommittedOffsets(work); err != nil {
			return fmt.Errorf("commit offsets: %w", err)
		}
	}
}

// reachable turns a wrong address or name into an error; a client would wait for ever.
func reachable(ctx context.Context, client *kgo.Client, topic string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	topics, err := kadm.NewClient(client).ListTopics(ctx, topic)
	if err != nil {
		return fmt.Errorf("no Kafka at %s, check KAFKA_BOOTSTRAP_SERVERS: %w", brokers, err)
	}
	if !topics.Has(topic) {
		return fmt.Errorf("no topic %s at %s, check WORKSPACE", topic, brokers)
	}
	return nil
}

func show(ctx context.Context, decoder *confluent.Decoder, record *kgo.Record) error {
	if record.Value == nil {
		return nil // a tombstone: it lets compaction forget the key; the delete came before it
	}
	var c change
	if err := decoder.Decode(ctx, record.Value, &c); err != nil {
		return err
	}
	row := c.After
	if c.Op == "d" {
		row = c.Before // of a delete at least the _id is known
	}
	fields := make([]string, 0, len(c.Changed))
	for _, name := range c.Changed {
		value, err := json.Marshal(valueOf(row, name))
		if err != nil {
			return err
		}
		fields = append(fields, name+"="+string(value))
	}
	fmt.Println(c.Op, string(record.Key), row["name"], strings.Join(fields, ", "))
	return nil
}

// valueOf looks a field up: custom.<name> in custom, which is JSON text; anything else in
// its typed field or, where its value does not fit the type, in extra, JSON text as well.
func valueOf(row map[string]any, name string) any {
	if name, ok := strings.CutPrefix(name, "custom."); ok {
		return member(row["custom"], name)
	}
	if value := row[name]; value != nil {
		return value
	}
	return member(row["extra"], name)
}

func member(text any, name string) any {
	var members map[string]any
	if text, ok := text.(string); ok {
		if err := json.Unmarshal([]byte(text), &members); err != nil {
			return text
		}
	}
	return members[name]
}
