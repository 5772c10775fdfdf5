package webhook

import (
	"net"
	"sync/atomic"
	"time"
)

// Limits are what the intake holds at most, and how long it waits. The zero value
// of each is its default. With the defaults a process that only takes webhooks
// stays below 128 MiB whatever it is sent.
type Limits struct {
	Body        int64 // bytes of a body; 1 MiB
	Requests    int64 // that wait for Kafka at the same time; 512
	Bytes       int64 // of all their bodies together; 16 MiB
	Connections int64 // open at the same time; 1024

	Header time.Duration // until the header of a request is there; 3 s
	Whole  time.Duration // until its body is there, too; 5 s
	Answer time.Duration // until it is answered; 8 s. Pipedrive hangs up after 10 s
	Idle   time.Duration // that a connection waits for the next request; 75 s
}

func (l Limits) orDefaults() Limits {
	orElse(&l.Body, 1<<20)
	orElse(&l.Requests, 512)
	orElse(&l.Bytes, 16<<20)
	orElse(&l.Connections, 1024)
	orElse(&l.Header, 3*time.Second)
	orElse(&l.Whole, 5*time.Second)
	orElse(&l.Answer, 8*time.Second)
	orElse(&l.Idle, 75*time.Second)
	return l
}

func orElse[T ~int64](v *T, otherwise T) {
	if *v == 0 {
		*v = otherwise
	}
}

// load is what is held at the moment. A webhook is held until Kafka has answered,
// even if whoever sent it was told to come back.
type load struct {
	limits          Limits
	requests, bytes atomic.Int64
}

// usual is what hardly a webhook exceeds. A quarter of the memory is kept for
// these: a few large ones that trickle in leave them their room.
const usual = 64 << 10

// take makes room for a body of n bytes, if there is room.
func (l *load) take(n int64) bool {
	if l.requests.Add(1) > l.limits.Requests {
		l.requests.Add(-1)
		return false
	}
	most := l.limits.Bytes
	if n > usual {
		most -= most / 4
	}
	if l.bytes.Add(n) > most {
		l.give(n)
		return false
	}
	return true
}

func (l *load) give(n int64) {
	l.bytes.Add(-n)
	l.requests.Add(-1)
}

// refusal is what a connection beyond the limit is told before it is closed.
const refusal = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

// door is a listener that lets so many connections in, and sends the others away
// with an answer: one that is left to wait counts as a failure as well, and costs
// whoever sends its patience.
type door struct {
	*net.TCPListener
	most      int64
	open      atomic.Int64
	leaving   atomic.Int64 // sent away, not yet gone
	onRefusal func()
}

// Accept waits for the next connection that is let in.
func (d *door) Accept() (net.Conn, error) {
	for {
		c, err := d.AcceptTCP()
		if err != nil {
			return nil, err //nolint:wrapcheck // net/http looks at its kind
		}
		if d.open.Add(1) <= d.most {
			return &guest{TCPConn: c, door: d}, nil
		}
		d.open.Add(-1)
		d.onRefusal()
		d.sendAway(c)
	}
}

// mostLeaving and the time that they are given bound what refusals cost.
const (
	mostLeaving = 128
	leaveWithin = 300 * time.Millisecond
)

// sendAway answers and closes. Who is closed at while sending may lose the answer,
// so some are listened to for a moment.
func (d *door) sendAway(c *net.TCPConn) {
	if d.leaving.Add(1) > mostLeaving {
		d.leaving.Add(-1)
		_ = c.Close()
		return
	}
	go func() {
		defer d.leaving.Add(-1)
		defer func() { _ = c.Close() }()
		if c.SetDeadline(time.Now().Add(leaveWithin)) != nil {
			return
		}
		if _, err := c.Write([]byte(refusal)); err != nil || c.CloseWrite() != nil {
			return
		}
		var rest [512]byte
		for {
			if _, err := c.Read(rest[:]); err != nil {
				return
			}
		}
	}()
}

// guest is a connection that was let in.
type guest struct {
	*net.TCPConn
	door *door
	left atomic.Bool
}

// Close closes the connection and makes room for another.
func (g *guest) Close() error {
	if g.left.CompareAndSwap(false, true) {
		g.door.open.Add(-1)
	}
	return g.TCPConn.Close()
}
