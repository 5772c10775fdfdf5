package rest

import (
	"errors"
	"net"
	"net/http/httptrace"
	"sync/atomic"
)

// evidence is what net/http told of an attempt, as little as will do: there is no byte
// without a connection, and each header told of costs something. A request counts as
// never sent only on proof: net/http looked for a connection and got none, or the error is that of
// a dial or a name lookup and no connection was ever handed out. Having a connection
// and no byte written is no proof: the write may still happen after a time-out.
type evidence struct {
	lookedFor atomic.Bool
	got       atomic.Bool
	wrote     atomic.Bool
	at        atomic.Pointer[mark] // with a guard: where the attempt began
}

func (e *evidence) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn:      func(string) { e.lookedFor.Store(true) },
		GotConn:      e.onConn,
		WroteHeaders: func() { e.wrote.Store(true) },
	}
}

// unsent reports that the request certainly did not leave this process.
func (e *evidence) unsent(err error) bool {
	if e.keptBack(err) {
		return true
	}
	if e.got.Load() || e.wrote.Load() {
		return false
	}
	return e.lookedFor.Load() || isDialError(err)
}

func isDialError(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return true
	}
	var dns *net.DNSError
	return errors.As(err, &dns)
}
