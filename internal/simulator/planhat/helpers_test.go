package planhatsim

import (
	"bytes"
	"encoding/json"
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
	c := &clock{at: time.Date(2026, 3, 5, 12, 0, 0, 123_000_000, time.UTC)}
	if o.Now == nil {
		o.Now = c.now
	}
	if o.CallsPerMinute == 0 && o.PerSecond == 0 {
		o.CallsPerMinute, o.PerSecond, o.InFlight = -1, -1, -1
	}
	s := New(o)
	web := httptest.NewServer(s)
	t.Cleanup(func() { s.Close(); web.CloseClientConnections(); web.Close() })
	return &sim{Server: s, t: t, http: web, now: c}
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
		req.Header.Set("Authorization", "Bearer "+token)
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
	if r.status != 200 {
		s.t.Fatalf("%s %s: %d %s", method, path, r.status, r.body)
	}
	return object(s.t, r.body)
}

func object(t testing.TB, text string) map[string]any {
	t.Helper()
	var out map[string]any
	decode(t, text, &out)
	return out
}

func decode(t testing.TB, text string, into any) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

// list gives the rows of a listing.
func (s *sim) list(path string) []map[string]any {
	s.t.Helper()
	r := s.do("GET", path, "")
	if r.status != 200 {
		s.t.Fatalf("GET %s: %d %s", path, r.status, r.body)
	}
	var rows []map[string]any
	decode(s.t, r.body, &rows)
	return rows
}

func column(rows []map[string]any, name string) []string {
	var out []string
	for _, row := range rows {
		v, _ := row[name].(string)
		out = append(out, v)
	}
	return out
}

func (s *sim) company(fields string) string {
	s.t.Helper()
	return s.ok("POST", "/companies", fields)["_id"].(string)
}
