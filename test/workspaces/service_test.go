package workspaces

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/ops"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/test/rig"
)

// lookEvery is how often members of a group are compared here.
const lookEvery = 50 * time.Millisecond

// drain is how long calls under way may go on after a stop here.
const drain = time.Second

// builds are the shells as their mains wire them, but for these two.
var builds = map[string]service.Build{
	"source": func(env service.Env) (service.Shell, error) {
		d := source.DepsOf(env)
		d.LookEvery = lookEvery
		return source.New(env.Config, d), nil
	},
	"sink": func(env service.Env) (service.Shell, error) {
		d := sink.DepsOf(env)
		d.Times.LookEvery, d.Times.Drain = lookEvery, drain
		return sink.New(env.Config, d), nil
	},
}

// running is a service under way.
type running struct {
	t     *testing.T
	role  string
	url   string // of its admin server
	log   *rig.Log
	stop  func()
	ended chan error
}

// start runs a service for some tenants until it is stopped or the test ends.
func (w *world) start(role string, tenants []*tenant, set map[string]string) *running {
	w.t.Helper()
	instance := role + "-0"
	if set["INSTANCE_ID"] != "" {
		instance = set["INSTANCE_ID"]
	}
	cfg, err := config.Load(w.env(instance, tenants, set), service.Objects())
	if err != nil {
		w.t.Fatal(err)
	}
	r := &running{t: w.t, role: role, log: &rig.Log{}, ended: make(chan error, 1)}
	process := ops.NewProcess(role, cfg, r.log)
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	go func() { r.ended <- service.Run(ctx, process, role, builds[role]) }()
	var once sync.Once
	r.stop = func() {
		once.Do(func() {
			early := len(r.ended) > 0
			cancel()
			if err := <-r.ended; early || err != nil {
				w.t.Errorf("%s ended by itself: %t, with %v", role, early, err)
			}
		})
	}
	w.t.Cleanup(func() {
		r.stop()
		if w.t.Failed() {
			w.t.Logf("%s said:\n%s", instance, r.log)
		}
	})
	r.url = "http://" + process.Admin.Addr(w.t.Context())
	return r
}

// page reads a page of the admin server.
func (r *running) page(path string) (code int, text string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.url+path, http.NoBody)
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// states are the workspaces' states in /status.
func (r *running) states() (states, causes map[string]string) {
	r.t.Helper()
	_, text := r.page("/status")
	var status map[string]json.RawMessage
	var own struct {
		Workspaces []struct {
			Name  string `json:"name"`
			State string `json:"state"`
			Cause string `json:"cause"`
		} `json:"workspaces"`
	}
	if err := json.Unmarshal([]byte(text), &status); err != nil {
		r.t.Fatal(err)
	}
	if err := json.Unmarshal(status[r.role], &own); err != nil {
		r.t.Fatal(err)
	}
	states, causes = map[string]string{}, map[string]string{}
	for _, ws := range own.Workspaces {
		states[ws.Name], causes[ws.Name] = ws.State, ws.Cause
	}
	return states, causes
}

const patience = 30 * time.Second

// eventually waits for a condition.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// untilState waits for a tenant's state in /status.
func (r *running) untilState(tn *tenant, state string) (cause string) {
	r.t.Helper()
	eventually(r.t, r.role+" shows "+tn.name+" as "+state, func() bool {
		states, causes := r.states()
		cause = causes[tn.name]
		return states[tn.name] == state
	})
	return cause
}

// untilMetric waits for a line of /metrics.
func (r *running) untilMetric(line string) {
	r.t.Helper()
	eventually(r.t, r.role+" has the metric "+line, func() bool {
		_, text := r.page("/metrics")
		return strings.Contains(text, "\n"+line)
	})
}

// ready fails unless the process is healthy and ready.
func (r *running) ready() {
	r.t.Helper()
	for _, path := range []string{"/healthz", "/readyz"} {
		if code, text := r.page(path); code != http.StatusOK {
			r.t.Errorf("%s: a vendor's trouble shows on %s: %d %s", r.role, path, code, text)
		}
	}
}
