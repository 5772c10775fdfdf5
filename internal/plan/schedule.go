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
	// pending names the records that only unscheduled items bring into being,
	// fresh those that this wave does and that others of their rank may refer to;
	// both are nil if no item refers to a record.
	pending, fresh map[identity]bool
}

func newSchedule(queues []queue) *schedule {
	s := &schedule{queues: queues}
	if slices.ContainsFunc(queues, queue.refers) {
		s.pending, s.fresh = make(map[identity]bool, len(queues)), map[identity]bool{}
	}
	for q := range queues {
		if s.pending != nil {
			for _, i := range queues[q].items {
				for _, id := range brings(i) {
					s.pending[id] = true
				}
			}
		}
		queues[q].look()
	}
	return s
}

// refers tells whether an item may have to wait for another: most batches have none.
func (q queue) refers() bool {
	return slices.ContainsFunc(q.items, func(i Item) bool { return refers(i.Spec, i.Fields) })
}

// look notes what the queue's head needs.
func (q *queue) look() {
	q.needs = nil
	if len(q.items) == 0 || q.items[0].Op == Delete {
		return
	}
	head := q.items[0]
	refs := References(head.Spec, head.Fields)
	if len(refs) == 0 {
		return
	}
	own := brings(head)
	for _, ref := range refs {
		if id := identityOf(ref.Object, ref.Target); !slices.Contains(own, id) {
			q.needs = append(q.needs, id)
		}
	}
}

// wave takes the next items: the head of every chain, but for those that wait
// for a record which an item of a later wave brings. If all wait, for each
// other or for a later item of their own chain, those of the lowest rank do not.
func (s *schedule) wave() []Item {
	clear(s.fresh)
	ready := make([]int, 0, len(s.queues))
	for q := range s.queues {
		ready = append(ready, q)
	}
	slices.SortStableFunc(ready, func(a, b int) int {
		return cmp.Compare(phase(s.queues[a].items[0]), phase(s.queues[b].items[0]))
	})
	taken := s.pick(ready, s.waits)
	if len(taken) == 0 && len(ready) > 0 {
		taken = s.pick(s.lowest(ready), s.meets)
	}
	out := make([]Item, len(taken))
	for n, q := range taken {
		out[n] = s.queues[q].items[0]
	}
	s.advance(taken)
	return out
}

// lowest are the ready queues whose heads go first by rank: the others may still get
// what they wait for.
func (s *schedule) lowest(ready []int) []int {
	first := phase(s.queues[ready[0]].items[0])
	n := 0
	for n < len(ready) && phase(s.queues[ready[n]].items[0]) == first {
		n++
	}
	return ready[:n]
}

// pick takes the heads of the ready queues that nothing keeps.
func (s *schedule) pick(ready []int, keeps func(q int) bool) []int {
	var taken []int
	for _, q := range ready {
		if !keeps(q) {
			s.take(q)
			taken = append(taken, q)
		}
	}
	return taken
}

func (s *schedule) waits(q int) bool {
	return s.meets(q) || slices.ContainsFunc(s.queues[q].needs, func(id identity) bool { return s.pending[id] })
}

// meets tells whether the head of a queue refers to a record of its own object that
// this wave brings: ranks do not order the two, only waves do.
func (s *schedule) meets(q int) bool {
	if len(s.fresh) == 0 {
		return false
	}
	object := s.queues[q].items[0].Spec.Object
	return slices.ContainsFunc(s.queues[q].needs, func(id identity) bool { return id.object == object && s.fresh[id] })
}

func (s *schedule) take(q int) {
	if s.pending == nil {
		return
	}
	head := s.queues[q].items[0]
	for _, id := range brings(head) {
		delete(s.pending, id)
		if tables[head.Spec.Object].peers {
			s.fresh[id] = true
		}
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

// brings lists the names under which an item may bring a record into being. An
// upsert that has too little for a new record finds one, or fails.
func brings(i Item) []identity {
	if i.Op == Delete || i.Op == Get || i.Op == Upsert && !i.creates() {
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
