package faults_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/test/rig/front"
	"github.com/planhat-bridge/planhat-bridge/test/rig/metric"
)

// Row 8: the vendor fails for a while, or is gone for longer.
func TestVendorFails(t *testing.T) {
	t.Parallel()
	stories := []story{{
		name: "down for long",
		begin: func(w *world) {
			w.fault(planhatsim.Fault{Kind: "503"})
			w.live(20 * lifeRate)
		},
		after: func(w *world) {
			if n := w.sim.Injected()["503"]; n > 20*5 {
				w.t.Errorf("%d calls in some 20 s of an outage: it is hammered on", n)
			}
		},
	}}
	for _, status := range []string{"500", "502", "503", "504"} {
		stories = append(stories, story{name: status, begin: strikes(planhatsim.Fault{Kind: status}, 8)})
	}
	stories = append(stories, story{name: "every other call", begin: strikes(planhatsim.Fault{Kind: "500", Probability: 0.5}, 10)})
	tell(t, stories)
}

// Row 9: no call lasts longer than its deadline, wherever it gets stuck.
func TestCallsThatGetStuck(t *testing.T) {
	t.Parallel()
	bounded := func(w *world) {
		if calls, quick := w.durations(5 * time.Second); calls != quick || calls == 0 { // the deadline is 2 s
			w.t.Errorf("%d of %d calls took longer than their deadline allows", calls-quick, calls)
		}
	}
	stuck := func(f planhatsim.Fault) func(*world) { return strikes(f, 3) }
	hung := &atomic.Int64{}
	tell(t, []story{
		{name: "no connection", after: bounded, begin: func(w *world) {
			w.front.Cut(func(ctx context.Context) error {
				hung.Add(1)
				<-ctx.Done()
				return ctx.Err()
			})
			w.front.HangUp()
			w.until("calls without a connection", func() bool { return hung.Load() >= 3 })
		}, end: func(w *world) { w.front.Cut(nil) }},
		{name: "no answer", after: bounded, begin: stuck(planhatsim.Fault{Kind: "timeout-before"})},
		{name: "half an answer", after: bounded, begin: stuck(planhatsim.Fault{Kind: "stall"})},
		{name: "an answer in drops", after: bounded, begin: stuck(planhatsim.Fault{Kind: "drip", Ms: 200})},
		{name: "slow, but whole", after: bounded, begin: strikes(planhatsim.Fault{Kind: "latency", Ms: 700}, 6)},
	})
}

// Row 10: connections break in every way that they can.
func TestConnectionsBreak(t *testing.T) {
	t.Parallel()
	cut := func(err error) func(*world) {
		return func(w *world) {
			var tries atomic.Int64
			w.front.Cut(func(context.Context) error { tries.Add(1); return err })
			w.front.HangUp()
			w.until("calls without a connection", func() bool { return tries.Load() >= 4 })
		}
	}
	mend := func(w *world) { w.front.Cut(nil) }
	var trusted func()
	tell(t, []story{
		{name: "reset", begin: strikes(planhatsim.Fault{Kind: "reset"}, 6)},
		{name: "closed without an answer", begin: strikes(planhatsim.Fault{Kind: "timeout-after", Close: true}, 6)},
		{name: "refused", begin: cut(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}), end: mend},
		{name: "the name is not known", begin: cut(&net.DNSError{Err: "no such host", Name: front.Hostname, IsNotFound: true}), end: mend},
		{name: "no name server", begin: cut(&net.DNSError{Err: "server misbehaving", Name: front.Hostname, IsTemporary: true}), end: mend},
		{name: "a wrong certificate", setting: setting{secure: true}, begin: func(w *world) {
			trusted = w.front.Stranger(w.t)
			w.front.HangUp()
			w.until("calls to a stranger", func() bool { return w.metric("api_calls_total", "outcome=unavailable") >= 4 })
		}, end: func(*world) { trusted() }},
		{name: "HTTP2 says go away", setting: setting{secure: true}, begin: func(w *world) {
			_, before := w.front.Connections()
			w.front.Intercept(func(rw http.ResponseWriter, _ *http.Request) bool {
				rw.Header().Set("Connection", "close") // net/http turns it into GOAWAY
				return false
			})
			w.until("new connections", func() bool { _, was := w.front.Connections(); return was >= before+8 })
		}, end: func(w *world) { w.front.Intercept(nil) }, after: func(w *world) {
			if n := w.metric("scan_failures_total"); n > 0 {
				w.t.Errorf("%v steps failed: a connection that the vendor ends in order is no failure", n)
			}
		}},
		{name: "HTTP2 breaks off", setting: setting{secure: true}, begin: func(w *world) {
			w.fault(planhatsim.Fault{Kind: "latency", Ms: 200})
			for n := range int64(4) {
				w.struck("latency", 3*n+1)
				w.front.HangUp()
			}
		}},
	})
}

// durations counts the calls, and those that took no longer than a bound of the
// histogram.
func (w *world) durations(bound time.Duration) (calls, quick uint64) {
	w.t.Helper()
	for _, m := range metric.Series(w.t, w.reg, "planhat_bridge_source_api_call_duration_seconds") {
		calls += m.GetHistogram().GetSampleCount()
		for _, b := range m.GetHistogram().GetBucket() {
			if b.GetUpperBound() == bound.Seconds() {
				quick += b.GetCumulativeCount()
			}
		}
	}
	return calls, quick
}

// Row 11: answers that are none. A page is taken whole or not at all: while all of
// them are broken, nothing is written, and the cursor stands where it stood.
func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	var stories []story
	for name, f := range map[string]planhatsim.Fault{
		"a page of HTML": {Kind: "html"}, "nothing": {Kind: "empty-body"},
		"cut by length": {Kind: "truncated", Mode: "length"}, "cut in a chunk": {Kind: "truncated", Mode: "chunked"}, "cut JSON": {Kind: "truncated", Mode: "json"},
		"an object": {Kind: "garbled", Mode: "object"}, "null": {Kind: "garbled", Mode: "null"}, "an array of strings": {Kind: "garbled", Mode: "strings"},
		"a row without an id": {Kind: "garbled", Mode: "no-id"}, "an id of another form": {Kind: "garbled", Mode: "bad-id"},
		"a row with two ids": {Kind: "garbled", Mode: "two-ids"}, "an array of arrays": {Kind: "garbled", Mode: "nested"},
	} {
		stories = append(stories, story{name: name, still: true, begin: func(w *world) {
			f.Method = http.MethodGet
			w.fault(f)
			w.struck(f.Kind, 1)
			w.struck(f.Kind, w.sim.Injected()[f.Kind]+1) // the call that was under way is over
			written := w.metric("changes_total")
			w.sim.Live(20)
			w.struck(f.Kind, w.sim.Injected()[f.Kind]+3)
			if n := w.metric("changes_total"); n != written {
				w.t.Errorf("%v events were written from pages that are none", n-written)
			}
			if n := w.metric("api_calls_total", "outcome=malformed"); n < 4 {
				w.t.Errorf("%v answers were counted as malformed", n)
			}
		}})
	}
	tell(t, stories)
}

// Rows 11 and 16: pages that are whole, but not all of what they should be.
func TestPagesThatShrink(t *testing.T) {
	t.Parallel()
	shrinks := func(f planhatsim.Fault) story {
		f.Path = "/endusers"
		return story{
			name: fmt.Sprint(f.Kind, " ", f.Mode, " ", f.Rows), setting: large, begin: strikes(f, 4),
			after: func(w *world) {
				if n := w.metric("skipped_total"); n > 0 {
					w.t.Errorf("%v records were skipped", n)
				}
			},
		}
	}
	tell(t, []story{
		shrinks(planhatsim.Fault{Kind: "short"}), shrinks(planhatsim.Fault{Kind: "short", Rows: 700}), shrinks(planhatsim.Fault{Kind: "short", Rows: 1}),
		shrinks(planhatsim.Fault{Kind: "short", Mode: "any", Rows: 1500}), shrinks(planhatsim.Fault{Kind: "short", Mode: "any"}),
		shrinks(planhatsim.Fault{Kind: "shifted"}), shrinks(planhatsim.Fault{Kind: "shifted", Rows: 300}), shrinks(planhatsim.Fault{Kind: "shifted", Rows: -40}),
		shrinks(planhatsim.Fault{Kind: "garbled", Mode: "twice"}),
	})
}

// large is a tenant with two pages of endusers.
var large = setting{
	sim: func(o *planhatsim.Options) { o.Companies, o.EndusersPerCompany = 30, 75 },
	env: map[string]string{"PLANHAT_OBJECTS": "company,enduser,note,license"},
}
