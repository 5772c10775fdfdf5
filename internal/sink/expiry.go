package sink

import (
	"context"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/plan"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// A call may wait for long between being asked for and being sent: for the budget, or
// for a 429. So its last moment goes with it to the gate, which is passed right before
// each attempt.

type lastMoment struct{}

// inTime gives the gate the first notAfter of items that have not been sent.
func (e *executor) inTime(ctx context.Context, items []plan.Item) context.Context {
	var last *time.Time
	for _, i := range items {
		o := i.Orders[0] // a command with a deadline is never merged
		if c := e.batch[o.Seq]; o.NotAfter == nil || c.resumed || c.sent {
			continue
		}
		if last == nil || o.NotAfter.Before(*last) {
			last = o.NotAfter
		}
	}
	if last == nil {
		return ctx
	}
	return context.WithValue(ctx, lastMoment{}, *last)
}

// late tells whether a write may not be sent any more. One that may have taken effect
// is not given up as if it had not.
func late(ctx context.Context, call planhat.Call) bool {
	last, ok := ctx.Value(lastMoment{}).(time.Time)
	return ok && !call.Uncertain && time.Now().After(last)
}

// punctual ends a look-up with the notAfter of the get that it is for. Other operations
// may look longer: it is the write that has to be in time.
func (e *executor) punctual(i plan.Item, call func(context.Context) (int, error)) func(context.Context) (int, error) {
	last := i.Orders[0].NotAfter
	if i.Op != plan.Get || last == nil {
		return call
	}
	return func(ctx context.Context) (int, error) {
		if e.overdue(i) {
			return 0, errOverdue
		}
		ctx, cancel := context.WithDeadline(ctx, *last)
		defer cancel()
		attempts, err := call(ctx)
		if err != nil && e.overdue(i) || ctx.Err() != nil && err != nil {
			return attempts, errOverdue
		}
		return attempts, err
	}
}
