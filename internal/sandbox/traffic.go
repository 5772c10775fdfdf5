package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/script"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// traffic sends commands as a user's program would: JSON, keyed by object and
// key, on the commands topic. Everything that it addresses has a key that
// starts with "cmd-", or was made by it, which the simulator's own life leaves
// alone. Records of objects without a key are addressed by the ids that results
// tell.
type traffic struct {
	client  *kgo.Client
	topic   string
	results string
	sent    int
	got     int               // results
	seen    []script.Command  // of records that were there: to be read
	waiting map[string]string // command id -> object of a create whose id is to be told
}

func newTraffic(o kafka.Options, names kafka.Names, seen []script.Command) (*traffic, error) {
	results := names.Results("planhat", stage.Workspace)
	client, err := o.NewClient(kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.ConsumeTopics(results), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		return nil, err
	}
	return &traffic{client: client, topic: names.Commands("planhat", stage.Workspace), results: results, seen: seen, waiting: map[string]string{}}, nil
}

// mostUnanswered is how far the sink may lag before no more rounds are sent: what
// waits at the end has to be answered within the oracle's patience.
const mostUnanswered = 500

// run sends rounds of commands, one each tick, until ctx ends. A round leaves
// dependants to later rounds: order holds per key only.
func (t *traffic) run(ctx context.Context, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n := 0; ; {
		next := t.told(ctx)
		if t.sent-t.got < mostUnanswered {
			next = append(t.round(n), next...)
			n++
		}
		for _, c := range next {
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
func (t *traffic) send(ctx context.Context, c script.Command) error {
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
func keyOf(c script.Command) string {
	for _, k := range []string{"externalId", "sourceId", "_id"} {
		if v := c.Target[k]; v != "" {
			return c.Object + "/" + v
		}
	}
	return c.Object + "/" + strings.TrimSuffix(c.ID, "-create")
}

// apart is how many rounds lie between a company's commands and those of what
// refers to it: order holds per key only.
const apart = 3

// round is what is sent in round n: for a company, and for two of the other
// objects' records at the company of an earlier round.
func (t *traffic) round(n int) []script.Command {
	company, _ := planhat.Lookup(planhat.Company)
	name := fmt.Sprintf("cmd-c-%d", n)
	c := script.Upsert(company, name, n, "")
	c.Fields["custom"] = map[string]any{"Region 🌍": "EMEA"}
	out := []script.Command{c, script.Update(company, name, "externalId", name)}
	if n < apart {
		return out
	}
	m := n - apart
	owner, others := fmt.Sprintf("cmd-c-%d", m), script.Writable()
	out = append(out, named(script.Get(company, owner, "externalId", owner), n))
	if len(t.seen) > 0 {
		out = append(out, named(t.seen[m%len(t.seen)], n))
	}
	for _, i := range []int{2 * m, 2*m + 1} {
		out = append(out, t.record(others[i%len(others)], i, "extid-"+owner)...)
	}
	return out
}

// record is the life of one record.
func (t *traffic) record(spec planhat.Spec, i int, company string) []script.Command {
	name := fmt.Sprintf("cmd-%s-%d", spec.Object, i)
	made := script.Create(spec, name, i, company)
	key := string(script.Key(spec))
	if key == "" {
		t.waiting[made.ID] = string(spec.Object)
		return []script.Command{made}
	}
	out := []script.Command{made, script.Update(spec, name, key, name), script.Get(spec, name, key, name)}
	if i%3 == 0 {
		out = append(out, script.Delete(spec, name, key, name))
	}
	if i%3 == 1 {
		out[0] = script.Upsert(spec, name, i, company)
	}
	return out
}

// named gives a command that is sent more than once an id of its own.
func named(c script.Command, n int) script.Command {
	c.ID = fmt.Sprintf("%s-%d", c.ID, n)
	return c
}

// told is what follows for records of which a result has named the id since the
// last round.
func (t *traffic) told(ctx context.Context) (out []script.Command) {
	soon, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	t.client.PollFetches(soon).EachRecord(func(r *kgo.Record) {
		t.got++
		object, ok := t.waiting[string(r.Key)]
		if !ok {
			return
		}
		delete(t.waiting, string(r.Key))
		result, err := schemas.DecodeResult(r.Value)
		if err != nil || result.RecordID == "" {
			return // the oracle tells
		}
		spec, _ := planhat.Lookup(planhat.Object(object))
		name := strings.TrimSuffix(result.CommandID, "-create")
		out = append(out, script.Update(spec, name, "", result.RecordID), script.Get(spec, name, "", result.RecordID))
		if len(t.waiting)%2 == 0 {
			out = append(out, script.Delete(spec, name, "", result.RecordID))
		}
	})
	return out
}
