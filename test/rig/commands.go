package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
)

// CommandsEach is how many commands Commands gives, and Send writes for a company.
const CommandsEach = 5

// Send writes commands of all operations for the companies numbered from first
// to before end.
func (r *Rig) Send(first, end int) {
	r.t.Helper()
	client := r.producer()
	defer client.Close()
	for i := first; i < end; i++ {
		r.write(client, company(i)...)
	}
}

// SendAtOnce is Send that waits for the broker only once.
func (r *Rig) SendAtOnce(first, end int) {
	r.t.Helper()
	client := r.producer()
	defer client.Close()
	var all []*kgo.Record
	for i := first; i < end; i++ {
		all = append(all, company(i)...)
	}
	r.write(client, all...)
}

// producer has a key's commands in one partition.
func (r *Rig) producer() *kgo.Client {
	r.t.Helper()
	client, err := r.Kafka.NewClient(kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.UnknownTopicRetries(-1))
	if err != nil {
		r.t.Fatal(err)
	}
	return client
}

// SendRaw writes values to the commands topic, under keys of their own.
func (r *Rig) SendRaw(values ...string) {
	r.t.Helper()
	client := r.producer()
	defer client.Close()
	records := make([]*kgo.Record, len(values))
	for i, v := range values {
		records[i] = &kgo.Record{Key: fmt.Appendf(nil, "raw-%d", i), Value: []byte(v)}
	}
	r.write(client, records...)
}

func (r *Rig) write(client *kgo.Client, records ...*kgo.Record) {
	r.t.Helper()
	ready, cancel := context.WithTimeout(r.t.Context(), 30*time.Second)
	defer cancel()
	for _, rec := range records {
		rec.Topic = r.Names.Commands("planhat", stage.Workspace)
	}
	if err := client.ProduceSync(ready, records...).FirstErr(); err != nil {
		r.t.Fatalf("send: %v", err)
	}
}

// company are the records of the commands for the i-th company.
func company(i int) (records []*kgo.Record) {
	key := fmt.Sprintf("cmd-%d", i)
	for _, c := range Commands(key, i) {
		value, _ := json.Marshal(c) //nolint:errchkjson // maps of texts
		records = append(records, &kgo.Record{Key: []byte("company/" + key), Value: value})
	}
	return records
}

// Commands are commands of all operations for the i-th company, which has that
// externalId; they have to be carried out in this order. Every other one is deleted
// in the end.
func Commands(key string, i int) []map[string]any {
	target := map[string]any{"externalId": key}
	out := []map[string]any{
		{"op": "create", "fields": map[string]any{"name": key, "externalId": key, "custom": map[string]any{"cmd": key + "-0"}}},
		{"op": "update", "target": target, "fields": map[string]any{"phase": "Live"}},
		{"op": "upsert", "target": target, "fields": map[string]any{"city": "Oslo"}},
		{"op": "get", "target": target},
		{"op": []string{"delete", "upsert"}[i%2], "target": target},
	}
	for step, c := range out {
		c["id"], c["object"] = fmt.Sprintf("%s-%d", key, step), "company"
		if c["op"] == "upsert" && c["fields"] == nil {
			c["fields"] = map[string]any{"country": "Norway"}
		}
	}
	return out
}
