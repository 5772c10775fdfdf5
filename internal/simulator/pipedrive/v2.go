package pipedrivesim

import (
	"maps"
	"slices"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
)

// find gives the record that a path names, if its caller may see it; deleted ones where the switch shows them.
func (s *Server) find(c *call, o *object) *record {
	r := c.seen(s.stores[o].byID[simkit.Natural(c.PathValue("id"))])
	if r == nil || !c.user.sees(r.doc) || s.purged(r) || r.deleted() && c.sw.DeletedGet == "404" {
		return nil
	}
	return r
}

// seen gives a record as the call sees it; nil where it sees none.
func (c *call) seen(r *record) *record {
	if r == nil || c.asOf.IsZero() {
		return r
	}
	d := r.asOf(c.asOf)
	if d == nil {
		return nil
	}
	return &record{object: r.object, id: r.id, doc: d}
}

func get(o *object) func(*Server, *call) answer {
	return func(s *Server, c *call) answer {
		p := &params{Values: c.URL.Query(), known: map[string]bool{"api_token": true}}
		q := &query{}
		s.readRowOptions(p, q, o)
		for name := range p.Values {
			if !p.known[name] && c.sw.UnknownParams == "reject" {
				p.notAllowed(name)
			}
		}
		if refusal := p.refuse(); refusal != nil {
			return *refusal
		}
		r := s.find(c, o)
		if r == nil {
			return notFoundV2()
		}
		return one(rawJSON(s.row(c.sw, r, q.rowOptions)))
	}
}

// fields reads and checks the body of a create ("c") or an update ("u").
func (s *Server) fields(c *call, o *object, op string) (map[string]any, *answer) {
	v, err := parseValue(c.body)
	body, isObject := v.(map[string]any)
	var p problems
	if err != nil || !isObject {
		p.add("body", "Expected an object")
		return nil, p.refuse()
	}
	values := map[string]any{}
	for name, value := range body {
		col := o.byName[name]
		switch {
		case name == "custom_fields" && o.custom:
			values[name] = s.customValues(&p, o, value)
		case col == nil || !strings.Contains(col.ops, op) || col.when == "details" && c.sw.OrganizationDetails == "absent":
			p.notAllowed(name)
		case col.when == "sync" && c.sw.ContactSync == "off":
			a := forbidden()
			return nil, &a
		case name == "is_deleted" && value == true: // DELETE does that
			p.notAllowed(name)
		case value == nil && !col.null:
			p.add(name, "Expected '"+kindWords[col.kind]+"', received null")
		case value == nil:
			values[name] = nil
		default:
			stored, fits := col.kind.check(value)
			if !fits {
				p.add(name, "Expected '"+kindWords[col.kind]+"'")
			}
			values[name] = stored
		}
	}
	for _, col := range o.columns {
		if _, given := values[col.name]; op == "c" && col.must && !given && p.about(col.name) {
			p.add(col.name, "Parameter '"+col.name+"' is required")
		}
	}
	return values, p.refuse()
}

// about tells whether nothing was said about a field yet.
func (p *problems) about(name string) bool {
	return !slices.ContainsFunc(*p, func(said string) bool { return strings.HasPrefix(said, name+": ") })
}

// customValues checks what is below custom_fields.
func (s *Server) customValues(p *problems, o *object, v any) map[string]any {
	given, isObject := v.(map[string]any)
	if !isObject {
		p.add("custom_fields", "Expected 'object'")
		return nil
	}
	out := map[string]any{}
	for _, code := range slices.Sorted(maps.Keys(given)) {
		f := s.stores[o].fields.byCode[code]
		switch {
		case f == nil:
			p.add("custom_fields", "Parameter '"+code+"' is not allowed for this request")
		case given[code] == nil:
			out[code] = nil
		default:
			value, wrong := fieldTypes[f.kind].check(f, given[code])
			if wrong != "" {
				p.add("custom_fields", wrong+" ("+code+")")
			}
			out[code] = value
		}
	}
	return out
}

func refuseOne(p *problem) answer {
	return *(&problems{p.Error()}).refuse()
}

func create(o *object) func(*Server, *call) answer {
	return func(s *Server, c *call) answer {
		if !c.user.admin && !o.custom {
			return forbidden()
		}
		values, refusal := s.fields(c, o, "c")
		if refusal != nil {
			return *refusal
		}
		r, p := s.begin("api", c.user, c.n).create(o, values)
		if p != nil {
			return refuseOne(p)
		}
		return one(rawJSON(s.row(c.sw, r, rowOptions{})))
	}
}

func patch(o *object) func(*Server, *call) answer {
	return func(s *Server, c *call) answer {
		if !c.user.admin && !o.custom {
			return forbidden()
		}
		r := s.find(c, o)
		if r == nil {
			return notFoundV2()
		}
		values, refusal := s.fields(c, o, "u")
		if refusal != nil {
			return *refusal
		}
		if locked := lockedDeal(r, values); locked != nil {
			return *locked
		}
		if p := s.begin("api", c.user, c.n).update(r, values); p != nil {
			return refuseOne(p)
		}
		return one(rawJSON(s.row(c.sw, r, rowOptions{})))
	}
}

// lockedDeal refuses edits of what is deleted or archived, but for those that end it.
func lockedDeal(r *record, values map[string]any) *answer {
	var a answer
	switch {
	case r.deleted() && values["is_deleted"] != false:
		a = notFoundV2()
	case r.doc.flag("is_archived") && values["is_archived"] != false:
		a = failure(400, "Archived deal cannot be updated", info)
	default:
		return nil
	}
	return &a
}

func remove(o *object) func(*Server, *call) answer {
	return func(s *Server, c *call) answer {
		if !c.user.admin && !o.custom {
			return forbidden()
		}
		r := s.find(c, o)
		if r == nil || r.deleted() {
			return notFoundV2()
		}
		s.begin("api", c.user, c.n).remove(r, 0, "")
		return one(map[string]any{"id": r.id})
	}
}

// search answers v2 searches: by name, and by e-mail and phone for persons.
func search(o *object) func(*Server, *call) answer {
	return func(s *Server, c *call) answer {
		p := &params{Values: c.URL.Query(), known: map[string]bool{"api_token": true}}
		term, exact := strings.ToLower(p.get("term")), p.oneOf("exact_match", "true", "false") == "true"
		if len(term) < 2 && !exact || term == "" {
			p.add("term", "String must contain at least 2 character(s)")
		}
		limit, org := p.limit(c.sw), p.id("organization_id")
		fields := p.list("fields")
		if refusal := p.refuse(); refusal != nil {
			return *refusal
		}
		items := []any{}
		for _, r := range s.stores[o].sortedBy("id") {
			if r.deleted() || !c.user.sees(r.doc) || org != 0 && r.doc.int("org_id") != org || !found(o, r.doc, fields, term, exact) {
				continue
			}
			if items = append(items, map[string]any{"result_score": 0.41, "item": s.foundItem(r)}); len(items) == limit {
				break
			}
		}
		return ok(map[string]any{"success": true, "data": map[string]any{"items": items}, "additional_data": map[string]any{"next_cursor": nil}}).With(len(items))
	}
}

func found(o *object, d doc, fields []string, term string, exact bool) bool {
	in := func(name string) bool { return fields == nil || slices.Contains(fields, name) }
	var texts []string
	if in("name") || in("title") {
		texts = append(texts, d.text("name"), d.text("title"))
	}
	for name, column := range map[string]string{"email": "emails", "phone": "phones"} {
		if o == persons && in(name) {
			texts = append(texts, contactTexts(d, column)...)
		}
	}
	return slices.ContainsFunc(texts, func(text string) bool {
		text = strings.ToLower(text)
		return text == term || !exact && strings.Contains(text, term)
	})
}

func contactTexts(d doc, column string) []string {
	items, _ := d[column].([]any)
	var texts []string
	for _, item := range items {
		m, _ := item.(map[string]any)
		text, _ := m["value"].(string)
		texts = append(texts, text)
	}
	return texts
}

func (s *Server) foundItem(r *record) map[string]any {
	item := map[string]any{"id": r.id, "type": r.object.name, "visible_to": r.doc["visible_to"], "owner": map[string]any{"id": r.doc["owner_id"]}, "custom_fields": []any{}, "notes": []any{}}
	switch r.object {
	case organizations:
		address, _ := r.doc["address"].(map[string]any)
		item["name"], item["address"] = r.doc["name"], address["value"]
	case persons:
		item["name"], item["emails"], item["phones"] = r.doc["name"], contactTexts(r.doc, "emails"), contactTexts(r.doc, "phones")
	default:
		item["title"], item["value"], item["currency"], item["status"] = r.doc["title"], r.doc["value"], r.doc["currency"], r.doc["status"]
	}
	return item
}
