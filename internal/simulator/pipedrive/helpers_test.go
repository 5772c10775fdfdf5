package pipedrivesim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit/simtest"
)

// sim is a server under test with a client of its own.
type sim struct {
	*Server
	t    testing.TB
	http *httptest.Server
	now  *simtest.Clock
}

func start(t testing.TB, o Options) *sim {
	t.Helper()
	c := simtest.NewClock(time.Date(2026, 11, 19, 13, 42, 7, 518_000_000, time.UTC))
	if o.Now == nil {
		o.Now = c.Now
	}
	if o.RequestsPerWindow == 0 && o.DailyTokens == 0 {
		o.RequestsPerWindow, o.DailyTokens = -1, -1
	}
	s := New(o)
	return &sim{Server: s, t: t, http: simtest.Serve(t, s), now: c}
}

// bare has no records but pipelines and stages.
func bare(o Options) Options {
	o.Organizations, o.Persons, o.Deals, o.Notes = -1, -1, -1, -1
	return o
}

func with(t testing.TB, name, value string) Switches {
	t.Helper()
	return simtest.With[Switches](t, name, value)
}

type result struct {
	status int
	body   string
	header http.Header
}

func (s *sim) do(method, path, body string) result {
	s.t.Helper()
	return s.as(DefaultToken, method, path, body)
}

func (s *sim) as(token, method, path, body string) result {
	s.t.Helper()
	status, text, header := simtest.Do(s.t, s.http, method, path, body, "X-Api-Token", token)
	return result{status, text, header}
}

// ok does a call that must succeed and gives its JSON object.
func (s *sim) ok(method, path, body string) map[string]any {
	s.t.Helper()
	r := s.do(method, path, body)
	if r.status != 200 && r.status != 201 {
		s.t.Fatalf("%s %s: %d %s", method, path, r.status, r.body)
	}
	return simtest.Object(s.t, r.body)
}

// data is the record that a call answers.
func (s *sim) data(method, path, body string) map[string]any {
	s.t.Helper()
	data, _ := s.ok(method, path, body)["data"].(map[string]any)
	return data
}

// rows are the records of one page.
func (s *sim) rows(path string) []map[string]any {
	s.t.Helper()
	list, _ := s.ok("GET", path, "")["data"].([]any)
	var rows []map[string]any
	for _, item := range list {
		rows = append(rows, item.(map[string]any))
	}
	return rows
}

// made creates a record by the API and gives its id.
func (s *sim) made(path, body string) int64 {
	s.t.Helper()
	return id(s.t, s.data("POST", path, body))
}

func id(t testing.TB, row map[string]any) int64 {
	t.Helper()
	n, err := row["id"].(json.Number).Int64()
	if err != nil {
		t.Fatalf("id of %v: %v", row, err)
	}
	return n
}

// refused does a call that must answer a status, with a text in its body.
func (s *sim) refused(method, path, body string, status int, text string) {
	s.t.Helper()
	if r := s.do(method, path, body); r.status != status || !strings.Contains(r.body, text) {
		s.t.Errorf("%s %s %s = %d %s, want %d with %q", method, path, body, r.status, r.body, status, text)
	}
}

// receiver is where webhooks deliver to; it answers what its test says.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []map[string]any
	heads  []http.Header
	answer func(n int, w http.ResponseWriter, r *http.Request)
}

func receive(t testing.TB) *receiver {
	t.Helper()
	rec := &receiver{}
	rec.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		rec.mu.Lock()
		rec.bodies = append(rec.bodies, simtest.Object(t, string(text)))
		rec.heads = append(rec.heads, r.Header.Clone())
		n, answer := len(rec.bodies), rec.answer
		rec.mu.Unlock()
		if answer != nil {
			answer(n, w, r)
		}
	}))
	t.Cleanup(func() { rec.CloseClientConnections(); rec.Close() })
	return rec
}

func (r *receiver) got() []map[string]any {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]map[string]any(nil), r.bodies...)
}

// status makes a receiver answer with one status.
func (r *receiver) status(code int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// hook subscribes a receiver and gives the webhook's id.
func (s *sim) hook(rec *receiver, object, more string) int64 {
	s.t.Helper()
	return s.made("/api/v1/webhooks", fmt.Sprintf(`{"subscription_url":%q,"event_action":"*","event_object":%q,"name":"test"%s}`, rec.URL, object, more))
}

// patience is how long tests wait for what comes soon on any machine.
const patience = 2 * time.Minute

// settled waits until all is delivered.
func (s *sim) settled() {
	s.t.Helper()
	if !s.Settle(patience) {
		s.t.Fatalf("%d deliveries are pending in time", s.Pending())
	}
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("not in time: %s", what)
		}
	}
}

// actions lists the actions of what was received.
func (r *receiver) actions() []string {
	var out []string
	for _, body := range r.got() {
		meta, _ := body["meta"].(map[string]any)
		action, _ := meta["action"].(string)
		out = append(out, action)
	}
	return out
}
