package plan

import (
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
	// Doubt: an earlier call may have written the item, and nobody can tell. If
	// the next finds nothing to change, that may be the earlier one's doing.
	Doubt bool
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
		out[n].Doubt = i.Doubt
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

// complete tells whether an item with these fields may have what a new record needs:
// nobody documents what the vendor makes of an empty text.
func (i Item) complete(fields Fields) bool {
	return i.has(func(group []string) bool { return hasOne(fields, group) })
}

// creates tells whether an upsert surely has what a new record needs.
func (i Item) creates() bool {
	return i.has(func(group []string) bool {
		return slices.ContainsFunc(group, func(name string) bool {
			raw := i.Fields.Get(name)
			return raw != nil && !isNull(raw) && string(raw) != `""`
		})
	})
}

// has tells whether an item has one of each group of what a new record needs.
func (i Item) has(one func(group []string) bool) bool {
	key := i.Spec.KeyField(i.Target.Key)
	for _, group := range i.Spec.Required {
		if !slices.Contains(group, key) && !one(group) {
			return false
		}
	}
	return true
}
