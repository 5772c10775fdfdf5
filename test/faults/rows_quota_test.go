package faults_test

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// Row 7: a storm of 429s, the wait told in every spelling, or not told.
func TestThrottled(t *testing.T) {
	t.Parallel()
	var stories []story
	for _, mode := range []string{"seconds", "date", "reset", "epoch", "dashed"} {
		stories = append(stories, story{
			name: "the wait as " + mode, begin: strikes(planhatsim.Fault{Kind: "429", RetryAfter: 2, Mode: mode, Count: 4}, 4),
			after: func(w *world) { w.noEarlyCall(2 * time.Second) },
		})
	}
	stories = append(stories, story{
		name: "no wait told", begin: strikes(planhatsim.Fault{Kind: "429"}, 5),
		after: func(w *world) { w.noEarlyCall(400 * time.Millisecond) },
	}, story{
		name: "one listing only", begin: strikes(planhatsim.Fault{Kind: "429", RetryAfter: 1, Path: "/licenses"}, 3),
		after: func(w *world) { w.noEarlyCall(time.Second) },
	})
	tell(t, stories)
}

// noEarlyCall holds that after each answer of 429 nobody called for as long as it
// asked: the quota is that of the token, not of a listing.
func (w *world) noEarlyCall(asked time.Duration) {
	w.t.Helper()
	const steps = 5 * time.Millisecond // of the vendor's clock and the wire's
	all := w.calls(func(planhatsim.Call) bool { return true })
	throttled := 0
	for i, c := range all {
		if c.Status != http.StatusTooManyRequests || i+1 == len(all) {
			continue
		}
		throttled++
		if after := all[i+1].At.Sub(c.At); after < asked-steps {
			w.t.Errorf("call %d came %s after a 429 that asked for %s\n%+v", all[i+1].N, after, asked, all[max(0, i-2):min(i+4, len(all))])
		}
	}
	if throttled == 0 {
		w.t.Error("no call was answered 429: nothing is proved")
	}
}

// Row 7: the vendor's own quota, in a window of three seconds for a minute, with its
// headers in every spelling. What it allows is used, and what it asks for is kept.
func TestQuotaWindows(t *testing.T) {
	t.Parallel()
	var stories []story
	for n, headers := range []string{"both", "dashed", "plain", "none", "plain", "none"} {
		sw := planhatsim.Switches{
			MinuteLimit: "hard", RateHeaders: headers,
			MinuteWindow: []string{"sliding", "fixed"}[n%2], RateReset: []string{"seconds", "epoch"}[n/2%2], RetryAfter: []string{"absent", "seconds", "date"}[n%3],
		}
		var quota *meter
		stories = append(stories, story{
			name: fmt.Sprint(headers, " ", sw.MinuteWindow, " ", sw.RateReset, " ", sw.RetryAfter),
			setting: setting{sim: func(o *planhatsim.Options) {
				o.CallsPerMinute, o.Minute, o.Switches = 60, 3*time.Second, sw
			}},
			begin: func(w *world) {
				quota = meterOf(w)
				w.until("some windows", func() bool { return quota.calls() > 150 })
			},
			end: func(*world) {}, // it is the vendor's everyday life
			after: func(w *world) {
				calls, refused, early := quota.read()
				w.t.Logf("%d calls, %d refused", calls, refused)
				if early != "" {
					w.t.Error(early)
				}
				if refused > calls/10 {
					w.t.Errorf("%d of %d calls were over the quota", refused, calls)
				}
			},
		})
	}
	tell(t, stories)
}

// meter watches what the vendor asks for, and when the next call comes.
type meter struct {
	mu             sync.Mutex
	count, refused int
	until          time.Time
	early          string
}

func meterOf(w *world) *meter {
	m := &meter{}
	w.front.Intercept(func(rw http.ResponseWriter, r *http.Request) bool {
		m.mu.Lock()
		defer m.mu.Unlock() // one call at a time is what there is
		now := time.Now()
		m.count++
		if left := m.until.Sub(now); left > 5*time.Millisecond {
			m.early = fmt.Sprintf("a call came %s too early after a 429", left)
		}
		noted := &statusWriter{ResponseWriter: rw}
		w.sim.ServeHTTP(noted, r)
		if noted.status == http.StatusTooManyRequests {
			m.refused++
			m.until = now.Add(asked(rw.Header(), now))
		}
		return true
	})
	return m
}

// asked is how long an answer says to wait.
func asked(h http.Header, now time.Time) time.Duration {
	if at, err := http.ParseTime(h.Get("Retry-After")); err == nil {
		return at.Sub(now.Truncate(time.Second))
	}
	for _, name := range []string{"Retry-After", "X-Ratelimit-Reset"} {
		if n, err := strconv.ParseInt(h.Get(name), 10, 64); err == nil {
			if n > 1e9 {
				n -= now.Unix()
			}
			return time.Duration(n) * time.Second
		}
	}
	return 0
}

func (m *meter) calls() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.count
}

func (m *meter) read() (calls, refused int, early string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.count, m.refused, m.early
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Row 7: a source that is throttled takes nothing of what is the sink's, who shares
// its token and its budget.
func TestAStormLeavesOthersTheirShare(t *testing.T) {
	t.Parallel()
	budget := planhat.NewBudget(planhat.BudgetOptions{PerMinute: 1200})
	w := newWorld(t, setting{deps: func(d *source.Deps) {
		d.Budget = func(config.Workspace) *planhat.Budget { return budget }
	}})
	w.start()
	w.judge()
	other, err := planhat.New(w.front.URL, w.cfg.Planhat[0].Token.Current, planhat.WithBudget(budget.Lane("sink", 0.5)))
	if err != nil {
		t.Fatal(err)
	}
	defer other.CloseIdleConnections()
	w.fault(planhatsim.Fault{Kind: "429", Path: "/companies", RetryAfter: 1, Count: 3})
	w.live(10)
	w.struck("429", 3)
	mine, others := w.granted()
	for n := range 40 {
		if _, err := other.Page(t.Context(), planhat.User, planhat.ListOptions{Limit: 1}); err != nil {
			t.Fatalf("call %d of the other: %v", n, err)
		}
	}
	mineNow, othersNow := w.granted()
	if others = othersNow - others; others < 40 {
		t.Errorf("the other's calls are %d in the journal", others)
	}
	// It calls one after another: what it cannot use, the source may.
	if mine = mineNow - mine; mine > 2*others {
		t.Errorf("while the other made %d calls the source made %d: more than its share", others, mine)
	}
	w.sim.SetLife(0)
	w.judge()
	w.noEarlyCall(time.Second)
	w.stop()
}

// granted counts the calls of the source and of the other.
func (w *world) granted() (mine, others int) {
	for _, c := range w.calls(func(planhatsim.Call) bool { return true }) {
		if c.Path == "/users" {
			others++
		} else {
			mine++
		}
	}
	return mine, others
}
