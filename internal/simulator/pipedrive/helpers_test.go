package pipedrivesim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// sim is a server under test with a client of its own.
type sim struct {
	*Server
	t    testing.TB
	http *httptest.Server
	now  *clock
}

// clock is the vendor's clock in tests: it moves when told.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func start(t testing.TB, o Options) *sim {
	t.Helper()
	c := &clock{at: time.Date(2026, 11, 19, 13, 42, 7, 518_000_000, time.UTC)}
	if o.Now == nil {
		o.Now = c.now
	}
	if o.RequestsPerWindow == 0 && o.DailyTokens == 0 {
		o.RequestsPerWindow, o.DailyTokens = -1, -1
	}
	s := New(o)
	web := httptest.NewServer(s)
	t.Cleanup(func() { s.Close(); web.CloseClientConnections(); web.Close() })
	return &sim{Server: s, t: t, http: web, now: c}
}

// bare has no records but pipelines and stages.
func bare(o Options) Options {
	o.Organizations, o.Persons, o.Deals, o.Notes = -1, -1, -1, -1
	return o
}

func with(t testing.TB, name, value string) Switches {
	t.Helper()
	sw, err := Switches{}.With(name, value)
	if err != nil {
		t.Fatal(err)
	}
	return sw
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
	req, err := http.NewRequest(method, s.http.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("X-Api-Token", token)
	}
	res, err := s.http.Client().Do(req)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatalf("%s %s: read: %v", method, path, err)
	}
	return result{res.StatusCode, string(text), res.Header}
}

// ok does a call that must succeed and gives its JSON object.
func (s *sim) ok(method, path, body string) map[string]any {
	s.t.Helper()
	r := s.do(method, path, body)
	if r.status != 200 && r.status != 201 {
		s.t.Fatalf("%s %s: %d %s", method, path, r.status, r.body)
	}
	return object1(s.t, r.body)
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

func object1(t testing.TB, text string) map[string]any {
	t.Helper()
	var out map[string]any
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.UseNumber()
	if err := dec.Decode(&out); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return out
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
		rec.bodies = append(rec.bodies, object1(t, string(text)))
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
