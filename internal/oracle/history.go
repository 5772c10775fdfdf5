package oracle

// checkHistory holds the events of each record against one another and against
// what ever existed at the vendor.
func checkHistory(e Evidence) []Mismatch {
	var out []Mismatch
	for _, o := range e.Objects {
		h := history{object: o, existed: map[string]bool{}, past: map[string]*past{}}
		for _, entry := range e.Journal {
			h.existed[entry.ID] = h.existed[entry.ID] || o.concerns(entry)
		}
		for _, c := range o.Changes {
			h.event(c)
		}
		out = append(out, append(h.found, h.unfinished()...)...)
	}
	return out
}

type history struct {
	object  ObjectEvidence
	existed map[string]bool
	past    map[string]*past // by key
	found   []Mismatch
}

// past is what the events of a record so far have said.
type past struct {
	place     Place // of the last record
	partition int32 // of the first
	live      bool
	after     Row  // of the last event, while live
	owed      bool // a delete whose tombstone has not come
	again     int  // how often it was written as r while live
}

func (h *history) reportf(c Change, format string, args ...any) {
	h.found = append(h.found, mismatchAt(c.Place, c.Key, format, args...))
}

func (h *history) event(c Change) {
	p := h.past[c.Key]
	first := p == nil
	if first {
		p = &past{partition: c.Partition}
		h.past[c.Key] = p
	}
	if p.partition != c.Partition {
		h.reportf(c, "the record's events are on partition %d too: readers of one partition see no order", p.partition)
	}
	h.tombstone(c, p)
	defer func() { p.place = c.Place }()
	if c.Tombstone {
		return
	}
	if c.Err != nil {
		h.reportf(c, "the record cannot be decoded: %v", c.Err)
		return
	}
	if !h.existed[c.Key] && h.object.State[c.Key] == nil {
		h.reportf(c, "invented: no record of this id was ever at the vendor")
	}
	h.identity(c)
	h.order(c, p, first)
	p.live, p.after, p.owed = c.Op != "d", c.After, c.Op == "d"
}

// tombstone: one directly follows each delete in the record's events, and
// nothing else.
func (h *history) tombstone(c Change, p *past) {
	switch {
	case c.Tombstone && !p.owed:
		h.reportf(c, "a tombstone without a delete before it: the delete event is missing")
		p.live, p.after = false, nil
	case !c.Tombstone && p.owed:
		h.reportf(c, "the delete at offset %d has no tombstone", p.place.Offset)
	}
	p.owed = false
}

func (h *history) unfinished() []Mismatch {
	var out []Mismatch
	for key, p := range h.past {
		if p.owed {
			out = append(out, mismatchAt(p.place, key, "the delete has no tombstone"))
		}
	}
	return out
}

// identity: the images that an op has to have, each with the key's id.
func (h *history) identity(c Change) {
	switch c.Op {
	case "r", "c", "u":
		if c.After == nil {
			h.reportf(c, "op %s without after", c.Op)
		} else if h.object.id(c.After) != c.Key {
			h.reportf(c, "the key is not the %s of after, %s", h.object.IDField, shown(c.After, h.object.IDField))
		}
	case "d":
		if c.Before == nil {
			h.reportf(c, "delete without before")
		} else if h.object.id(c.Before) != c.Key {
			h.reportf(c, "the key is not the %s of before, %s", h.object.IDField, shown(c.Before, h.object.IDField))
		}
		if c.After != nil {
			h.reportf(c, "delete with after")
		}
	default:
		h.reportf(c, "op %q is none of r, c, u, d", c.Op)
	}
}

// order: which op may follow which, and what before has to be.
func (h *history) order(c Change, p *past, first bool) {
	if p.live && c.Op == "r" && p.again < h.object.Rereads {
		p.again++ // somebody asked for it
		return
	}
	switch {
	case first && c.Op != "r" && c.Op != "c":
		h.reportf(c, "the first event of the record is op %s: an event before it is missing", c.Op)
		return
	case !first && !p.live && c.Op != "c":
		h.reportf(c, "op %s after the delete at offset %d, where only c can be: an event is missing, repeated or out of order", c.Op, p.place.Offset)
		return
	case p.live && c.Op != "u" && c.Op != "d":
		h.reportf(c, "op %s of a record that is live since offset %d: a delete is missing, or the event is repeated", c.Op, p.place.Offset)
	}
	if !p.live {
		return
	}
	if c.Op != "d" && len(differing(c.After, p.after, h.object.Volatile)) == 0 {
		h.reportf(c, "repeated: the event at offset %d says the same", p.place.Offset)
	}
	if c.Before != nil && (c.Op == "u" || len(c.Before) > 1) {
		if names := differing(c.Before, p.after, h.object.Volatile); len(names) > 0 {
			h.reportf(c, "before is not what the event at offset %d left (%v differ): an event between them is missing or out of order", p.place.Offset, names)
		}
	}
}
