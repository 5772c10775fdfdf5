package planhat

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/test/rig/bubble"
)

const testToken = "t0ken-of-the-tests"

// request is what the fake API was asked.
type request struct {
	Method, Path string // path as it travelled, escapes and all
	Query        string
	Body         string
}

// api is a fake of Planhat: it keeps what it was asked and answers by a function of
// the request and its number, from 1.
type api struct {
	mu   sync.Mutex
	got  []request
	rule func(n int, r request) (status int, header, body string)
}

// always answers everything alike.
func always(status int, body string) *api {
	return &api{rule: func(int, request) (int, string, string) { return status, "", body }}
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	req := request{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, string(body)}
	a.got = append(a.got, req)
	status, header, answer := a.rule(len(a.got), req)
	a.mu.Unlock()
	contentType := "application/json; charset=utf-8"
	if header != "" {
		contentType = header
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Date", "Wed, 04 Mar 2026 15:21:09 GMT")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer)
}

func (a *api) asked() []request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]request(nil), a.got...)
}

func (a *api) RoundTrip(r *http.Request) (*http.Response, error) {
	return bubble.Handled{Handler: a}.RoundTrip(r)
}

// clientFor returns a client of the fake that makes at most three attempts, at once.
func clientFor(t testing.TB, rt http.RoundTripper, opts ...Option) *Client {
	t.Helper()
	opts = append([]Option{
		WithHTTPClient(&http.Client{Transport: rt}),
		WithBudget(NewBudget(BudgetOptions{}).Lane("test", 1)),
		WithRetry(Retry{Attempts: 3, Base: time.Nanosecond, Max: time.Nanosecond}),
	}, opts...)
	c, err := New("https://planhat.example", func() string { return testToken }, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// hexID returns the n-th id.
func hexID(n int) string { return fmt.Sprintf("66f0a1b2c3d4e5f6%08x", n) }

// record returns a record with an id and further members, written as JSON.
func record(n int, more ...string) string {
	return "{" + strings.Join(append([]string{fmt.Sprintf("%q:%q", "_id", hexID(n))}, more...), ",") + "}"
}

// records returns the array of the records from one id up to before another.
func records(from, to int) string {
	var rows []string
	for n := from; n < to; n++ {
		rows = append(rows, record(n))
	}
	return "[" + strings.Join(rows, ",") + "]"
}
