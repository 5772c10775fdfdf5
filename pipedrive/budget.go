package pipedrive

import (
	"context"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/rest"
)

// DefaultRequestsPer2s is the limit of the smallest plan; others have 40, 100 and 120.
const DefaultRequestsPer2s = 20

// window is the span in which Pipedrive counts calls of a token, by its documentation.
const window = 2 * time.Second

// BudgetOptions are the limits of a token; 0 does not limit.
type BudgetOptions struct {
	RequestsPer2s int // calls in any two seconds
	InFlight      int // calls sent and not yet answered
}

// Budget is what one token may spend. All clients of the token share it through its
// lanes. It stops for all of them until the moment that a 429 names, and keeps their
// [Usage].
type Budget struct {
	budget *rest.Budget
	meter  *meter
}

// Lane is a weighted share of a budget. What a lane leaves unused, the others get.
type Lane struct {
	lane  *rest.Lane
	meter *meter
}

// LaneStats counts what went through a lane.
type LaneStats struct {
	Granted  uint64        // calls handed out
	InFlight int           // of these, under way
	Waiting  int           // callers in the queue
	Waited   time.Duration // sum of the waits of calls handed out
}

// NewBudget returns a budget for one token.
func NewBudget(o BudgetOptions) *Budget {
	return &Budget{rest.NewBudget(rest.Limits{PerWindow: o.RequestsPer2s, Window: window, InFlight: o.InFlight}), newMeter()}
}

// Lane returns the lane of that name, with its weight set anew. Lanes that wait at the
// same time are served in proportion to their weights; one that is not positive is 1.
func (b *Budget) Lane(name string, weight float64) *Lane {
	return &Lane{b.budget.Lane(name, weight), b.meter}
}

// StoppedUntil returns the moment until which Pipedrive asked this token to wait; zero
// or past: it does not wait.
func (b *Budget) StoppedUntil() time.Time { return b.budget.StoppedUntil() }

// Usage returns what the calls of this budget have cost, and what is left.
func (b *Budget) Usage() Usage { return b.meter.usage() }

// Stats returns the lane's counters.
func (l *Lane) Stats() LaneStats { return LaneStats(l.lane.Stats()) }

// Priority orders the calls that wait in one lane.
type Priority int

// The priorities; the zero value is the normal one.
const (
	PriorityNormal = Priority(rest.PriorityNormal)
	PriorityHigh   = Priority(rest.PriorityHigh)
	PriorityLow    = Priority(rest.PriorityLow)
)

// WithPriority returns a context whose calls wait with that priority: within a lane
// higher goes first, equals in the order of their coming.
func WithPriority(ctx context.Context, p Priority) context.Context {
	return rest.WithPriority(ctx, rest.Priority(p))
}
