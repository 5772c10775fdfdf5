package rest

import "context"

// Priority orders the calls that wait in one lane.
type Priority int

// The priorities; the zero value is the normal one.
const (
	PriorityNormal Priority = 0
	PriorityHigh   Priority = 1
	PriorityLow    Priority = -1
)

type priorityKey struct{}

// WithPriority returns a context whose calls wait with that priority.
func WithPriority(ctx context.Context, p Priority) context.Context {
	return context.WithValue(ctx, priorityKey{}, p)
}

func priorityOf(ctx context.Context) Priority {
	p, _ := ctx.Value(priorityKey{}).(Priority)
	return p
}

// queueIndex is the place of a priority's queue, first served first.
func (p Priority) queueIndex() int {
	switch {
	case p > PriorityNormal:
		return 0
	case p < PriorityNormal:
		return 2
	}
	return 1
}
