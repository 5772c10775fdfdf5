package planhatsim

import (
	"iter"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
)

// filter turns the value of a query parameter into a condition on records.
type filter func(value string) func(*record) bool

func commaSet(value string) set {
	out := set{}
	for part := range strings.SplitSeq(value, ",") {
		out[strings.TrimSpace(part)] = true
	}
	return out
}

func byID(value string) func(*record) bool {
	wanted := commaSet(value)
	return func(r *record) bool { return wanted[r.id] }
}

func byCompany(value string) func(*record) bool {
	wanted := commaSet(value)
	return func(r *record) bool {
		for id := range strings.SplitSeq(r.company, ",") {
			if wanted[id] {
				return true
			}
		}
		return false
	}
}

func byType(value string) func(*record) bool {
	wanted := commaSet(value)
	return func(r *record) bool { return wanted[r.kind] }
}

func byEmail(value string) func(*record) bool {
	return func(r *record) bool { return r.email == value }
}

func byField(name string) filter {
	return func(value string) func(*record) bool {
		return func(r *record) bool {
			s, _ := textOf(memberOf(r.body, name))
			return s == value
		}
	}
}

// byListed keeps records that list one of the ids, plainly or as objects.
func byListed(name string) filter {
	return func(value string) func(*record) bool {
		wanted := commaSet(value)
		return func(r *record) bool {
			raw := memberOf(r.body, name)
			if len(raw) == 0 || raw[0] != '[' {
				return false
			}
			for _, item := range splitArray(raw) {
				id, _ := textOf(item)
				if item[0] == '{' {
					id, _ = textOf(memberOf(item, "id"))
				}
				if wanted[id] {
					return true
				}
			}
			return false
		}
	}
}

// bySearch keeps records that have a text in one of the names, in any case.
func bySearch(fields ...string) filter {
	return func(value string) func(*record) bool {
		wanted := strings.ToLower(value)
		return func(r *record) bool {
			return slices.ContainsFunc(fields, func(name string) bool {
				s, _ := textOf(memberOf(r.body, name))
				return strings.Contains(strings.ToLower(s), wanted)
			})
		}
	}
}

// listing is one GET of a collection, read from its query.
type listing struct {
	property   string // sorted by; "" = default
	descending bool
	offset     int
	limit      int
	selected   set  // nil = all
	shuffled   bool // no order at all
	conditions []func(*record) bool
}

// sorted gives the listing the order that a fault asks for.
func (l *listing) sorted(f Fault) {
	switch {
	case f.Kind != "unsorted":
	case f.Mode == "ignored":
		l.property, l.descending = "_id", false
	case f.Mode == "reversed":
		l.descending = !l.descending
	default:
		l.shuffled = true
	}
}

var listParams = names("limit offset sort select")

func readListing(m *model, q url.Values, sw Switches) (listing, *refusal) {
	l := listing{offset: int(simkit.Natural(q.Get("offset"))), limit: int(simkit.Natural(q.Get("limit")))}
	if l.limit == 0 {
		l.limit = m.pageDefault
	}
	if l.limit > m.pageMax {
		switch sw.LimitAboveMax {
		case "reject":
			return l, refuse(400, "limit must not be greater than %d", m.pageMax)
		case "default":
			l.limit = m.pageDefault
		default:
			l.limit = m.pageMax
		}
	}
	l.property, l.descending = strings.CutPrefix(q.Get("sort"), "-")
	if sw.NestedSort == "ignored" && strings.Contains(l.property, ".") {
		l.property = ""
	}
	if columns := q.Get("select"); columns != "" {
		l.selected = commaSet(columns)
		l.selected["_id"] = true
	}
	for name := range q {
		if condition := m.filters[name]; condition != nil && q.Get(name) != "" {
			l.conditions = append(l.conditions, condition(q.Get(name)))
		} else if sw.UnknownParams == "reject" && !listParams[name] && condition == nil && name != m.archivedField {
			return l, refuse(400, "unknown parameter %s", name)
		}
	}
	if m.kind != "" || m == conversationModel && sw.TicketsAsConversations != "listed" {
		l.conditions = append(l.conditions, func(r *record) bool { return m.holds(sw, r) })
	}
	if condition := archivedCondition(m, q.Get(m.archivedField), sw); condition != nil {
		l.conditions = append(l.conditions, condition)
	}
	return l, nil
}

func archivedCondition(m *model, value string, sw Switches) func(*record) bool {
	listed := m.archivedListed != nil && m.archivedListed(sw) == "listed"
	switch {
	case m.archivedField == "":
		return nil
	case value == "true" && sw.ArchivedTrue == "only":
		return func(r *record) bool { return r.archived }
	case value == "true", listed && value == "":
		return nil
	}
	return func(r *record) bool { return !r.archived }
}

func (l listing) admits(r *record) bool {
	for _, condition := range l.conditions {
		if !condition(r) {
			return false
		}
	}
	return true
}

// page gives the records of the page.
func (l listing) page(tx *Tx, st *store) []*record {
	var found []*record
	n, end := 0, l.offset+l.limit
	for r := range l.order(tx, st) {
		if n >= end {
			break
		}
		if !l.admits(r) {
			continue
		}
		if n >= l.offset {
			found = append(found, r)
		}
		n++
	}
	return found
}

// order gives the store's records as the listing sorts them.
func (l listing) order(tx *Tx, st *store) iter.Seq[*record] {
	if l.shuffled {
		return runs(st.view("_id").entries, false, "all-shuffled")
	}
	if l.property != "" {
		return runs(st.view(l.property).entries, l.descending, tx.sw.TieOrder)
	}
	entries := st.view("_id").entries
	if tx.sw.DefaultSort == "shuffled" {
		return runs(entries, false, "all-shuffled")
	}
	return runs(entries, tx.sw.DefaultSort == "id-desc", "id")
}

// runs walks ascending entries forth or back, with rows of equal sort values in the order that ties
// asks for. Only the runs that the caller gets to are looked at.
func runs(entries []entry, descending bool, ties string) iter.Seq[*record] {
	return func(yield func(*record) bool) {
		for len(entries) > 0 {
			size := runLength(entries, descending, ties)
			var run []entry
			if descending {
				run, entries = entries[len(entries)-size:], entries[:len(entries)-size]
			} else {
				run, entries = entries[:size], entries[size:]
			}
			if !yieldRun(run, ties, yield) {
				return
			}
		}
	}
}

func runLength(entries []entry, descending bool, ties string) int {
	if ties == "all-shuffled" {
		return len(entries)
	}
	last := len(entries) - 1
	at := func(i int) sortKey {
		if descending {
			return entries[last-i].key
		}
		return entries[i].key
	}
	size := 1
	for size <= last && compareKeys(at(size), at(0)) == 0 {
		size++
	}
	return size
}

func yieldRun(run []entry, ties string, yield func(*record) bool) bool {
	switch {
	case len(run) == 1:
	case strings.HasSuffix(ties, "shuffled"):
		run = slices.Clone(run)
		rand.Shuffle(len(run), func(i, j int) { run[i], run[j] = run[j], run[i] })
	case ties == "id-desc":
		run = slices.Clone(run)
		slices.Reverse(run)
	}
	for _, e := range run {
		if !yield(e.rec) {
			return false
		}
	}
	return true
}
