package rest

import (
	"sync"
	"time"
)

// Limits is what a token may spend; a limit of 0 does not limit.
type Limits struct {
	PerMinute int // in any minute, and the steady pace
	PerSecond int // in any second
	InFlight  int // calls sent and not yet answered whole
	Burst     int // calls that may go at once after a quiet time; less than 1 is 1

	PerWindow int           // in any span of Window, for vendors that count in neither minutes nor seconds
	Window    time.Duration // of PerWindow
}

// Budget hands out the calls of one token to its lanes. It is safe for concurrent use.
type Budget struct {
	limits   Limits
	interval time.Duration // between two calls at the steady pace

	mu       sync.Mutex
	lanes    []*Lane
	virtual  float64 // of the last call handed out: where a lane that was idle joins in
	inFlight int
	due      time.Time // when the steady pace would have its next call
	minute   *window
	second   *window
	window   *window
	stopped  time.Time // no call before this
	timer    *time.Timer
}

// NewBudget returns a budget without lanes.
func NewBudget(limits Limits) *Budget {
	limits.Burst = max(limits.Burst, 1)
	b := &Budget{
		limits: limits,
		minute: newWindow(limits.PerMinute, time.Minute),
		second: newWindow(limits.PerSecond, time.Second),
		window: newWindow(limits.PerWindow, limits.Window),
	}
	if limits.PerMinute > 0 {
		b.interval = time.Minute / time.Duration(limits.PerMinute)
	}
	return b
}

// Lane returns the lane of that name; its weight is set anew, and is 1 when not positive.
func (b *Budget) Lane(name string, weight float64) *Lane {
	if !(weight > 0) {
		weight = 1
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, lane := range b.lanes {
		if lane.name == name {
			lane.weight = weight
			return lane
		}
	}
	lane := &Lane{budget: b, name: name, weight: weight}
	b.lanes = append(b.lanes, lane)
	return lane
}

// Stop hands out no call before a moment, and only one at it: the pace begins anew.
// Callers whose context ends sooner stop waiting at once.
func (b *Budget) Stop(until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !until.After(b.stopped) {
		return
	}
	b.stopped = until
	if fresh := until.Add(b.slack()); fresh.After(b.due) {
		b.due = fresh
	}
	for _, lane := range b.lanes {
		lane.failLate(until)
	}
	b.dispatch(time.Now())
}

// StoppedUntil returns the moment of the last Stop; zero or past: calls are handed out.
func (b *Budget) StoppedUntil() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stopped
}

// slack is how far the pace may be run ahead of: the burst.
func (b *Budget) slack() time.Duration {
	return time.Duration(b.limits.Burst-1) * b.interval
}

// earliest returns the first moment at which the limits of time allow another call.
func (b *Budget) earliest() time.Time {
	at := b.stopped
	for _, other := range []time.Time{b.minute.free(), b.second.free(), b.window.free()} {
		if other.After(at) {
			at = other
		}
	}
	if b.interval > 0 && !b.due.IsZero() {
		if paced := b.due.Add(-b.slack()); paced.After(at) {
			at = paced
		}
	}
	return at
}

// dispatch hands out what may go now and sets the timer for what may go next.
func (b *Budget) dispatch(now time.Time) {
	for {
		lane := b.nextLane()
		if lane == nil || (b.limits.InFlight > 0 && b.inFlight >= b.limits.InFlight) {
			return
		}
		if at := b.earliest(); at.After(now) {
			b.wake(at.Sub(now))
			return
		}
		b.grant(lane, now)
	}
}

// nextLane returns the waiting lane that has had least for its weight; nil: none waits.
func (b *Budget) nextLane() *Lane {
	var next *Lane
	for _, lane := range b.lanes {
		if lane.waiting > 0 && (next == nil || lane.served < next.served) {
			next = lane
		}
	}
	return next
}

// free tells whether a call may go at once: nobody waits, and the limits allow it.
func (b *Budget) free(now time.Time) bool {
	for _, lane := range b.lanes {
		if lane.waiting > 0 {
			return false
		}
	}
	return (b.limits.InFlight <= 0 || b.inFlight < b.limits.InFlight) && !b.earliest().After(now)
}

func (b *Budget) grant(lane *Lane, now time.Time) {
	b.spend(lane, now)
	lane.grantFirst(now)
}

// spend notes that a lane has a call.
func (b *Budget) spend(lane *Lane, now time.Time) {
	b.virtual = lane.served
	lane.served += 1 / lane.weight
	b.inFlight++
	if now.After(b.due) {
		b.due = now
	}
	b.due = b.due.Add(b.interval)
	b.minute.note(now)
	b.second.note(now)
	b.window.note(now)
	lane.stats.Granted++
	lane.stats.InFlight++
}

func (b *Budget) wake(after time.Duration) {
	if b.timer != nil {
		b.timer.Stop()
	}
	b.timer = time.AfterFunc(after, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.dispatch(time.Now())
	})
}
