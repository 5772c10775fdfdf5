package bubble

import (
	"net/http"
	"sync"
	"time"
)

// Line is the way to a vendor. It writes down what is asked, and it can break.
type Line struct {
	Handler http.Handler
	Took    time.Duration // of a call

	mu    sync.Mutex
	calls []Call
	fault Fault
}

// Call is what a vendor was asked.
type Call struct {
	At    time.Time
	Path  string
	Query string
}

// Fault answers in the vendor's place, unless it gives neither an answer nor an error.
type Fault = func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (l *Line) RoundTrip(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	l.calls = append(l.calls, Call{time.Now(), r.URL.Path, r.URL.RawQuery})
	fault := l.fault
	l.mu.Unlock()
	if fault != nil {
		if resp, err := fault(r); resp != nil || err != nil {
			return resp, err
		}
	}
	select {
	case <-time.After(l.Took):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	return Handled{l.Handler}.RoundTrip(r)
}

// Break puts a fault on the line; nil takes it away.
func (l *Line) Break(fault Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault = fault
}

// Calls are those from a moment on.
func (l *Line) Calls(from time.Time) []Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.calls {
		if !l.calls[i].At.Before(from) {
			return append([]Call(nil), l.calls[i:]...)
		}
	}
	return nil
}
