package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/ops"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// command is the JSON that users write.
type command struct {
	ID     string            `json:"id"`
	Op     string            `json:"op"`
	Object string            `json:"object"`
	Target map[string]string `json:"target"`
	Fields map[string]any    `json:"fields"`
}

func fields(n int) map[string]any {
	return map[string]any{
		"name": fmt.Sprintf("Company %d", n), "city": "Oslo", "country": "Norway", "phase": "Live", "web": "https://example.com",
		"custom": map[string]any{"Region 🌍": "EMEA", "Seats": n},
	}
}

func prepareBulk(s *site) error { return s.send("upsert") }

// prepareSingle makes the records that single updates by key go to.
func prepareSingle(s *site) error {
	items := make([]map[string]any, 0, 5000)
	for n := range s.Records {
		items = append(items, map[string]any{"externalId": key(n), "name": "before"})
		if len(items) == cap(items) || n == s.Records-1 {
			body, err := json.Marshal(items)
			if err != nil {
				return err
			}
			if err := s.put("/companies", body); err != nil {
				return err
			}
			items = items[:0]
		}
	}
	return s.send("update")
}

// prepareSlow is prepareSingle with a vendor that takes its time to answer.
func prepareSlow(s *site) error {
	if err := prepareSingle(s); err != nil {
		return err
	}
	fault := []byte(`{"kind":"latency","ms":20,"method":"PUT","path":"/companies/"}`)
	return s.call(http.MethodPost, "/_sim/faults", fault, func(io.Reader) error { return nil })
}

func key(n int) string { return fmt.Sprintf("cmd-%d", n) }

// send writes the commands of a run to their topic.
func (s *site) send(op string) error {
	cfg, err := s.config()
	if err != nil {
		return err
	}
	topic := s.names().CommandTopic("planhat", stage.Workspace, kafka.Layout{Partitions: cfg.Topics.Partitions, ReplicationFactor: 1})
	client, err := s.client([]kafka.TopicSpec{topic})
	if err != nil {
		return err
	}
	defer client.Close()
	var records []*kgo.Record
	for n := range s.Records {
		value, err := json.Marshal(command{fmt.Sprintf("c-%d", n), op, "company", map[string]string{"externalId": key(n)}, fields(n)})
		if err != nil {
			return err
		}
		records = append(records, &kgo.Record{Topic: topic.Name, Key: []byte("company/" + key(n)), Value: value})
	}
	return client.ProduceSync(context.Background(), records...).FirstErr()
}

// put sends a write as plainly as Go can.
func (s *site) put(path string, body []byte) error {
	return s.call(http.MethodPut, path, body, func(r io.Reader) error {
		_, err := io.Copy(io.Discard, r)
		return err
	})
}

// call makes a call as plainly as Go can, and hands the answer to read.
func (s *site) call(method, path string, body []byte, read func(io.Reader) error) error {
	req, err := http.NewRequest(method, s.Env["PLANHAT_BASE_URL"]+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.Env["PLANHAT_TOKEN"])
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if err := read(res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", method, path, res.Status)
	}
	return nil
}

func productSink(s *site) (usage, error) { return s.execute() }

// answersEvery is how often the answers are counted. Each count gathers all
// metrics: more often, and it would show among what is measured.
const answersEvery = 20 * time.Millisecond

// execute runs a sink until every command has its result.
func (s *site) execute() (usage, error) {
	ops.CollectAt(sink.GCPercent, os.Environ())
	p, err := s.product()
	if err != nil {
		return usage{}, err
	}
	metrics := prometheus.NewRegistry()
	svc := sink.New(p.config, sink.Deps{
		Kafka: p.kafka, Registrar: p.registrar, Resolver: p.resolver, Registerer: metrics, Version: "bench",
		// The pace of a token is not what is measured: calls go through a budget that has no limit.
		Budget: func(config.Workspace) *planhat.Budget { return planhat.NewBudget(planhat.BudgetOptions{}) },
	})
	return during(svc, func(m meter) (usage, error) {
		var n int
		for n < s.Records {
			time.Sleep(answersEvery) //nolint:forbidigo // the work is another goroutine's
			if n, err = answeredOK(metrics); err != nil {
				break
			}
		}
		return m.stop(n), err
	})
}

// answeredOK counts the commands that were answered; one that is not OK is an
// error, since then less was done than the floor does.
func answeredOK(g prometheus.Gatherer) (int, error) {
	families, err := g.Gather()
	if err != nil {
		return 0, err
	}
	n := 0.0
	for _, f := range families {
		if f.GetName() != "planhat_bridge_sink_commands_total" {
			continue
		}
		for _, series := range f.GetMetric() {
			for _, l := range series.GetLabel() {
				if l.GetName() == "status" && l.GetValue() != "OK" {
					return 0, fmt.Errorf("commands were answered %s", l.GetValue())
				}
			}
			n += series.GetCounter().GetValue()
		}
	}
	return int(n), nil
}
