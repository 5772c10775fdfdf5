package pipedrivesim

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	defaultLimit = 100
	maxLimit     = 500
	maxIDs       = 100
	maxHashes    = 15
)

// query is a list of v2 as it was asked for.
type query struct {
	rowOptions
	limit   int
	sortBy  string
	desc    bool
	from    *cursor
	ids     []int64
	filters []func(doc) bool
}

// cursor is the place behind which the next page begins, so that new records move nothing.
type cursor struct {
	Field string `json:"field"`
	Value any    `json:"fieldValue"`
	Dir   string `json:"sortDirection"`
	ID    int64  `json:"id"`
}

func (c cursor) String() string {
	text, err := json.Marshal(c)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func parseCursor(text string) *cursor {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	var c cursor
	if err != nil || json.Unmarshal(raw, &c) != nil || c.Field == "" {
		return nil
	}
	if f, ok := c.Value.(float64); ok {
		c.Value = int64(f)
	}
	return &c
}

func (c *cursor) key() sortKey {
	text, _ := c.Value.(string)
	n, _ := c.Value.(int64)
	if c.Field == "id" {
		n = 0
	}
	return sortKey{text: text, number: n}
}

// params reads the parameters of a query and says what is wrong with them.
type params struct {
	url.Values
	problems
	known map[string]bool
}

func (p *params) get(name string) string {
	p.known[name] = true
	return p.Get(name)
}

func (p *params) id(name string) int64 {
	text := p.get(name)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		p.add(name, "Expected 'integer'")
	}
	return n
}

// time reads RFC 3339 with whole seconds; a fraction is refused.
func (p *params) time(name string) string {
	text := p.get(name)
	if text == "" {
		return ""
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || strings.Contains(text, ".") {
		p.add(name, "'"+text+"' is not a valid datetime")
		return ""
	}
	return stamp(at)
}

func (p *params) list(name string) []string {
	if text := p.get(name); text != "" {
		return strings.Split(text, ",")
	}
	return nil
}

func (p *params) oneOf(name string, values ...string) string {
	text := p.get(name)
	if text != "" && !slices.Contains(values, text) {
		p.add(name, "Expected one of "+strings.Join(values, ", "))
	}
	return text
}

// readQuery reads the parameters that lists of an object know.
func (s *Server) readQuery(c *call, o *object) (*query, *answer) {
	p := &params{Values: c.URL.Query(), known: map[string]bool{"api_token": true}}
	q := &query{}
	q.limit = p.limit(c.sw)
	sortable := []string{"id", "update_time", "add_time"}
	if o == stages {
		sortable = append(sortable, "order_nr")
	}
	q.sortBy = p.oneOf("sort_by", sortable...)
	if q.sortBy == "" {
		q.sortBy = "id"
	}
	q.desc = p.oneOf("sort_direction", "asc", "desc") == "desc"
	if text := p.get("cursor"); text != "" {
		if q.from = parseCursor(text); q.from == nil {
			p.add("cursor", "Cursor is not valid")
		} else {
			q.sortBy, q.desc = q.from.Field, q.from.Dir == "desc"
		}
	}
	s.readFilters(p, q, o)
	s.readRowOptions(p, q, o)
	for name := range p.Values {
		if !p.known[name] && c.sw.UnknownParams == "reject" {
			p.notAllowed(name)
		}
	}
	if !slices.Contains(sortable, q.sortBy) {
		p.add("cursor", "Cursor is not valid")
	}
	return q, p.refuse()
}

func (p *params) limit(sw Switches) int {
	text := p.get("limit")
	if text == "" {
		return defaultLimit
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil || n < 1:
		p.add("limit", "Expected 'integer' of at least 1")
	case n > maxLimit && sw.LimitAboveMax == "reject":
		p.add("limit", "Number must be less than or equal to 500")
	}
	return min(max(n, 1), maxLimit)
}

func (s *Server) readFilters(p *params, q *query, o *object) {
	if o == stages {
		q.equals("pipeline_id", p.id("pipeline_id"))
	}
	status := p.statuses(o)
	if !o.custom {
		q.filters = append(q.filters, func(d doc) bool { return !d.flag("is_deleted") })
		return
	}
	since, until := p.time("updated_since"), p.time("updated_until")
	q.filters = append(q.filters, func(d doc) bool {
		at := d.text("update_time")
		return at >= since && (until == "" || at < until)
	})
	byID := []string{"owner_id"}
	if o != organizations {
		byID = append(byID, "org_id")
	}
	if o == deals {
		byID = append(byID, "person_id", "pipeline_id", "stage_id")
	}
	given := map[string]int64{}
	for _, name := range byID {
		given[name] = p.id(name)
	}
	ids := p.ids("ids")
	ofDeal := s.personsOfDeal(p, o)
	if p.id("filter_id") != 0 { // then the others are ignored
		q.filters = append(q.filters, func(d doc) bool { return !d.flag("is_deleted") })
		return
	}
	q.ids = ids
	for name, id := range given {
		q.equals(name, id)
	}
	q.filters = append(q.filters, status)
	if ofDeal != nil {
		q.filters = append(q.filters, func(d doc) bool { return slices.Contains(ofDeal, d.int("id")) })
	}
}

func (q *query) equals(name string, id int64) {
	if id != 0 {
		q.filters = append(q.filters, func(d doc) bool { return d.int(name) == id })
	}
}

func (p *params) ids(name string) []int64 {
	var ids []int64
	for _, text := range p.list(name) {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			p.add(name, "Expected a list of integers")
			return nil
		}
		ids = append(ids, id)
	}
	if len(ids) > maxIDs {
		p.add(name, "Array must contain at most 100 element(s)")
	}
	return ids
}

// statuses is the filter of deals by status; without it all that are not deleted.
func (p *params) statuses(o *object) func(doc) bool {
	if o != deals {
		return func(d doc) bool { return !d.flag("is_deleted") }
	}
	wanted := p.list("status")
	for _, status := range wanted {
		if !slices.Contains([]string{"open", "won", "lost", "deleted"}, status) {
			p.add("status", "Expected one of open, won, lost, deleted")
		}
	}
	return func(d doc) bool {
		if d.flag("is_deleted") {
			return slices.Contains(wanted, "deleted")
		}
		return wanted == nil || slices.Contains(wanted, d.text("status"))
	}
}

// personsOfDeal reads deal_id of persons; nil where it was not asked for.
func (s *Server) personsOfDeal(p *params, o *object) []int64 {
	if o != persons {
		return nil
	}
	id := p.id("deal_id")
	if id == 0 {
		return nil
	}
	out := []int64{}
	if deal := s.stores[deals].get(id); deal != nil {
		out = append(out, participants(deal.doc)...)
		if s.switches.Load().PersonsOfDeal == "primary" {
			out = out[:min(1, len(out))]
		}
	}
	return out
}

func (s *Server) readRowOptions(p *params, q *query, o *object) {
	if !o.custom {
		return
	}
	q.labels = p.oneOf("include_option_labels", "true", "false") == "true"
	p.oneOf("include_labels", "true", "false")
	q.include = map[string]bool{}
	for _, name := range p.list("include_fields") {
		if c := o.byName[name]; o == deals && (c == nil || c.when != "include") {
			p.add("include_fields", "'"+name+"' is not an optional field")
		}
		q.include[name] = true
	}
	q.hashes = p.list("custom_fields")
	if len(q.hashes) > maxHashes {
		p.add("custom_fields", "Array must contain at most 15 element(s)")
	}
}
