package ctl

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/ctl/letters"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/schemas"
	"github.com/planhat-bridge/planhat-bridge/test/rig/background"
)

// newWorld is a broker, a registry, a vendor and the sink that carries out the
// commands of workspace acme, which runs until the test ends.
func newWorld(t *testing.T) (*bridge, *planhatsim.Server) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(100*time.Millisecond),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	b := &bridge{t: t, cluster: cluster, registry: srfake.New(), options: kafka.Options{Brokers: cluster.ListenAddrs(), Extra: []kgo.Opt{
		kgo.MetadataMinAge(10 * time.Millisecond), kgo.RetryBackoffFn(func(int) time.Duration { return 10 * time.Millisecond }),
	}}}
	t.Cleanup(b.registry.Close)
	b.environ = []string{
		"KAFKA_BOOTSTRAP_SERVERS=" + strings.Join(cluster.ListenAddrs(), ","), "SCHEMA_REGISTRY_URL=" + b.registry.URL(), "PLANHAT_WORKSPACES=acme",
	}
	if b.cl, err = b.options.NewClient(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.cl.Close)
	sim := planhatsim.New(planhatsim.Options{Seed: 1, Companies: 2, CallsPerMinute: -1, PerSecond: -1, InFlight: -1})
	web := httptest.NewServer(sim)
	t.Cleanup(func() { sim.Close(); web.Close() })
	b.carryOut(web.URL)
	return b, sim
}

// carryOut runs the real sink.
func (b *bridge) carryOut(vendorURL string) {
	b.t.Helper()
	registry, err := sr.NewClient(sr.URLs(b.registry.URL()))
	if err != nil {
		b.t.Fatal(err)
	}
	service := sink.New(config.Config{
		Bridge: "planhat-bridge", Topics: config.Topics{Partitions: 3, ReplicationFactor: 1, Create: true},
		Planhat: []config.Workspace{{Name: "acme", Token: config.NewSecret(planhatsim.DefaultToken), BaseURL: vendorURL, CallsPerMinute: 1_000_000}},
		Budget:  config.Budget{SourceShare: 0.5},
		Sink:    config.Sink{ReferenceWait: 50 * time.Millisecond, Linger: 10 * time.Millisecond, MaxBatch: 5000, InFlight: 8, BufferBytes: 64 << 20},
		Shard:   config.Shard{SessionTimeout: 3 * time.Second, CallDeadline: time.Second},
	}, sink.Deps{
		Kafka: b.options, Registrar: schemas.NewRegistrar(registry, true), Resolver: schemas.NewResolver(registry),
		Registerer: prometheus.NewRegistry(), Log: slog.New(slog.NewTextHandler(b.t.Output(), nil)), OnPoint: func(string) {},
		Times: sink.Times{
			TokenRetry: time.Minute, Settle: 10 * time.Millisecond, Poll: 10 * time.Millisecond, Retry: 10 * time.Millisecond,
			CommitOffset: 10 * time.Millisecond, Drain: time.Second, Catalogue: time.Nanosecond,
		},
	})
	if err := service.Prepare(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	background.Run(b.t, "sink", service.Run)
}

// command sends one command and waits for its result.
func (b *bridge) command(want string, args ...string) {
	b.t.Helper()
	if got := b.run("", append([]string{"send"}, args...)...); !strings.Contains(got, want) {
		b.t.Fatalf("no %q in %s", want, got)
	}
}

// answersOf waits until a command driven again has its result, and gives it with
// its headers.
func (b *bridge) answersOf(first string) (schemas.Result, map[string]string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	defer cancel()
	cl, err := b.options.NewClient(kgo.ConsumeTopics(results), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		b.t.Fatal(err)
	}
	defer cl.Close()
	for {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			b.t.Fatalf("the command that was %s has no result", first)
		}
		for r := range fetches.RecordsAll() {
			headers := map[string]string{}
			for _, h := range r.Headers {
				headers[h.Key] = string(h.Value)
			}
			if headers[letters.HeaderOf] != first {
				continue
			}
			result, err := schemas.DecodeResult(r.Value)
			if err != nil {
				b.t.Fatal(err)
			}
			return result, headers
		}
	}
}

// company is the company with an externalId as the vendor has it.
func company(t *testing.T, sim *planhatsim.Server, externalID string) map[string]any {
	t.Helper()
	var rows []map[string]any
	if err := json.Unmarshal(sim.State("companies"), &rows); err != nil {
		t.Fatal(err)
	}
	var found map[string]any
	for _, row := range rows {
		if row["externalId"] == externalID {
			if found != nil {
				t.Errorf("two companies have the externalId %s", externalID)
			}
			found = row
		}
	}
	return found
}

// ends are the end offsets of topics.
func (b *bridge) ends(topics ...string) string {
	b.t.Helper()
	listed, err := kadm.NewClient(b.cl).ListEndOffsets(b.t.Context(), topics...)
	if err != nil {
		b.t.Fatal(err)
	}
	var out []string
	for _, topic := range sortedKeys(listed) {
		for _, partition := range sortedKeys32(listed[topic]) {
			out = append(out, fmt.Sprintf("%s/%d=%d", topic, partition, listed[topic][partition].Offset))
		}
	}
	return strings.Join(out, " ")
}

func sortedKeys32(m map[int32]kadm.ListedOffset) []int32 {
	var out []int32
	for n := range int32(len(m)) {
		out = append(out, n)
	}
	return out
}

// TestRedriveOfARepairedCause: what Planhat did not know is created there, and
// the command that was refused for it is driven again and carried out, once.
func TestRedriveOfARepairedCause(t *testing.T) {
	t.Parallel()
	b, sim := newWorld(t)
	b.command("REJECTED NOT_FOUND", "--object", "company", "--op", "update", "--external-id", "c-9", "--set", "name=Nine", "--command-id", "order-9")
	b.command("REJECTED UNKNOWN_FIELD", "--object", "company", "--op", "update", "--external-id", "c-9", "--set", "nme=x", "--command-id", "order-10")

	if got := b.run("", "dlq", "list"); strings.Count(got, "NOT_FOUND") != 1 || !strings.Contains(got, "order-9") || !strings.Contains(got, "order-10") {
		t.Error(got)
	}
	if got := b.run("", "dlq", "show", "order-9"); !strings.Contains(got, `"name":"Nine"`) || !strings.Contains(got, "company/c-9") {
		t.Error(got)
	}
	b.command("OK CREATED", "--object", "company", "--op", "create", "--external-id", "c-9", "--set", "name=Other", "--key", "by hand")

	before := b.ends(commands, deadLetters, results)
	if got := b.run("", "dlq", "redrive", "order-9", "order-10", "--dry-run"); !strings.Contains(got, "WOULD REDRIVE") || !strings.Contains(got, "it would be refused again: UNKNOWN_FIELD") {
		t.Error(got)
	}
	if got := b.run("", "dlq", "drop", "--all", "--dry-run"); strings.Count(got, "WOULD DROP") != 2 {
		t.Error(got)
	}
	if after := b.ends(commands, deadLetters, results); before != after {
		t.Errorf("a dry run wrote something: %s, before %s", after, before)
	}

	if got := b.run("", "dlq", "redrive", "order-9"); !strings.Contains(got, "REDRIVEN") || !strings.Contains(got, "exit 0") {
		t.Fatal(got)
	}
	result, headers := b.answersOf("order-9")
	if result.Status != schemas.StatusOK || result.Effect != schemas.EffectUpdated || result.CommandID == "order-9" || headers[letters.HeaderLetter] == "" {
		t.Errorf("%+v %v", result, headers)
	}
	if row := company(t, sim, "c-9"); row["name"] != "Nine" {
		t.Errorf("the vendor has %v", row)
	}
	sent := b.ends(commands)
	if got := b.run("", "dlq", "redrive", "order-9"); !strings.Contains(got, "there is no open dead letter order-9") || !strings.Contains(got, "exit 1") {
		t.Error(got)
	}
	if again := b.ends(commands); again != sent {
		t.Errorf("it was sent twice: %s, before %s", again, sent)
	}
	if got := b.run("", "dlq", "drop", "order-10"); !strings.Contains(got, "DROPPED") {
		t.Error(got)
	}
	if got := b.run("", "dlq", "list"); strings.Contains(got, "order-") {
		t.Errorf("settled letters are listed: %s", got)
	}
}

// TestRedriveOfWhatIsOvertaken: a later command of the key stands.
func TestRedriveOfWhatIsOvertaken(t *testing.T) {
	t.Parallel()
	b, sim := newWorld(t)
	b.command("REJECTED NOT_FOUND", "--object", "company", "--op", "update", "--external-id", "c-9", "--set", "name=Old", "--command-id", "old")
	b.command("OK CREATED", "--object", "company", "--op", "upsert", "--external-id", "c-9", "--set", "name=New", "--command-id", "new")
	got := b.run("", "dlq", "redrive", "--all")
	if !strings.Contains(got, "REFUSED") || !strings.Contains(got, `a later command of key "company/c-9" was carried out: new at`) || !strings.Contains(got, "exit 1") {
		t.Error(got)
	}
	if row := company(t, sim, "c-9"); row["name"] != "New" {
		t.Errorf("the vendor has %v", row)
	}
	if got := b.run("", "dlq", "redrive", "old", "--force"); !strings.Contains(got, "REDRIVEN") {
		t.Error(got)
	}
	if result, _ := b.answersOf("old"); result.Status != schemas.StatusOK {
		t.Errorf("%+v", result)
	}
	if row := company(t, sim, "c-9"); row["name"] != "Old" {
		t.Errorf("forced, but the vendor has %v", row)
	}
}

// TestRedriveThatIsRefusedAgain: there is a new letter, which knows the first
// command.
func TestRedriveThatIsRefusedAgain(t *testing.T) {
	t.Parallel()
	b, _ := newWorld(t)
	b.command("REJECTED NOT_FOUND", "--object", "company", "--op", "update", "--external-id", "c-9", "--set", "name=x", "--command-id", "order-9")
	for range 2 {
		if got := b.run("", "dlq", "redrive", "order-9"); !strings.Contains(got, "REDRIVEN") || strings.Contains(got, "there is no") {
			t.Fatal(got)
		}
		deadline := time.Now().Add(20 * time.Second)
		for strings.Count(b.run("", "dlq", "list", "order-9"), "NOT_FOUND") != 1 {
			if time.Now().After(deadline) {
				t.Fatal(b.run("", "dlq", "list", "--settled"))
			}
		}
	}
	if got := b.run("", "dlq", "show", "order-9"); strings.Count(got, "state ") != 3 || strings.Count(got, "sent first as  order-9 at ") != 2 {
		t.Error(got)
	}
}
