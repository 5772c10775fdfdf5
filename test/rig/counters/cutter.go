package counters

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Cutter dials connections that break around every third commit, the first sixty of
// them: of these, half are never applied and half are applied before the connection
// breaks.
type Cutter struct{ commits, before, after atomic.Int64 }

// Dial is for kgo.Dialer.
func (c *Cutter) Dial(ctx context.Context, network, host string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, host)
	return &cutConn{Conn: conn, cutter: c}, err
}

// Applied holds the test to a fault that did happen.
func (c *Cutter) Applied(t *testing.T) {
	t.Helper()
	if before, after := c.before.Load(), c.after.Load(); before == 0 || after == 0 {
		t.Errorf("cut %d commits before and %d after their effect: the fault did not apply", before, after)
	}
}

type cutConn struct {
	net.Conn
	cutter *Cutter
	armed  atomic.Bool
}

var errCut = errors.New("connection cut by the test")

// Write sees whole requests; bytes 4 and 5 hold the request's key.
func (c *cutConn) Write(p []byte) (int, error) {
	if len(p) > 6 && kmsg.Key(binary.BigEndian.Uint16(p[4:6])) == kmsg.EndTxn {
		switch n := c.cutter.commits.Add(1); {
		case n > 60 || n%3 != 0:
		case n%2 == 0:
			c.cutter.before.Add(1)
			_ = c.Close()
			return 0, errCut
		default:
			c.cutter.after.Add(1)
			c.armed.Store(true)
		}
	}
	return c.Conn.Write(p)
}

func (c *cutConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == nil && c.armed.Load() { // the answer is there, so the effect is too
		_ = c.Close()
		return 0, errCut
	}
	return n, err
}
