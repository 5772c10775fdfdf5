package freshness_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/test/rig/bubble"
	"github.com/planhat-bridge/planhat-bridge/test/rig/metric"
	"github.com/planhat-bridge/planhat-bridge/test/rig/virtual"
)

// world is a source before a vendor, both of them in one bubble of virtual time.
type world struct {
	*virtual.Source
	t      *testing.T
	vendor *vendor
	stop   func()
}

const workspaceName = "demo"

// inBubble runs a story with a world.
func inBubble(t *testing.T, sim planhatsim.Options, env map[string]string, story func(*world)) {
	t.Helper()
	inBubbleBefore(t, sim, env, func(*world) {}, story)
}

// inBubbleBefore is inBubble with what is to be done before the source starts.
func inBubbleBefore(t *testing.T, sim planhatsim.Options, env map[string]string, before, story func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sim.Tokens = map[string]planhatsim.Token{planhatsim.DefaultToken: {}}
		vars := map[string]string{"PLANHAT_WORKSPACES": workspaceName, "PLANHAT_TOKEN": planhatsim.DefaultToken, "PLANHAT_BASE_URL": "http://planhat.example"}
		maps.Copy(vars, env)
		w := &world{Source: virtual.NewSource(t, vars), t: t, vendor: newVendor(sim), stop: func() {}}
		defer w.vendor.sim.Close()
		defer func() { w.stop() }()
		before(w)
		w.start()
		story(w)
	})
}

// start runs the source until stop.
func (w *world) start() {
	w.t.Helper()
	w.stop = w.Start(w.vendor)
}

func (w *world) status() source.WorkspaceStatus {
	st, _ := w.Service.Status().(source.Status)
	return st.Workspaces[0]
}

// await waits for a condition, looking at it every so often.
func (w *world) await(what string, most time.Duration, ok func() bool) time.Duration {
	w.t.Helper()
	begin := time.Now()
	for !ok() {
		if time.Since(begin) > most {
			w.t.Fatalf("waited %s for %s; status: %s", most, what, w.describe())
		}
		sleep(100 * time.Millisecond)
	}
	return time.Since(begin)
}

func (w *world) describe() string {
	text, err := json.Marshal(w.status())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// snapshotDone tells whether every stream has been read.
func (w *world) snapshotDone() bool {
	st := w.status()
	for _, s := range st.Streams {
		if !s.SnapshotDone {
			return false
		}
	}
	return len(st.Streams) > 0
}

// sleep lets virtual time pass.
func sleep(d time.Duration) { <-time.After(d) }

// vendor is the simulated Planhat at the end of a line.
type vendor struct {
	bubble.Line
	sim *planhatsim.Server
	// ignoreFilter makes listings show the records of all companies, whatever they are asked for.
	ignoreFilter bool
}

func newVendor(sim planhatsim.Options) *vendor {
	v := &vendor{sim: planhatsim.New(sim)}
	v.Handler, v.Took = v, 200*time.Millisecond
	return v
}

// ServeHTTP implements http.Handler.
func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if q := r.URL.Query(); v.ignoreFilter && q.Has("companyId") {
		r = r.Clone(r.Context())
		q.Del("companyId")
		r.URL.RawQuery = q.Encode()
	}
	v.sim.ServeHTTP(w, r)
}

// only lets a fault concern one listing.
func (w *world) only(path string, f bubble.Fault) bubble.Fault {
	return func(r *http.Request) (*http.Response, error) {
		if strings.HasPrefix(r.URL.Path, path) {
			return f(r)
		}
		return nil, nil //nolint:nilnil // no fault
	}
}

// gauge adds up a metric's series.
func (w *world) gauge(name string) float64 {
	w.t.Helper()
	return metric.Sum(w.t, w.Metrics, name)
}

// answer is a fault: an answer with a status.
func answer(status int, header http.Header, body string) bubble.Fault {
	return func(r *http.Request) (*http.Response, error) {
		h := header.Clone()
		if h == nil {
			h = http.Header{}
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r, ContentLength: int64(len(body))}, nil
	}
}
