package pipedrivesim

import (
	"slices"
)

// list answers lists of v2; deals without the archived ones.
func list(o *object) func(*Server, *call) answer {
	return func(s *Server, c *call) answer { return s.list(c, o, false) }
}

func listArchived(s *Server, c *call) answer { return s.list(c, deals, true) }

func (s *Server) list(c *call, o *object, archived bool) answer {
	q, refusal := s.readQuery(c, o)
	if refusal != nil {
		return *refusal
	}
	page, last, more := s.page(c, o, q, archived)
	rows := make([][]byte, len(page))
	for i, r := range page {
		rows[i] = s.row(c.sw, r, q.rowOptions)
	}
	var next any
	if len(page) > 0 && (more || c.sw.LastPage == "empty" && len(page) == q.limit) {
		at := cursor{Field: q.sortBy, Value: last.doc[q.sortBy], Dir: "asc", ID: last.id}
		if q.desc {
			at.Dir = "desc"
		}
		next = at.String()
	}
	return ok(map[string]any{"success": true, "data": rowsOf(rows), "additional_data": map[string]any{"next_cursor": next}}).With(len(rows))
}

// page gives the records of a page as the call sees them, the last one as it is, and whether there are more behind it.
func (s *Server) page(c *call, o *object, q *query, archived bool) (page []*record, last *record, more bool) {
	fits := func(r *record) bool {
		if o == deals && r.doc.flag("is_archived") != archived || !c.user.sees(r.doc) || s.purged(r) {
			return false
		}
		if q.ids != nil && !slices.Contains(q.ids, r.id) {
			return false
		}
		return !slices.ContainsFunc(q.filters, func(keep func(doc) bool) bool { return !keep(r.doc) })
	}
	for r := range s.ordered(o, q) {
		seen := c.seen(r)
		if seen == nil || !fits(seen) {
			continue
		}
		if len(page) == q.limit {
			return page, last, true
		}
		page, last = append(page, seen), r
	}
	return page, last, false
}

// ordered gives the records behind the cursor, in the order that was asked for.
func (s *Server) ordered(o *object, q *query) func(func(*record) bool) {
	records := s.stores[o].sortedBy(q.sortBy)
	first, last := 0, len(records)
	if q.from != nil {
		at := after(records, q.sortBy, q.from.key(), q.from.ID)
		if q.desc {
			last = after(records, q.sortBy, q.from.key(), q.from.ID-1)
		} else {
			first = at
		}
	}
	return func(yield func(*record) bool) {
		for i := range max(0, last-first) {
			r := records[first+i]
			if q.desc {
				r = records[last-1-i]
			}
			if !yield(r) {
				return
			}
		}
	}
}

// purged: deleted records go for good after 30 days.
func (s *Server) purged(r *record) bool {
	return r.deleted() && r.doc.text("update_time") < stamp(s.now().AddDate(0, 0, -30))
}
