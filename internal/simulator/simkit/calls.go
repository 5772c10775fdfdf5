package simkit

import (
	"maps"
	"sync"
	"time"
)

// Call is one request of the API as it was answered.
type Call struct {
	N      int64     `json:"n"` // in order of arrival
	At     time.Time `json:"at"`
	Method string    `json:"method"`
	Path   string    `json:"path"`
	Query  string    `json:"query,omitempty"`
	Status int       `json:"status"`          // 0 = no answer was given
	Fault  string    `json:"fault,omitempty"` // kind of the injected fault
	Items  int       `json:"items"`           // rows of a listing, items of a bulk upsert
}

const keptCalls = 10000

// CallLog keeps the last calls, and counts all of them by method and path template. The zero value is empty.
type CallLog struct {
	mu      sync.Mutex
	last    int64
	ring    []Call
	oldest  int
	perPath map[string]int64
}

// Begin numbers a call and counts it under its path template.
func (c *CallLog) Begin(method, template string) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.perPath == nil {
		c.perPath = map[string]int64{}
	}
	c.last++
	c.perPath[method+" "+template]++
	return c.last
}

// End keeps a call that was answered.
func (c *CallLog) End(call Call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ring) < keptCalls {
		c.ring = append(c.ring, call)
		return
	}
	c.ring[c.oldest] = call
	c.oldest = (c.oldest + 1) % keptCalls
}

// Snapshot gives the kept calls, oldest first, and the counters.
func (c *CallLog) Snapshot() ([]Call, map[string]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := append(append([]Call{}, c.ring[c.oldest:]...), c.ring[:c.oldest]...)
	counts := make(map[string]int64, len(c.perPath))
	maps.Copy(counts, c.perPath)
	return calls, counts
}
