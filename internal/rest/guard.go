package rest

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// keptBack is a write to the network that the guard refused.
type keptBack struct{ err error }

func (k *keptBack) Error() string { return "nothing is sent any more: " + k.err.Error() }
func (k *keptBack) Unwrap() error { return k.err }

// guarded returns a client whose connections ask before every piece that they hand to
// the network. A deadline of the context is too weak for that: a process that was
// stopped and goes on may write before its timers have fired.
func guarded(c *http.Client, may func() error) *http.Client {
	transport, ok := c.Transport.(*http.Transport)
	if !ok {
		return &http.Client{Transport: guardedTripper{c.Transport, may}, Timeout: c.Timeout}
	}
	transport = transport.Clone()
	dial := transport.DialContext
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &guardedConn{Conn: conn, may: may}, nil
	}
	return &http.Client{Transport: transport, Timeout: c.Timeout}
}

type guardedConn struct {
	net.Conn
	may  func() error
	sent atomic.Int64 // bytes handed to the network
}

func (c *guardedConn) Write(b []byte) (int, error) {
	if err := c.may(); err != nil {
		return 0, &keptBack{err}
	}
	n, err := c.Conn.Write(b)
	c.sent.Add(int64(n))
	return n, err
}

// guardedTripper is for transports of others, whose connections are their own.
type guardedTripper struct {
	http.RoundTripper
	may func() error
}

func (g guardedTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := g.may(); err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, &keptBack{err}
	}
	next := g.RoundTripper
	if next == nil {
		next = http.DefaultTransport
	}
	return next.RoundTrip(req)
}

// onConn notes what a connection has sent so far.
func (e *evidence) onConn(info httptrace.GotConnInfo) {
	e.got.Store(true)
	conn := info.Conn
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if g, ok := conn.(*guardedConn); ok {
		e.at.Store(&mark{g, g.sent.Load()})
	}
}

// mark is a connection, and what it had sent when an attempt got it.
type mark struct {
	conn *guardedConn
	sent int64
}

// keptBack reports that the guard kept an attempt back before its first byte.
func (e *evidence) keptBack(err error) bool {
	if !errors.As(err, new(*keptBack)) {
		return false
	}
	at := e.at.Load()
	return at == nil || at.conn.sent.Load() == at.sent
}
