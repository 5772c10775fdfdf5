package source

import (
	"math"
	"time"
)

// Sweep intervals: a stream that is polled is swept for its deletes at a multiple
// of its freshness target; every sweep may cost at most a quarter of the calls
// that the source may spend.
const (
	// lead is by how much of its target a stream is looked at sooner: a call waits
	// for its turn, and a change is on its topic some time after the answer.
	lead           = 0.03
	sweepTargets   = 5
	sweepCallShare = 0.25
	// pollCallShare is what polls for freshness may cost of those calls. What is
	// left is for deletion candidates.
	pollCallShare = 0.65
)

// Waits after trouble.
const (
	retryBase      = time.Second
	retryMax       = 5 * time.Minute
	forbiddenRetry = 5 * time.Minute
	heldRetry      = 5 * time.Second // asks brokers only
)

// schedule says when a stream is looked at next. All times are the process's
// own; the vendor's clock is only in watermarks and stamps.
type schedule struct {
	target time.Duration // how old a change may be when it is on its topic
	due    time.Time     // of the stream's next step
	wasDue time.Time     // of its step that failed first

	deltaAt    time.Time
	quiet      bool // the last delta poll found little
	polled     bool // the last scan that began was a delta poll
	owed       bool // the last sweep's candidates come before the next sweep
	sweepAt    time.Time
	sweepEvery time.Duration
	sweepLeast time.Duration // what sweeps may cost allows no more often than this
	swept      time.Time     // when the last sweep began
	broken     bool          // it was given up
	sweepCalls int           // that the last complete sweep took

	// Where targets cannot be met, all are as many times longer.
	stretch, sweepStretch float64 // of polls, of sweeps; less than 1 is 1
	// Trouble with asking for deletion candidates does not hold up the scans.
	confirmAt       time.Time
	confirmFailures int
	rests           bool // the last step found nothing to do
	settles         bool // the sweep under way began after the last poll that asked for one
	again           allowance
}

// sweepTime is when the next sweep begins. A listing that keeps misbehaving is
// swept sooner, but not without a pause, and a sweep that was given up is made
// up for as soon as the share of sweeps allows.
func (s *stream) sweepTime() time.Time {
	at, soon := s.schedule.sweepAt, s.schedule.swept.Add(s.schedule.sweepLeast)
	if !s.schedule.broken {
		if s.cursor.SweepDue == "" {
			return at
		}
		soon = s.schedule.swept.Add(max(s.schedule.target, s.schedule.sweepLeast))
	}
	if soon.Before(at) {
		return soon
	}
	return at
}

// nextDue is when a stream that is between two scans has something to do.
func (s *stream) nextDue() time.Time {
	due := s.sweepTime()
	if s.polls() {
		due = minTime(due, s.schedule.deltaAt)
	}
	if s.hasCandidates() {
		due = minTime(due, s.schedule.confirmAt)
	}
	return due
}

// polls tells whether delta polls look for the stream's changes. Where one call
// shows the whole listing, a sweep finds what a poll finds, and deletes besides.
func (s *stream) polls() bool { return s.stamped && (s.archive || s.pages() > 1) }

// rows is how many rows the listing has, as far as is known: the index holds
// only what is captured of it.
func (s *stream) rows() int { return max(s.cursor.SnapshotRows, s.index.Len()) }

// pages is how many calls a sweep takes.
func (s *stream) pages() int {
	n := callsOf(s.rows(), s.pageSize())
	if s.archive {
		n++
	}
	if s.reading.active {
		n = max(n, s.reading.calls)
	}
	return max(n, s.schedule.sweepCalls)
}

// callsOf is how many pages of a size show a listing of so many rows: each but
// the first repeats the last row of the one before, and only a page that is not
// full is known to be the last.
func callsOf(rows, pageSize int) int { return 1 + max(rows-1, 0)/max(pageSize-sweepOverlap, 1) }

// interval is how often a stream is looked at for its target.
func (s *schedule) interval() time.Duration { return time.Duration((1 - lead) * float64(s.target)) }

// adapt sets the interval of sweeps from the number of calls that one takes and
// the calls per minute that the source may spend.
func (s *stream) adapt(callsPerMinute float64) {
	c, share := &s.schedule, sweepCallShare
	if s.polls() {
		c.sweepEvery = stretched(sweepTargets*c.interval(), c.sweepStretch)
	} else {
		c.sweepEvery, share = stretched(c.interval(), c.stretch), pollCallShare
	}
	c.sweepLeast = time.Duration(float64(s.pages()) / (share * max(callsPerMinute, 1)) * float64(time.Minute))
	c.sweepEvery = max(c.sweepEvery, c.sweepLeast)
	if !c.swept.IsZero() {
		c.sweepAt = c.swept.Add(c.sweepEvery)
	}
}

func stretched(d time.Duration, by float64) time.Duration {
	return time.Duration(float64(d) * max(by, 1))
}

// need is how many calls a minute the target of a stream costs: those that look
// for its changes, and those that look for deletes alone.
func (s *stream) need() (polls, sweeps float64) {
	pages, minutes := float64(s.pages()), s.schedule.interval().Minutes()
	if !s.polls() {
		return pages / minutes, 0
	}
	return 1 / minutes, pages / (sweepTargets * minutes)
}

func needOf(streams []*stream) (polls, sweeps float64) {
	for _, s := range streams {
		p, d := s.need()
		polls, sweeps = polls+p, sweeps+d
	}
	return polls, sweeps
}

// stretchOf says how many times longer than wanted the intervals of polls and
// of sweeps have to be, so that all of them together cost no more than their
// share of the calls per minute. 1: all targets can be met.
func stretchOf(streams []*stream, callsPerMinute float64) (polls, sweeps float64) {
	polls, sweeps = needOf(streams)
	calls := max(callsPerMinute, 1)
	return max(1, polls/(pollCallShare*calls)), max(1, sweeps/(sweepCallShare*calls))
}

// dueAgain is when a stream in the middle of its work is due for the next step
// of it: at once, but where many are late it gets no more than a sweep's share
// of the calls for being late.
func (s *schedule) dueAgain(now time.Time, callsPerMinute float64) time.Time {
	step := time.Duration(float64(time.Minute) / (sweepCallShare * max(callsPerMinute, 1)))
	if due := s.due.Add(step); due.Before(now) {
		return due
	}
	return now
}

// overdue is how late the stream is, in targets; below zero it is not due.
func (s *schedule) overdue(now time.Time) float64 {
	return float64(now.Sub(s.due)) / float64(s.target)
}

// retryAfter is the wait after the n-th failure in a row, from 1.
func retryAfter(n int) time.Duration {
	return min(time.Duration(float64(retryBase)*math.Pow(2, float64(min(n-1, 10)))), retryMax)
}
