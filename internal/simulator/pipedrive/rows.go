package pipedrivesim

import (
	"fmt"
	"strings"
)

// rowOptions are what a caller of v2 may ask of rows.
type rowOptions struct {
	include map[string]bool // of include_fields
	hashes  []string        // nil = all custom fields
	labels  bool
}

func (o rowOptions) usual() bool { return len(o.include) == 0 && o.hashes == nil && !o.labels }

// row gives a record as REST answers it: every custom field is named, without a value as null.
func (s *Server) row(sw Switches, r *record, o rowOptions) []byte {
	if r.object == notes {
		return encode(s.noteRow(r, s.users[0]))
	}
	st := s.stores[r.object]
	key := rowKey{fields: st.fields.version, details: sw.OrganizationDetails == "present", sync: sw.ContactSync == "on"}
	if o.usual() && r.row != nil && r.rowOf == key {
		return r.row
	}
	row := make(map[string]any, len(r.object.columns)+1)
	for i := range r.object.columns {
		c := &r.object.columns[i]
		if c.seen(key) || c.when == "include" && o.include[c.name] {
			row[c.name] = s.value(r, c)
		}
	}
	if r.object.custom {
		row["custom_fields"] = customRow(&st.fields, r.doc.custom(), o)
	}
	text := encode(row)
	if o.usual() {
		r.row, r.rowOf = text, key
	}
	return text
}

// seen tells whether a column is in rows without being asked for.
func (c *column) seen(key rowKey) bool {
	switch c.when {
	case "include":
		return false
	case "details":
		return key.details
	case "sync":
		return key.sync
	}
	return true
}

func customRow(fields *catalogue, values map[string]any, o rowOptions) map[string]any {
	row := make(map[string]any, len(fields.fields))
	for _, f := range fields.fields {
		row[f.code] = values[f.code]
		if o.labels && (f.kind == "enum" || f.kind == "set") && values[f.code] != nil {
			row[f.code] = f.labelled(values[f.code])
		}
	}
	if o.hashes == nil {
		return row
	}
	some := map[string]any{}
	for _, hash := range o.hashes {
		if v, known := row[hash]; known {
			some[hash] = v
		}
	}
	return some
}

// value gives a column of a record; counts are made when they are asked for.
func (s *Server) value(r *record, c *column) any {
	switch c.name {
	case "notes_count":
		n := 0
		for _, note := range s.stores[notes].live {
			if note.doc.int("deal_id") == r.id {
				n++
			}
		}
		return n
	case "products_count":
		return len(s.productsOf(r.id))
	case "participants_count":
		return len(participants(r.doc))
	case "smart_bcc_email":
		return fmt.Sprintf("%s+deal%d@pipedrivemail.example", s.domain, r.id)
	}
	return r.doc[c.name]
}

// participants are the persons of a deal, the primary one first.
func participants(deal doc) []int64 {
	var ids []int64
	if id := deal.int("person_id"); id != 0 {
		ids = append(ids, id)
	}
	others, _ := deal["participants"].([]any)
	for _, other := range others {
		if id, _ := other.(int64); id != 0 && id != deal.int("person_id") {
			ids = append(ids, id)
		}
	}
	return ids
}

// noteRow is a note as v1 answers it to a user.
func (s *Server) noteRow(r *record, you *user) map[string]any {
	row := make(map[string]any, len(r.object.columns)+6)
	for i := range r.object.columns {
		c := &r.object.columns[i]
		row[c.name] = r.doc[c.name]
		if c.kind == kTimeV1 {
			row[c.name] = v1Time(r.doc[c.name])
		}
	}
	embed := func(name string, o *object, id int64, field string) {
		if other := s.stores[o].byID[id]; other != nil {
			row[name] = map[string]any{field: other.doc[field]}
		}
	}
	embed("deal", deals, r.doc.int("deal_id"), "title")
	embed("person", persons, r.doc.int("person_id"), "name")
	embed("organization", organizations, r.doc.int("org_id"), "name")
	row["project"], row["task"] = nil, nil
	if u := s.user(r.doc.int("user_id")); u != nil {
		row["user"] = map[string]any{"email": u.email, "icon_url": nil, "is_you": u == you, "name": u.name}
	}
	return row
}

// rowsOf joins rows as the array of a page.
func rowsOf(rows [][]byte) rawJSON {
	var out strings.Builder
	out.WriteByte('[')
	for i, row := range rows {
		if i > 0 {
			out.WriteByte(',')
		}
		out.Write(row)
	}
	out.WriteByte(']')
	return rawJSON(out.String())
}

// rawJSON is printed as it is.
type rawJSON []byte

// MarshalJSON gives the text itself.
func (r rawJSON) MarshalJSON() ([]byte, error) { return r, nil }
