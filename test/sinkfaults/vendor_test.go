package sinkfaults

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
)

// writing is a fault of calls that write, met some times.
func writing(f planhatsim.Fault, times int64) func(*world) {
	return func(w *world) {
		if f.Method == "" {
			f.Method = http.MethodPut
		}
		before := w.sim.Injected()[f.Kind]
		w.fault(f)
		w.work(busy)
		w.struck(f.Kind, before+times)
	}
}

// Row 7: a storm of 429s, the wait told in every spelling, or not told.
func TestThrottled(t *testing.T) {
	t.Parallel()
	var stories []story
	for _, mode := range []string{"seconds", "date", "reset", "epoch", "dashed"} {
		stories = append(stories, story{
			name:  "the wait as " + mode,
			begin: writing(planhatsim.Fault{Kind: "429", RetryAfter: 1, Mode: mode, Count: 2}, 2),
			after: func(w *world) { w.noEarlyCall(time.Second) },
		})
	}
	inWorlds(t, setting{}, stories...)
	inWorlds(t, setting{}, story{name: "no wait told", begin: writing(planhatsim.Fault{Kind: "429", Count: 6}, 6)})
}

// noEarlyCall holds that after an answer of 429 nobody called before the time that it
// asked for had passed, but for calls that were on their way already.
func (w *world) noEarlyCall(asked time.Duration) {
	w.t.Helper()
	const underWay, steps = 100 * time.Millisecond, 5 * time.Millisecond
	calls, _ := w.sim.Calls()
	throttled := 0
	for i, c := range calls {
		if c.Status != http.StatusTooManyRequests {
			continue
		}
		throttled++
		for _, next := range calls[i+1:] {
			if after := next.At.Sub(c.At); after > underWay && after < asked-steps {
				w.t.Errorf("call %d came %s after a 429 that asked for %s", next.N, after, asked)
			}
		}
	}
	if throttled == 0 {
		w.t.Error("no call was answered 429: nothing is proved")
	}
}

// Row 8: bursts of failures, and an outage that lasts.
func TestVendorFails(t *testing.T) {
	t.Parallel()
	var stories []story
	for _, status := range []string{"500", "502", "503", "504"} {
		yes := true
		stories = append(stories,
			story{name: status, begin: writing(planhatsim.Fault{Kind: status, Count: 5}, 5)},
			story{name: status + " though it was done", begin: writing(planhatsim.Fault{Kind: status, Count: 3, Applied: &yes}, 3)},
			story{name: status + " to creates", begin: writing(planhatsim.Fault{Kind: status, Count: 3, Method: http.MethodPost, Applied: &yes}, 3)},
		)
	}
	stories = append(stories, story{name: "down for long", begin: func(w *world) {
		w.fault(planhatsim.Fault{Kind: "503"})
		w.work(3 * busy)
		began := time.Now()
		w.until("three seconds of an outage", func() bool { return time.Since(began) > 3*time.Second })
		if n := w.sim.Injected()["503"]; n < 3 {
			w.t.Errorf("%d calls failed", n)
		}
		if state := w.status(); state.State != "retrying" {
			w.t.Errorf("in an outage the status says %+v", state)
		}
	}})
	inWorlds(t, setting{}, stories...)
}

// Row 9: calls that hang, and creates of which nobody knows whether they were done.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	var stories []story
	for name, f := range map[string]planhatsim.Fault{
		"no answer": {Kind: "timeout-before"}, "no answer though it is done": {Kind: "timeout-after"},
		"done after we have given up": {Kind: "timeout-late", Ms: 1200}, "half an answer": {Kind: "stall"},
		"an answer in drops": {Kind: "drip", Ms: 60}, "slow, but whole": {Kind: "latency", Ms: 300},
	} {
		for _, method := range []string{http.MethodPut, http.MethodPost, http.MethodDelete} {
			f.Method, f.Count = method, 2
			stories = append(stories, story{name: fmt.Sprint(name, " to ", method), begin: writing(f, 2)})
		}
	}
	inWorlds(t, setting{times: settleLate}, stories...)
}

// settleLate is for vendors that do what they were told long after the call has ended.
func settleLate(t *sink.Times) { t.Settle = 600 * time.Millisecond }
