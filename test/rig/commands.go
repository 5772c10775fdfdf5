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
	client, err := r.Kafka.NewClient(kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.UnknownTopicRetries(-1))
	if err != nil {
		r.t.Fatal(err)
	}
	defer client.Close()
	topic := r.Names.Commands("planhat", stage.Workspace)
	ready, cancel := context.WithTimeout(r.t.Context(), 30*time.Second)
	defer cancel()
	for i := first; i < end; i++ {
		key := fmt.Sprintf("cmd-%d", i)
		for _, c := range Commands(key, i) {
			value, err := json.Marshal(c)
			if err != nil {
				r.t.Fatal(err)
			}
			if err := client.ProduceSync(ready, &kgo.Record{Topic: topic, Key: []byte("company/" + key), Value: value}).FirstErr(); err != nil {
				r.t.Fatalf("send: %v", err)
			}
		}
	}
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
