package rig

import (
	"fmt"
	"sync"
)

// Tally counts what was done to processes. It is safe for concurrent use.
type Tally struct {
	mu                            sync.Mutex
	kills                         map[string]int // by how
	starts, drained, frozen, away int
	atWork                        int // kills while the vendor was being asked
}

// Kills is how many processes were killed, by how: a point's name, "at random",
// "together with others".
func (t *Tally) Kills() (sum int, by map[string]int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	by = map[string]int{}
	for how, n := range t.kills {
		by[how] = n
		sum += n
	}
	return sum, by
}

// String is the tally in a line.
func (t *Tally) String() string {
	sum, by := t.Kills()
	t.mu.Lock()
	defer t.mu.Unlock()
	return fmt.Sprintf("%d killed (%d of them at random moments, %d with all replicas, %d while the bridge was at work), %d started, %d drained, %d stopped for longer than a session, %d left away for so long",
		sum, by[atRandom], by[together], t.atWork, t.starts, t.drained, t.frozen, t.away)
}

const (
	atRandom = "at random"
	together = "with all replicas"
)

func (t *Tally) killed(how string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kills == nil {
		t.kills = map[string]int{}
	}
	t.kills[how]++
}

func (t *Tally) count(n *int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	*n++
}
