package sink_test

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
	"go.uber.org/goleak"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/schemas"
	"github.com/planhat-bridge/planhat-bridge/test/rig/metric"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wait"
)

// The tests wait for clocks and for others much more than they compute: more of
// them than there are processors go at a time.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

const (
	commandTopic    = "planhat.commands.acme"
	resultTopic     = "planhat.results.acme"
	deadLetterTopic = "planhat.deadletters.acme"
)

// bench is a broker, a registry, a vendor and a sink that can be stopped and
// started again.
type bench struct {
	t        *testing.T
	cluster  *kfake.Cluster
	kafka    kafka.Options
	registry *sr.Client
	resolves *sr.Client // asked for schemas of commands; nil: registry
	sim      *planhatsim.Server
	cfg      config.Config
	token    string // file
	reg      *prometheus.Registry
	service  *sink.Service
	stop     func()

	settle     time.Duration
	lookout    time.Duration // sink.Times.Catalogue
	giveUp     time.Duration // sink.Times.GiveUp
	tokenRetry time.Duration // sink.Times.TokenRetry, a minute
	hurry      time.Duration // how long results are waited for, if not for patience
	producer   *kgo.Client
	point      pointHook
	sent       int64
}

// pointHook lets a test act at a point of the running sink.
type pointHook struct {
	mu sync.Mutex
	fn func(string)
}

func (h *pointHook) call(name string) {
	h.mu.Lock()
	fn := h.fn
	h.mu.Unlock()
	if fn != nil {
		fn(name)
	}
}

func (h *pointHook) set(fn func(string)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fn = fn
}

func newBench(t *testing.T, edit func(*planhatsim.Options)) *bench {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(100*time.Millisecond),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	registry := srfake.New()
	t.Cleanup(registry.Close)
	client, err := sr.NewClient(sr.URLs(registry.URL()))
	if err != nil {
		t.Fatal(err)
	}
	opts := planhatsim.Options{Seed: 1, Companies: 2, CallsPerMinute: -1, PerSecond: -1, InFlight: -1}
	if edit != nil {
		edit(&opts)
	}
	sim := planhatsim.New(opts)
	server := httptest.NewServer(sim)
	t.Cleanup(func() { sim.Close(); server.Close() })

	b := &bench{t: t, cluster: cluster, registry: client, sim: sim, settle: 50 * time.Millisecond, token: filepath.Join(t.TempDir(), "token")}
	b.kafka = kafka.Options{Brokers: cluster.ListenAddrs(), Extra: []kgo.Opt{
		kgo.MetadataMinAge(20 * time.Millisecond), kgo.RetryBackoffFn(func(int) time.Duration { return 10 * time.Millisecond }),
	}}
	b.writeToken(planhatsim.DefaultToken)
	secret, err := config.FileSecret(b.token)
	if err != nil {
		t.Fatal(err)
	}
	b.cfg = config.Config{
		Bridge: "b",
		Topics: config.Topics{Partitions: 3, ReplicationFactor: 1, Create: true},
		Planhat: []config.Workspace{{
			Name: "acme", Token: secret, BaseURL: server.URL, CallsPerMinute: 1_000_000,
		}},
		Budget: config.Budget{SourceShare: 0.5},
		Sink:   config.Sink{ReferenceWait: 200 * time.Millisecond, Linger: 20 * time.Millisecond, MaxBatch: 5000, InFlight: 16, BufferBytes: 64 << 20},
		Shard:  config.Shard{SessionTimeout: 3 * time.Second, CallDeadline: time.Second},
	}
	b.producer, err = b.kafka.NewClient(kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.producer.Close)
	return b
}

func (b *bench) writeToken(token string) {
	b.t.Helper()
	if err := os.WriteFile(b.token, []byte(token), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// prepare makes the service and its topics without running it.
func (b *bench) prepare() {
	b.t.Helper()
	b.reg = prometheus.NewRegistry()
	b.service = sink.New(b.cfg, sink.Deps{
		Kafka: b.kafka, Registrar: schemas.NewRegistrar(b.registry, true), Resolver: schemas.NewResolver(cmp.Or(b.resolves, b.registry)),
		Registerer: b.reg, Log: slog.New(slog.NewTextHandler(b.t.Output(), nil)), OnPoint: b.point.call,
		Times: sink.Times{
			TokenRetry: cmp.Or(b.tokenRetry, time.Minute), Settle: b.settle, Poll: 20 * time.Millisecond,
			Retry: 10 * time.Millisecond, CommitOffset: 10 * time.Millisecond, Drain: time.Second, Catalogue: b.lookout, GiveUp: b.giveUp,
		},
	})
	if err := b.service.Prepare(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// start runs the sink until stop or the end of the test.
func (b *bench) start() {
	b.t.Helper()
	b.prepare()
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan error, 1)
	go func() { done <- b.service.Run(ctx) }()
	var once sync.Once
	b.stop = func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-done:
				if err != nil {
					b.t.Errorf("the sink ended: %v", err)
				}
			case <-time.After(wait.Patient(patience)):
				b.t.Errorf("the sink did not stop")
			}
		})
	}
	b.t.Cleanup(b.stop)
}

// send produces commands; a line is "<key or -> <json>".
func (b *bench) send(lines ...string) {
	b.t.Helper()
	var records []*kgo.Record
	for _, line := range lines {
		records = append(records, record(line))
	}
	if err := b.producer.ProduceSync(b.t.Context(), records...).FirstErr(); err != nil {
		b.t.Fatal(err)
	}
	b.sent += int64(len(lines))
}

func record(line string) *kgo.Record {
	r := &kgo.Record{Topic: commandTopic, Headers: []kgo.RecordHeader{{Key: "traceparent", Value: []byte("00-1")}}}
	for i := range line {
		if line[i] == ' ' {
			if line[:i] != "-" {
				r.Key = []byte(line[:i])
			}
			r.Value = []byte(line[i+1:])
			return r
		}
	}
	return r
}

// results waits for the results of all commands sent so far and returns them
// by command id. A second result of a command is a failure.
func (b *bench) results() map[string]schemas.Result {
	b.t.Helper()
	out := map[string]schemas.Result{}
	ctx, cancel := context.WithTimeout(b.t.Context(), wait.Patient(cmp.Or(b.hurry, patience)))
	defer cancel()
	seen := map[string]bool{}
	b.read(ctx, resultTopic, func(r *kgo.Record) bool {
		result, err := schemas.DecodeResult(r.Value)
		if err != nil {
			b.t.Fatal(err)
		}
		if string(r.Key) != result.CommandID {
			b.t.Errorf("the key is %q, the command %q", r.Key, result.CommandID)
		}
		at := fmt.Sprintf("%d/%d", result.Partition, result.Offset)
		if seen[at] {
			b.t.Errorf("command %s at %s has a second result: %+v", result.CommandID, at, result)
		}
		seen[at] = true
		out[result.CommandID] = result
		return int64(len(seen)) < b.sent
	})
	return out
}

// deadLetters returns the first n dead letters by the command's id.
func (b *bench) deadLetters(n int) map[string]*kgo.Record {
	b.t.Helper()
	out := map[string]*kgo.Record{}
	ctx, cancel := context.WithTimeout(b.t.Context(), wait.Patient(patience))
	defer cancel()
	b.read(ctx, deadLetterTopic, func(r *kgo.Record) bool {
		out[headers(r)[sink.HeaderCommandID]] = r
		return len(out) < n
	})
	return out
}

// deadLetter waits for the dead letter of a command.
func (b *bench) deadLetter(id string) *kgo.Record {
	b.t.Helper()
	var found *kgo.Record
	ctx, cancel := context.WithTimeout(b.t.Context(), wait.Patient(patience))
	defer cancel()
	b.read(ctx, deadLetterTopic, func(r *kgo.Record) bool {
		found = r
		return headers(r)[sink.HeaderCommandID] != id
	})
	return found
}

func headers(r *kgo.Record) map[string]string {
	out := map[string]string{}
	for _, h := range r.Headers {
		out[h.Key] = string(h.Value)
	}
	return out
}

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// read reads a topic from its beginning until fn says no more.
func (b *bench) read(ctx context.Context, topic string, fn func(*kgo.Record) bool) {
	b.t.Helper()
	cl, err := b.kafka.NewClient(kgo.ConsumeTopics(topic), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(50*time.Millisecond))
	if err != nil {
		b.t.Fatal(err)
	}
	defer cl.Close()
	for {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			b.t.Fatalf("read %s: gave up", topic)
		}
		for r := range fetches.RecordsAll() {
			if !fn(r) {
				return
			}
		}
	}
}

// rows are a listing's rows at the vendor.
func (b *bench) rows(listing string) []map[string]any {
	b.t.Helper()
	var out []map[string]any
	if err := json.Unmarshal(b.sim.State(listing), &out); err != nil {
		b.t.Fatal(err)
	}
	return out
}

// wantCompanies wants so many of them at the vendor.
func (b *bench) wantCompanies(want int) {
	b.t.Helper()
	if n := len(b.rows("companies")); n != want {
		b.t.Errorf("%d companies, want %d", n, want)
	}
}

// row is the row with a value in a field, nil if there is none.
func (b *bench) row(listing, field, value string) map[string]any {
	b.t.Helper()
	var found map[string]any
	for _, r := range b.rows(listing) {
		if r[field] == value {
			if found != nil {
				b.t.Errorf("two rows of %s have %s %s", listing, field, value)
			}
			found = r
		}
	}
	return found
}

func (b *bench) fault(f planhatsim.Fault) {
	b.t.Helper()
	if err := b.sim.AddFault(f); err != nil {
		b.t.Fatal(err)
	}
}

// expect holds a result to "<STATUS> <EFFECT> <CODE or ->".
func expect(t *testing.T, results map[string]schemas.Result, id, want string) schemas.Result {
	t.Helper()
	r, ok := results[id]
	if !ok {
		t.Errorf("command %s has no result", id)
		return r
	}
	code := "-"
	if r.Error != nil {
		code = string(r.Error.Code)
	}
	if got := fmt.Sprintf("%s %s %s", r.Status, r.Effect, code); got != want {
		t.Errorf("command %s: got %s, want %s (%+v)", id, got, want, r.Error)
	}
	return r
}

// until waits for a condition.
func (b *bench) until(what string, condition func() bool) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), wait.Patient(patience))
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			b.t.Fatalf("waited too long: %s", what)
		}
	}
}

// series counts the series of a metric.
func (b *bench) series(name string) int {
	b.t.Helper()
	return len(metric.Series(b.t, b.reg, name))
}

// total is the value of a counter without labels.
func (b *bench) total(name string) float64 {
	b.t.Helper()
	return metric.Sum(b.t, b.reg, name)
}
