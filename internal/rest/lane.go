package rest

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Lane is a share of a budget. Lanes that wait at the same time are served by their
// weights; what a lane does not use, the others get.
type Lane struct {
	budget *Budget
	name   string

	// Guarded by the budget's mutex.
	weight  float64
	served  float64 // calls handed out, each divided by the weight at its time
	queues  [3][]*waiter
	waiting int
	stats   LaneStats
}

// LaneStats counts what went through a lane.
type LaneStats struct {
	Granted  uint64        // calls handed out
	InFlight int           // of these, not given back
	Waiting  int           // callers in the queue
	Waited   time.Duration // sum of the waits of calls handed out
}

type waiter struct {
	since    time.Time
	deadline time.Time // zero: none
	ready    chan struct{}
	granted  bool
	err      error // set before ready is closed, when not granted
}

// Permit is one call handed out.
type Permit struct {
	lane *Lane
	once sync.Once
}

// Acquire waits for a call. It returns the context's error, or a [NoTimeError] as
// soon as it is clear that the context ends before a call can be handed out.
func (l *Lane) Acquire(ctx context.Context) (*Permit, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w := l.enter(ctx)
	if w == nil {
		return &Permit{lane: l}, nil
	}
	select {
	case <-w.ready:
	case <-ctx.Done():
		if !l.leave(w) {
			return nil, ctx.Err()
		}
	}
	if w.err != nil {
		return nil, w.err
	}
	return &Permit{lane: l}, nil
}

// Release gives the call back, once its answer was read or given up.
func (p *Permit) Release() {
	p.once.Do(func() {
		b := p.lane.budget
		b.mu.Lock()
		defer b.mu.Unlock()
		b.inFlight--
		p.lane.stats.InFlight--
		b.dispatch(time.Now())
	})
}

// Stats returns the lane's counters.
func (l *Lane) Stats() LaneStats {
	l.budget.mu.Lock()
	defer l.budget.mu.Unlock()
	stats := l.stats
	stats.Waiting = l.waiting
	return stats
}

// enter queues a caller and serves whoever can be served; nil: the caller is served.
func (l *Lane) enter(ctx context.Context) *waiter {
	b := l.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if l.waiting == 0 {
		l.served = max(l.served, b.virtual)
	}
	if b.free(now) {
		b.spend(l, now)
		return nil
	}
	w := &waiter{since: now, ready: make(chan struct{})}
	w.deadline, _ = ctx.Deadline()
	queue := &l.queues[priorityOf(ctx).queueIndex()]
	*queue = append(*queue, w)
	l.waiting++
	b.dispatch(w.since)
	if !w.granted {
		l.failLate(b.earliest())
	}
	return w
}

// leave takes a caller out of the queue; true: it was served or failed meanwhile, and
// its ready channel is closed.
func (l *Lane) leave(w *waiter) bool {
	l.budget.mu.Lock()
	defer l.budget.mu.Unlock()
	if w.granted || w.err != nil {
		return true
	}
	l.remove(func(other *waiter) bool { return other == w })
	return false
}

// grantFirst serves the first caller of the highest priority.
func (l *Lane) grantFirst(now time.Time) {
	for i := range l.queues {
		if len(l.queues[i]) == 0 {
			continue
		}
		w := l.queues[i][0]
		l.queues[i] = l.queues[i][1:]
		l.waiting--
		l.stats.Waited += now.Sub(w.since)
		w.granted = true
		close(w.ready)
		return
	}
}

// failLate ends the wait of callers whose context ends before the next call can go.
func (l *Lane) failLate(next time.Time) {
	l.remove(func(w *waiter) bool {
		if w.deadline.IsZero() || next.Before(w.deadline) {
			return false
		}
		w.err = &NoTimeError{Wait: time.Until(next), Left: time.Until(w.deadline), Why: context.DeadlineExceeded}
		close(w.ready)
		return true
	})
}

func (l *Lane) remove(gone func(*waiter) bool) {
	l.waiting = 0
	for i := range l.queues {
		l.queues[i] = slices.DeleteFunc(l.queues[i], gone)
		l.waiting += len(l.queues[i])
	}
}
