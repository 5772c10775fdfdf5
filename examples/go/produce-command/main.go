// Command produce-command sets a company's custom field "Region 🌍" with a command, waits
// for the command's one result and prints it. It exits 0 if the result is OK.
//
//	produce-command [EXTERNAL_ID [REGION]]
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"example.com/planhat-bridge-go/confluent"
)

var (
	brokers   = cmp.Or(os.Getenv("KAFKA_BOOTSTRAP_SERVERS"), "127.0.0.1:19092")
	registry  = cmp.Or(os.Getenv("SCHEMA_REGISTRY_URL"), "http://127.0.0.1:18081")
	workspace = cmp.Or(os.Getenv("WORKSPACE"), "demo")
)

type command struct {
	ID     string            `json:"id"`
	Op     string            `json:"op"`
	Object string            `json:"object"`
	Target map[string]string `json:"target"`
	Fields map[string]any    `json:"fields"` // present = set, null = clear, absent = leave
}

// result is what this program uses of a result.
type result struct {
	Status   string  `avro:"status"`
	Effect   string  `avro:"effect"`
	RecordID *string `avro:"recordId"`
	Error    *struct {
		Code    string `avro:"code"`
		Message string `avro:"message"`
		Remedy  string `avro:"remedy"`
	} `avro:"error"`
}

func main() {
	externalID, region := "c-1", "EMEA"
	if len(os.Args) > 1 {
		externalID = os.Args[1]
	}
	if len(os.Args) > 2 {
		region = os.Args[2]
	}
	if err := run(externalID, region); err != nil {
		fmt.Fprintln(os.Stderr, "produce-command:", err)
		os.Exit(1)
	}
}

func run(externalID, region string) error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), 30*time.Second, errors.New("no answer after 30 s: is the bridge's sink running?"))
	defer cancel()
	decoder, err := confluent.NewDecoder(registry)
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(brokers, ",")...),
		// The bridge writes in transactions: see only what was committed.
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	// Results are read from where they end now: what answers the command comes later.
	if err := readResultsFromHere(ctx, client); err != nil {
		return err
	}
	id := uuid.NewString()
	if err := send(ctx, client, command{
		ID: id, Op: "upsert", Object: "company",
		Target: map[string]string{"externalId": externalID},
		Fields: map[string]any{"name": "Acme", "custom": map[string]any{"Region 🌍": region}},
	}); err != nil {
		return err
	}
	answer, err := await(ctx, client, decoder, id)
	if err != nil {
		return fmt.Errorf("command %s: %w", id, err)
	}
	if e := answer.Error; e != nil {
		return fmt.Errorf("%s %s: %s. %s", answer.Status, e.Code, e.Message, e.Remedy)
	}
	recordID := "-" // what a write did not change has no id here
	if answer.RecordID != nil {
		recordID = *answer.RecordID
	}
	fmt.Println(answer.Status, answer.Effect, recordID, id)
	return nil
}

func readResultsFromHere(ctx context.Context, client *kgo.Client) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	topic := "planhat.results." + workspace
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		return fmt.Errorf("no Kafka at %s, check KAFKA_BOOTSTRAP_SERVERS: %w", brokers, err)
	}
	if err := ends.Error(); err != nil {
		return fmt.Errorf("no topic %s at %s, check WORKSPACE: %w", topic, brokers, err)
	}
	client.AddConsumePartitions(ends.KOffsets())
	return nil
}

func send(ctx context.Context, client *kgo.Client, c command) error {
	value, err := json.Marshal(c)
	if err != nil {
		return err
	}
	record := &kgo.Record{
		Topic: "planhat.commands." + workspace,
		Key:   []byte("company/" + c.Target["externalId"]), // commands with one key are done in order
		Value: value,
	}
	if err := client.ProduceSync(ctx, record).FirstErr(); err != nil {
		return fmt.Errorf("send to %s: %w", record.Topic, err)
	}
	return nil
}

// await reads results until the one of the command comes: its key is the command's id.
func await(ctx context.Context, client *kgo.Client, decoder *confluent.Decoder, id string) (result, error) {
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return result{}, context.Cause(ctx)
		}
		if err := fetches.Err(); err != nil {
			return result{}, fmt.Errorf("read its result: %w", err)
		}
		for _, record := range fetches.Records() {
			if string(record.Key) == id {
				var answer result
				err := decoder.Decode(ctx, record.Value, &answer)
				return answer, err
			}
		}
	}
}
