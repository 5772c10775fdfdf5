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
)

// Waits after trouble.
const (
	retryBase      = time.Second
	retryMax       = 5 * time.Minute
	forbiddenRetry = 5 * time.Minute
)

// schedule says when a stream is looked at next. All times are the process's
// own; the vendor's clock is only in watermarks and stamps.
type schedule struct {
	target time.Duration // how old a change may be when it is on its topic
	due    time.Time     // of the stream's next step
	probed bool          // the snapshot's watermark has been asked for

	deltaAt    time.Time
	sweepAt    time.Time
	sweepEvery time.Duration
	sweepLeast time.Duration // what sweeps may cost allows no more often than this
	swept      time.Time     // when the last sweep began
	settles    bool          // the sweep under way began after the last poll that asked for one
}

// next is when the stream has something to do again.
func (s *schedule) next(stamped bool) time.Time {
	if stamped && s.deltaAt.Before(s.sweepAt) {
		return s.deltaAt
	}
	return s.sweepAt
}

// adapt sets the interval of sweeps from the number of pages that one takes
// and the calls per minute that the source may spend.
func (s *schedule) adapt(stamped bool, records, pageSize int, callsPerMinute float64) {
	pages := float64(records/pageSize + 1)
	s.sweepEvery = s.target
	if stamped {
		s.sweepEvery = sweepTargets * s.target
	}
	s.sweepLeast = time.Duration(pages / (sweepCallShare * max(callsPerMinute, 1)) * float64(time.Minute))
	s.sweepEvery = max(s.sweepEvery, s.sweepLeast)
}

// overdue is how late the stream is, in targets; below zero it is not due.
func (s *schedule) overdue(now time.Time) float64 {
	return float64(now.Sub(s.due)) / float64(s.target)
}

// retryAfter is the wait after the n-th failure in a row, from 1.
func retryAfter(n int) time.Duration {
	return min(time.Duration(float64(retryBase)*math.Pow(2, float64(min(n-1, 10)))), retryMax)
}
