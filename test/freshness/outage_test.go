package freshness_test

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"syscall"
	"testing"
	"time"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/test/rig/bubble"
	"github.com/planhat-bridge/planhat-bridge/test/share"
)

func reset(*http.Request) (*http.Response, error) { return nil, syscall.ECONNRESET }

func refusedDial(*http.Request) (*http.Response, error) {
	return nil, errors.New("dial tcp: lookup planhat.example: no such host")
}

// hang answers nothing until the caller gives up.
func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// storm asks for a wait with every refusal.
func storm(header http.Header) bubble.Fault {
	return answer(http.StatusTooManyRequests, header, "slow down")
}

// While Planhat is down it is asked once every few seconds, and when it is back
// an edit of that moment is on its topic within ten seconds, whatever the fault
// was and however long it lasted.
func TestAnOutageIsOverForAllAtOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault   bubble.Fault
		lasts   time.Duration
		variant bool // of another: for a run of all
	}{
		"503 for half an hour":             {answer(503, nil, "down"), 30 * time.Minute, false},
		"502 for a minute":                 {answer(502, nil, "<html>bad gateway</html>"), time.Minute, true},
		"500 for an hour":                  {answer(500, nil, ""), time.Hour, true},
		"a page of a proxy":                {answer(200, http.Header{"Content-Type": {"text/html"}}, "<html>maintenance</html>"), 10 * time.Minute, true},
		"resets":                           {reset, 10 * time.Minute, false},
		"no such host":                     {refusedDial, 10 * time.Minute, true},
		"silence":                          {hang, 20 * time.Minute, false},
		"429 without a word":               {storm(nil), 10 * time.Minute, false},
		"429 with Retry-After":             {storm(http.Header{"Retry-After": {"4"}}), 10 * time.Minute, false},
		"429 with a relative reset":        {storm(http.Header{"X-Ratelimit-Reset": {"4"}}), 10 * time.Minute, true},
		"429 that says that nothing lasts": {storm(http.Header{"X-Rate-Limit-Remaining": {"0"}}), 10 * time.Minute, true},
	} {
		if tc.variant && !share.All() {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, planhatsim.Options{Seed: 51, Companies: 20, CallsPerMinute: -1}, nil, func(w *world) {
				w.await("the snapshot", time.Hour, w.snapshotDone)
				sleep(20 * time.Minute)
				sw, stop := w.watch()
				defer stop()
				random := rand.New(rand.NewPCG(3, 4))
				const rounds = 3 // the fault ends at any moment of what is tried meanwhile
				for round := range rounds {
					lasts := tc.lasts
					if round > 0 {
						lasts = min(tc.lasts, 4*time.Minute) + time.Duration(random.Int64N(int64(10*time.Second)))
					}
					w.vendor.Break(tc.fault)
					from := time.Now()
					sleep(lasts)
					asked := len(w.vendor.Calls(from))
					// Until it is known for an outage streams ask as they do; then once every four seconds at most.
					if most := int(lasts.Seconds()/4) + 12; asked > most {
						t.Errorf("%d calls in %s without an answer, want at most %d", asked, lasts, most)
					}
					w.vendor.Break(nil)
					w.edit(sw, random)
					took := w.waitFor(sw, time.Hour)
					t.Logf("%d calls in %s of the fault, the fresh edit took %s", asked, lasts, took)
					if took > 10*time.Second {
						t.Errorf("a fresh edit took %s after the fault, want at most 10s", took)
					}
					sleep(time.Minute)
				}
				if st := w.status(); st.State != "ok" {
					t.Errorf("afterwards: %s", w.describe())
				}
				if n := len(w.Log.Lines("planhat answers again: all streams go on")); n != rounds {
					t.Errorf("the end of the outage is told %d times", n)
				}
			})
		})
	}
}

// A single listing that fails is its own trouble: the others are as fresh as ever
// and it is asked ever more rarely.
func TestOneListingThatFailsIsNoOutage(t *testing.T) {
	t.Parallel()
	inBubble(t, planhatsim.Options{Seed: 52, Companies: 20, CallsPerMinute: -1}, nil, func(w *world) {
		w.await("the snapshot", time.Hour, w.snapshotDone)
		sw, stop := w.watch()
		defer stop()
		w.vendor.Break(w.only("/endusers", answer(500, nil, "no")))
		random, from := rand.New(rand.NewPCG(5, 6)), time.Now()
		for time.Since(from) < time.Hour {
			sleep(time.Duration(random.Int64N(int64(time.Minute))))
			w.edit(sw, random)
		}
		w.waitFor(sw, 2*time.Minute)
		if most := sw.percentile(1); most > 62*time.Second {
			t.Errorf("an edit of a company took %s", most)
		}
		var mine, all int
		for _, c := range w.vendor.Calls(from) {
			if all++; c.Path == "/endusers" {
				mine++
			}
		}
		t.Logf("%d calls of the listing that fails, %d in all", mine, all)
		if mine > 90 || all-mine > 60*8 {
			t.Errorf("%d calls of the listing that fails and %d of others in an hour", mine, all-mine)
		}
		if n := len(w.Log.Lines("planhat does not answer: one call is tried every few seconds until it does")); n != 0 {
			t.Errorf("an outage is told of %d times", n)
		}
	})
}

// A token that is refused costs one call every half a minute, and all streams go
// on when it is accepted.
func TestARefusedTokenCostsLittle(t *testing.T) {
	t.Parallel()
	inBubble(t, planhatsim.Options{Seed: 53, Companies: 20, CallsPerMinute: -1}, nil, func(w *world) {
		w.await("the snapshot", time.Hour, w.snapshotDone)
		sw, stop := w.watch()
		defer stop()
		w.vendor.sim.SetTokens(map[string]planhatsim.Token{"another": {}})
		w.await("the workspace to be paused", 5*time.Minute, func() bool { return w.status().State == "unauthorized" })
		from := time.Now()
		sleep(time.Hour)
		if asked := len(w.vendor.Calls(from)); asked < 100 || asked > 122 {
			t.Errorf("%d calls in an hour with a token that is refused, want one every 30 s", asked)
		}
		w.edit(sw, rand.New(rand.NewPCG(7, 8)))
		w.vendor.sim.SetTokens(map[string]planhatsim.Token{planhatsim.DefaultToken: {}})
		w.waitFor(sw, time.Hour)
		if took := sw.percentile(1); took > 36*time.Second {
			t.Errorf("an edit took %s after the token was accepted again", took)
		}
	})
}

// At its start with a token that is refused everywhere, the source asks each
// listing once at most before it waits.
func TestARefusedTokenAtTheStart(t *testing.T) {
	t.Parallel()
	inBubble(t, planhatsim.Options{Seed: 54, Companies: 5, CallsPerMinute: -1}, map[string]string{"PLANHAT_TOKEN": "wrong"}, func(w *world) {
		w.await("the workspace to be paused", 5*time.Minute, func() bool { return w.status().State == "unauthorized" })
		if asked := len(w.vendor.Calls(time.Time{})); asked > 21 {
			t.Errorf("%d calls before the workspace is paused", asked)
		}
		from := time.Now()
		sleep(10 * time.Minute)
		if asked := len(w.vendor.Calls(from)); asked > 21 {
			t.Errorf("%d calls in ten minutes, want one every 30 s", asked)
		}
	})
}
