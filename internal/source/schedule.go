package source

import (
	"math"
	"time"
)

// Sweep intervals: a stream with stamps is swept for its deletes at a multiple
// of its freshness target; every sweep may cost at most a quarter of the calls
// that the source may spend.
const (
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

	deltaAt    time.Time
	quiet      bool // the last delta poll found little
	polled     bool // the last scan that began was a delta poll
	owed       bool // the last sweep's candidates come before the next sweep
	sweepAt    time.Time
	sweepEvery time.Duration
	sweepLeast time.Duration // what sweeps may cost allows no more often than this
	swept      time.Time     // when the last sweep began

	// Where targets cannot be met, all are as many times longer.
	stretch, sweepStretch float64 // of polls, of sweeps; less than 1 is 1
	// Trouble with asking for deletion candidates does not hold up the scans.
	confirmAt       time.Time
	confirmFailures int
	settles         bool // the sweep under way began after the last poll that asked for one
}

// sweepTime is when the next sweep begins. A listing that keeps misbehaving is
// swept sooner, but not without a pause.
func (s *stream) sweepTime() time.Time {
	at := s.schedule.sweepAt
	if s.cursor.SweepDue == "" {
		return at
	}
	soon := s.schedule.swept.Add(max(s.schedule.target, s.schedule.sweepLeast))
	if soon.Before(at) {
		return soon
	}
	return at
}

// nextDue is when a stream that is between two scans has something to do.
func (s *stream) nextDue() time.Time {
	due := s.sweepTime()
	if s.stamped && s.schedule.deltaAt.Before(due) {
		due = s.schedule.deltaAt
	}
	if s.hasCandidates() && s.schedule.confirmAt.Before(due) {
		due = s.schedule.confirmAt
	}
	return due
}

// adapt sets the interval of sweeps from the number of pages that one takes
// and the calls per minute that the source may spend.
func (s *schedule) adapt(stamped bool, records, pageSize int, callsPerMinute float64) {
	pages := float64(records/pageSize + 1)
	s.sweepEvery = stretched(s.target, s.stretch)
	if stamped {
		s.sweepEvery = stretched(sweepTargets*s.target, s.sweepStretch)
	}
	s.sweepLeast = time.Duration(pages / (sweepCallShare * max(callsPerMinute, 1)) * float64(time.Minute))
	s.sweepEvery = max(s.sweepEvery, s.sweepLeast)
	if !s.swept.IsZero() {
		s.sweepAt = s.swept.Add(s.sweepEvery)
	}
}

func stretched(d time.Duration, by float64) time.Duration {
	return time.Duration(float64(d) * max(by, 1))
}

// stretchOf says how many times longer than wanted the intervals of polls and
// of sweeps have to be, so that all of them together cost no more than their
// share of the calls per minute. 1: all targets can be met.
func stretchOf(streams []*stream, callsPerMinute float64) (polls, sweeps float64) {
	for _, s := range streams {
		pages, minutes := float64(s.pages()), s.schedule.target.Minutes()
		if s.stamped {
			polls += 1 / minutes
			sweeps += pages / (sweepTargets * minutes)
		} else {
			polls += pages / minutes
		}
	}
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
