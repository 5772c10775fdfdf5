package freshness_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/schemas"
	"github.com/planhat-bridge/planhat-bridge/test/rig/bubble"
)

// world is a source between a broker and a vendor, all of them in one bubble of
// virtual time.
type world struct {
	t      *testing.T
	net    kfake.VirtualNetwork
	broker *kfake.Cluster
	vendor *vendor
	cfg    config.Config
	names  kafka.Names
	reg    *prometheus.Registry
	logs   *bubble.Logbook
	svc    *source.Service
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
		w := &world{t: t, logs: &bubble.Logbook{}, stop: func() {}}
		sim.Tokens = map[string]planhatsim.Token{planhatsim.DefaultToken: {}}
		w.vendor = &vendor{sim: planhatsim.New(sim), took: 200 * time.Millisecond}
		defer w.vendor.sim.Close()
		var err error
		w.broker, err = kfake.NewCluster(
			kfake.NumBrokers(1), kfake.Ports(9092), kfake.ListenFn(w.net.Listen), kfake.GroupMinSessionTimeout(time.Second),
			kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}),
		)
		if err != nil {
			t.Fatal(err)
		}
		defer w.broker.Close()
		w.configure(env)
		defer func() { w.stop() }()
		before(w)
		w.start()
		story(w)
	})
}

func (w *world) configure(env map[string]string) {
	w.t.Helper()
	vars := map[string]string{
		"KAFKA_BOOTSTRAP_SERVERS": w.broker.ListenAddrs()[0], "SCHEMA_REGISTRY_URL": "http://registry.example", "PLANHAT_WORKSPACES": workspaceName,
		"PLANHAT_TOKEN": planhatsim.DefaultToken, "PLANHAT_BASE_URL": "http://planhat.example", "TOPIC_REPLICATION_FACTOR": "1",
	}
	maps.Copy(vars, env)
	var environ []string
	for name, value := range vars {
		environ = append(environ, name+"="+value)
	}
	var err error
	if w.cfg, err = config.Load(environ, service.Objects()); err != nil {
		w.t.Fatal(err)
	}
	w.names = kafka.Names{Bridge: w.cfg.Bridge}
}

// start runs the source until stop.
func (w *world) start() {
	w.t.Helper()
	registry, err := sr.NewClient(sr.URLs("http://registry.example"), sr.HTTPClient(&http.Client{Transport: bubble.Handled{Handler: srfake.NewRegistry().Handler()}}))
	if err != nil {
		w.t.Fatal(err)
	}
	w.reg = prometheus.NewRegistry()
	w.svc = source.New(w.cfg, source.Deps{
		Kafka: w.kafka(), Registrar: schemas.NewRegistrar(registry, true), Resolver: schemas.NewResolver(registry), Registerer: w.reg,
		Log: slog.New(slog.NewJSONHandler(w.logs, nil)), Version: "test", HTTP: &http.Client{Transport: w.vendor},
	})
	if err := w.svc.Prepare(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	done := make(chan error, 1)
	go func() { done <- w.svc.Run(ctx) }()
	w.stop = func() {
		w.stop = func() {}
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("source: %v", err)
		}
	}
}

func (w *world) kafka() kafka.Options {
	return kafka.Options{Brokers: w.cfg.Kafka.Brokers, Extra: []kgo.Opt{kgo.Dialer(w.net.DialContext)}}
}

func (w *world) status() source.WorkspaceStatus {
	st, _ := w.svc.Status().(source.Status)
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

// vendor is the simulated Planhat as a transport, with a fault before it.
type vendor struct {
	sim  *planhatsim.Server
	took time.Duration
	// ignoreFilter makes listings show the records of all companies, whatever they are asked for.
	ignoreFilter bool

	mu    sync.Mutex
	calls []call
	fault func(*http.Request) (*http.Response, error) // nil: none; a nil answer without an error: the simulator's
}

type call struct {
	at    time.Time
	path  string
	query string
}

// RoundTrip implements http.RoundTripper.
func (v *vendor) RoundTrip(r *http.Request) (*http.Response, error) {
	v.mu.Lock()
	v.calls = append(v.calls, call{time.Now(), r.URL.Path, r.URL.RawQuery})
	fault := v.fault
	v.mu.Unlock()
	if fault != nil {
		if resp, err := fault(r); resp != nil || err != nil {
			return resp, err
		}
	}
	select {
	case <-time.After(v.took):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if q := r.URL.Query(); v.ignoreFilter && q.Has("companyId") {
		r = r.Clone(r.Context())
		q.Del("companyId")
		r.URL.RawQuery = q.Encode()
	}
	return bubble.Handled{Handler: v.sim}.RoundTrip(r)
}

func (v *vendor) setFault(fault func(*http.Request) (*http.Response, error)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.fault = fault
}

// only lets a fault concern one listing.
func (w *world) only(path string, f fault) fault {
	return func(r *http.Request) (*http.Response, error) {
		if strings.HasPrefix(r.URL.Path, path) {
			return f(r)
		}
		return nil, nil //nolint:nilnil // no fault
	}
}

// gauge adds up a metric's series.
func (w *world) gauge(name string) (sum float64) {
	w.t.Helper()
	families, err := w.reg.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// callsSince are the calls from a moment on.
func (v *vendor) callsSince(from time.Time) []call {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := range v.calls {
		if !v.calls[i].at.Before(from) {
			return append([]call(nil), v.calls[i:]...)
		}
	}
	return nil
}

// answer is a fault: an answer with a status.
func answer(status int, header http.Header, body string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		h := header.Clone()
		if h == nil {
			h = http.Header{}
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r, ContentLength: int64(len(body))}, nil
	}
}
