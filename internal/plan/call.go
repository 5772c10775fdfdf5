package plan

import "github.com/planhat-bridge/planhat-bridge/planhat"

// Way is how a call is made.
type Way int

// The ways. Only a Bulk has more than one item.
const (
	// Bulk is a PUT of the collection; every item is matched by Call.Key. References
	// that Planhat takes in no call as they are spelled (Item.Unspelled) become ids
	// before it.
	Bulk Way = iota + 1
	// Post creates a record; it may not be repeated blindly.
	Post
	// Put updates one record by the item's target.
	Put
	// Resolve is an upsert that cannot go in bulk: look the target up, then update
	// what was found by _id, or create.
	Resolve
	// Remove looks the target up if it is not an _id, then deletes.
	Remove
	// Read gets one record.
	Read
)

var wayNames = map[Way]string{Bulk: "bulk", Post: "post", Put: "put", Resolve: "resolve", Remove: "remove", Read: "read"}

func (w Way) String() string { return wayNames[w] }

// Call is one API call, or for Resolve and Remove a look-up and a call.
type Call struct {
	Way   Way
	Spec  *planhat.Spec
	Key   planhat.Key // the key that a Bulk's items are matched by
	Items []Item
}

// Limits bound a bulk call.
type Limits struct {
	Items int // default and maximum planhat.MaxBulkItems
	Bytes int // of all items together; default 4 MiB
}

func (l Limits) withDefaults() Limits {
	if l.Items <= 0 || l.Items > planhat.MaxBulkItems {
		l.Items = planhat.MaxBulkItems
	}
	if l.Bytes <= 0 {
		l.Bytes = 4 << 20
	}
	return l
}

// Single is the call that sends one item by itself. An upsert goes to the bulk
// endpoint even alone, where it can: its answer tells created, updated and
// unchanged apart.
func Single(i Item) Call {
	c := Call{Spec: i.Spec, Items: []Item{i}}
	switch i.Op {
	case Create:
		c.Way = Post
	case Update:
		c.Way = Put
	case Upsert:
		c.Way = Resolve
		if i.direct() && i.Orders[0].Since == nil {
			c.Way, c.Key = Bulk, i.Target.Key
		}
	case Delete:
		c.Way = Remove
	case Get:
		c.Way = Read
	}
	return c
}

// group is what items must have in common to share a bulk call.
type group struct {
	object planhat.Object
	op     Op
	key    planhat.Key
}

// bulkGroup names the bulk calls that an item may be part of.
func (i Item) bulkGroup() (group, bool) {
	if i.Orders[0].Since != nil {
		return group{}, false
	}
	g := group{i.Spec.Object, i.Op, i.Target.Key}
	switch i.Op {
	case Update:
		// Of a shared listing an _id may name a record of another object: it
		// has to be looked up first.
		return g, i.Target.Key == planhat.KeyID && !i.Spec.Shared() && i.protected()
	case Upsert:
		return g, i.direct()
	default:
		return group{}, false
	}
}

// calls makes the calls of items that are independent of each other: groups in
// bulk, in the order of their first items, everything else singly.
func calls(items []Item, limits Limits) []Call {
	groups := map[group][]Item{}
	var order []group
	var out []Call
	for _, i := range items {
		g, ok := i.bulkGroup()
		if !ok {
			out = append(out, Single(i))
			continue
		}
		if groups[g] == nil {
			order = append(order, g)
		}
		groups[g] = append(groups[g], i)
	}
	for _, g := range order {
		for _, part := range portions(groups[g], limits) {
			if len(part) == 1 {
				out = append(out, Single(part[0]))
				continue
			}
			out = append(out, Call{Way: Bulk, Spec: part[0].Spec, Key: g.key, Items: part})
		}
	}
	return out
}

// portions cuts items into runs within the limits; an item larger than the
// byte bound makes a run of its own.
func portions(items []Item, limits Limits) [][]Item {
	var out [][]Item
	start, bytes := 0, 0
	for n, i := range items {
		size := i.bulkSize()
		if n > start && (n-start >= limits.Items || bytes+size > limits.Bytes) {
			out = append(out, items[start:n:n])
			start, bytes = n, 0
		}
		bytes += size
	}
	return append(out, items[start:])
}
