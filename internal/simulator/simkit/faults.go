package simkit

import (
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Rule is what the faults of all vendors say: how often they happen, and to which requests.
type Rule struct {
	Kind        string
	Count       int     // how often; 0 = no end
	Skip        int     // matches to let pass first
	Probability float64 // 0 = 1
	Method      string  // "" = any
	Path        string  // prefix
	Ms          int
}

// Status is the HTTP status that a kind is; 0 for other kinds.
func (r Rule) Status() int {
	code, err := strconv.Atoi(r.Kind)
	if err != nil || code < 400 || code > 599 {
		return 0
	}
	return code
}

// Validate refuses numbers that mean nothing.
func (r Rule) Validate() error {
	if r.Count < 0 || r.Skip < 0 || r.Ms < 0 || r.Probability < 0 || r.Probability > 1 {
		return fmt.Errorf("add fault %s: count, skip, ms and probability must be in range", r.Kind)
	}
	return nil
}

// About tells whether a request has the rule's method and path.
func (r Rule) About(req *http.Request) bool {
	return (r.Method == "" || strings.EqualFold(r.Method, req.Method)) && strings.HasPrefix(req.URL.Path, r.Path)
}

// Wait is Ms.
func (r Rule) Wait() time.Duration { return time.Duration(r.Ms) * time.Millisecond }

// FaultList is the faults under way, asked in order, and how often each kind happened.
type FaultList[F any] struct {
	rule func(F) Rule

	mu       sync.Mutex
	rng      *rand.Rand
	faults   []*counted[F]
	injected map[string]int64
}

type counted[F any] struct {
	fault        F
	passed, used int
}

// NewFaultList makes an empty list of faults that say their rule.
func NewFaultList[F any](rng *rand.Rand, rule func(F) Rule) *FaultList[F] {
	return &FaultList[F]{rule: rule, rng: rng, injected: map[string]int64{}}
}

// Add adds a fault behind those under way.
func (l *FaultList[F]) Add(f F) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, &counted[F]{fault: f})
}

// Clear ends all faults.
func (l *FaultList[F]) Clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = nil
}

// Active lists the faults under way.
func (l *FaultList[F]) Active() []F {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := []F{}
	for _, c := range l.faults {
		out = append(out, c.fault)
	}
	return out
}

// Injected counts the faults that happened, by kind.
func (l *FaultList[F]) Injected() map[string]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.injected)
}

// Met walks the faults that fit and happen this time, with the randomness that they may use in the loop over them.
func (l *FaultList[F]) Met(fits func(F) bool) iter.Seq2[F, *rand.Rand] {
	return func(yield func(F, *rand.Rand) bool) {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, c := range l.faults {
			if fits(c.fault) && l.strikes(c) && !yield(c.fault, l.rng) {
				break
			}
		}
		l.faults = slices.DeleteFunc(l.faults, func(c *counted[F]) bool {
			most := l.rule(c.fault).Count
			return most > 0 && c.used >= most
		})
	}
}

func (l *FaultList[F]) strikes(c *counted[F]) bool {
	rule := l.rule(c.fault)
	if c.passed < rule.Skip {
		c.passed++
		return false
	}
	if rule.Probability > 0 && l.rng.Float64() >= rule.Probability {
		return false
	}
	c.used++
	l.injected[rule.Kind]++
	return true
}

// OfRequest gives how long a request is slowed down by faults of the kind slow, and the first other fault that it meets.
func (l *FaultList[F]) OfRequest(slow string, fits func(F) bool) (wait time.Duration, fault *F) {
	for f := range l.Met(func(f F) bool { return (fault == nil || l.rule(f).Kind == slow) && fits(f) }) {
		if rule := l.rule(f); rule.Kind == slow {
			wait += rule.Wait()
			continue
		}
		fault = &f
	}
	return wait, fault
}
