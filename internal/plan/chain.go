package plan

// chains splits the orders of a batch into chains: the orders of one chain
// share a Kafka key or a record, directly or over others, and keep the order
// of the batch. Orders of different chains have nothing to do with each other.
func chains(orders []*Order) [][]*Order {
	sets := newSets(len(orders))
	byKey := make(map[string]int)
	byIdentity := make(map[identity]int, len(orders))
	emails := targetEmails(orders)
	for i, o := range orders {
		if o.Chain != "" {
			if first, ok := byKey[o.Chain]; ok {
				sets.join(first, i)
			} else {
				byKey[o.Chain] = i
			}
		}
		for _, id := range o.names(emails) {
			if first, ok := byIdentity[id]; ok {
				sets.join(first, i)
			} else {
				byIdentity[id] = i
			}
		}
	}
	place := make(map[int]int)
	var out [][]*Order
	for i, o := range orders {
		root := sets.find(i)
		at, ok := place[root]
		if !ok {
			at = len(out)
			place[root] = at
			out = append(out, nil)
		}
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
