package rest

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// longestWait bounds what a header may ask for: daily budgets end within a day.
	longestWait = 24 * time.Hour
	// longestHint bounds a pause taken on a hint alone (nothing remains, nobody was
	// refused). Planhat documents a reset every 60 to 120 seconds.
	longestHint = 2 * time.Minute
)

// pacing is what the headers of an answer say about waiting; zero values: nothing.
type pacing struct {
	asked     time.Duration // Retry-After
	reset     time.Duration // until calls are counted anew
	exhausted time.Duration // until the reset, when no call remains
	least     time.Duration // that a refused caller waits, whatever was said
}

// wait is how long an answer asks to wait. The reset of the budget says something to a
// caller that has been throttled; it says nothing about when a failure will be over.
func (p pacing) wait(kind Kind) time.Duration {
	switch {
	case kind != KindThrottled && kind != KindUnavailable:
		return 0
	case p.asked > 0 || kind == KindUnavailable:
		return p.asked
	}
	return max(p.reset, p.least)
}

// within is the pacing of a vendor that counts calls in windows of this length: a
// refused caller waits for one at least. A reset that is further away than a window is
// long is of a unit that nobody documents, and means one window.
func (p pacing) within(window time.Duration) pacing {
	if window <= 0 {
		return p
	}
	p.reset, p.exhausted = min(p.reset, window), min(p.exhausted, window)
	if p.asked > 0 {
		p.asked = max(p.asked, window)
	}
	p.least = window
	return p
}

// Both families of rate headers, and the standard's draft. Header names are compared
// without case, so that "x-ratelimit-reset" is among them.
var (
	remainingHeaders = []string{"X-Rate-Limit-Remaining", "X-Ratelimit-Remaining", "Ratelimit-Remaining"}
	resetHeaders     = []string{"X-Rate-Limit-Reset", "X-Ratelimit-Reset", "Ratelimit-Reset"}
)

// readPacing reads Retry-After and the rate headers. Dates are taken relative to the
// answer's own Date, so that a wrong clock on either side does not matter.
func readPacing(h http.Header, now time.Time) pacing {
	resets := firstOf(h, resetHeaders)
	if resets == "" && h.Get("Retry-After") == "" {
		return pacing{}
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	reset := readReset(resets, now)
	p := pacing{asked: readRetryAfter(h.Get("Retry-After"), now), reset: reset}
	if reset > 0 {
		if remaining, err := strconv.ParseFloat(firstOf(h, remainingHeaders), 64); err == nil && remaining <= 0 {
			p.exhausted = min(reset, longestHint)
		}
	}
	return p
}

func firstOf(h http.Header, names []string) string {
	for _, name := range names {
		if value := strings.TrimSpace(h.Get(name)); value != "" {
			return value
		}
	}
	return ""
}

// readRetryAfter reads seconds or an HTTP date.
func readRetryAfter(value string, now time.Time) time.Duration {
	if value = strings.TrimSpace(value); value == "" {
		return 0
	}
	if at, err := http.ParseTime(value); err == nil {
		return bounded(at.Sub(now).Seconds())
	}
	return readSeconds(value)
}

// readReset reads seconds from now, seconds or milliseconds since 1970, or a date.
func readReset(value string, now time.Time) time.Duration {
	const aYearOrSo, centuries = 1e8, 1e11 // larger: since 1970, in seconds; in milliseconds
	if value == "" {
		return 0
	}
	if at, err := http.ParseTime(value); err == nil {
		return bounded(at.Sub(now).Seconds())
	}
	n, err := strconv.ParseFloat(value, 64)
	switch {
	case err != nil:
		return 0
	case n > centuries:
		return bounded(n/1000 - float64(now.UnixMilli())/1000)
	case n > aYearOrSo:
		return bounded(n - float64(now.UnixMilli())/1000)
	}
	return bounded(n)
}

func readSeconds(value string) time.Duration {
	n, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return 0
	}
	return bounded(n)
}

// bounded turns seconds into a duration between nothing and longestWait, rounded up
// to the millisecond.
func bounded(seconds float64) time.Duration {
	if math.IsNaN(seconds) || seconds <= 0 {
		return 0
	}
	if seconds >= longestWait.Seconds() {
		return longestWait
	}
	return time.Duration(math.Ceil(seconds*1000)) * time.Millisecond
}
