package planhatsim

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// try does a call that may fail on the wire.
func (s *sim) try(ctx context.Context, method, path, body string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.http.URL+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Authorization", "Bearer "+DefaultToken)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}

func (s *sim) fault(f Fault) {
	s.t.Helper()
	if err := s.AddFault(f); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sim) companies() int { return len(s.list("/companies?limit=5000")) }

func TestFaultsOnACreate(t *testing.T) {
	yes := true
	for name, c := range map[string]struct {
		fault   Fault
		applied bool
		status  int
		broken  bool
	}{
		"500":                        {Fault{Kind: "500"}, false, 500, false},
		"503 applied":                {Fault{Kind: "503", Applied: &yes}, true, 503, false},
		"429":                        {Fault{Kind: "429", RetryAfter: 7}, false, 429, false},
		"timeout-before held":        {Fault{Kind: "timeout-before"}, false, 0, true},
		"timeout-before closed":      {Fault{Kind: "timeout-before", Close: true}, false, 0, true},
		"timeout-after held":         {Fault{Kind: "timeout-after"}, true, 0, true},
		"timeout-after closed":       {Fault{Kind: "timeout-after", Close: true}, true, 0, true},
		"timeout-after held a while": {Fault{Kind: "timeout-after", Ms: 5}, true, 0, true},
		"reset":                      {Fault{Kind: "reset"}, false, 0, true},
		"reset applied":              {Fault{Kind: "reset", Applied: &yes}, true, 0, true},
		"truncated by length":        {Fault{Kind: "truncated"}, true, 200, true},
		"truncated in a chunk":       {Fault{Kind: "truncated", Mode: "chunked"}, true, 200, true},
		"truncated JSON":             {Fault{Kind: "truncated", Mode: "json"}, true, 200, false},
		"html":                       {Fault{Kind: "html"}, false, 200, false},
		"empty-body":                 {Fault{Kind: "empty-body"}, true, 200, false},
		"latency":                    {Fault{Kind: "latency", Ms: 5}, true, 200, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, Options{Companies: -1})
			c.fault.Count, c.fault.Method, c.fault.Path = 1, "POST", "/companies"
			s.fault(c.fault)
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			status, _, err := s.try(ctx, "POST", "/companies", `{"name":"N"}`)
			if status != c.status || (err != nil) != c.broken {
				t.Errorf("status %d, error %v; want %d, broken %t", status, err, c.status, c.broken)
			}
			if got := s.companies() == 1; got != c.applied {
				t.Errorf("applied: %t, want %t", got, c.applied)
			}
			if s.Injected()[c.fault.Kind] != 1 || len(s.Faults()) != 0 {
				t.Errorf("injected %v, active %v", s.Injected(), s.Faults())
			}
			s.ok("POST", "/companies", `{"name":"after the fault"}`)
		})
	}
}

func TestResetIsAReset(t *testing.T) {
	s := start(t, Options{Companies: 1})
	s.fault(Fault{Kind: "reset", Count: 1})
	_, _, err := s.try(t.Context(), "GET", "/companies", "")
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%v, want a connection reset", err)
	}
}

func TestTimeoutLateTakesEffectAfterTheClientIsGone(t *testing.T) {
	s := start(t, Options{Companies: -1})
	s.fault(Fault{Kind: "timeout-late", Ms: 150, Count: 1})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, _, err := s.try(ctx, "POST", "/companies", `{"name":"late"}`); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%v, want no answer", err)
	}
	if s.companies() != 0 {
		t.Error("applied before its time")
	}
	if r := s.do("POST", "/_sim/settle", ""); r.status != 200 {
		t.Fatal(r.body)
	}
	if s.companies() != 1 {
		t.Error("settled, but not applied")
	}
}

func TestShiftedPage(t *testing.T) {
	s := start(t, Options{Companies: 30})
	ids := column(s.list("/companies?sort=_id"), "_id")
	s.fault(Fault{Kind: "shifted", Rows: 2, Count: 1})
	if got := column(s.list("/companies?sort=_id&limit=10"), "_id"); got[0] != ids[0] {
		t.Error("the first page must not be shifted")
	}
	if got := column(s.list("/companies?sort=_id&limit=10&offset=10"), "_id"); got[0] != ids[12] {
		t.Errorf("page begins at %s, want the row two further on", got[0])
	}
	s.fault(Fault{Kind: "shifted", Rows: -1, Count: 1})
	if got := column(s.list("/companies?sort=_id&limit=10&offset=10"), "_id"); got[0] != ids[9] {
		t.Error("negative rows repeat rows, as inserts do")
	}
}

func TestFaultSelection(t *testing.T) {
	s := start(t, Options{Companies: 1})
	s.fault(Fault{Kind: "500", Method: "GET", Path: "/endusers", Skip: 1, Count: 2})
	var got []int
	for range 5 {
		got = append(got, s.do("GET", "/endusers", "").status)
		if other := s.do("GET", "/companies", "").status; other != 200 {
			t.Fatalf("another path: %d", other)
		}
	}
	for i, want := range []int{200, 500, 500, 200, 200} {
		if got[i] != want {
			t.Fatalf("statuses %v", got)
		}
	}
	s.fault(Fault{Kind: "503", Probability: 0.5})
	failed := 0
	for range 200 {
		if s.do("GET", "/companies?limit=1", "").status == 503 {
			failed++
		}
	}
	if failed < 60 || failed > 140 {
		t.Errorf("%d of 200 failed at probability 0.5", failed)
	}
	s.ClearFaults()
	if s.do("GET", "/companies", "").status != 200 || s.Injected()["503"] != int64(failed) {
		t.Error("cleared faults must stop, and stay counted")
	}
	for _, bad := range []Fault{{Kind: "nonsense"}, {Kind: "200"}, {Kind: "latency", Ms: -1}, {Kind: "500", Probability: 2}, {Kind: "truncated", Mode: "x"}} {
		if s.AddFault(bad) == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

func TestRetryAfterOfAFault(t *testing.T) {
	s := start(t, Options{Companies: 1})
	s.fault(Fault{Kind: "429", RetryAfter: 7, Count: 1})
	s.fault(Fault{Kind: "429", Count: 1})
	for _, want := range []string{"7", ""} {
		if r := s.do("GET", "/companies", ""); r.status != 429 || r.header.Get("Retry-After") != want {
			t.Errorf("%d, Retry-After %q, want %q", r.status, r.header.Get("Retry-After"), want)
		}
	}
}

func TestCloseLetsGoOfHeldConnections(t *testing.T) {
	s := start(t, Options{Companies: 1})
	arrived := make(chan struct{})
	s.OnRequest(func(*http.Request) { close(arrived) })
	s.fault(Fault{Kind: "timeout-before"})
	failed := make(chan error, 1)
	go func() {
		_, _, err := s.try(context.WithoutCancel(t.Context()), "GET", "/companies", "")
		failed <- err
	}()
	<-arrived
	s.Close()
	if err := <-failed; err == nil {
		t.Error("an answer after Close")
	}
}
