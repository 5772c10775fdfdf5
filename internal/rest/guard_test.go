package rest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"
)

// stopwatch is a clock that a test sets, and a right that ends by it.
type stopwatch struct{ now, until atomic.Int64 }

func (s *stopwatch) may() error {
	if s.now.Load() > s.until.Load() {
		return errors.New("somebody else may have the right by now")
	}
	return nil
}

// watched is a client with a guard, of a server that counts the writes that arrive. The
// process is stopped, so to say, whenever the gate has let a write pass.
func watched(t *testing.T, http2 bool, clock *stopwatch, serve http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewUnstartedServer(serve)
	transport := NewHTTPClient().Transport
	if http2 {
		server.EnableHTTP2 = true
		server.StartTLS()
		transport = server.Client().Transport
	} else {
		server.Start()
	}
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := testClient(t, transport, func(c *Config) {
		c.Base, c.CallDeadline = base, 5*time.Second
		c.Retry = Retry{Attempts: 2, Base: time.Millisecond, Max: time.Millisecond}
		c.Guard = clock.may
		c.Gate = func(context.Context, Call) error { clock.now.Add(60); return nil }
	})
	t.Cleanup(func() { client.CloseIdle(); server.Close() })
	return client
}

var remove = Request{Method: http.MethodDelete, Path: "/rows/1", Template: "/rows/{id}", Label: "row", Write: true}

// A process that is stopped after the gate has let a write pass goes on when its right is
// over: on a connection that is open already, nothing of the write is sent.
func TestNothingIsSentAfterAStop(t *testing.T) {
	for name, http2 := range map[string]bool{"HTTP/1": false, "HTTP/2": true} {
		for kind, req := range map[string]Request{"update": update, "create": create, "delete": remove} {
			t.Run(name+" "+kind, func(t *testing.T) {
				var clock stopwatch
				var arrived atomic.Int64
				client := watched(t, http2, &clock, func(_ http.ResponseWriter, r *http.Request) {
					if r.Method != http.MethodGet {
						arrived.Add(1)
					}
				})
				if _, err := client.Do(t.Context(), read); err != nil {
					t.Fatal(err)
				}
				clock.until.Store(30)
				_, err := client.Do(t.Context(), req)
				var e *Error
				if !errors.As(err, &e) || e.Kind != KindUnavailable || e.Uncertain || arrived.Load() != 0 {
					t.Errorf("got %v (uncertain: %v) after %d arrivals", err, e != nil && e.Uncertain, arrived.Load())
				}
				clock.until.Store(1000)
				if _, err := client.Do(t.Context(), req); err != nil || arrived.Load() != 1 {
					t.Errorf("with a right again: %v after %d arrivals", err, arrived.Load())
				}
			})
		}
	}
}

// A stop in the middle of a large body: the rest of it is kept back, and nobody claims
// that nothing was sent.
func TestAStopInsideOfABodyIsAmbiguous(t *testing.T) {
	var clock stopwatch
	clock.until.Store(1000)
	whole := make(chan bool, 1)
	client := watched(t, false, &clock, func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		whole <- err == nil
	})
	pieces := 0
	client.cfg.HTTP = guarded(client.cfg.HTTP, func() error {
		if pieces++; pieces == 3 {
			clock.now.Store(2000)
		}
		return nil
	})
	large := create
	large.Body = append(append([]byte(`"`), bytes.Repeat([]byte("x"), 1<<20)...), '"')
	_, err := client.Do(t.Context(), large)
	var e *Error
	if !errors.As(err, &e) || e.Kind != KindAmbiguous || pieces < 3 {
		t.Errorf("got %v after %d pieces", err, pieces)
	}
	if <-whole {
		t.Error("the body arrived whole")
	}
}

// Of a transport that is not net/http's the guard is asked once for an attempt.
func TestTheGuardOfAnotherTransport(t *testing.T) {
	var clock stopwatch
	server := &fakeServer{steps: []step{okStep}}
	client := testClient(t, server, func(c *Config) {
		c.Retry.Attempts = 1
		c.Guard = clock.may
		c.Gate = func(context.Context, Call) error { clock.now.Add(60); return nil }
	})
	if _, err := client.Do(t.Context(), update); err == nil || server.sent() != 0 {
		t.Errorf("got %v after %d requests", err, server.sent())
	}
	clock.until.Store(1000)
	if _, err := client.Do(t.Context(), update); err != nil || server.sent() != 1 {
		t.Errorf("got %v after %d requests", err, server.sent())
	}
}
