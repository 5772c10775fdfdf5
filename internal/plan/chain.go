package plan

// chains splits the orders of a batch into chains: the orders of one chain
// share a Kafka key or a record, directly or over others, and keep the order
// of the batch. Orders of different chains have nothing to do with each other.
func chains(orders []*Order) [][]*Order {
	sets := newSets(len(orders))
	byKey := make(map[string]int, len(orders))
	byIdentity := make(map[identity]int, len(orders))
	emails := targetEmails(orders)
	var names []identity
	for i, o := range orders {
		if o.Chain != "" {
			if first, ok := byKey[o.Chain]; ok {
				sets.join(first, i)
			} else {
				byKey[o.Chain] = i
			}
		}
		names = o.names(names[:0], emails)
		for _, id := range names {
			if first, ok := byIdentity[id]; ok {
				sets.join(first, i)
			} else {
				byIdentity[id] = i
			}
		}
	}
	return sets.split(orders)
}

// split gives the orders of each set, sets by their first orders.
func (s sets) split(orders []*Order) [][]*Order {
	sizes := make([]int, len(orders))
	for i := range orders {
		sizes[s.find(i)]++
	}
	room := make([]*Order, len(orders)) // of all chains together
	place := make([]int, len(orders))   // of a chain in out, by its root
	var out [][]*Order
	for i, o := range orders {
		root := s.find(i)
		if n := sizes[root]; n > 0 {
			place[root], sizes[root] = len(out), 0
			out = append(out, room[:0:n])
			room = room[n:]
		}
		at := place[root]
		out[at] = append(out[at], o)
	}
	return out
}

// sets is a union-find over 0..n-1.
type sets []int

func newSets(n int) sets {
	s := make(sets, n)
	for i := range s {
		s[i] = i
	}
	return s
}

func (s sets) find(i int) int {
	for s[i] != i {
		s[i] = s[s[i]]
		i = s[i]
	}
	return i
}

func (s sets) join(a, b int) {
	if a, b = s.find(a), s.find(b); a != b {
		s[max(a, b)] = min(a, b)
	}
}
