// Package wire is between a service and its brokers. Unlike a broker's own faults,
// it can lose or change an answer after the request had its effect.
package wire

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Wire is what the connections of a service go over.
type Wire struct {
	open atomic.Int64

	mu    sync.Mutex
	rules []*Rule
}

// Rule is a trouble of some requests. All fields but Key are optional.
type Rule struct {
	Key  kmsg.Key
	Skip int // requests that go through first
	Most int // requests that it applies to; 0: as long as it is there
	When func(kmsg.Request) bool

	Request func(kmsg.Request)  // changes what is sent
	Hold    <-chan struct{}     // nothing is sent until it is closed
	Drop    bool                // the connection breaks before anything is sent
	Answer  func(kmsg.Response) // changes what comes back
	Cut     bool                // the connection breaks when the answer is there

	Hits atomic.Int64 // requests that it has applied to
}

// Open is how many connections there are.
func (w *Wire) Open() int64 { return w.open.Load() }

// Add puts rules in force and gives the means to take them back.
func (w *Wire) Add(rules ...*Rule) (remove func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rules = append(w.rules, rules...)
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.rules = slices.DeleteFunc(w.rules, func(r *Rule) bool { return slices.Contains(rules, r) })
	}
}

// match finds the rule for a request, if there is one.
func (w *Wire) match(req kmsg.Request) *Rule {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.rules {
		if r.Key != kmsg.Key(req.Key()) || r.When != nil && !r.When(req) {
			continue
		}
		if r.Skip > 0 {
			r.Skip--
			continue
		}
		if r.Most > 0 && int(r.Hits.Load()) >= r.Most {
			continue
		}
		r.Hits.Add(1)
		return r
	}
	return nil
}

func (w *Wire) concerns(key int16) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.rules, func(r *Rule) bool { return int16(r.Key) == key })
}

// Dial connects to a broker; it is for kgo.Dialer.
func (w *Wire) Dial(ctx context.Context, network, host string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, host)
	if err != nil {
		return nil, err
	}
	w.open.Add(1)
	return &wireConn{Conn: conn, wire: w, in: bufio.NewReader(conn), waiting: map[int32]asked{}, closed: make(chan struct{})}, nil
}

// wireConn is one connection. The client writes whole requests.
type wireConn struct {
	net.Conn
	wire *Wire
	in   *bufio.Reader
	out  []byte // of an answer, not yet read

	mu      sync.Mutex
	waiting map[int32]asked // by correlation id

	once   sync.Once
	closed chan struct{}
}

// asked is a request that a rule applies to.
type asked struct {
	rule *Rule
	req  kmsg.Request
}

var errWire = errors.New("connection broken by the test")

func (c *wireConn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.wire.open.Add(-1)
	})
	return c.Conn.Close()
}

func (c *wireConn) Write(p []byte) (int, error) {
	if len(p) < 14 || !c.wire.concerns(int16(binary.BigEndian.Uint16(p[4:]))) {
		return c.Conn.Write(p)
	}
	req, body, err := parseRequest(p)
	if err != nil {
		return 0, err
	}
	r := c.wire.match(req)
	if r == nil {
		return c.Conn.Write(p)
	}
	if r.Drop {
		_ = c.Close()
		return 0, errWire
	}
	if r.Hold != nil {
		select {
		case <-r.Hold:
		case <-c.closed:
			return 0, errWire
		}
	}
	c.mu.Lock()
	c.waiting[int32(binary.BigEndian.Uint32(p[8:]))] = asked{r, req}
	c.mu.Unlock()
	sent := p
	if r.Request != nil {
		r.Request(req)
		sent = req.AppendTo(slices.Clone(p[:body]))
		binary.BigEndian.PutUint32(sent, uint32(len(sent)-4))
	}
	if _, err := c.Conn.Write(sent); err != nil {
		return 0, err
	}
	return len(p), nil
}

// parseRequest reads a frame: size, key, version, correlation id, client id
// and, where the version is flexible, an empty list of tags.
func parseRequest(p []byte) (req kmsg.Request, body int, err error) {
	req = kmsg.RequestForKey(int16(binary.BigEndian.Uint16(p[4:])))
	req.SetVersion(int16(binary.BigEndian.Uint16(p[6:])))
	body = 14
	if n := int16(binary.BigEndian.Uint16(p[12:])); n > 0 {
		body += int(n)
	}
	if req.IsFlexible() {
		body++
	}
	return req, body, req.ReadFrom(slices.Clone(p[body:]))
}

func (c *wireConn) Read(p []byte) (int, error) {
	if len(c.out) == 0 {
		var err error
		if c.out, err = c.frame(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.out)
	c.out = c.out[n:]
	return n, nil
}

// frame reads one answer and does to it what its rule says.
func (c *wireConn) frame() ([]byte, error) {
	var head [8]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		return nil, err
	}
	frame := make([]byte, 4+binary.BigEndian.Uint32(head[:]))
	copy(frame, head[:])
	if _, err := io.ReadFull(c.in, frame[8:]); err != nil {
		return nil, err
	}
	id := int32(binary.BigEndian.Uint32(frame[4:]))
	c.mu.Lock()
	a, ok := c.waiting[id]
	delete(c.waiting, id)
	c.mu.Unlock()
	if !ok {
		return frame, nil
	}
	if a.rule.Cut {
		_ = c.Close()
		return nil, errWire
	}
	if a.rule.Answer == nil {
		return frame, nil
	}
	return a.changed(frame)
}

func (a asked) changed(frame []byte) ([]byte, error) {
	resp := a.req.ResponseKind()
	body := 8
	if resp.IsFlexible() && a.req.Key() != int16(kmsg.ApiVersions) {
		body++
	}
	if err := resp.ReadFrom(frame[body:]); err != nil {
		return nil, err
	}
	a.rule.Answer(resp)
	out := resp.AppendTo(slices.Clone(frame[:body]))
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	return out, nil
}
