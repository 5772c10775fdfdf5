package workspaces

import (
	"net/http"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/test/rig"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wait"
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
type running struct{ *rig.Inside }

// start runs a service for some tenants until it is stopped or the test ends.
func (w *world) start(role string, tenants []*tenant, set map[string]string) *running {
	w.t.Helper()
	instance := role + "-0"
	if set["INSTANCE_ID"] != "" {
		instance = set["INSTANCE_ID"]
	}
	return &running{rig.RunInside(w.t, role, w.env(instance, tenants, set), builds[role])}
}

// states are the workspaces' states in /status.
func (r *running) states() (states, causes map[string]string) {
	r.T.Helper()
	var own struct {
		Workspaces []struct {
			Name  string `json:"name"`
			State string `json:"state"`
			Cause string `json:"cause"`
		} `json:"workspaces"`
	}
	r.Status(&own)
	states, causes = map[string]string{}, map[string]string{}
	for _, ws := range own.Workspaces {
		states[ws.Name], causes[ws.Name] = ws.State, ws.Cause
	}
	return states, causes
}

const patience = 30 * time.Second

// untilState waits for a tenant's state in /status.
func (r *running) untilState(tn *tenant, state string) (cause string) {
	r.T.Helper()
	wait.Until(r.T, r.Role+" shows "+tn.name+" as "+state, patience, func() bool {
		states, causes := r.states()
		cause = causes[tn.name]
		return states[tn.name] == state
	})
	return cause
}

// untilMetric waits for a line of /metrics.
func (r *running) untilMetric(line string) {
	r.T.Helper()
	wait.Until(r.T, r.Role+" has the metric "+line, patience, func() bool {
		_, text := r.Page("/metrics")
		return strings.Contains(text, "\n"+line)
	})
}

// ready fails unless the process is healthy and ready.
func (r *running) ready() {
	r.T.Helper()
	for _, path := range []string{"/healthz", "/readyz"} {
		if code, text := r.Page(path); code != http.StatusOK {
			r.T.Errorf("%s: a vendor's trouble shows on %s: %d %s", r.Role, path, code, text)
		}
	}
}
