package throughput

import (
	"cmp"
	"net/http"
	"slices"
	"testing"
	"time"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
)

// TestSinglesGoBesideEachOther: with 50 calls in flight and 20 ms for each, 2,500 a second
// is all that there is.
func TestSinglesGoBesideEachOther(t *testing.T) {
	n, least := sized(2_000, 20_000), sized(500.0, 2_000.0)
	w := newWorld(t, nil)
	svc := w.prepare()
	w.make(n, own)
	w.send("update", n, own, nil)
	w.start(svc)
	w.answered()
	writes := w.writes()
	took := writes[len(writes)-1].at.Sub(writes[0].at)
	rate := float64(n) / took.Seconds()
	t.Logf("%d updates by key: %d calls, %.0f a second", n, len(writes), rate)
	if len(writes) != n {
		t.Errorf("%d calls for %d commands", len(writes), n)
	}
	if rate < least {
		t.Errorf("%.0f calls a second, want at least %.0f", rate, least)
	}
}

// TestThrottledCallsWait answers every 20th call with 429 and a wait of 2 seconds: not one
// is made again sooner.
func TestThrottledCallsWait(t *testing.T) {
	const every, wait = 20, 2 * time.Second
	n := sized(50, 1_000)
	w := newWorld(t, map[string]string{"SINK_IN_FLIGHT": "8"})
	svc := w.prepare()
	w.make(n, own)
	for k := range 2 * n / every {
		// A rule does not count the calls that meet the rules before it.
		w.fault(planhatsim.Fault{Kind: "429", RetryAfter: int(wait.Seconds()), Method: http.MethodPut, Skip: (every - 1) * (k + 1), Count: 1})
	}
	w.send("update", n, own, nil)
	w.start(svc)
	w.answered()
	calls, _ := w.stage.Simulator.Calls()
	early, throttled := 0, 0
	arrived := map[string][]planhatsim.Call{}
	slices.SortFunc(calls, func(a, b planhatsim.Call) int { return cmp.Compare(a.N, b.N) })
	for _, c := range calls {
		arrived[c.Path] = append(arrived[c.Path], c)
	}
	for path, calls := range arrived {
		for n, c := range calls {
			if c.Status != http.StatusTooManyRequests {
				continue
			}
			throttled++
			if n+1 == len(calls) {
				t.Errorf("%s was throttled and never sent again", path)
			} else if later := calls[n+1].At.Sub(c.At); later < wait {
				early++
				t.Errorf("%s is sent again after %s", path, later)
			}
		}
	}
	t.Logf("%d updates: %d calls, %d of them throttled, %d made again too early", n, len(w.writes()), throttled, early)
	if throttled < n/every {
		t.Errorf("only %d calls were throttled", throttled)
	}
}

// TestALoneCommandLeavesSoon: it waits for others for a fraction of the linger. The best
// of some counts, since the machine has other work.
func TestALoneCommandLeavesSoon(t *testing.T) {
	const tries, most = 10, 50 * time.Millisecond
	w := newWorld(t, nil)
	w.start(w.prepare())
	w.send("upsert", 1, own, nil)
	w.answered()
	best := time.Hour
	for range tries {
		w.forget()
		sent := time.Now()
		w.send("upsert", 1, own, nil)
		w.answered()
		best = min(best, w.writes()[0].at.Sub(sent))
	}
	t.Logf("the best of %d lone commands reached the vendor after %s", tries, best)
	if best > most {
		t.Errorf("a lone command left after %s, want at most %s", best, most)
	}
}
