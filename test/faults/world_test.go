package faults_test

import (
	"context"
	"fmt"
	"maps"
	"runtime/pprof"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/oracle"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/schemas"
	"github.com/planhat-bridge/planhat-bridge/test/rig"
	"github.com/planhat-bridge/planhat-bridge/test/rig/background"
	"github.com/planhat-bridge/planhat-bridge/test/rig/front"
	"github.com/planhat-bridge/planhat-bridge/test/rig/metric"
	"github.com/planhat-bridge/planhat-bridge/test/rig/settings"
	"github.com/planhat-bridge/planhat-bridge/test/rig/verdict"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wait"
)

// patience is how long anything may take that is not the subject of an assertion.
const patience = time.Minute

// core are the objects of most stories: with a change stamp and without, archived and
// not, two on one listing.
const core = "company,enduser,license,note,conversation"

// world is a source and the vendor that it captures.
type world struct {
	t     *testing.T
	name  string
	clock *clock
	sim   *planhatsim.Server
	front *front.Front
	stage *stage.Stage
	deps  func(*source.Deps)

	cfg   config.Config
	kafka kafka.Options
	reg   *prometheus.Registry
	svc   *source.Service
	stop  func()

	reader *kgo.Client
	seen   map[string]bool // records of which the change topics have an event, read so far
}

// setting is what a world may have of its own.
type setting struct {
	sim    func(*planhatsim.Options)
	env    map[string]string // "" takes a variable away
	deps   func(*source.Deps)
	secure bool // HTTP/2 with TLS
}

// clock is the vendor's: the machine's, but for what it goes wrong by.
type clock struct {
	mu    sync.Mutex
	wrong time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.wrong)
}

func (c *clock) set(wrong time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong = wrong
}

func newWorld(t *testing.T, s setting) *world {
	t.Helper()
	w := &world{t: t, name: t.Name(), clock: &clock{}, deps: s.deps, seen: map[string]bool{}}
	o := planhatsim.Options{Seed: 1, Companies: 30, CoreOnly: true, CallsPerMinute: -1, Now: w.clock.now}
	if s.sim != nil {
		s.sim(&o)
	}
	var err error
	if w.stage, err = stage.New(stage.Ports{}, o, false); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.stage.Close() })
	w.sim = w.stage.Simulator
	t.Cleanup(w.sim.Close)
	w.front = front.New(t, w.sim, s.secure)
	vars := w.stage.Env(0)
	vars["PLANHAT_BASE_URL"], vars["PLANHAT_OBJECTS"] = w.front.URL, core
	vars["PLANHAT_DELETE_GUARD"] = "off" // users who live this fast delete more in a minute than others in a day
	maps.Copy(vars, s.env)
	w.cfg = settings.Config(t, vars)
	w.kafka = settings.Kafka(t, w.cfg)
	return w
}

// start runs the source; w.stop drains it.
func (w *world) start() {
	w.t.Helper()
	registry, err := kafka.NewRegistry(w.cfg.Registry)
	if err != nil {
		w.t.Fatal(err)
	}
	w.reg = prometheus.NewRegistry()
	deps := source.Deps{
		Kafka: w.kafka, Registrar: schemas.NewRegistrar(registry, true), Resolver: schemas.NewResolver(registry), Registerer: w.reg, Version: "test",
	}
	if w.deps != nil {
		w.deps(&deps)
	}
	w.svc = source.New(w.cfg, deps)
	if err := w.svc.Prepare(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.stop = background.Run(w.t, "source", func(ctx context.Context) (err error) {
		pprof.Do(ctx, pprof.Labels("story", w.name), func(ctx context.Context) { err = w.svc.Run(ctx) })
		return err
	})
}

// until waits for something that is not the subject of an assertion.
func (w *world) until(what string, is func() bool) {
	w.t.Helper()
	if !wait.Within(patience, is) {
		w.t.Fatalf("waited %s for %s; the source says %+v", patience, what, w.status())
	}
}

// judge lets the oracle compare the topics with the vendor, which has to be quiet.
func (w *world) judge() oracle.Report {
	w.t.Helper()
	return verdict.Of(w.t, oracle.Options{
		Kafka: w.kafka, Names: kafka.Names{Bridge: w.cfg.Bridge}, Workspace: stage.Workspace, SimulatorURL: w.stage.Planhat,
		Objects: w.objects(), Settle: patience,
	})
}

func (w *world) objects() []string {
	if named := w.cfg.Planhat[0].Objects; named != nil {
		return named
	}
	return service.Objects()
}

// fault adds a rule to the vendor's.
func (w *world) fault(f planhatsim.Fault) {
	w.t.Helper()
	if err := w.sim.AddFault(f); err != nil {
		w.t.Fatal(err)
	}
}

// struck waits until a fault has happened some times.
func (w *world) struck(kind string, times int64) {
	w.t.Helper()
	w.until(fmt.Sprintf("%d times %s", times, kind), func() bool { return w.sim.Injected()[kind] >= times })
}

// edit changes the tenant as its users would.
func (w *world) edit(fn func(tx *planhatsim.Tx) error) {
	w.t.Helper()
	w.sim.Mutate(func(tx *planhatsim.Tx) {
		if err := fn(tx); err != nil {
			w.t.Errorf("edit the tenant: %v", err)
		}
	})
}

// make creates a record and gives its id.
func (w *world) make(listing, fields string) (id string) {
	w.t.Helper()
	w.edit(func(tx *planhatsim.Tx) (err error) { id, err = tx.Create(listing, fields); return err })
	return id
}

// ids lists a listing's records, archived too.
func (w *world) ids(listing string) (ids []string) {
	w.sim.Mutate(func(tx *planhatsim.Tx) { ids = tx.IDs(listing) })
	return ids
}

// calls are those of which something holds, oldest first.
func (w *world) calls(of func(planhatsim.Call) bool) []planhatsim.Call {
	all, _ := w.sim.Calls()
	var out []planhatsim.Call
	for _, c := range all {
		if of(c) {
			out = append(out, c)
		}
	}
	return out
}

func (w *world) status() source.WorkspaceStatus {
	st, _ := w.svc.Status().(source.Status)
	for _, ws := range st.Workspaces {
		if ws.Owned {
			return ws
		}
	}
	return source.WorkspaceStatus{}
}

func (w *world) stream(name string) source.StreamStatus {
	for _, s := range w.status().Streams {
		if s.Name == name {
			return s
		}
	}
	return source.StreamStatus{}
}

// metric adds up the series of a metric that have the labels.
func (w *world) metric(name string, labels ...string) float64 {
	w.t.Helper()
	return metric.Sum(w.t, w.reg, "planhat_bridge_source_"+name, labels...)
}

// onTopic tells whether a record has an event.
func (w *world) onTopic(id string) bool {
	w.t.Helper()
	if w.reader == nil {
		names := kafka.Names{Bridge: w.cfg.Bridge}
		var topics []string
		for _, o := range w.objects() {
			topics = append(topics, names.Changes("planhat", stage.Workspace, o))
		}
		var err error
		w.reader, err = w.kafka.NewClient(kgo.ConsumeTopics(topics...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
			kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(100*time.Millisecond))
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(w.reader.Close)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), 150*time.Millisecond)
	defer cancel()
	for rec := range w.reader.PollFetches(ctx).RecordsAll() {
		w.seen[string(rec.Key)] = true
	}
	return w.seen[id]
}

// nothingLeft holds that a source that has stopped leaves no goroutine and no connection.
func (w *world) nothingLeft() {
	w.t.Helper()
	left := ""
	gone := func() bool {
		left = rig.Goroutines(w.name)
		open, _ := w.front.Connections()
		return left == "" && open == 0
	}
	if !wait.Within(10*time.Second, gone) {
		open, _ := w.front.Connections()
		w.t.Errorf("the source has stopped and leaves %d connections to the vendor and these goroutines:\n%s", open, left)
	}
}
