package container

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/test/rig/settings"
)

// patience bounds the wait for one thing to happen.
const patience = time.Minute

// surroundings are a stage and a user's view of its broker.
type surroundings struct {
	*stage.Stage
	kafka kafka.Options
	names kafka.Names
}

func newStage(t *testing.T, companies int) *surroundings {
	t.Helper()
	s, err := stage.New(stage.Ports{}, planhatsim.Options{Seed: 11, Companies: companies, CallsPerMinute: -1}, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.Close()
		s.Simulator.Close()
	})
	c := settings.Config(t, s.Env(0))
	out := &surroundings{Stage: s, names: kafka.Names{Bridge: c.Bridge, Prefix: c.Topics.Prefix}, kafka: settings.Kafka(t, c)}
	// Topics come into being while the test waits for them.
	out.kafka.Extra = append(out.kafka.Extra, kgo.MetadataMaxAge(time.Second))
	return out
}

// companies are the ids that Planhat holds.
func (s *surroundings) companies(t *testing.T) map[string]bool {
	t.Helper()
	var rows []struct {
		ID string `json:"_id"`
	}
	if err := json.Unmarshal(s.Simulator.State("companies"), &rows); err != nil || len(rows) == 0 {
		t.Fatalf("%d companies, error %v", len(rows), err)
	}
	ids := map[string]bool{}
	for _, row := range rows {
		ids[row.ID] = true
	}
	return ids
}

// update changes a company as somebody else would.
func (s *surroundings) update(t *testing.T, ref planhat.Ref, fields string) {
	t.Helper()
	c, err := planhat.New(s.Planhat, func() string { return stage.Token })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Update(t.Context(), planhat.Company, ref, []byte(fields)); err != nil {
		t.Fatal(err)
	}
}

// send writes a command.
func (s *surroundings) send(t *testing.T, key, value string) {
	t.Helper()
	c, err := s.kafka.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r := &kgo.Record{Topic: s.names.Commands("planhat", stage.Workspace), Key: []byte(key), Value: []byte(value)}
	if err := c.ProduceSync(ctx, r).FirstErr(); err != nil {
		t.Fatalf("send a command: %v", err)
	}
}

// reader reads committed records of a topic from its beginning.
type reader struct {
	client *kgo.Client
	held   []*kgo.Record // fetched, not shown yet
}

func (s *surroundings) reader(t *testing.T, topic string) *reader {
	t.Helper()
	c, err := s.kafka.NewClient(kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &reader{client: c}
}

// until shows records one by one until the condition holds.
func (r *reader) until(t *testing.T, what string, condition func(*kgo.Record) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for seen := 0; ; {
		for len(r.held) > 0 {
			next := r.held[0]
			r.held = r.held[1:]
			seen++
			if condition(next) {
				return
			}
		}
		r.held = r.client.PollFetches(ctx).Records()
		if ctx.Err() != nil {
			t.Fatalf("not within %s, after %d records: %s", patience, seen, what)
		}
	}
}
