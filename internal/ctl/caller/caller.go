// Package caller is a client of either vendor for tools that look once: every call is
// sent one time and never repeated, and what the vendor's headers say besides
// the answer is remembered: how many calls were spent and remain, and what the
// vendor's clock shows.
//
// It refuses to judge any of that. Start reading at New.
package caller

import (
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// Options of a Caller.
type Options struct {
	Version string           // of this program, for the User-Agent
	Timeout time.Duration    // of one call
	Burst   int              // calls that may go at once, instead of at the pace of the budget
	Now     func() time.Time // the host's clock
}

// Caller calls the Planhat of one workspace within its CALLS_PER_MINUTE.
type Caller struct {
	*planhat.Client
	headers
}

// headers are what those of the answers said.
type headers struct{ seen *recorder }

// New returns a Caller; nothing is sent.
func New(ws config.Workspace, o Options) (*Caller, error) {
	seen := newRecorder(o.Now)
	budget := planhat.NewBudget(planhat.BudgetOptions{PerMinute: ws.CallsPerMinute, PerSecond: 50, InFlight: 1, Burst: o.Burst})
	client, err := planhat.New(ws.BaseURL, ws.Token.Current,
		planhat.WithHTTPClient(&http.Client{Transport: seen}),
		planhat.WithBudget(budget.Lane("planhatctl", 1)),
		planhat.WithRetry(planhat.Retry{Attempts: 1}),
		planhat.WithCallDeadline(o.Timeout),
		planhat.WithUserAgent("planhatctl/"+o.Version),
	)
	if err != nil {
		return nil, err
	}
	return &Caller{Client: client, headers: headers{seen}}, nil
}

// transport keeps no connection that others use.
func transport() http.RoundTripper {
	if base, ok := http.DefaultTransport.(*http.Transport); ok { // a program may have wrapped it
		return base.Clone()
	}
	return &http.Transport{Proxy: http.ProxyFromEnvironment}
}

// Close lets go of idle connections.
func (h headers) Close() { (&http.Client{Transport: h.seen.next}).CloseIdleConnections() }

// Spent is how many calls were sent to somebody.
func (h headers) Spent() int {
	h.seen.mu.Lock()
	defer h.seen.mu.Unlock()
	return h.seen.spent
}

// Quota is what the last answer that said something of it says of the budget;
// -1 where none did.
func (h headers) Quota() planhat.Quota {
	h.seen.mu.Lock()
	defer h.seen.mu.Unlock()
	return h.seen.quota
}

// Skew is how far the vendor's clock is ahead of the host's, at the least:
// headers tell whole seconds, and answers travel. false: it never said.
func (h headers) Skew() (time.Duration, bool) {
	h.seen.mu.Lock()
	defer h.seen.mu.Unlock()
	return h.seen.skew, h.seen.dated
}

// recorder is a transport that remembers headers.
type recorder struct {
	next http.RoundTripper
	now  func() time.Time

	mu    sync.Mutex
	spent int
	quota planhat.Quota
	skew  time.Duration
	dated bool
}

func newRecorder(now func() time.Time) *recorder {
	return &recorder{next: transport(), now: now, quota: planhat.Quota{Limit: -1, Remaining: -1}}
}

// RoundTrip implements http.RoundTripper.
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := r.now()
	resp, err := r.next.RoundTrip(req)
	received := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if dial, ok := errors.AsType[*net.OpError](err); !ok || dial.Op != "dial" { // else nobody has seen it
		r.spent++
	}
	if err != nil {
		return nil, err
	}
	if q := planhat.ReadQuota(resp.Header, received); q.Limit >= 0 || q.Remaining >= 0 {
		r.quota = q
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		r.skew, r.dated = skew(date, sent, received), true
	}
	return resp, nil
}

// skew is the smallest difference of clocks that a Date, cut to the second,
// allows for an answer that was made between two moments of the host's clock.
func skew(date, sent, received time.Time) time.Duration {
	least, most := date.Sub(received), date.Add(time.Second).Sub(sent)
	switch {
	case least > 0:
		return least
	case most < 0:
		return most
	}
	return 0
}
