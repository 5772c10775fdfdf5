package pipedrivesim

import (
	"slices"
	"strings"
)

// builtinTypes are the types by which field lists name columns.
var builtinTypes = map[kind]string{
	kText: "varchar", kInt: "int", kNumber: "double", kBool: "boolean", kDate: "date", kTime: "date", kInts: "set", kContacts: "phone",
	kAddress: "address", kStatus: "status", kVisible: "visible_to", kCurrency: "varchar",
}

// words turns a column's name into what people read.
func words(name string) string {
	text := strings.ReplaceAll(name, "_", " ")
	return strings.ToUpper(text[:1]) + text[1:]
}

// fieldRows are all fields of an object as v2 lists them, the built-in ones first.
func (s *Server) fieldRows(o *object) []map[string]any {
	var rows []map[string]any
	for _, c := range o.columns {
		row := map[string]any{
			"field_name": words(c.name), "field_code": c.name, "field_type": builtinTypes[c.kind], "options": builtinOptions(c),
			"subfields": nil, "is_custom_field": false, "is_optional_response_field": c.when == "include",
		}
		if c.to == "user" || c.to == "organization" || c.to == "person" {
			row["field_type"] = map[string]string{"user": "user", "organization": "org", "person": "people"}[c.to]
		}
		rows = append(rows, row)
	}
	for _, f := range s.stores[o].fields.fields {
		rows = append(rows, f.row())
	}
	return rows
}

// builtinOptions: of some built-in fields the ids are strings.
func builtinOptions(c column) any {
	if c.kind != kStatus {
		return nil
	}
	var options []any
	for _, status := range []string{"open", "won", "lost", "deleted"} {
		options = append(options, map[string]any{"id": status, "label": words(status)})
	}
	return options
}

func (f *field) row() map[string]any {
	row := map[string]any{
		"field_name": f.name, "field_code": f.code, "description": nil, "field_type": f.kind, "options": nil, "subfields": f.subfields(),
		"is_custom_field": true, "is_optional_response_field": false,
	}
	if f.options != nil {
		options := make([]any, len(f.options))
		for i, o := range f.options {
			options[i] = map[string]any{"id": o.id, "label": o.label, "color": nil, "add_time": f.added, "update_time": nil}
		}
		row["options"] = options
	}
	return row
}

var subfieldTypes = map[string][]string{
	"monetary":  {"value", "double", "currency", "varchar"},
	"daterange": {"value", "date", "until", "date"},
	"time":      {"value", "time", "timezone_id", "int", "timezone_name", "varchar"},
	"timerange": {"value", "time", "until", "time", "timezone_id", "int", "timezone_name", "varchar"},
}

func (f *field) subfields() any {
	pairs := subfieldTypes[f.kind]
	if f.kind == "address" {
		for _, name := range append([]string{"value"}, addressParts...) {
			pairs = append(pairs, name, "varchar")
		}
	}
	if pairs == nil {
		return nil
	}
	var rows []any
	for i := 0; i < len(pairs); i += 2 {
		rows = append(rows, map[string]any{"field_code": pairs[i], "field_name": words(pairs[i]), "field_type": pairs[i+1]})
	}
	return rows
}

// listFields answers a catalogue; its cursor is a place in it.
func listFields(o *object) func(*Server, *call) answer {
	return func(s *Server, c *call) answer {
		p := &params{Values: c.URL.Query(), known: map[string]bool{"api_token": true}}
		limit, from := p.limit(c.sw), 0
		for _, name := range p.list("include_fields") {
			if !slices.Contains([]string{"ui_visibility", "important_fields", "required_fields"}, name) {
				p.add("include_fields", "'"+name+"' is not an optional field")
			}
		}
		if text := p.get("cursor"); text != "" {
			at := parseCursor(text)
			if at == nil {
				p.add("cursor", "Cursor is not valid")
			} else {
				from = int(at.ID)
			}
		}
		if refusal := p.refuse(); refusal != nil {
			return *refusal
		}
		rows := s.fieldRows(o)
		from = min(from, len(rows))
		page := rows[from:min(from+limit, len(rows))]
		var next any
		if from+limit < len(rows) {
			next = cursor{Field: "position", Value: from + limit, Dir: "asc", ID: int64(from + limit)}.String()
		}
		return ok(map[string]any{"success": true, "data": page, "additional_data": map[string]any{"next_cursor": next}}).With(len(page))
	}
}

func getField(o *object) func(*Server, *call) answer {
	return func(s *Server, c *call) answer {
		for _, row := range s.fieldRows(o) {
			if row["field_code"] == c.PathValue("code") {
				return one(row)
			}
		}
		return notFoundV2()
	}
}

func addField(o *object) func(*Server, *call) answer {
	return func(s *Server, c *call) answer {
		if !c.user.admin {
			return forbidden()
		}
		v, err := parseValue(c.body)
		body, _ := v.(map[string]any)
		var p problems
		name, _ := body["field_name"].(string)
		kind, _ := body["field_type"].(string)
		if err != nil || name == "" {
			p.add("field_name", "Parameter 'field_name' is required")
		}
		if !slices.Contains(creatableTypes, kind) {
			p.add("field_type", "Expected one of "+strings.Join(creatableTypes, ", "))
		}
		var labels []string
		options, _ := body["options"].([]any)
		for _, o := range options {
			m, _ := o.(map[string]any)
			label, _ := m["label"].(string)
			labels = append(labels, label)
		}
		if (kind == "enum" || kind == "set") == (labels == nil) {
			p.add("options", "Options go with enum and set, and with nothing else")
		}
		if refusal := p.refuse(); refusal != nil {
			return *refusal
		}
		return one(s.defineField(o, s.hash(), name, kind, labels...).row())
	}
}

func deleteField(o *object) func(*Server, *call) answer {
	return func(s *Server, c *call) answer {
		code := c.PathValue("code")
		switch {
		case !c.user.admin:
			return forbidden()
		case s.stores[o].fields.byCode[code] == nil:
			return notFoundV2()
		}
		s.stores[o].fields.remove(code)
		return one(map[string]any{"field_code": code})
	}
}

// firstOption is the id of the first option that a field gets: ids are unique among all fields.
const firstOption = 100

// defineField adds a custom field; options are labels.
func (s *Server) defineField(o *object, code, name, kind string, labels ...string) *field {
	f := &field{code: code, name: name, kind: kind, added: "2025-02-01T09:00:00Z"}
	last, count := int64(firstOption), int64(0)
	for _, st := range s.stores {
		count += int64(len(st.fields.fields))
		for _, other := range st.fields.fields {
			for _, opt := range other.options {
				last = max(last, opt.id)
			}
		}
	}
	f.id = 12600 + count
	for i, label := range labels {
		f.options = append(f.options, option{last + 1 + int64(i), label})
	}
	s.stores[o].fields.add(f)
	return f
}

// hash makes a field's code.
func (s *Server) hash() string {
	return strings.ReplaceAll(s.uuid(), "-", "") + s.uuid()[:8]
}

// listFieldsV1 answers the catalogue in the shape of v1.
func listFieldsV1(o *object) func(*Server, *call) answer {
	return func(s *Server, c *call) answer {
		var rows []any
		for i, col := range o.columns {
			rows = append(rows, fieldV1(int64(12000+i), i+1, col.name, words(col.name), builtinTypes[col.kind], nil, false))
		}
		for _, f := range s.stores[o].fields.fields {
			rows = append(rows, fieldV1(f.id, len(rows)+1, f.code, f.name, f.kind, f.options, true))
		}
		return c.pageV1(rows, nil)
	}
}

func fieldV1(id int64, order int, key, name, kind string, options []option, custom bool) map[string]any {
	row := map[string]any{
		"id": id, "key": key, "name": name, "order_nr": order, "field_type": kind, "add_time": "2025-02-01 09:00:00", "update_time": "2025-02-01 09:00:00",
		"last_updated_by_user_id": FirstUser, "created_by_user_id": FirstUser, "active_flag": true, "edit_flag": custom,
		"index_visible_flag": true, "details_visible_flag": true, "add_visible_flag": false, "important_flag": false,
		"bulk_edit_allowed": true, "searchable_flag": false, "filtering_allowed": true, "sortable_flag": true, "mandatory_flag": false,
	}
	if options != nil {
		list := make([]any, len(options))
		for i, o := range options {
			list[i] = map[string]any{"id": o.id, "label": o.label}
		}
		row["options"] = list
	}
	return row
}
