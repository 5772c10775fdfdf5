// Package roundtrip follows a record of every object through the whole bridge:
// a command is carried out at the vendor, and what it did comes back as a change.
//
// Source and sink run as in production, on one stage for all objects. The tables of
// test/rig/samples hold an example of every object; an object of planhat.Objects()
// without an example fails by its name. Start reading at object_test.go.
package roundtrip

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"go.uber.org/goleak"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/ops"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
	"github.com/planhat-bridge/planhat-bridge/test/rig/background"
	"github.com/planhat-bridge/planhat-bridge/test/rig/settings"
)

// TestMain lets all subtests run at once: they wait for the services, and compute little.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "1000"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

const (
	vendor   = "planhat"
	patience = time.Minute // for a command to be answered, or a change to be seen
)

// builds are the services as their mains wire them.
var builds = map[string]service.Build{"source": source.Build, "sink": sink.Build}

// world is a stage, the services on it, and everything that came out of them.
type world struct {
	t        *testing.T
	sim      *planhatsim.Server
	names    kafka.Names
	producer *kgo.Client
	resolver schemas.Resolver
	fixture  fixture

	mu      sync.Mutex
	news    chan struct{} // closed and replaced when something came
	results map[string]schemas.Result
	changes map[planhat.Object][]event
}

// event is a record of a change topic.
type event struct {
	key       string
	tombstone bool
	schemas.Envelope
}

// newWorld sets a world up with some services; all is stopped when the test ends.
func newWorld(t *testing.T, o planhatsim.Options, env map[string]string, services ...string) *world {
	t.Helper()
	s, err := stage.New(stage.Ports{}, o, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Simulator.Close(); _ = s.Close() })
	w := &world{
		t: t, sim: s.Simulator, news: make(chan struct{}),
		results: map[string]schemas.Result{}, changes: map[planhat.Object][]event{},
	}
	w.fixture = newFixture(t, w.sim)
	vars := s.Env(0)
	vars["PLANHAT_CALLS_PER_MINUTE"] = "60000"
	maps.Copy(vars, env)
	for _, name := range services {
		w.run(name, load(t, vars, name))
	}
	w.connect(load(t, vars, "test"), s.Registry, services)
	return w
}

// load is the configuration of a process.
func load(t *testing.T, vars map[string]string, name string) config.Config {
	t.Helper()
	vars = maps.Clone(vars)
	vars["INSTANCE_ID"] = name + "-0"
	return settings.Config(t, vars)
}

// run runs a service until the test ends.
func (w *world) run(name string, cfg config.Config) {
	w.t.Helper()
	p := ops.NewProcess(name, cfg, w.t.Output())
	background.Run(w.t, name, func(ctx context.Context) error { return service.Run(ctx, p, name, builds[name]) })
}

// connect opens the world's own clients and reads what the services write.
func (w *world) connect(cfg config.Config, registry string, services []string) {
	w.t.Helper()
	w.names = kafka.Names{Bridge: cfg.Bridge, Prefix: cfg.Topics.Prefix}
	options, err := kafka.FromConfig(cfg.Kafka)
	if err != nil {
		w.t.Fatal(err)
	}
	client, err := sr.NewClient(sr.URLs(registry))
	if err != nil {
		w.t.Fatal(err)
	}
	w.resolver = schemas.NewResolver(client)
	if w.producer, err = options.NewClient(kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil))); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(w.producer.Close)
	topics := w.topics(services)
	w.untilTopics(topics)
	reader, err := options.NewClient(kgo.ConsumeTopics(topics...), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	done := make(chan struct{})
	go func() { defer close(done); w.read(ctx, reader) }()
	w.t.Cleanup(func() { cancel(); <-done; reader.Close() })
}

func (w *world) topics(services []string) []string {
	var topics []string
	for _, name := range services {
		switch name {
		case "sink":
			topics = append(topics, w.names.Results(vendor, stage.Workspace))
		case "source":
			for _, spec := range planhat.Objects() {
				topics = append(topics, w.names.Changes(vendor, stage.Workspace, string(spec.Object)))
			}
		}
	}
	return topics
}

// untilTopics waits until the services have created their topics.
func (w *world) untilTopics(topics []string) {
	w.t.Helper()
	admin := kadm.NewClient(w.producer)
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		found, err := admin.ListTopics(ctx)
		if err != nil {
			w.t.Fatalf("wait for the topics: %v", err)
		}
		missing := 0
		for _, topic := range topics {
			if !found.Has(topic) {
				missing++
			}
		}
		if missing == 0 {
			return
		}
		<-tick.C
	}
}

func (w *world) read(ctx context.Context, reader *kgo.Client) {
	objects := map[string]planhat.Object{}
	for _, spec := range planhat.Objects() {
		objects[w.names.Changes(vendor, stage.Workspace, string(spec.Object))] = spec.Object
	}
	for {
		fetches := reader.PollFetches(ctx)
		if ctx.Err() != nil {
			return
		}
		for r := range fetches.RecordsAll() {
			w.take(ctx, r, objects[r.Topic])
		}
		w.mu.Lock()
		close(w.news)
		w.news = make(chan struct{})
		w.mu.Unlock()
	}
}

// take notes a record: a change of the object, or a result if there is none.
func (w *world) take(ctx context.Context, r *kgo.Record, object planhat.Object) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if object == "" {
		result, err := schemas.DecodeResult(r.Value)
		if err != nil {
			w.t.Errorf("result of %s: %v", r.Key, err)
			return
		}
		if _, twice := w.results[result.CommandID]; twice {
			w.t.Errorf("command %s has two results", result.CommandID)
		}
		w.results[result.CommandID] = result
		return
	}
	c := event{key: string(r.Key), tombstone: r.Value == nil}
	if !c.tombstone {
		var err error
		if c.Envelope, err = schemas.DecodeAnyEnvelope(ctx, r.Value, w.resolver); err != nil {
			w.t.Errorf("change of %s %s: %v", object, r.Key, err)
			return
		}
	}
	w.changes[object] = append(w.changes[object], c)
}

// until waits until look, which is called with the world locked, is content.
func (w *world) until(t *testing.T, what string, look func() bool) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		w.mu.Lock()
		found, news := look(), w.news
		w.mu.Unlock()
		if found {
			return
		}
		select {
		case <-news:
		case <-late.C:
			t.Fatalf("waited too long: %s", what)
		}
	}
}

// events waits for the first n changes of a record on an object's topic, and gives
// those from the nth on.
func (w *world) events(t *testing.T, object planhat.Object, id string, n int) []event {
	t.Helper()
	var found []event
	w.until(t, fmt.Sprintf("%d changes of %s %s", n, object, id), func() bool {
		found = nil
		for _, c := range w.changes[object] {
			if c.key == id {
				found = append(found, c)
			}
		}
		return len(found) >= n
	})
	return found[n-1:]
}

// seen waits until the source has read every object for the first time.
func (w *world) seen() {
	w.t.Helper()
	for _, spec := range planhat.Objects() {
		w.until(w.t, fmt.Sprintf("the snapshot of %s", spec.Object), func() bool { return len(w.changes[spec.Object]) > 0 })
	}
}
