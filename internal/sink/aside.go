package sink

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/plan"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// aside holds the commands whose schema nobody can be asked for, and those that come behind
// them with the same Kafka key: they wait for the registry, and the others do not wait for
// them. Their positions stand. Only the goroutine that reads commands uses it.
type aside struct {
	waiting []*command // in the order in which they were read
	bytes   int
	keys    map[string]int // of waiting
	asked   time.Time      // when the registry was last asked in vain
}

// Bounds of what waits aside, and of what is answered behind it; above them all wait.
const (
	asideMost  = 1000
	asideBytes = 8 << 20
	aheadMost  = 20_000
	// askPatience bounds a question to a registry that was not known to be away.
	askPatience = 2 * time.Second
)

func (a *aside) add(c *command) {
	if a.keys == nil {
		a.keys = map[string]int{}
	}
	a.waiting = append(a.waiting, c)
	a.bytes += size(c.record)
	a.keys[string(c.record.Key)]++
}

// behind tells whether a command has to wait for one that does.
func (a *aside) behind(c *command) bool {
	return c.record.Key != nil && a.keys[string(c.record.Key)] > 0
}

// full tells whether no more may be read before the registry answers.
func (a *aside) full(p positions) bool {
	if len(a.waiting) == 0 {
		return false
	}
	ahead := 0
	for _, offsets := range p.Ahead {
		ahead += len(offsets)
	}
	return len(a.waiting) >= asideMost || a.bytes >= asideBytes || ahead >= aheadMost
}

// mustAsk tells whether the registry, which is away, would have to be asked for a command.
func (a *aside) mustAsk(c *command, r schemas.Resolver) bool {
	return !a.asked.IsZero() && asks(c, r)
}

// asks tells whether the registry has to be asked for the schema of a command.
func asks(c *command, r schemas.Resolver) bool {
	id, framed := schemas.WireID(c.record.Value)
	return framed && !schemas.Knows(r, id)
}

// setAside lets a command wait for the registry.
func (w *workspace) setAside(c *command) {
	if len(w.aside.waiting) == 0 {
		w.log.Warn("commands wait for the schema registry: it cannot be asked for their schema", "workspace", w.cfg.Name)
	}
	c.record = apart(c.record)
	w.aside.add(c)
	w.positionMu.Lock()
	defer w.positionMu.Unlock()
	w.overtaken = append(w.overtaken, c)
}

// apart is a record in memory of its own: one that waits would keep all that was fetched
// with it.
func apart(r *kgo.Record) *kgo.Record {
	own := *r
	own.Key, own.Value, own.Headers = bytes.Clone(r.Key), bytes.Clone(r.Value), slices.Clone(r.Headers)
	for n := range own.Headers {
		own.Headers[n].Value = bytes.Clone(own.Headers[n].Value)
	}
	return &own
}

// barriers are the places of the first commands that were put aside and are not answered.
func (w *workspace) barriers() map[int32]int64 {
	w.positionMu.Lock()
	defer w.positionMu.Unlock()
	w.overtaken = slices.DeleteFunc(w.overtaken, func(c *command) bool { return c.answered })
	out := map[int32]int64{}
	for _, c := range w.overtaken {
		if first, ok := out[c.record.Partition]; !ok || c.record.Offset < first {
			out[c.record.Partition] = c.record.Offset
		}
	}
	return out
}

// fetched gives back what waited aside and need not wait any more, in order. It asks for
// the schema of the first, and once that is answered for the others.
func (w *workspace) fetched(ctx context.Context) ([]*command, error) {
	if len(w.aside.waiting) == 0 || time.Since(w.aside.asked) < w.times.Retry {
		return nil, nil
	}
	first := w.aside.waiting[0]
	if ready, err := w.form(ctx, first); err != nil || !ready {
		return nil, err
	}
	before := w.aside.waiting[1:]
	w.aside = aside{}
	out := []*command{first}
	for _, c := range before {
		ready, err := w.ready(ctx, c)
		if err != nil {
			return nil, err
		}
		if ready {
			out = append(out, c)
		} else {
			w.aside.add(c)
		}
	}
	if len(w.aside.waiting) == 0 {
		w.log.Info("the schema registry answers again", "workspace", w.cfg.Name)
	}
	return out, nil
}

// ready reads a command, unless it has to wait: for the registry, or for another command.
func (w *workspace) ready(ctx context.Context, c *command) (bool, error) {
	if w.aside.behind(c) || w.aside.mustAsk(c, w.resolver) {
		return false, nil
	}
	return w.form(ctx, c)
}

// form decodes a command and checks it; false: the registry cannot be asked for its schema.
// The error is that of ctx.
func (w *workspace) form(ctx context.Context, c *command) (bool, error) {
	asking := ctx
	if asks(c, w.resolver) {
		var cancel context.CancelFunc
		asking, cancel = context.WithTimeout(ctx, askPatience)
		defer cancel()
	}
	var problem *schemas.Problem
	c.cmd, problem = schemas.DecodeCommand(asking, c.record.Value, w.resolver)
	if c.cmd.ID == "" {
		c.cmd.ID = DerivedID(c.record.Topic, c.record.Partition, c.record.Offset)
	}
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case problem == nil:
		w.check(ctx, c, time.Now())
	case problem.Wait:
		w.aside.asked = time.Now()
		return false, nil
	default:
		c.refuse(&plan.Refusal{Status: schemas.StatusRejected, Code: problem.Code, Message: problem.Message, Remedy: problem.Remedy})
	}
	return true, nil
}
