package plan

import (
	"cmp"
	"slices"
)

// queue is what is left of a chain.
type queue struct {
	items []Item
	needs []identity // of the head: records that must be written before it
}

// schedule hands out the heads of chains, wave by wave.
type schedule struct {
	queues []queue
	// pending names the records that only unscheduled items bring into being.
	pending map[identity]bool
}

func newSchedule(queues []queue) *schedule {
	s := &schedule{queues: queues, pending: make(map[identity]bool, len(queues))}
	for q := range queues {
		for _, i := range queues[q].items {
			for _, id := range brings(i) {
				s.pending[id] = true
			}
		}
		queues[q].look()
	}
	return s
}

// look notes what the queue's head needs.
func (q *queue) look() {
	q.needs = nil
	if len(q.items) == 0 || q.items[0].Op == Delete {
		return
	}
	head := q.items[0]
	for _, ref := range References(head.Spec, head.Fields) {
		// A reference to the same rank is the producer's business: ranks
		// cannot order it.
		if t, ok := tables[ref.Object]; ok && t.spec.Rank < head.Spec.Rank {
			q.needs = append(q.needs, identityOf(ref.Object, ref.Target))
		}
	}
}

// wave takes the next items: the head of every chain, but for those that wait
// for a record which an item of a later wave brings. If all wait, for each
// other or for a later item of their own chain, none does.
func (s *schedule) wave() []Item {
	ready := make([]int, 0, len(s.queues))
	for q := range s.queues {
		ready = append(ready, q)
	}
	slices.SortStableFunc(ready, func(a, b int) int {
		return cmp.Compare(phase(s.queues[a].items[0]), phase(s.queues[b].items[0]))
	})
	var taken []int
	for _, q := range ready {
		if !s.waits(q) {
			s.take(q)
			taken = append(taken, q)
		}
	}
	if len(taken) == 0 {
		for _, q := range ready {
			s.take(q)
		}
		taken = ready
	}
	out := make([]Item, len(taken))
	for n, q := range taken {
		out[n] = s.queues[q].items[0]
	}
	s.advance(taken)
	return out
}

func (s *schedule) waits(q int) bool {
	return slices.ContainsFunc(s.queues[q].needs, func(id identity) bool { return s.pending[id] })
}

func (s *schedule) take(q int) {
	for _, id := range brings(s.queues[q].items[0]) {
		delete(s.pending, id)
	}
}

// advance moves the taken queues on and drops the empty ones.
func (s *schedule) advance(taken []int) {
	for _, q := range taken {
		s.queues[q].items = s.queues[q].items[1:]
		s.queues[q].look()
	}
	s.queues = slices.DeleteFunc(s.queues, func(q queue) bool { return len(q.items) == 0 })
}

// brings lists the names under which an item may bring a record into being.
func brings(i Item) []identity {
	if i.Op == Delete || i.Op == Get {
		return nil
	}
	var out []identity
	if i.Op == Upsert {
		out = append(out, identityOf(i.Spec.Object, i.Target))
	}
	for _, k := range uniqueKeys {
		if v, ok := i.Fields.Text(i.Spec.KeyField(k)); ok && (i.Op != Upsert || k != i.Target.Key) {
			out = append(out, identityOf(i.Spec.Object, Target{k, v}))
		}
	}
	return out
}
