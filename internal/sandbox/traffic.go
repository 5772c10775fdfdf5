package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
)

// traffic sends commands as a user's program would: JSON, keyed by object and
// key, on the commands topic. Everything that it addresses has a key that
// starts with "cmd-", which the simulator's own life leaves alone.
type traffic struct {
	client *kgo.Client
	topic  string
	sent   int
}

func newTraffic(o kafka.Options, topic string) (*traffic, error) {
	client, err := o.NewClient(kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
	if err != nil {
		return nil, err
	}
	return &traffic{client: client, topic: topic}, nil
}

// command is the JSON form that users write.
type command struct {
	ID     string            `json:"id"`
	Op     string            `json:"op"`
	Object string            `json:"object"`
	Target map[string]string `json:"target,omitempty"`
	Fields map[string]any    `json:"fields,omitempty"`
}

// run sends rounds of commands, one each tick, until ctx ends. A round leaves
// dependants to later rounds: order holds per key only.
func (t *traffic) run(ctx context.Context, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n := 0; ; n++ {
		for _, c := range round(n) {
			if err := t.send(ctx, c); err != nil {
				if ctx.Err() != nil {
					return nil
				}
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// send writes one command and waits for the broker's ack, so that what has
// been counted is on the topic.
func (t *traffic) send(ctx context.Context, c command) error {
	value, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode command %s: %w", c.ID, err)
	}
	rec := &kgo.Record{Topic: t.topic, Key: []byte(keyOf(c)), Value: value}
	if err := t.client.ProduceSync(context.WithoutCancel(ctx), rec).FirstErr(); err != nil {
		return fmt.Errorf("send command %s: %w", c.ID, err)
	}
	t.sent++
	return ctx.Err()
}

// keyOf is the advised key: object and key of the record.
func keyOf(c command) string {
	for _, k := range []string{"externalId", "sourceId", "_id"} {
		if v := c.Target[k]; v != "" {
			return c.Object + "/" + v
		}
	}
	if v, ok := c.Fields["externalId"].(string); ok {
		return c.Object + "/" + v
	}
	return c.Object + "/" + c.ID
}

// round is what is sent for entity n, and what follows for earlier ones.
func round(n int) []command {
	company := fmt.Sprintf("cmd-c-%d", n)
	out := []command{
		upsert(n, "company", company, map[string]any{"name": fmt.Sprintf("Command Co %d", n), "city": "Oslo", "custom": map[string]any{"Region 🌍": "EMEA"}}),
		upsert(n, "company", company, map[string]any{"phase": "Onboarding"}),
	}
	if n < 3 {
		return out
	}
	m := n - 3 // its company was sent three rounds ago
	owner := fmt.Sprintf("extid-cmd-c-%d", m)
	company = fmt.Sprintf("cmd-c-%d", m)
	enduser, license := fmt.Sprintf("cmd-e-%d", m), fmt.Sprintf("cmd-l-%d", m)
	out = append(out,
		upsert(n, "enduser", enduser, map[string]any{"email": fmt.Sprintf("kari.%d@command.example", m), "firstName": "Kari", "companyId": owner}),
		create(n, "license", map[string]any{"externalId": license, "companyId": owner, "_currency": "EUR", "fromDate": "2026-01-01T00:00:00.000Z", "value": 1200 + m, "fixedPeriod": true}),
		create(n, "note", map[string]any{"companyId": owner, "subject": fmt.Sprintf("Kickoff %d", m), "description": "<p>Agreed the plan.</p>"}),
		targeted(n, "update", "company", company, map[string]any{"phase": "Live", "description": nil}),
		targeted(n, "get", "company", company, nil),
	)
	if m%3 == 0 {
		out = append(out, targeted(n, "delete", "enduser", enduser, nil), targeted(n, "delete", "license", license, nil))
	}
	return out
}

func name(n int, parts ...string) string {
	return strings.Join(append([]string{fmt.Sprintf("cmd-%d", n)}, parts...), "-")
}

func upsert(n int, object, key string, fields map[string]any) command {
	c := targeted(n, "upsert", object, key, fields)
	c.ID = name(n, "upsert", object, fmt.Sprint(len(fields)))
	return c
}

func targeted(n int, op, object, key string, fields map[string]any) command {
	return command{ID: name(n, op, object), Op: op, Object: object, Target: map[string]string{"externalId": key}, Fields: fields}
}

// create carries its own id as a custom field, by which the oracle tells a
// record that was created twice.
func create(n int, object string, fields map[string]any) command {
	c := command{ID: name(n, "create", object), Op: "create", Object: object, Fields: fields}
	fields["custom"] = map[string]any{"cmd": c.ID}
	return c
}
