package foresight

import (
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/plan"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// Command is one command as the sink would read it.
type Command struct {
	Command schemas.Command
	Problem *schemas.Problem // why it is none
	Key     string           // the Kafka key
	Keyed   bool
}

// Call is a call that the sink would make of a batch.
type Call struct {
	Batch, Number, Stage int // from 1
	Way                  plan.Way
	Object               planhat.Object
	Key                  planhat.Key // that the items of a bulk call are matched by
	Items, Commands      int
	Lookups              int // calls before it, at least
}

// Calls is how many calls it takes, at least.
func (c Call) Calls() int { return 1 + c.Lookups }

// Foresight is what commands would do.
type Foresight struct {
	Forecasts []Forecast // of each command, in their order
	Calls     []Call
	Batches   int
}

// Options of a foresight.
type Options struct {
	Now    time.Time
	Custom func(planhat.Object) (plan.CustomFields, bool) // nil: names are not checked
	Batch  int                                            // commands that the sink takes at once
}

// Checked are commands that were held to the objects table.
type Checked struct {
	commands []Command
	orders   []*plan.Order // nil for one that is refused
	refusals []*plan.Refusal
	opts     Options
}

// Check holds commands to the objects table and asks the mirror for the records
// that they name.
func Check(commands []Command, m *Mirror, opts Options) *Checked {
	out := &Checked{commands, make([]*plan.Order, len(commands)), make([]*plan.Refusal, len(commands)), opts}
	for n, c := range commands {
		if p := c.Problem; p != nil {
			out.refusals[n] = &plan.Refusal{Status: schemas.StatusRejected, Code: p.Code, Message: p.Message, Remedy: p.Remedy}
			continue
		}
		order, refusal := plan.Check(c.Command, plan.Rules{Now: opts.Now, Custom: opts.Custom})
		if out.refusals[n] = refusal; refusal != nil {
			continue
		}
		if c.Keyed {
			order.Chain = "k" + c.Key
		}
		out.orders[n] = &order
		m.Want(&order)
	}
	return out
}

// Foresee plans the commands in batches, as the sink would that finds them all
// waiting, and foretells each in the order in which the plan is carried out.
func (c *Checked) Foresee(m *Mirror) Foresight {
	out := Foresight{Forecasts: make([]Forecast, len(c.commands))}
	for n, refusal := range c.refusals {
		if refusal != nil {
			out.Forecasts[n] = Forecast{Status: refusal.Status, Effect: schemas.EffectNone, Refusal: refusal}
		}
	}
	size := max(c.opts.Batch, 1)
	for start := 0; start < len(c.commands); start += size {
		out.Batches++
		c.batch(start, min(start+size, len(c.commands)), m, &out)
	}
	return out
}

// batch foretells the commands from start to end.
func (c *Checked) batch(start, end int, m *Mirror, out *Foresight) {
	var orders []*plan.Order
	for n := start; n < end; n++ {
		out.Forecasts[n].Batch = out.Batches
		if c.orders[n] != nil {
			c.orders[n].Seq = n
			orders = append(orders, c.orders[n])
		}
	}
	s, number := seer{m, c.opts.Now}, 0
	for stage, calls := range plan.Build(orders, plan.Limits{}) {
		for _, call := range calls {
			number++
			described := Call{Batch: out.Batches, Number: number, Stage: stage + 1, Way: call.Way, Object: call.Spec.Object, Key: call.Key, Items: len(call.Items)}
			for _, item := range call.Items {
				described.Commands += len(item.Orders)
				described.Lookups += lookups(call.Way, item)
				s.item(item, out, number)
			}
			out.Calls = append(out.Calls, described)
		}
	}
}

// item foretells the orders of an item one by one: merging changes no outcome.
func (s seer) item(item plan.Item, out *Foresight, call int) {
	for _, one := range item.Apart() {
		n := one.Orders[0].Seq
		f := s.foretell(one)
		f.Batch, f.Call, f.Merged = out.Forecasts[n].Batch, call, len(item.Orders)
		out.Forecasts[n] = f
	}
}

// lookups counts the calls that must come before an item's own.
func lookups(way plan.Way, i plan.Item) int {
	n := 0
	switch way {
	case plan.Resolve:
		n = 1
	case plan.Put:
		if i.Target.Key == planhat.KeyEmail || i.Renames() || i.Orders[0].Since != nil || i.Spec.Shared() {
			n = 1
		}
	case plan.Remove:
		if i.Target.Key != planhat.KeyID || i.Orders[0].Since != nil || i.Spec.Shared() {
			n = 1
		}
	case plan.Bulk, plan.Post, plan.Read:
	}
	if len(i.Unspelled()) > 0 {
		n++
	}
	return n
}
