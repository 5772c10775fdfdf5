package simkit

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// Drop takes the connection of a request over, does something with it and closes it without an answer.
func Drop(w http.ResponseWriter, last func(net.Conn)) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler) // HTTP/2 and recorders: the way net/http gives for it
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	last(conn)
	_ = conn.Close()
}

// Reset ends the connection of a request with RST rather than FIN.
func Reset(w http.ResponseWriter) {
	Drop(w, func(conn net.Conn) {
		if inner, ok := conn.(interface{ NetConn() net.Conn }); ok {
			conn = inner.NetConn()
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // without it the client sees FIN, which is a fault too
		}
	})
}

// Closing ends what waits when a server closes.
type Closing struct {
	once sync.Once
	done chan struct{}
}

// NewClosing makes one that is open.
func NewClosing() *Closing { return &Closing{done: make(chan struct{})} }

// Close closes it; again does nothing.
func (c *Closing) Close() { c.once.Do(func() { close(c.done) }) }

// Done is closed by Close.
func (c *Closing) Done() <-chan struct{} { return c.done }

// Sleep waits, but no longer than the client or the server.
func (c *Closing) Sleep(r *http.Request, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	case <-c.done:
	}
}

// Hold waits until the client or the server gives up.
func (c *Closing) Hold(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-c.done:
	}
}
