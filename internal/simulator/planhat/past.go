package planhatsim

import (
	"hash/fnv"
	"maps"
	"slices"
	"time"
)

// past remembers what records were before they were written, for answers that are older than the tenant:
// those of a replica that lags. It remembers as long as a rule asks for such answers; what was before the
// rule nobody knows any more. Its clock is the machine's: the vendor's may be wrong. Guarded by Server.mu.
type past struct {
	now    func() time.Time
	keep   time.Duration // the oldest answer that a rule asks for; 0: nothing is remembered
	writes []pastWrite   // oldest first
}

// pastWrite is one write to a store.
type pastWrite struct {
	at     time.Time
	store  *store
	id     string
	before *record // nil: there was none
}

// remember begins to remember, for answers of that age.
func (p *past) remember(age time.Duration) { p.keep = max(p.keep, age) }

// forget ends it.
func (p *past) forget() { p.keep, p.writes = 0, nil }

// note takes down a record before it is written; r is nil where there was none. What is too old for any
// answer goes in lumps, so that a write costs next to nothing.
func (p *past) note(st *store, id string, r *record) {
	if p == nil || p.keep == 0 { // stores of old answers have no past
		return
	}
	now := p.now()
	old := 0
	for old < len(p.writes) && now.Sub(p.writes[old].at) >= p.keep {
		old++
	}
	if old > len(p.writes)/2 {
		p.writes = slices.Clone(p.writes[old:])
	}
	w := pastWrite{at: now, store: st, id: id}
	if r != nil {
		before := *r // its body is replaced by writes, never changed
		w.before = &before
	}
	p.writes = append(p.writes, w)
}

// before gives a store as it was: each record an age ago that may differ from record to record.
func (p *past) before(st *store, age func(id string) time.Duration) *store {
	records := maps.Clone(st.byID)
	now := p.now()
	for _, w := range slices.Backward(p.writes) {
		if w.store != st || now.Sub(w.at) >= age(w.id) {
			continue
		}
		delete(records, w.id)
		if w.before != nil {
			records[w.id] = w.before
		}
	}
	old := newStore(st.model)
	for _, id := range slices.Sorted(maps.Keys(records)) {
		r := *records[id]
		r.position = len(old.all)
		old.byID[id] = &r
		old.all = append(old.all, &r)
	}
	return old
}

// age is how old a record is in an answer under the fault; nil: as old as the tenant.
func (f Fault) age() func(id string) time.Duration {
	most := time.Duration(f.Ms) * time.Millisecond
	switch f.Kind {
	case "stale":
		return func(string) time.Duration { return most }
	case "late":
		return func(id string) time.Duration { return most * time.Duration(spread(id)) / 100 }
	}
	return nil
}

// spread gives each record a number from 0 to 100, always the same.
func spread(id string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails
	return h.Sum32() % 101
}

// seen is the store that a request reads: under some faults the one of a while ago.
func (tx *Tx) seen(r *request, f Fault) *store {
	st := tx.s.store(r.model)
	if age := f.age(); age != nil {
		return tx.s.past.before(st, age)
	}
	return st
}
