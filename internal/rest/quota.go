package rest

import (
	"net/http"
	"strconv"
	"time"
)

// Quota is what the headers of an answer say about the calls of a token.
type Quota struct {
	Limit     int           // calls in a window; -1: not said
	Remaining int           // of these, left; -1: not said
	Reset     time.Duration // until the window ends; 0: not said
}

var limitHeaders = []string{"X-Rate-Limit-Limit", "X-Ratelimit-Limit", "Ratelimit-Limit"}

// ReadQuota reads the rate headers. now is used where the answer has no Date.
func ReadQuota(h http.Header, now time.Time) Quota {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return Quota{
		Limit:     readCount(firstOf(h, limitHeaders)),
		Remaining: readCount(firstOf(h, remainingHeaders)),
		Reset:     readReset(firstOf(h, resetHeaders), now),
	}
}

// readCount reads a number of calls; -1: there is none.
func readCount(value string) int {
	n, err := strconv.ParseFloat(value, 64)
	if err != nil || !(n >= 0 && n < 1e9) {
		return -1
	}
	return int(n)
}
