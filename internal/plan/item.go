package plan

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// Item is one record's part of a call: one order, or several that were merged.
type Item struct {
	Orders []*Order // in the order of the batch
	Op     Op
	Spec   *planhat.Spec
	Target Target // empty for a create
	Fields Fields // the orders' fields, merged
}

func itemOf(o *Order) Item { return alone([]*Order{o}) }

// alone is the item of one order, in a slice of its own.
func alone(orders []*Order) Item {
	o := orders[0]
	return Item{Orders: orders, Op: o.Op, Spec: o.Spec, Target: o.Target, Fields: o.Fields}
}

// Merged tells whether the item stands for more than one order.
func (i Item) Merged() bool { return len(i.Orders) > 1 }

// Apart gives the item's orders back as items of their own, in order.
func (i Item) Apart() []Item {
	out := make([]Item, len(i.Orders))
	for n := range i.Orders {
		out[n] = alone(i.Orders[n : n+1 : n+1])
	}
	return out
}

// BulkBody is the item as an element of a bulk call: its fields and the key
// that the vendor shall match it by.
func (i Item) BulkBody() json.RawMessage {
	key := i.Spec.KeyField(i.Target.Key)
	if i.Fields.Has(key) {
		return i.Fields.WithText(key, i.Target.Value).JSON()
	}
	out := i.Fields.append(make([]byte, 0, i.bulkSize()+8))
	out = out[:len(out)-1] // the closing brace
	if len(i.Fields) > 0 {
		out = append(out, ',')
	}
	out = append(appendQuoted(out, key), ':')
	return append(appendQuoted(out, i.Target.Value), '}')
}

func (i Item) bulkSize() int { return i.Fields.size() + len(i.Target.Key) + len(i.Target.Value) + 8 }

// CreateBody is the body of a POST: the item's fields and, for an upsert, the
// key that it goes by.
func (i Item) CreateBody() json.RawMessage {
	fields := i.Fields
	if i.Op == Upsert {
		fields = fields.WithText(i.Spec.KeyField(i.Target.Key), i.Target.Value)
		if i.Spec.Type != "" {
			fields = fields.WithText(typeField, i.Spec.Type)
		}
	}
	return fields.JSON()
}

// protected tells whether sending the item in bulk cannot create a record: the
// vendor inserts an item that matches nothing if it has what a new record
// needs, and an update never creates.
func (i Item) protected() bool { return !i.complete(i.Fields) }

// Renames tells whether the item changes the key that it goes by: afterwards
// its record is no longer found under the target.
func (i Item) Renames() bool {
	raw := i.Fields.Get(i.Spec.KeyField(i.Target.Key))
	if i.Target.Key == "" || raw == nil {
		return false
	}
	value, _ := text(raw)
	return value != i.Target.Value
}

// direct tells whether the vendor's matching order picks the item's target:
// no key before it may be among the fields. By some keys nobody knows whether it picks
// anything.
func (i Item) direct() bool {
	if slices.Contains(i.Spec.Unmatched, i.Target.Key) {
		return false
	}
	for _, k := range i.Spec.Keys {
		if k == i.Target.Key {
			return true
		}
		if i.Fields.Has(i.Spec.KeyField(k)) {
			return false
		}
	}
	return false
}

// complete tells whether an item with these fields has what a new record needs.
func (i Item) complete(fields Fields) bool {
	key := i.Spec.KeyField(i.Target.Key)
	for _, group := range i.Spec.Required {
		if !hasOne(fields, group) && !slices.Contains(group, key) {
			return false
		}
	}
	return true
}

// merge joins neighbours of a chain that update, or upsert, one target. A value
// that a later neighbour replaces is never sent, so the vendor cannot refuse
// it; whoever wants every value sent sets coalesce to false.
func merge(chain []*Order, limits Limits) []Item {
	var out []Item
	for at, o := range chain {
		if n := len(out) - 1; n >= 0 && joins(out[n], o) {
			merged := out[n].Fields.Over(o.Fields)
			if merged.size() <= limits.Bytes && keepsOutcome(out[n], o, merged) {
				out[n].Orders = append(out[n].Orders, o)
				out[n].Fields = merged
				continue
			}
		}
		out = append(out, alone(chain[at:at+1:at+1]))
	}
	return out
}

func joins(i Item, o *Order) bool {
	return i.Op == o.Op && i.Spec.Object == o.Spec.Object && o.mergeable() && i.Orders[0].mergeable() && !i.Renames() &&
		identityOf(i.Spec.Object, i.Target) == identityOf(o.Spec.Object, o.Target)
}

// keepsOutcome tells whether the vendor's answer to the merged fields is that
// to one call each, as far as can be foreseen. It would not be if an upsert
// that is too little for a new record were completed by the next one, or if a
// key that may clash, or a reference that may lead nowhere, were replaced by
// one that does not.
func keepsOutcome(i Item, o *Order, merged Fields) bool {
	if i.Op == Upsert && !i.complete(i.Fields) && i.complete(merged) {
		return false
	}
	for _, was := range i.Fields {
		if !isKeyField(i.Spec, was.Name) && tables[i.Spec.Object].fields[was.Name].Ref == "" {
			continue
		}
		if now := o.Fields.Get(was.Name); now != nil && !bytes.Equal(was.Raw, now) {
			return false
		}
	}
	return true
}
