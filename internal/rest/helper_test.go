package rest

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

const testToken = "s3cret-t0ken+/="

// fakeServer answers in memory: one step per attempt, the last one again and again.
type fakeServer struct {
	mu    sync.Mutex
	steps []step
	times []time.Time
	reqs  []*http.Request
	body  []string
}

type step struct {
	status int
	header map[string]string
	body   string
	length int64         // announced; 0: that of the body
	err    error         // instead of an answer
	took   time.Duration // before the answer
}

func (f *fakeServer) RoundTrip(req *http.Request) (*http.Response, error) {
	s := f.note(req)
	if s.took > 0 {
		select {
		case <-time.After(s.took):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	if s.err != nil {
		return nil, s.err
	}
	resp := &http.Response{StatusCode: s.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(s.body)), Request: req}
	for name, value := range s.header {
		resp.Header.Set(name, value)
	}
	resp.ContentLength = int64(len(s.body))
	if s.length != 0 {
		resp.ContentLength = s.length
	}
	return resp, nil
}

func (f *fakeServer) note(req *http.Request) step {
	f.mu.Lock()
	defer f.mu.Unlock()
	body := ""
	if req.Body != nil {
		b, _ := io.ReadAll(req.Body)
		body = string(b)
	}
	s := f.steps[min(len(f.times), len(f.steps)-1)]
	f.times = append(f.times, time.Now())
	f.reqs = append(f.reqs, req)
	f.body = append(f.body, body)
	return s
}

func (f *fakeServer) sent() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.times)
}

// gaps returns the times between attempts.
func (f *fakeServer) gaps() []time.Duration {
	var gaps []time.Duration
	for i := 1; i < len(f.times); i++ {
		gaps = append(gaps, f.times[i].Sub(f.times[i-1]))
	}
	return gaps
}

func testClient(t *testing.T, rt http.RoundTripper, change func(*Config)) *Client {
	t.Helper()
	base, err := url.Parse("https://vendor.example/api/")
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Base: base, HTTP: &http.Client{Transport: rt}, Retry: Retry{Attempts: 4, Base: time.Second, Max: time.Minute},
		CallDeadline: 10 * time.Second, MaxBody: 1 << 10, UserAgent: "test", Jitter: func() float64 { return 0 },
		Authorize: func(h http.Header) string { h.Set("Authorization", "Bearer "+testToken); return testToken },
	}
	if change != nil {
		change(&cfg)
	}
	return New(cfg)
}

var (
	read     = Request{Method: http.MethodGet, Path: "/rows/1", Template: "/rows/{id}", Label: "row"}
	update   = Request{Method: http.MethodPut, Path: "/rows/1", Template: "/rows/{id}", Label: "row", Body: []byte(`{}`), Write: true}
	create   = Request{Method: http.MethodPost, Path: "/rows", Template: "/rows", Label: "row", Body: []byte(`{}`), Write: true, Once: true}
	requests = map[string]Request{"read": read, "update": update, "create": create}
)

func ctxIn(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
