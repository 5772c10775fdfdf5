package pipedrive

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/test/rig/bubble"
)

const testToken = "0123456789abcdef0123456789abcdef01234567"

// request is what the fake API was asked.
type request struct {
	Method, Path string // path as it travelled
	Query        url.Values
	Header       http.Header
	Body         string
	Host         string
	At           time.Time
}

// reply is what the fake API answers.
type reply struct {
	status int
	body   string
	header map[string]string
}

// api is a fake of Pipedrive: it keeps what it was asked and answers by a function of
// the request and its number, from 1.
type api struct {
	mu   sync.Mutex
	got  []request
	rule func(n int, r request) reply
}

// always answers everything alike.
func always(status int, body string) *api {
	return &api{rule: func(int, request) reply { return reply{status: status, body: body} }}
}

// inTurn gives one answer after the other, the last one again and again.
func inTurn(replies ...reply) *api {
	return &api{rule: func(n int, _ request) reply { return replies[min(n, len(replies))-1] }}
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	req := request{r.Method, r.URL.EscapedPath(), r.URL.Query(), r.Header.Clone(), string(body), r.URL.Host, time.Now()}
	a.got = append(a.got, req)
	answer := a.rule(len(a.got), req)
	a.mu.Unlock()
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Date", "Wed, 04 Mar 2026 15:21:09 GMT")
	for name, value := range answer.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(answer.status)
	_, _ = io.WriteString(w, answer.body)
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
	return clientAt(t, "acme", rt, opts...)
}

func clientAt(t testing.TB, address string, rt http.RoundTripper, opts ...Option) *Client {
	t.Helper()
	u, err := ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	opts = append([]Option{
		WithHTTPClient(&http.Client{Transport: rt}),
		WithBudget(NewBudget(BudgetOptions{}).Lane("test", 1)),
		WithRetry(Retry{Attempts: 3, Base: time.Nanosecond, Max: time.Nanosecond}),
	}, opts...)
	c, err := New(u, func() string { return testToken }, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// list is an envelope of version 2.
func list(next string, rows ...string) string {
	cursor := "null"
	if next != "" {
		cursor = fmt.Sprintf("%q", next)
	}
	return fmt.Sprintf(`{"success":true,"data":[%s],"additional_data":{"next_cursor":%s}}`, strings.Join(rows, ","), cursor)
}

// one is an envelope around one record.
func one(row string) string { return `{"success":true,"data":` + row + `}` }

// sample is an example of Pipedrive's documentation, its values invented.
type sample struct {
	Method, Path string
	Status       int
	Body         json.RawMessage
	BodyText     string            `json:"body_text"`
	Headers      map[string]string `json:"response_headers"`
}

func (s sample) reply() reply {
	if s.BodyText != "" {
		return reply{s.Status, s.BodyText, s.Headers}
	}
	return reply{s.Status, string(s.Body), s.Headers}
}

type samples struct {
	Webhooks, Rest, Errors map[string]sample
}

func readSamples(t testing.TB) samples {
	t.Helper()
	raw, err := os.ReadFile("testdata/samples.json")
	if err != nil {
		t.Fatal(err)
	}
	var s samples
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Webhooks) < 11 || len(s.Rest) < 28 || len(s.Errors) < 14 {
		t.Fatalf("%d, %d and %d samples", len(s.Webhooks), len(s.Rest), len(s.Errors))
	}
	return s
}
