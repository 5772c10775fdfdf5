// Package simtest is what the tests of both vendors' simulators share: a clock that moves when told, a server that
// closes with its test, and calls of it.
package simtest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
)

// Clock is the vendor's clock in tests: it moves when told.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock makes one that stands at a time.
func NewClock(at time.Time) *Clock { return &Clock{at: at} }

// Now gives its time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Add moves it.
func (c *Clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// Simulator is a server that a test closes.
type Simulator interface {
	http.Handler
	Close()
}

// Serve serves a simulator until the test ends.
func Serve(t testing.TB, s Simulator) *httptest.Server {
	t.Helper()
	web := httptest.NewServer(s)
	t.Cleanup(func() { s.Close(); web.CloseClientConnections(); web.Close() })
	return web
}

// With gives the default switches with one set.
func With[S any](t testing.TB, name, value string) S {
	t.Helper()
	var none S
	sw, err := simkit.With(none, name, value)
	if err != nil {
		t.Fatal(err)
	}
	return sw
}

// Do makes a call with one header, unless its value is empty, and reads the answer to its end.
func Do(t testing.TB, web *httptest.Server, method, path, body, header, value string) (status int, text string, headers http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, web.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if value != "" {
		req.Header.Set(header, value)
	}
	res, err := web.Client().Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	read, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: read: %v", method, path, err)
	}
	return res.StatusCode, string(read), res.Header
}

// Decode reads JSON with its numbers as they are written.
func Decode(t testing.TB, text string, into any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

// Object reads a JSON object.
func Object(t testing.TB, text string) map[string]any {
	t.Helper()
	var out map[string]any
	Decode(t, text, &out)
	return out
}
