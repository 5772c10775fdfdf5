package planhat

import (
	"context"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/rest"
)

// BudgetOptions are the limits of a token; 0 does not limit.
type BudgetOptions struct {
	PerMinute int // calls in any minute, and the steady pace; Planhat's soft quota is 200
	PerSecond int // calls in any second; Planhat's hard limit is 150
	InFlight  int // calls sent and not yet answered; Planhat allows bursts of 50
	Burst     int // calls that may go at once after a quiet time, instead of at the pace; less than 1 is 1
}

// Budget is what one token may spend. All clients of the token share it through its
// lanes. It slows down when an answer says that nothing remains, and stops for all
// lanes until the moment that a 429 names.
type Budget struct{ budget *rest.Budget }

// Lane is a weighted share of a budget. What a lane leaves unused, the others get.
type Lane struct{ lane *rest.Lane }

// LaneStats counts what went through a lane.
type LaneStats struct {
	Granted  uint64        // calls handed out
	InFlight int           // of these, under way
	Waiting  int           // callers in the queue
	Waited   time.Duration // sum of the waits of calls handed out
}

// NewBudget returns a budget for one token.
func NewBudget(o BudgetOptions) *Budget {
	return &Budget{rest.NewBudget(rest.Limits{
		PerMinute: o.PerMinute, PerSecond: o.PerSecond, InFlight: o.InFlight, Burst: o.Burst,
	})}
}

// Lane returns the lane of that name, with its weight set anew. Lanes that wait at the
// same time are served in proportion to their weights; one that is not positive is 1.
func (b *Budget) Lane(name string, weight float64) *Lane {
	return &Lane{b.budget.Lane(name, weight)}
}

// StoppedUntil returns the moment until which Planhat asked this token to wait; zero
// or past: it does not wait.
func (b *Budget) StoppedUntil() time.Time { return b.budget.StoppedUntil() }

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
