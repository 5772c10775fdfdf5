package rig

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// Calls remembers when the vendor was asked for something.
type Calls struct {
	mu sync.Mutex
	at []time.Time
}

// WatchCalls begins to remember.
func (r *Rig) WatchCalls() *Calls { return r.watch(func(*http.Request) bool { return true }) }

// WatchWrites is WatchCalls for calls that write.
func (r *Rig) WatchWrites() *Calls {
	return r.watch(func(req *http.Request) bool { return req.Method != http.MethodGet })
}

func (r *Rig) watch(counts func(*http.Request) bool) *Calls {
	c := &Calls{}
	r.vendor.OnRequest(func(req *http.Request) {
		if counts(req) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.at = append(c.at, time.Now())
		}
	})
	return c
}

// Count is how many there were.
func (c *Calls) Count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.at)
}

// FirstAfter waits for the first call after a moment, and gives how much later
// it came.
func (c *Calls) FirstAfter(t *testing.T, moment time.Time, limit time.Duration) time.Duration {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := moment.Add(limit); ; <-tick.C {
		if at, ok := c.after(moment); ok {
			return at.Sub(moment)
		}
		if time.Now().After(deadline) {
			t.Fatalf("no call within %s", limit)
		}
	}
}

func (c *Calls) after(moment time.Time) (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, _ := slices.BinarySearchFunc(c.at, moment.Add(1), time.Time.Compare)
	if i == len(c.at) {
		return time.Time{}, false
	}
	return c.at[i], true
}

// lately reports whether there was a call within the last moments.
func (c *Calls) lately(d time.Duration) bool {
	_, ok := c.after(time.Now().Add(-d))
	return ok
}

// LongestPause is the longest time without a call since a moment: as long as
// nobody worked, or less.
func (c *Calls) LongestPause(since time.Time) (longest time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := since
	for _, at := range append(c.at, time.Now()) {
		if at.After(since) {
			longest, last = max(longest, at.Sub(last)), at
		}
	}
	return longest
}

// Writes counts the writes of records that the vendor took from the API: of a bulk call
// each item.
func (r *Rig) Writes() (n int) {
	entries, _ := r.Stage.Simulator.Journal(0)
	for _, e := range entries {
		if e.Via == "api" {
			n++
		}
	}
	return n
}
