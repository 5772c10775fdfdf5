package planhatsim

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// limiter counts calls as the vendor does: a quota per minute, a hard limit per second, calls in flight.
// A limit of 0 or less does not limit.
type limiter struct {
	mu        sync.Mutex
	now       func() time.Time
	minute    time.Duration // of the quota
	perMinute int
	perSecond int
	inFlight  int

	running int
	recent  []time.Time // admitted calls of the last minute, oldest first
	opened  time.Time   // start of the fixed minute
}

// admit counts a call in. False means 429; release must be called in both cases.
func (l *limiter) admit(sw Switches, h http.Header) (ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.forget(now, sw.MinuteWindow == "fixed")
	l.running++
	over := l.inFlight > 0 && l.running > l.inFlight ||
		l.perSecond > 0 && l.since(now.Add(-time.Second)) >= l.perSecond ||
		l.perMinute > 0 && sw.MinuteLimit == "hard" && len(l.recent) >= l.perMinute
	if !over {
		l.recent = append(l.recent, now)
	}
	l.headers(sw, h, now, over)
	return !over
}

func (l *limiter) release() {
	l.mu.Lock()
	l.running--
	l.mu.Unlock()
}

func (l *limiter) forget(now time.Time, fixed bool) {
	if fixed {
		if now.Sub(l.opened) >= l.minute {
			l.opened, l.recent = now, nil
		}
		return
	}
	gone := 0
	for gone < len(l.recent) && now.Sub(l.recent[gone]) >= l.minute {
		gone++
	}
	l.recent = l.recent[gone:]
}

// since counts the calls after a moment.
func (l *limiter) since(from time.Time) int {
	n := 0
	for n < len(l.recent) && l.recent[len(l.recent)-1-n].After(from) {
		n++
	}
	return n
}

// reset is how long it takes until calls are possible again.
func (l *limiter) reset(sw Switches, now time.Time) time.Duration {
	switch {
	case len(l.recent) == 0:
		return 0
	case sw.MinuteWindow == "fixed":
		return l.minute - now.Sub(l.opened)
	}
	return l.minute - now.Sub(l.recent[0])
}

func (l *limiter) headers(sw Switches, h http.Header, now time.Time, over bool) {
	wait := l.reset(sw, now)
	quotaGone := l.perMinute > 0 && len(l.recent) >= l.perMinute
	if over && !quotaGone {
		wait = time.Second
	}
	seconds := int64((wait + time.Second - 1) / time.Second)
	if over && sw.RetryAfter != "absent" {
		h.Set("Retry-After", strconv.FormatInt(seconds, 10))
		if sw.RetryAfter == "date" {
			h.Set("Retry-After", now.Add(wait+time.Second).UTC().Format(http.TimeFormat))
		}
	}
	if l.perMinute <= 0 {
		return
	}
	remaining := strconv.Itoa(max(0, l.perMinute-len(l.recent)))
	if sw.RateHeaders == "both" || sw.RateHeaders == "dashed" {
		h.Set("X-Rate-Limit-Limit", strconv.Itoa(l.perMinute))
		h.Set("X-Rate-Limit-Remaining", remaining)
	}
	if sw.RateHeaders == "both" || sw.RateHeaders == "plain" {
		h.Set("X-Ratelimit-Limit", strconv.Itoa(l.perMinute))
		h.Set("X-Ratelimit-Remaining", remaining)
		if sw.RateReset == "epoch" {
			seconds += now.Unix()
		}
		h.Set("X-Ratelimit-Reset", strconv.FormatInt(seconds, 10))
	}
}
