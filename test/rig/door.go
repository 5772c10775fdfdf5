package rig

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Door is the one address behind which several receivers stand, as a load balancer is:
// each request goes to the next of them that takes a connection. Whoever dies with a
// request in hand has not answered it.
type Door struct {
	URL string

	client *http.Client
	next   atomic.Int64
	mu     sync.Mutex
	to     []string // host:port
}

// OpenDoor opens a door that leads to these addresses.
func OpenDoor(t *testing.T, to ...string) *Door {
	t.Helper()
	d := &Door{to: to, client: &http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	server := httptest.NewServer(d)
	t.Cleanup(func() { server.Close(); d.client.CloseIdleConnections() })
	d.URL = server.URL
	return d
}

// Lead changes where the door leads; nowhere is a door that is shut.
func (d *Door) Lead(to ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.to = to
}

// ServeHTTP implements http.Handler.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	d.mu.Lock()
	to := d.to
	d.mu.Unlock()
	for range to {
		at := to[int(d.next.Add(1))%len(to)]
		resp, err := d.pass(r, at, body)
		if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
			continue // it is down, the next one is asked
		}
		if err != nil {
			break
		}
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
		_ = resp.Body.Close()
		return
	}
	w.WriteHeader(http.StatusBadGateway)
}

func (d *Door) pass(r *http.Request, at string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+at+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = r.Header.Clone()
	return d.client.Do(req)
}
