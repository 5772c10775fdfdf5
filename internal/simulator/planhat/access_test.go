package planhatsim

import (
	"net/http"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit/simtest"
)

func TestAuthentication(t *testing.T) {
	s := start(t, Options{Companies: 1})
	basic := func(user, password string) int {
		req, err := http.NewRequest(http.MethodGet, s.http.URL+"/companies", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(user, password)
		res, err := s.http.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	for _, c := range []struct {
		fact      string
		got, want int
	}{
		{"bearer", s.do("GET", "/companies", "").status, 200},
		{"basic with an empty password", basic(DefaultToken, ""), 200},
		{"basic with a password", basic(DefaultToken, "x"), 401},
		{"no token", s.as("", "GET", "/companies", "").status, 401},
		{"unknown token", s.as("other", "GET", "/companies", "").status, 401},
		{"401 comes before routing", s.as("", "GET", "/no/such/path", "").status, 401},
		{"notes is no endpoint", s.do("GET", "/notes", "").status, 404},
		{"churns is no endpoint", s.do("GET", "/churns", "").status, 404},
		{"nested routes are gone", s.do("GET", "/companies/x/endusers", "").status, 404},
		{"PATCH is no route", s.do("PATCH", "/companies/x", "{}").status, 404},
		{"custom fields have no bulk upsert", s.do("PUT", "/customfields", "[]").status, 404},
		{"tickets have no create", s.do("POST", "/tickets", "{}").status, 404},
		{"tickets have no update", s.do("PUT", "/tickets/x", "{}").status, 404},
		{"only time entries are duplicated", s.do("POST", "/tasks/duplicate", "{}").status, 404},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d", c.fact, c.got, c.want)
		}
	}
	s.SetTokens(map[string]Token{"rotated": {}})
	if got := s.do("GET", "/companies", "").status; got != 401 {
		t.Errorf("a revoked token: %d", got)
	}
	if got := s.as("rotated", "GET", "/companies", "").status; got != 200 {
		t.Errorf("the new token: %d", got)
	}
}

func TestPermissions(t *testing.T) {
	s := start(t, Options{Companies: 1, Tokens: map[string]Token{
		"no-license": {Deny: map[string]bool{"license": true}}, "no-note": {Deny: map[string]bool{"note": true}}, "read": {Deny: map[string]bool{"company:update": true}},
	}})
	for _, c := range []struct {
		token, method, path string
		want                int
	}{
		{"no-license", "GET", "/licenses", 403}, {"no-license", "GET", "/companies", 200}, {"no-license", "DELETE", "/licenses/x", 403},
		{"no-note", "POST", "/conversations", 403}, {"read", "GET", "/companies", 200}, {"read", "PUT", "/companies/x", 403}, {"read", "GET", "/leancompanies", 200},
	} {
		if got := s.as(c.token, c.method, c.path, "{}").status; got != c.want {
			t.Errorf("%s: %s %s: %d, want %d", c.token, c.method, c.path, got, c.want)
		}
	}
}

// testLimiter is a limiter whose clock moves when told.
func testLimiter(perMinute, perSecond, inFlight int) (*limiter, *simtest.Clock) {
	c := simtest.NewClock(time.Unix(1_000_000, 0))
	return &limiter{now: c.Now, minute: time.Minute, perMinute: perMinute, perSecond: perSecond, inFlight: inFlight}, c
}

func TestHardMinute(t *testing.T) {
	for _, window := range []string{"sliding", "fixed"} {
		l, c := testLimiter(3, -1, -1)
		sw := with(t, "minute_limit", "hard")
		sw.MinuteWindow, sw.RetryAfter = window, "seconds"
		var h http.Header
		ask := func() bool {
			h = http.Header{}
			defer l.release()
			return l.admit(sw, h)
		}
		for i := range 3 {
			if !ask() {
				t.Fatalf("%s: call %d refused", window, i)
			}
			c.Add(10 * time.Second)
		}
		if ask() {
			t.Fatalf("%s: the fourth call in a minute is admitted", window)
		}
		for name, want := range map[string]string{"Retry-After": "30", "X-Rate-Limit-Remaining": "0", "X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "30", "X-Rate-Limit-Limit": "3"} {
			if h.Get(name) != want {
				t.Errorf("%s: %s is %q, want %s", window, name, h.Get(name), want)
			}
		}
		c.Add(30 * time.Second)
		if !ask() {
			t.Errorf("%s: still refused when the reset is over", window)
		}
	}
}

func TestSoftMinuteOnlyCounts(t *testing.T) {
	l, _ := testLimiter(2, -1, -1)
	sw := DefaultSwitches()
	for range 5 {
		if !l.admit(sw, http.Header{}) {
			t.Fatal("a soft quota must not refuse")
		}
		l.release()
	}
}

func TestPerSecondAndInFlight(t *testing.T) {
	l, c := testLimiter(-1, 150, 50)
	sw := DefaultSwitches()
	for i := range 150 {
		if !l.admit(sw, http.Header{}) {
			t.Fatalf("call %d of a second refused", i)
		}
		l.release()
	}
	if l.admit(sw, http.Header{}) {
		t.Error("151 calls in a second")
	}
	l.release()
	c.Add(time.Second)
	for i := range 50 {
		if !l.admit(sw, http.Header{}) {
			t.Fatalf("call %d in flight refused", i)
		}
	}
	if l.admit(sw, http.Header{}) {
		t.Error("51 calls in flight")
	}
	l.release()
	l.release()
	if !l.admit(sw, http.Header{}) {
		t.Error("refused with 49 in flight")
	}
}

func TestRateHeadersAndDate(t *testing.T) {
	for family, names := range map[string][2]bool{"both": {true, true}, "dashed": {true, false}, "plain": {false, true}, "none": {false, false}} {
		s := start(t, Options{Companies: 1, CallsPerMinute: 200, PerSecond: -1, Switches: with(t, "rate_headers", family)})
		h := s.do("GET", "/companies", "").header
		if got := [2]bool{h.Get("X-Rate-Limit-Remaining") == "199", h.Get("X-Ratelimit-Remaining") == "199"}; got != names {
			t.Errorf("%s: %v", family, h)
		}
		if h.Get("Date") != "Thu, 05 Mar 2026 12:00:00 GMT" {
			t.Errorf("Date must be the vendor's clock: %q", h.Get("Date"))
		}
	}
	s := start(t, Options{Companies: 1, CallsPerMinute: 1, PerSecond: -1, Switches: with(t, "minute_limit", "hard")})
	s.do("GET", "/companies", "")
	if r := s.do("GET", "/companies", ""); r.status != 429 || r.body != "Too many requests" || r.header.Get("Retry-After") != "" {
		t.Errorf("429: %d %q %v", r.status, r.body, r.header)
	}
	if r := start(t, Options{Companies: 1, Switches: with(t, "date_header", "absent")}).do("GET", "/companies", ""); r.header.Get("Date") != "" {
		t.Errorf("Date is there: %v", r.header)
	}
}
