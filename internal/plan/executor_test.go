package plan

import (
	"encoding/json"
	"math/rand/v2"
	"slices"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

func sorted(s []string) []string { slices.Sort(s); return s }

// How a command can end.
const (
	isCreated   = "CREATED"
	isUpdated   = "UPDATED"
	isUnchanged = "UNCHANGED"
	isWritten   = "UPDATED or UNCHANGED"
	isDeleted   = "DELETED"
	isGone      = "GONE"
	isRead      = "READ"
	isMissing   = "MISSING"
	isRefused   = "REFUSED"
	isConflict  = "CONFLICT"
	isExpired   = "EXPIRED"
)

// executor carries a plan out on the model vendor in the way the product's
// shell does, without its waits.
type executor struct {
	v       *vendor
	late    map[int]bool // the commands whose deadline has passed when they are reached
	results map[int]string
	doubted int
}

// execute carries out the calls of each stage in any order. Of an object whose records
// refer to each other they stay as they are: only the first command that should bring a
// record is waited for.
func execute(v *vendor, stages []Stage, late map[int]bool, chance *rand.Rand) *executor {
	e := &executor{v: v, late: late, results: map[int]string{}}
	for _, stage := range stages {
		order := chance.Perm(len(stage))
		if tables[stage[0].Spec.Object].peers {
			slices.Sort(order)
		}
		for _, n := range order {
			e.call(stage[n])
		}
	}
	return e
}

func (e *executor) set(i Item, result string) {
	for n, o := range i.Orders {
		if _, twice := e.results[o.Seq]; twice {
			panic("a second result")
		}
		e.results[o.Seq] = result
		if i.Merged() && (result != isCreated || n > 0) {
			e.results[o.Seq] = isWritten
		}
	}
}

func (e *executor) call(c Call) {
	var items []Item
	for _, i := range c.Items {
		if e.late[i.Orders[0].Seq] && i.Orders[0].NotAfter != nil {
			e.set(i, isExpired)
			continue
		}
		items = append(items, i)
	}
	switch c.Items = items; {
	case len(items) == 0:
	case c.Way == Bulk:
		e.bulk(c)
	default:
		item := items[0]
		if result := e.single(c.Way, item); result != isRefused && result != isMissing {
			e.set(item, result)
		} else {
			e.refused(item, result)
		}
	}
}

func (e *executor) refused(i Item, result string) {
	if !i.Merged() {
		e.set(i, result)
		return
	}
	for _, one := range i.Apart() {
		e.call(Single(one))
	}
}

// spelled is the item with the references that no call takes as ids; false if one of
// them leads nowhere.
func (e *executor) spelled(i Item, all bool) (Item, bool) {
	for _, ref := range References(i.Spec, i.Fields) {
		if !ref.unsendable() && (!all || !ref.Prefixed) {
			continue
		}
		r := e.v.find(&tables[ref.Object].spec, ref.Target)
		if r == nil {
			return i, false
		}
		i.Fields = i.Fields.Refer(ref, r.id)
	}
	return i, true
}

func (e *executor) bulk(c Call) {
	var bodies []json.RawMessage
	var items, dangling []Item
	for _, i := range c.Items {
		if sendable, ok := e.spelled(i, false); ok {
			items, bodies = append(items, i), append(bodies, sendable.BulkBody())
		} else {
			dangling = append(dangling, i)
		}
	}
	if c.Items = items; len(items) > 0 {
		e.settle(c, e.v.bulk(c.Spec, bodies))
	}
	for _, i := range dangling {
		e.refused(i, isRefused)
	}
}

func (e *executor) settle(c Call, answer planhat.BulkAnswer) {
	var again []Item
	for n, verdict := range Attribute(c, answer) {
		item := c.Items[n]
		if verdict.Outcome == Look {
			id := ""
			if r := e.seek(item); r != nil {
				id = r.id
			}
			verdict = Settle(c, answer, id)
		}
		switch verdict.Outcome {
		case Created:
			e.set(item, isCreated)
		case Updated:
			e.set(item, isUpdated)
		case Unchanged:
			if e.set(item, isUnchanged); item.Doubt {
				e.doubt(item)
			}
		case Again:
			item.Doubt = item.Doubt || verdict.Doubt
			again = append(again, item)
		case Alone:
			e.call(Single(item))
		default:
			e.refused(item, isRefused)
		}
	}
	e.again(c, again)
}

// doubt takes back what is said of an item that may have been written before.
func (e *executor) doubt(i Item) {
	e.doubted++
	for _, o := range i.Orders {
		e.results[o.Seq] = ""
	}
}

func (e *executor) again(c Call, items []Item) {
	switch {
	case len(items) == 0:
	case len(c.Items) == 1 && Single(items[0]).Way == Bulk:
		e.unexplained(items[0])
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

// unexplained ends an item that was sent alone and of which nothing is said.
func (e *executor) unexplained(i Item) {
	if r := e.seek(i); r != nil {
		i, _ := e.spelled(i, true)
		if differing, err := Differences(must(json.Marshal(r.fields)), i); err == nil && len(differing) == 0 {
			e.set(i, isUnchanged)
			e.doubt(i)
			return
		}
	}
	e.refused(i, isRefused)
}

// seek looks an item's record up; for an upsert, within the company that it names.
func (e *executor) seek(i Item) *record {
	company := ""
	if i.Op == Upsert && i.Target.Key == planhat.KeyExternalID && i.Spec.Object != planhat.Company {
		for _, ref := range References(i.Spec, i.Fields) {
			if ref.Field == i.Spec.CompanyField {
				r := e.v.find(&tables[ref.Object].spec, ref.Target)
				if r == nil {
					return nil
				}
				company = r.id
			}
		}
	}
	return e.v.findIn(i.Spec, i.Target, company)
}

func (e *executor) single(way Way, i Item) string {
	e.v.calls++
	if way == Post {
		return e.post(i)
	}
	r := e.seek(i)
	if r != nil && i.Orders[0].Since != nil && r.touched {
		return isConflict
	}
	switch {
	case way == Resolve && r == nil:
		return e.post(i)
	case way == Put && r == nil:
		return isMissing
	case way == Put || way == Resolve:
		return e.put(i, r)
	case way == Remove && r == nil:
		return isGone
	case way == Remove:
		e.v.remove(r)
		return isDeleted
	case r == nil:
		return isMissing
	}
	return isRead
}

func (e *executor) put(i Item, r *record) string {
	i, ok := e.spelled(i, true)
	if !ok {
		return isRefused
	}
	body, err := e.v.read(i.Spec, i.Fields.JSON(), false)
	if err != nil {
		return isRefused
	}
	changed, err := e.v.update(i.Spec, r, body)
	switch {
	case err != nil:
		return isRefused
	case changed:
		return isUpdated
	}
	return isUnchanged
}

func (e *executor) post(i Item) string {
	i, ok := e.spelled(i, false)
	if !ok {
		return isRefused
	}
	body, err := e.v.read(i.Spec, i.CreateBody(), true)
	if err == nil {
		_, err = e.v.create(i.Spec, "", body)
	}
	if err != nil {
		return isRefused
	}
	return isCreated
}

// oneByOne is what the plan must amount to: every order by itself, by the meaning of
// its operation, in the order given.
func oneByOne(v *vendor, orders []*Order, late map[int]bool) map[int]string {
	e := &executor{v: v, results: map[int]string{}}
	for _, o := range orders {
		if late[o.Seq] && o.NotAfter != nil {
			e.results[o.Seq] = isExpired
			continue
		}
		way := map[Op]Way{Create: Post, Update: Put, Upsert: Resolve, Delete: Remove, Get: Read}[o.Op]
		e.results[o.Seq] = e.single(way, itemOf(o))
	}
	return e.results
}
