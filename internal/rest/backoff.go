package rest

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Retry says how often and how fast a call is tried again.
type Retry struct {
	Attempts  int           // 0: until the context ends
	Failures  int           // of them such that end as KindUnavailable or KindMalformed; 0: no bound of their own
	Base, Max time.Duration // wait after the first attempt, and the longest; doubled in between
}

// spent reports that a call has had all its attempts.
func (r Retry) spent(attempts, failures int) bool {
	return r.Attempts > 0 && attempts >= r.Attempts || r.Failures > 0 && failures >= r.Failures
}

// Delay returns the wait after an attempt (from 1): between half and all of the
// doubled base, by jitter in [0,1).
func (r Retry) Delay(attempt int, jitter float64) time.Duration {
	full := r.Base
	for i := 1; i < attempt && full < r.Max; i++ {
		full *= 2
	}
	full = min(full, r.Max)
	return full/2 + time.Duration(float64(full-full/2)*jitter)
}

// sleepUntil waits until a moment; at once with a [NoTimeError] when the context
// ends before it.
func sleepUntil(ctx context.Context, until time.Time) error {
	if err := outlives(ctx, until); err != nil {
		return err
	}
	wait := time.Until(until)
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// outlives returns a [NoTimeError] when the context ends before the moment.
func outlives(ctx context.Context, until time.Time) error {
	deadline, ok := ctx.Deadline()
	if !ok || until.Before(deadline) {
		return nil
	}
	return &NoTimeError{Wait: time.Until(until), Left: time.Until(deadline), Why: context.DeadlineExceeded}
}

// joinCause puts the reason for giving up before what had failed last.
func joinCause(reason, last error) error {
	switch {
	case last == nil:
		return reason
	case errors.Is(last, reason):
		return last
	}
	return fmt.Errorf("%w, after: %w", reason, last)
}
