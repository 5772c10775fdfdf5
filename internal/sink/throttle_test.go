package sink_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"
)

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

// throttle refuses every fourth call, and counts those that come before they may. A call
// that was under way when another was refused is none of them.
type throttle struct {
	refused, early atomic.Int32

	mu     sync.Mutex
	calls  int
	closed time.Time // from when on
	until  time.Time
}

// settling is how long a call may have been under way already.
const settling = 200 * time.Millisecond

func (g *throttle) refuses(w http.ResponseWriter, header func(time.Time) (name, value string)) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if now.Before(g.until) && now.After(g.closed.Add(settling)) {
		g.early.Add(1)
	}
	if g.calls++; g.calls%4 != 0 {
		return false
	}
	g.refused.Add(1)
	said := now.Truncate(time.Second) // as Date says it
	g.closed, g.until = now, said.Add(time.Second)
	name, value := header(said)
	w.Header().Set(name, value)
	w.Header().Set("Date", said.UTC().Format(http.TimeFormat))
	w.WriteHeader(http.StatusTooManyRequests)
	return true
}
