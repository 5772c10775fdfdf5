package planhatsim

import (
	"net/http"
	"net/http/httptest"
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
	c := simtest.NewClock(time.Date(2026, 3, 5, 12, 0, 0, 123_000_000, time.UTC))
	if o.Now == nil {
		o.Now = c.Now
	}
	if o.CallsPerMinute == 0 && o.PerSecond == 0 {
		o.CallsPerMinute, o.PerSecond, o.InFlight = -1, -1, -1
	}
	s := New(o)
	return &sim{Server: s, t: t, http: simtest.Serve(t, s), now: c}
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
	if token != "" {
		token = "Bearer " + token
	}
	status, text, header := simtest.Do(s.t, s.http, method, path, body, "Authorization", token)
	return result{status, text, header}
}

// ok does a call that must succeed and gives its JSON object.
func (s *sim) ok(method, path, body string) map[string]any {
	s.t.Helper()
	r := s.do(method, path, body)
	if r.status != 200 {
		s.t.Fatalf("%s %s: %d %s", method, path, r.status, r.body)
	}
	return simtest.Object(s.t, r.body)
}

// list gives the rows of a listing.
func (s *sim) list(path string) []map[string]any {
	s.t.Helper()
	r := s.do("GET", path, "")
	if r.status != 200 {
		s.t.Fatalf("GET %s: %d %s", path, r.status, r.body)
	}
	var rows []map[string]any
	simtest.Decode(s.t, r.body, &rows)
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
