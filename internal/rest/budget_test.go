package rest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// take acquires and releases n calls from a lane, one after the other, and returns
// when each was handed out.
func take(t *testing.T, lane *Lane, n int) []time.Time {
	t.Helper()
	var times []time.Time
	for range n {
		permit, err := lane.Acquire(t.Context())
		if err != nil {
			t.Error(err)
			return times
		}
		times = append(times, time.Now())
		permit.Release()
	}
	return times
}

func TestPaceAfterABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := NewBudget(Limits{PerMinute: 60, Burst: 3}).Lane("a", 1)
		start := time.Now()
		times := take(t, lane, 6)
		want := []time.Duration{0, 0, 0, time.Second, 2 * time.Second, 3 * time.Second}
		for i, at := range times {
			if at.Sub(start) != want[i] {
				t.Errorf("call %d went after %s, want %s", i, at.Sub(start), want[i])
			}
		}
	})
}

func TestNoWindowHoldsMoreThanTheLimit(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limits := Limits{
			PerMinute: rapid.IntRange(0, 50).Draw(rt, "perMinute"),
			PerSecond: rapid.IntRange(0, 5).Draw(rt, "perSecond"),
			Burst:     rapid.IntRange(0, 60).Draw(rt, "burst"),
		}
		pauses := rapid.SliceOfN(rapid.IntRange(0, 40), 1, 20).Draw(rt, "pauses")
		var times []time.Time
		synctest.Test(t, func(t *testing.T) {
			lane := NewBudget(limits).Lane("a", 1)
			for _, pause := range pauses {
				times = append(times, take(t, lane, 8)...)
				time.Sleep(time.Duration(pause) * time.Second) //nolint:forbidigo // fake clock
			}
		})
		holds := func(n int, span time.Duration) {
			for i := n; n > 0 && i < len(times); i++ {
				if within := times[i].Sub(times[i-n]); within <= span {
					rt.Fatalf("%d calls within %s", n+1, within)
				}
			}
		}
		holds(limits.PerMinute, time.Minute)
		holds(limits.PerSecond, time.Second)
	})
}

func TestTheWholePaceIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := NewBudget(Limits{PerMinute: 200, PerSecond: 150, Burst: 10}).Lane("a", 1)
		start := time.Now()
		times := take(t, lane, 2001)
		if took := times[2000].Sub(start); took < 10*time.Minute || took > 10*time.Minute+2*time.Second {
			t.Errorf("2,000 calls at 200 a minute took %s", took)
		}
	})
}

func TestInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := NewBudget(Limits{InFlight: 2}).Lane("a", 1)
		first, _ := lane.Acquire(t.Context())
		second, _ := lane.Acquire(t.Context())
		third := make(chan *Permit)
		go func() { p, _ := lane.Acquire(t.Context()); third <- p }()
		synctest.Wait()
		if s := lane.Stats(); s.InFlight != 2 || s.Waiting != 1 || s.Granted != 2 {
			t.Fatalf("stats %+v", s)
		}
		first.Release()
		first.Release() // twice is once
		p := <-third
		p.Release()
		second.Release()
		if s := lane.Stats(); s.InFlight != 0 || s.Waiting != 0 || s.Granted != 3 {
			t.Fatalf("stats %+v", s)
		}
	})
}

// serve lets lanes wait all the time for d and returns how many calls each got.
func serve(t *testing.T, d time.Duration, lanes ...*Lane) []int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	got := make([]int, len(lanes))
	var wg sync.WaitGroup
	for i, lane := range lanes {
		for range 2 { // one always waits while the other is served
			wg.Go(func() {
				for {
					permit, err := lane.Acquire(ctx)
					if err != nil {
						return
					}
					permit.lane.budget.mu.Lock()
					got[i]++
					permit.lane.budget.mu.Unlock()
					permit.Release()
				}
			})
		}
	}
	wg.Wait()
	return got
}

func TestLanesShareByWeightAndLendWhatTheyLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := NewBudget(Limits{PerMinute: 240})
		source, sink := budget.Lane("source", 3), budget.Lane("sink", 1)
		if got := serve(t, time.Minute, source, sink); !near(got[0], 180) || !near(got[1], 60) {
			t.Errorf("both busy: %v, want 180 and 60", got)
		}
		time.Sleep(time.Minute) //nolint:forbidigo // fake clock
		if got := serve(t, time.Minute, source); !near(got[0], 240) {
			t.Errorf("source alone: %v, want all 240", got)
		}
		time.Sleep(time.Minute) //nolint:forbidigo // fake clock
		// What a lane did not use earlier gives it no advantage now.
		if got := serve(t, time.Minute, source, sink); !near(got[0], 180) || !near(got[1], 60) {
			t.Errorf("both busy again: %v, want 180 and 60", got)
		}
	})
}

func near(got, want int) bool { return got >= want-3 && got <= want+3 }

func TestLaneOfTheSameNameIsTheSame(t *testing.T) {
	budget := NewBudget(Limits{})
	if budget.Lane("a", 1) != budget.Lane("a", 2) || budget.Lane("a", -1).weight != 1 {
		t.Error("a lane was made twice, or kept a weight that is not positive")
	}
}

func TestHigherPriorityGoesFirstWithinALane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := NewBudget(Limits{InFlight: 1}).Lane("a", 1)
		held, _ := lane.Acquire(t.Context())
		var mu sync.Mutex
		var order []string
		var wg sync.WaitGroup
		for i, p := range []Priority{PriorityLow, PriorityNormal, PriorityHigh, PriorityLow, PriorityHigh} {
			wg.Go(func() {
				permit, err := lane.Acquire(WithPriority(t.Context(), p))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				order = append(order, fmt.Sprint(p, "#", i))
				mu.Unlock()
				permit.Release()
			})
			synctest.Wait()
		}
		held.Release()
		wg.Wait()
		if want := []string{"1#2", "1#4", "0#1", "-1#0", "-1#3"}; !slices.Equal(order, want) {
			t.Errorf("order %v, want %v", order, want)
		}
	})
}

func TestOnlyOneCallGoesWhenAStopEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := NewBudget(Limits{PerMinute: 60, Burst: 10})
		start := time.Now()
		budget.Stop(start.Add(time.Minute))
		budget.Stop(start.Add(time.Second)) // does not shorten it
		times := take(t, budget.Lane("a", 1), 2)
		if times[0].Sub(start) != time.Minute || times[1].Sub(times[0]) != time.Second {
			t.Errorf("calls went after %s and %s", times[0].Sub(start), times[1].Sub(start))
		}
		if !budget.StoppedUntil().Equal(start.Add(time.Minute)) {
			t.Errorf("stopped until %s", budget.StoppedUntil())
		}
	})
}

func TestAStopEndsTheWaitOfThoseWhoCannotOutliveIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := NewBudget(Limits{InFlight: 1})
		lane := budget.Lane("a", 1)
		if _, err := lane.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		failed := make(chan error, 1)
		go func() { _, err := lane.Acquire(ctxIn(t, 30*time.Second)); failed <- err }()
		synctest.Wait()
		budget.Stop(time.Now().Add(time.Hour))
		synctest.Wait()
		select {
		case err := <-failed:
			var noTime *NoTimeError
			if !errors.As(err, &noTime) || noTime.Wait != time.Hour || noTime.Left != 30*time.Second {
				t.Errorf("got %v", err)
			}
		default:
			t.Error("still waiting")
		}
	})
}

func TestLeavingTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := NewBudget(Limits{InFlight: 1}).Lane("a", 1)
		held, _ := lane.Acquire(t.Context())
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() { _, err := lane.Acquire(ctx); gone <- err }()
		synctest.Wait()
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if _, err := lane.Acquire(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("an ended context: got %v", err)
		}
		held.Release()
		if s := lane.Stats(); s.Waiting != 0 || s.InFlight != 0 {
			t.Errorf("stats %+v", s)
		}
		take(t, lane, 1)
	})
}

func TestNoCallIsLostUnderCancellation(t *testing.T) {
	lane := NewBudget(Limits{InFlight: 3}).Lane("a", 1)
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if i%3 == 0 {
				go cancel()
			}
			if permit, err := lane.Acquire(ctx); err == nil {
				permit.Release()
			}
		})
	}
	wg.Wait()
	if s := lane.Stats(); s.InFlight != 0 || s.Waiting != 0 {
		t.Errorf("stats %+v", s)
	}
}
