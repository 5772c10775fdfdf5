package plan

import (
	"encoding/json"
	"slices"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

func sorted(s []string) []string { slices.Sort(s); return s }

// executor carries a plan out on the model vendor in the way the product's
// shell does, without its waits.
type executor struct {
	v       *vendor
	results map[int]string // Seq -> "CREATED", "UPDATED", "UNCHANGED", "DELETED", "READ", "REFUSED", "MISSING"
}

func execute(v *vendor, stages []Stage) map[int]string {
	e := &executor{v: v, results: map[int]string{}}
	for _, stage := range stages {
		for _, call := range stage {
			e.call(call)
		}
	}
	return e.results
}

func (e *executor) set(i Item, result string) {
	for _, o := range i.Orders {
		if _, twice := e.results[o.Seq]; twice {
			panic("a second result")
		}
		e.results[o.Seq] = result
	}
}

func (e *executor) call(c Call) {
	if c.Way == Bulk {
		e.bulk(c)
		return
	}
	item := c.Items[0]
	result := e.single(c.Way, item)
	if (result == "REFUSED" || result == "MISSING") && item.Merged() {
		e.apart(item)
		return
	}
	e.set(item, result)
}

func (e *executor) apart(i Item) {
	for _, one := range i.Apart() {
		e.call(Single(one))
	}
}

func (e *executor) bulk(c Call) {
	bodies := make([]json.RawMessage, len(c.Items))
	for n, i := range c.Items {
		bodies[n] = i.BulkBody()
	}
	answer := e.v.bulk(c.Spec, bodies)
	var again []Item
	for n, verdict := range Attribute(c, answer) {
		item := c.Items[n]
		if verdict.Outcome == Look {
			id := ""
			if r := e.v.find(c.Spec, item.Target); r != nil {
				id = r.id
			}
			verdict = Settle(c, answer, id)
		}
		switch verdict.Outcome {
		case Created:
			e.set(item, "CREATED")
		case Updated:
			e.set(item, "UPDATED")
		case Unchanged:
			e.set(item, "UNCHANGED")
		case Again:
			again = append(again, item)
		case Alone:
			e.call(Single(item))
		default:
			e.refused(item)
		}
	}
	e.again(c, again)
}

func (e *executor) refused(item Item) {
	if item.Merged() {
		e.apart(item)
		return
	}
	e.set(item, "REFUSED")
}

func (e *executor) again(c Call, items []Item) {
	switch {
	case len(items) == 0:
	case len(c.Items) == 1:
		e.refused(items[0]) // dropped without a word
	case len(items) == 1:
		e.call(Single(items[0]))
	case len(items) < len(c.Items):
		e.call(Call{Way: Bulk, Spec: c.Spec, Key: c.Key, Items: items})
	default:
		half := len(items) / 2
		e.again(c, items[:half])
		e.again(c, items[half:])
	}
}

func (e *executor) single(way Way, i Item) string {
	e.v.calls++
	r := (*record)(nil)
	if i.Target.Key != "" {
		r = e.v.find(i.Spec, i.Target)
	}
	switch way {
	case Put:
		return e.put(i, r)
	case Post:
		return e.post(i)
	case Resolve:
		if r == nil {
			return e.post(i)
		}
		return e.put(i, r)
	case Remove:
		if r == nil {
			return "UNCHANGED"
		}
		e.v.remove(r)
		return "DELETED"
	default:
		if r == nil {
			return "MISSING"
		}
		return "READ"
	}
}

func (e *executor) put(i Item, r *record) string {
	if r == nil {
		return "MISSING"
	}
	changed, err := e.v.update(i.Spec, r, i.Fields.JSON())
	switch {
	case err != nil:
		return "REFUSED"
	case changed:
		return "UPDATED"
	}
	return "UNCHANGED"
}

func (e *executor) post(i Item) string {
	if _, err := e.v.create(i.Spec, i.CreateBody()); err != nil {
		return "REFUSED"
	}
	return "CREATED"
}

// oneByOne is what the plan must amount to: every order by itself, in the
// order of the batch, by the meaning of its operation.
func oneByOne(v *vendor, orders []*Order) map[int]string {
	e := &executor{v: v, results: map[int]string{}}
	for _, o := range orders {
		i := itemOf(o)
		way := map[Op]Way{Create: Post, Update: Put, Upsert: Resolve, Delete: Remove, Get: Read}[o.Op]
		e.set(i, e.single(way, i))
	}
	return e.results
}

var _ = planhat.KeyID
