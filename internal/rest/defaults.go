package rest

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Defaults is what a client's options change: a call is tried five times.
func Defaults(callDeadline time.Duration, maxBody int64) Config {
	return Config{
		Retry:        Retry{Attempts: 5}.WithDefaults(),
		CallDeadline: callDeadline,
		MaxBody:      maxBody,
		UserAgent:    "planhat-bridge",
		Jitter:       rand.Float64,
	}
}

// WithDefaults fills in waits of 0: from a second to a minute.
func (r Retry) WithDefaults() Retry {
	r.Base = cmp.Or(r.Base, time.Second)
	r.Max = cmp.Or(r.Max, max(r.Base, time.Minute))
	return r
}

// Check says which of the limits allows nothing.
func (c Config) Check() error {
	switch {
	case c.CallDeadline <= 0:
		return fmt.Errorf("call deadline is %s, want more than 0", c.CallDeadline)
	case c.MaxBody <= 0:
		return fmt.Errorf("largest answer is %d bytes, want more than 0", c.MaxBody)
	case c.Retry.Attempts < 0:
		return fmt.Errorf("retry attempts are %d, want 0 or more", c.Retry.Attempts)
	case c.Retry.Base <= 0 || c.Retry.Max < c.Retry.Base:
		return fmt.Errorf("retry waits are %s to %s, want more than 0 and ascending", c.Retry.Base, c.Retry.Max)
	case c.Jitter == nil:
		return errors.New("jitter is missing")
	}
	return nil
}
