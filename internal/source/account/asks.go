package account

import (
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

// ask is a record to look at because webhooks said so.
type ask struct {
	id      int64
	stamp   int64 // the newest that a webhook named, ms since 1970-01-01 UTC; 0 = none did
	deleted bool  // the newest said that it is deleted
	created bool
	told    names // fields that held a value
	tries   int   // how often REST has not shown it so
	gone    bool  // REST says that it does not exist
}

// asks are the records of each stream, each once.
type asks map[*stream]map[int64]*ask

func (q asks) of(s *stream, id int64) *ask {
	if q[s] == nil {
		q[s] = map[int64]*ask{}
	}
	k := q[s][id]
	if k == nil {
		k = &ask{id: id, told: names{}}
		q[s][id] = k
	}
	return k
}

// remember adds what earlier webhooks told of the records, which are still owed: to
// settle a record is to settle all that was told of it.
func (q asks) remember(s *stream) {
	for _, d := range s.cursor.Debts {
		k := q[s][d.ID]
		if k == nil {
			continue
		}
		if d.Stamp > k.stamp || d.Stamp == k.stamp && d.Deleted {
			k.stamp, k.deleted = d.Stamp, d.Deleted
		}
		k.created, k.told = k.created || d.Created, k.told.with(namesOf(d.Hints))
	}
}

// ids are the records of a stream, ascending.
func (q asks) ids(s *stream) []int64 {
	var out []int64
	for id := range q[s] {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

// merge is a merge that a webhook told of: what hung on the loser hangs on the
// survivor.
type merge struct {
	object   pipedrive.Object
	survivor int64
}

// heard is what a batch of webhooks asks for.
type heard struct {
	asks   asks
	merges map[merge]bool
}

// What became of a webhook, as the metric says.
const (
	eventTaken      = "taken"
	eventOther      = "not_captured" // of an object that is not captured
	eventUnreadable = "unreadable"   // it does not say of which record it is
	eventPassed     = "passed_over"  // its stream is paused or held: what changed is read afterwards
)

// gather reads webhooks. What is of no use is counted and passed over.
func (a *Account) gather(records []*kgo.Record) heard {
	h := heard{asks: asks{}, merges: map[merge]bool{}}
	for _, rec := range records {
		a.metrics.events.WithLabelValues(a.cfg.Name, a.take(&h, rec.Value)).Inc()
	}
	return h
}

func (a *Account) take(h *heard, body []byte) string {
	e, err := pipedrive.ParseEvent(body)
	if err != nil {
		return eventUnreadable
	}
	s := a.streamOf(e.Entity)
	if s == nil {
		return eventOther
	}
	id, err := strconv.ParseInt(e.EntityID, 10, 64)
	if err != nil || id <= 0 {
		return eventUnreadable
	}
	if !s.works() {
		return eventPassed
	}
	var stamp int64
	if !e.UpdateTime.IsZero() {
		stamp = e.UpdateTime.UnixMilli()
	}
	s.heardOf(idOf(id), stamp)
	k := h.asks.of(s, id)
	gone := e.Action == pipedrive.ActionDelete
	switch {
	case stamp > k.stamp || gone && stamp == k.stamp:
		k.stamp, k.deleted = stamp, gone
	case gone && stamp == 0:
		k.deleted = true
	}
	k.created = k.created || e.Action == pipedrive.ActionCreate
	if !gone {
		for name := range hints(e.Previous) {
			k.told[name] = true
		}
	}
	h.merged(s, e, id)
	return eventTaken
}

// merged notes both sides of a merge.
func (h *heard) merged(s *stream, e pipedrive.Event, id int64) {
	other, err := strconv.ParseInt(e.MergedTo+e.MergedFrom, 10, 64) // an event has one of them
	if err != nil || other <= 0 {
		if e.Action == pipedrive.ActionMerge { // version 1 tells of the survivor alone
			h.merges[merge{s.Object, id}] = true
		}
		return
	}
	h.asks.of(s, other)
	if e.MergedTo != "" {
		id = other
	}
	h.merges[merge{s.Object, id}] = true
}

func (a *Account) streamOf(object string) *stream {
	for _, s := range a.streams {
		if string(s.Object) == object {
			return s
		}
	}
	return nil
}
