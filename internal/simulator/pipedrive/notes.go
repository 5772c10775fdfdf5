package pipedrivesim

import (
	"cmp"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
)

// pageV1 answers a list by offset; extra goes beside the pagination.
func (c *call) pageV1(rows []any, extra map[string]any) answer {
	start, limit := int(simkit.Natural(c.URL.Query().Get("start"))), int(simkit.Natural(c.URL.Query().Get("limit")))
	if limit == 0 {
		limit = defaultLimit
	}
	limit = min(limit, maxLimit)
	page := rows[min(start, len(rows)):min(start+limit, len(rows))]
	more := start+limit < len(rows)
	pagination := map[string]any{"start": start, "limit": limit, "more_items_in_collection": more}
	if more {
		pagination["next_start"] = start + limit
	}
	additional := map[string]any{"pagination": pagination}
	maps.Copy(additional, extra)
	var data any
	if len(page) > 0 || c.sw.EmptyList == "array" {
		data = append([]any{}, page...)
	}
	return ok(map[string]any{"success": true, "data": data, "additional_data": additional}).With(len(page))
}

func listNotes(s *Server, c *call) answer {
	keep, wrong := noteFilter(c.URL.Query())
	if wrong != "" {
		return badV1(wrong)
	}
	var found []*record
	for _, r := range s.stores[notes].sortedBy("id") {
		if r = c.seen(r); r == nil {
			continue
		}
		if (!r.deleted() || c.sw.NoteLists == "all") && keep(r.doc) && !s.purged(r) && s.seesNote(c.user, r.doc) {
			found = append(found, r)
		}
	}
	if wrong := sortNotes(found, c.URL.Query().Get("sort")); wrong != "" {
		return badV1(wrong)
	}
	rows := make([]any, len(found))
	for i, r := range found {
		rows[i] = lazyRow{func() []byte { return encode(s.noteRow(r, c.user)) }}
	}
	return c.pageV1(rows, nil)
}

// lazyRow is printed when it is on the page.
type lazyRow struct{ print func() []byte }

// MarshalJSON prints the row.
func (l lazyRow) MarshalJSON() ([]byte, error) { return l.print(), nil }

// seesNote: a note is seen by who sees what it is on.
func (s *Server) seesNote(u *user, d doc) bool {
	for name, o := range map[string]*object{"deal_id": deals, "person_id": persons, "org_id": organizations} {
		if r := s.stores[o].byID[d.int(name)]; r != nil && !u.sees(r.doc) {
			return false
		}
	}
	return true
}

// noteFilter reads the parameters that narrow a list of notes.
func noteFilter(q url.Values) (keep func(doc) bool, wrong string) {
	var filters []func(doc) bool
	for _, name := range []string{"user_id", "deal_id", "person_id", "org_id", "project_id", "task_id"} {
		if id := simkit.Natural(q.Get(name)); id != 0 {
			filters = append(filters, func(d doc) bool { return d.int(name) == id })
		}
	}
	for _, of := range []string{"lead", "deal", "organization", "person", "project", "task"} {
		name := "pinned_to_" + of + "_flag"
		if q.Has(name) {
			filters = append(filters, func(d doc) bool { return d.flag(name) == (q.Get(name) == "1") })
		}
	}
	if text := q.Get("updated_since"); text != "" {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil || strings.Contains(text, ".") {
			return nil, "updated_since is not a valid RFC 3339 datetime"
		}
		since := stamp(at)
		filters = append(filters, func(d doc) bool { return d.text("update_time") >= since })
	}
	from, until := q.Get("start_date"), q.Get("end_date")
	filters = append(filters, func(d doc) bool {
		day := d.text("add_time")[:len(dateLayout)]
		return day >= from && (until == "" || day <= until)
	})
	return func(d doc) bool {
		return !slices.ContainsFunc(filters, func(f func(doc) bool) bool { return !f(d) })
	}, ""
}

var noteSorts = []string{"id", "user_id", "deal_id", "person_id", "org_id", "content", "add_time", "update_time"}

// sortNotes orders notes by "field ASC|DESC, ...".
func sortNotes(rows []*record, order string) (wrong string) {
	if order == "" {
		return ""
	}
	terms := strings.Split(order, ",")
	for _, term := range terms {
		name, _, _ := strings.Cut(strings.TrimSpace(term), " ")
		if !slices.Contains(noteSorts, name) {
			return "Cannot sort by " + strconv.Quote(name)
		}
	}
	slices.SortStableFunc(rows, func(a, b *record) int {
		for _, term := range terms {
			name, dir, _ := strings.Cut(strings.TrimSpace(term), " ")
			c := cmp.Or(strings.Compare(a.doc.text(name), b.doc.text(name)), cmp.Compare(a.doc.int(name), b.doc.int(name)))
			if strings.EqualFold(dir, "DESC") {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	return ""
}

func (s *Server) findNote(c *call) *record {
	r := c.seen(s.stores[notes].byID[simkit.Natural(c.PathValue("id"))])
	if r == nil || s.purged(r) || r.deleted() && c.sw.DeletedNoteGet == "404" || !s.seesNote(c.user, r.doc) {
		return nil
	}
	return r
}

func getNote(s *Server, c *call) answer {
	r := s.findNote(c)
	if r == nil {
		return c.missing()
	}
	return one(s.noteRow(r, c.user))
}

// noteValues reads a body in the laxer way of v1: unknown names are ignored.
func (c *call) noteValues() (values map[string]any, wrong string) {
	v, err := parseValue(c.body)
	body, isObject := v.(map[string]any)
	if err != nil || !isObject {
		return nil, "Bad request"
	}
	values = map[string]any{}
	for name, value := range body {
		col := notes.byName[name]
		if col == nil || col.ops == "" {
			continue
		}
		if value == nil && col.null {
			values[name] = nil
			continue
		}
		stored, fits := col.kind.check(value)
		if !fits {
			return nil, name + " is not a " + kindWords[col.kind]
		}
		values[name] = stored
	}
	if author, given := values["user_id"].(int64); given && author != c.user.id && !c.user.admin {
		return nil, "user_id can only be set by an admin"
	}
	return values, ""
}

func addNote(s *Server, c *call) answer {
	values, wrong := c.noteValues()
	if wrong != "" {
		return badV1(wrong)
	}
	if content, _ := values["content"].(string); content == "" {
		return badV1("Note content must be given.")
	}
	r, p := s.begin("api", c.user, c.n).create(notes, values)
	if p != nil {
		return badV1(p.Error())
	}
	return one(s.noteRow(r, c.user))
}

func editNote(s *Server, c *call) answer {
	r := s.findNote(c)
	if r == nil || r.deleted() {
		return c.missing()
	}
	values, wrong := c.noteValues()
	if wrong != "" {
		return badV1(wrong)
	}
	t := s.begin("api", c.user, c.n)
	values["last_update_user_id"] = c.user.id
	if p := t.update(r, values); p != nil {
		return badV1(p.Error())
	}
	return one(s.noteRow(r, c.user))
}

func deleteNote(s *Server, c *call) answer {
	r := s.findNote(c)
	if r == nil || r.deleted() {
		return c.missing()
	}
	s.begin("api", c.user, c.n).remove(r, 0, "")
	return one(true)
}

const longestNote = 100_000

// Scripts and event handlers, as the server takes them out of notes.
var unsafeHTML = regexp.MustCompile(`(?is)<script\b.*?</script\s*>|\son\w+\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)`)

// prepareNote sanitises a note and refuses one that is on nothing, too long, or pinned to what it is not on.
func (t *tx) prepareNote(before, d doc, sent map[string]any) *problem {
	if content, given := sent["content"].(string); given && t.sw.NoteSanitiser == "scripts" {
		d["content"] = unsafeHTML.ReplaceAllString(content, "")
	}
	if t.sw.NoteLimit == "100kB" && len(d.text("content")) > longestNote {
		return &problem{"content", "Note is too long"}
	}
	on := map[string]string{"deal": "deal_id", "person": "person_id", "organization": "org_id", "lead": "lead_id", "project": "project_id", "task": "task_id"}
	attached := false
	for of, name := range on {
		attached = attached || d[name] != nil
		if d[name] == nil && d.flag("pinned_to_"+of+"_flag") {
			return &problem{"pinned_to_" + of + "_flag", name + " must be given"}
		}
	}
	if !attached {
		return &problem{"deal_id", "one of deal_id, person_id, org_id, lead_id, project_id, task_id must be given"}
	}
	if before != nil {
		return nil
	}
	if deal := t.store(deals).byID[d.int("deal_id")]; deal != nil { // a note on a deal is on its person and organization, too
		for _, name := range []string{"person_id", "org_id"} {
			if _, given := sent[name]; !given {
				d[name] = deal.doc[name]
			}
		}
	}
	return nil
}
