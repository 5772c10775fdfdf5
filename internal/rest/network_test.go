package rest

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"
)

// A real server that takes a request on a connection it has answered on before, and
// closes it without an answer: the case in which net/http may send again by itself.
func TestNothingBelowSendsAWriteTwice(t *testing.T) {
	for name, want := range map[string]struct {
		arrivals int64
		kind     Kind
	}{"create": {1, KindAmbiguous}, "update": {2, KindNone}} {
		t.Run(name, func(t *testing.T) {
			var writes atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if r.Method != http.MethodGet && writes.Add(1) == 1 {
					conn, _, _ := w.(http.Hijacker).Hijack()
					_ = conn.Close()
				}
			}))
			defer server.Close()
			client := clientOf(t, server.URL)
			if _, err := client.Do(t.Context(), read); err != nil {
				t.Fatal(err)
			}
			_, err := client.Do(t.Context(), requests[name])
			if e, ok := errors.AsType[*Error](err); ok {
				if e.Kind != want.kind {
					t.Errorf("got %v", err)
				}
			} else if want.kind != KindNone {
				t.Errorf("got %v, want %s", err, want.kind)
			}
			if got := writes.Load(); got != want.arrivals {
				t.Errorf("the write arrived %d times, want %d", got, want.arrivals)
			}
		})
	}
}

// The same over HTTP/2, where streams are reset instead of connections closed.
func TestAResetStreamIsAmbiguous(t *testing.T) {
	var writes atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("spoken: %s", r.Proto)
		}
		if r.Method != http.MethodGet {
			writes.Add(1)
			panic(http.ErrAbortHandler)
		}
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	client := clientOf(t, server.URL)
	client.cfg.HTTP.Transport = server.Client().Transport
	if _, err := client.Do(t.Context(), read); err != nil {
		t.Fatal(err)
	}
	_, err := client.Do(t.Context(), create)
	var e *Error
	if !errors.As(err, &e) || e.Kind != KindAmbiguous || writes.Load() != 1 {
		t.Errorf("got %v after %d arrivals", err, writes.Load())
	}
}

func TestARefusedConnectionIsNotAmbiguous(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	_, err = clientOf(t, "http://"+address).Do(t.Context(), create)
	var e *Error
	if !errors.As(err, &e) || e.Kind != KindUnavailable || e.Uncertain || e.Attempts != 2 {
		t.Errorf("got %#v", err)
	}
}

func TestAFailedHandshakeIsNotAmbiguous(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler()) // its certificate is nobody's
	server.Config.ErrorLog = nil
	defer server.Close()
	_, err := clientOf(t, server.URL).Do(t.Context(), create)
	var e *Error
	if !errors.As(err, &e) || e.Kind != KindUnavailable || e.Uncertain {
		t.Errorf("got %#v", err)
	}
}

// A stalled body ends with the attempt, and the next attempt is made.
func TestAStallInsideTheAnswerEnds(t *testing.T) {
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) > 1 {
			_, _ = io.WriteString(w, "[]")
			return
		}
		_, _ = io.WriteString(w, "[")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	defer server.Close()
	answer, err := clientOf(t, server.URL).Do(t.Context(), read)
	if err != nil || string(answer.Body) != "[]" || answer.Attempts != 2 {
		t.Errorf("got %q, %v", answer.Body, err)
	}
}

func clientOf(t *testing.T, base string) *Client {
	t.Helper()
	return testClient(t, nil, func(c *Config) {
		target, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		c.Base, c.HTTP = target, NewHTTPClient()
		c.CallDeadline = time.Second
		c.Retry = Retry{Attempts: 2, Base: time.Millisecond, Max: time.Millisecond}
		t.Cleanup(c.HTTP.CloseIdleConnections)
	})
}

// A program that observes its calls wraps the default transport.
func TestAWrappedDefaultTransport(t *testing.T) {
	before := http.DefaultTransport
	defer func() { http.DefaultTransport = before }()
	http.DefaultTransport = struct{ http.RoundTripper }{before}
	if got, ok := NewHTTPClient().Transport.(*http.Transport); !ok || got.Proxy == nil || !got.ForceAttemptHTTP2 || got.MaxIdleConnsPerHost != 50 {
		t.Errorf("got %+v", got)
	}
}
