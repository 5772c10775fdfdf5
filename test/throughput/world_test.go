package throughput

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
	"github.com/planhat-bridge/planhat-bridge/test/rig/background"
	"github.com/planhat-bridge/planhat-bridge/test/rig/settings"
)

// whole tells whether the stories run at their full size.
var whole = os.Getenv("THROUGHPUT_WHOLE") != ""

// sized is small, or large where the stories run whole.
func sized[T any](small, large T) T {
	if whole {
		return large
	}
	return small
}

// latency is what the vendor takes to answer, in milliseconds.
const latency = 20

// patience bounds a story.
const patience = 10 * time.Minute

// world is a stage and a sink on it.
type world struct {
	t      *testing.T
	stage  *stage.Stage
	cfg    config.Config
	kafka  kafka.Options
	names  kafka.Names
	client *kgo.Client
	sent   int

	mu       sync.Mutex
	arrivals []arrival // of writes, in their order
}

// arrival is a write that reached the vendor.
type arrival struct {
	at   time.Time
	path string
}

func newWorld(t *testing.T, env map[string]string) *world {
	t.Helper()
	s, err := stage.New(stage.Ports{}, planhatsim.Options{
		Seed: 1, Companies: -1, EndusersPerCompany: -1, ConversationsPerCompany: -1, LicensesPerCompany: -1, CoreOnly: true,
		CallsPerMinute: -1, PerSecond: -1, InFlight: -1,
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Simulator.Close(); _ = s.Close() })
	vars := s.Env(0)
	vars["SINK_IN_FLIGHT"], vars["INSTANCE_ID"], vars["SHARD_SESSION_TIMEOUT"], vars["CALL_DEADLINE"] = "50", "throughput", "60s", "20s"
	maps.Copy(vars, env)
	w := &world{t: t, stage: s, cfg: settings.Config(t, vars)}
	if w.kafka, err = kafka.FromConfig(w.cfg.Kafka); err != nil {
		t.Fatal(err)
	}
	w.names = kafka.Names{Bridge: w.cfg.Bridge, Prefix: w.cfg.Topics.Prefix}
	if w.client, err = w.kafka.NewClient(kgo.UnknownTopicRetries(-1)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.client.Close)
	s.Simulator.OnRequest(w.note)
	w.fault(planhatsim.Fault{Kind: "latency", Ms: latency, Method: http.MethodPut})
	return w
}

func (w *world) note(r *http.Request) {
	if r.Method == http.MethodGet {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.arrivals = append(w.arrivals, arrival{time.Now(), r.URL.Path})
}

// writes are the writes that reached the vendor so far.
func (w *world) writes() []arrival {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]arrival{}, w.arrivals...)
}

func (w *world) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.arrivals = nil
}

func (w *world) fault(f planhatsim.Fault) {
	w.t.Helper()
	if err := w.stage.Simulator.AddFault(f); err != nil {
		w.t.Fatal(err)
	}
}

// prepare makes a sink and its topics.
func (w *world) prepare() *sink.Service {
	w.t.Helper()
	registry, err := kafka.NewRegistry(w.cfg.Registry)
	if err != nil {
		w.t.Fatal(err)
	}
	svc := sink.New(w.cfg, sink.Deps{
		Kafka: w.kafka, Registrar: schemas.NewRegistrar(registry, true), Resolver: schemas.NewResolver(registry),
		Registerer: prometheus.NewRegistry(), Version: "throughput",
		Budget: func(config.Workspace) *planhat.Budget { return planhat.NewBudget(planhat.BudgetOptions{}) },
	})
	if err := svc.Prepare(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return svc
}

// start runs a sink to the end of the test.
func (w *world) start(svc *sink.Service) {
	w.t.Helper()
	background.Run(w.t, "sink", svc.Run)
}

// command is JSON as users write it.
type command struct {
	ID       string            `json:"id"`
	Op       string            `json:"op"`
	Object   string            `json:"object"`
	Target   map[string]string `json:"target"`
	Fields   map[string]any    `json:"fields"`
	Coalesce *bool             `json:"coalesce,omitempty"`
}

// send writes commands for companies; key gives the n-th's externalId.
func (w *world) send(op string, n int, key func(int) string, edit func(int, *command)) {
	w.t.Helper()
	records := make([]*kgo.Record, n)
	for i := range records {
		c := command{
			ID: fmt.Sprintf("%s-%d", op, w.sent+i), Op: op, Object: "company", Target: map[string]string{"externalId": key(i)},
			Fields: map[string]any{"name": fmt.Sprintf("%08d", i), "city": "Oslo", "country": "Norway", "phase": "Live"},
		}
		if edit != nil {
			edit(i, &c)
		}
		value, err := json.Marshal(c)
		if err != nil {
			w.t.Fatal(err)
		}
		records[i] = &kgo.Record{Topic: w.names.Commands("planhat", stage.Workspace), Key: []byte("company/" + key(i)), Value: value}
	}
	if err := w.client.ProduceSync(w.t.Context(), records...).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
	w.sent += n
}

// answered waits until every command that was sent has its result: one, and OK.
func (w *world) answered() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	reader, err := w.kafka.NewClient(kgo.ConsumeTopics(w.names.Results("planhat", stage.Workspace)), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		w.t.Fatal(err)
	}
	defer reader.Close()
	seen := map[string]bool{}
	for len(seen) < w.sent {
		fetches := reader.PollFetches(ctx)
		if ctx.Err() != nil {
			w.t.Fatalf("%d of %d commands are answered", len(seen), w.sent)
		}
		for r := range fetches.RecordsAll() {
			result, err := schemas.DecodeResult(r.Value)
			switch {
			case err != nil:
				w.t.Fatal(err)
			case result.Status != schemas.StatusOK:
				w.t.Fatalf("command %s: %s %+v", result.CommandID, result.Status, result.Error)
			case seen[result.CommandID]:
				w.t.Fatalf("command %s has two results", result.CommandID)
			}
			seen[result.CommandID] = true
		}
	}
}

// make writes records to the vendor that are none of the story.
func (w *world) make(n int, key func(int) string) {
	w.t.Helper()
	for at := 0; at < n; at += 5000 {
		items := []map[string]any{}
		for i := at; i < min(n, at+5000); i++ {
			items = append(items, map[string]any{"externalId": key(i), "name": "before"})
		}
		body, err := json.Marshal(items)
		if err != nil {
			w.t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPut, w.stage.Planhat+"/companies", strings.NewReader(string(body)))
		if err != nil {
			w.t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+stage.Token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			w.t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
			w.t.Fatalf("make records: %s %v", res.Status, err)
		}
	}
	w.forget()
}

func own(n int) string { return fmt.Sprintf("E%d", n) }
