package source_test

import (
	"fmt"
	"hash/crc32"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/oracle"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/schemas"
	"github.com/planhat-bridge/planhat-bridge/test/rig/background"
	"github.com/planhat-bridge/planhat-bridge/test/rig/settings"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wait"
)

// rig is a source on a stage.
type rig struct {
	t     *testing.T
	stage *stage.Stage
	env   map[string]string
	cfg   config.Config
	kafka kafka.Options
	reg   *prometheus.Registry
	proxy *proxy

	rereads map[string]int // by object: how often it was asked for again
}

// proxy stands between the source and the vendor.
type proxy struct {
	vendor  http.Handler
	hide    atomic.Pointer[string] // the listing of which the next sweep is empty
	forbid  atomic.Pointer[string] // the start of the paths that are refused
	refused atomic.Int64           // calls that forbid has answered
	stall   atomic.Pointer[string] // the listing of which no sweep gets beyond its first page
	sweeps  atomic.Int64           // pages of sweeps from the start of a listing
	gone    atomic.Bool            // all listings are empty, and no record is found by its id

	// instead answers in the vendor's place where it returns true.
	instead atomic.Pointer[func(w http.ResponseWriter, r *http.Request) bool]
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if hide := p.hide.Load(); hide != nil && r.URL.Path == "/"+*hide && r.URL.Query().Get("sort") == "_id" {
		p.hide.Store(nil)
		_, _ = w.Write([]byte("[]"))
		return
	}
	if p.forbidden(w, r) {
		return
	}
	if instead := p.instead.Load(); instead != nil && (*instead)(w, r) {
		return
	}
	if stall := p.stall.Load(); stall != nil && r.URL.Path == "/"+*stall && r.URL.Query().Get("sort") == "_id" && r.URL.Query().Get("offset") != "0" {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if q := r.URL.Query(); q.Get("sort") == "_id" && q.Get("offset") == "0" {
		p.sweeps.Add(1)
	}
	if p.gone.Load() {
		if strings.Count(r.URL.Path, "/") > 1 {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte("[]"))
		return
	}
	p.vendor.ServeHTTP(w, r)
}

// newRig is a whole source before a simulated vendor. With -short, which the race
// detector's run uses since it makes a rig ten times as dear, one test of six
// that need one is run: each passes the same goroutines.
func newRig(t *testing.T, sim planhatsim.Options, env map[string]string) *rig {
	t.Helper()
	if testing.Short() && crc32.ChecksumIEEE([]byte(t.Name()))%6 != 5 {
		t.Skip("one of six is run with -short")
	}
	// The stage's budget is far above the quota of a real tenant, which its headers would tell the client to keep to.
	sim.CallsPerMinute = -1
	s, err := stage.New(stage.Ports{}, sim, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	p := &proxy{vendor: s.Simulator}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	vars := s.Env(0)
	vars["PLANHAT_BASE_URL"] = server.URL
	maps.Copy(vars, env)
	r := &rig{t: t, stage: s, env: vars, proxy: p}
	r.cfg = settings.Config(t, vars)
	r.kafka = settings.Kafka(t, r.cfg)
	return r
}

// start runs a source; stop drains it. Stopping happens at the test's end, too.
func (r *rig) start() (svc *source.Service, stop func()) {
	r.t.Helper()
	svc = r.prepare()
	return svc, background.Run(r.t, "source", svc.Run)
}

// prepare makes a source and its topics.
func (r *rig) prepare() *source.Service {
	r.t.Helper()
	registry, err := kafka.NewRegistry(r.cfg.Registry)
	if err != nil {
		r.t.Fatal(err)
	}
	r.reg = prometheus.NewRegistry()
	svc := source.New(r.cfg, source.Deps{
		Kafka: r.kafka, Registrar: schemas.NewRegistrar(registry, true), Resolver: schemas.NewResolver(registry), Registerer: r.reg, Version: "test",
	})
	if err := svc.Prepare(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	return svc
}

// judge lets the oracle compare the topics with the vendor.
func (r *rig) judge() oracle.Report {
	r.t.Helper()
	return r.judgeBut("\x00")
}

// judgeBut is judge for a run in which one kind of mismatch, told by its words, is what
// the vendor has brought about.
func (r *rig) judgeBut(brought string) oracle.Report {
	r.t.Helper()
	report, err := oracle.Check(r.t.Context(), oracle.Options{
		Kafka: r.kafka, Names: kafka.Names{Bridge: r.cfg.Bridge}, Workspace: stage.Workspace, SimulatorURL: r.stage.Planhat,
		Objects: r.objects(), Settle: wait.Patient(time.Minute), Rereads: r.rereads,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, m := range report.Mismatches {
		if !strings.Contains(m.What, brought) {
			r.t.Errorf("oracle: %s", m)
		}
	}
	return report
}

// objects are those that the source captures.
func (r *rig) objects() []string {
	if captured := r.cfg.Planhat[0].Objects; captured != nil {
		return captured
	}
	return service.Objects()
}

// until waits for a condition that the bridge brings about.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	wait.Until(t, what, wait.Patient(time.Minute), ok)
}

func TestSnapshotThenChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 1, Companies: 60}, nil)
	_, stop := r.start()
	before := r.judge()
	if before.Changes < 60*(1+3+1) {
		t.Errorf("the snapshot has %d changes, want one for each record", before.Changes)
	}
	r.stage.Simulator.Live(300)
	after := r.judge()
	if after.Changes <= before.Changes {
		t.Errorf("300 edits gave %d changes after the snapshot's %d", after.Changes, before.Changes)
	}
	stop()
}

func TestARestartWritesNothingAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 2, Companies: 40}, nil)
	_, stop := r.start()
	first := r.judge()
	stop()
	r.stage.Simulator.Live(50)
	_, stop = r.start()
	second := r.judge()
	stop()
	_, stop = r.start()
	third := r.judge()
	stop()
	if second.Changes <= first.Changes {
		t.Errorf("changes made while the source was down: %d events, %d before", second.Changes, first.Changes)
	}
	if third.Changes != second.Changes {
		t.Errorf("a restart without edits wrote %d events", third.Changes-second.Changes)
	}
}

func TestCapturesThroughFaults(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 3, Companies: 50}, nil)
	r.start()
	r.judge()
	kinds := 0
	for _, kind := range []string{"429", "500", "503", "reset", "truncated", "html", "empty-body"} {
		if err := r.stage.Simulator.AddFault(planhatsim.Fault{Kind: kind, Count: 3, Method: "GET", RetryAfter: 1}); err != nil {
			t.Fatal(err)
		}
		r.stage.Simulator.Live(20)
		kinds++
		until(t, kind, func() bool { return len(r.stage.Simulator.Injected()) >= kinds })
	}
	r.judge()
}

func TestARefusedTokenPausesAndRecovers(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 4, Companies: 5}, nil)
	svc, _ := r.start()
	r.judge()
	r.stage.Simulator.SetTokens(map[string]planhatsim.Token{"other": {}})
	until(t, "the workspace to be paused", func() bool { return state(svc) == "unauthorized" })
	r.stage.Simulator.Live(10)
	r.stage.Simulator.SetTokens(map[string]planhatsim.Token{stage.Token: {}})
	if s := state(svc); s != "unauthorized" && s != "ok" {
		t.Errorf("state %q", s)
	}
}

func state(svc *source.Service) string {
	st, _ := svc.Status().(source.Status)
	for _, w := range st.Workspaces {
		if w.Owned {
			return w.State
		}
	}
	return fmt.Sprint("not owned of ", len(st.Workspaces))
}
