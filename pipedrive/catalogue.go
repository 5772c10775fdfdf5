package pipedrive

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// Catalogue gives the codes under which records hold custom fields their names.
type Catalogue struct{ byCode map[string]Field }

// NewCatalogue makes a catalogue of the fields of one object: see [Client.Fields].
func NewCatalogue(fields []Field) *Catalogue {
	c := &Catalogue{make(map[string]Field, len(fields))}
	for _, f := range fields {
		c.byCode[f.Code] = f
	}
	return c
}

// Field returns the field of a code; false: the catalogue is older than the field, or
// the field was deleted.
func (c *Catalogue) Field(code string) (Field, bool) {
	f, ok := c.byCode[code]
	return f, ok
}

// Value is the value of a custom field, as people would read it.
type Value struct {
	Code   string
	Name   string          // "": the catalogue does not know the code
	Type   string          // the field's; where it is not known, what the value says of itself, if anything
	Labels []string        // of the options chosen; an option that is not known is its id
	Text   string          // "Enterprise", "1500 EUR", "2026-12-01 to 2028-11-30"
	Raw    json.RawMessage // as it was sent
}

// Values returns the custom fields of a record that have a value, sorted by name and
// code. It reads the records of REST's version 2, and those of webhooks of version 2.
func (c *Catalogue) Values(record []byte) ([]Value, error) {
	var r struct {
		Custom map[string]json.RawMessage `json:"custom_fields"`
	}
	if err := json.Unmarshal(record, &r); err != nil {
		return nil, errors.New("the record's custom fields cannot be decoded")
	}
	var values []Value
	for code, raw := range r.Custom {
		if !isNull(raw) {
			values = append(values, c.Value(code, raw))
		}
	}
	slices.SortFunc(values, func(a, b Value) int {
		return strings.Compare(a.Name+"\x00"+a.Code, b.Name+"\x00"+b.Code)
	})
	return values, nil
}

// Value reads the value of one custom field, in any of the encodings of
// REST and of webhooks, which differ.
func (c *Catalogue) Value(code string, raw json.RawMessage) Value {
	field, known := c.byCode[code]
	v := Value{Code: code, Name: field.Name, Type: field.Type, Raw: raw}
	parts := partsOf(raw)
	if !known {
		v.Type = text(parts["type"])
	}
	if v.Type == "enum" || v.Type == "set" {
		for _, option := range chosen(raw, parts) {
			v.Labels = append(v.Labels, field.labelOf(option))
		}
		v.Text = strings.Join(v.Labels, ", ")
		return v
	}
	v.Text = plain(raw, parts)
	return v
}

// partsOf is a value that is an object, by its members; nil: it is none.
func partsOf(raw json.RawMessage) map[string]json.RawMessage {
	var parts map[string]json.RawMessage
	if json.Unmarshal(raw, &parts) != nil {
		return nil
	}
	return parts
}

// option is one that was chosen: an id, perhaps with its label.
type option struct{ id, label string }

// chosen reads the options of an enum or a set: 17, [13,14], "13,14", {id,label}, and the
// objects of webhooks, {type,id} and {type,values}.
func chosen(raw json.RawMessage, parts map[string]json.RawMessage) []option {
	raw = bytes.TrimSpace(raw)
	if values, ok := parts["values"]; ok {
		raw = values
	} else if parts != nil {
		return []option{{text(parts["id"]), text(parts["label"])}}
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		var options []option
		for id := range strings.SplitSeq(text(raw), ",") {
			options = append(options, option{id: strings.TrimSpace(id)})
		}
		return options
	}
	var options []option
	for _, each := range list {
		if inner := partsOf(each); inner != nil {
			options = append(options, option{text(inner["id"]), text(inner["label"])})
			continue
		}
		options = append(options, option{id: text(each)})
	}
	return options
}

func (f Field) labelOf(o option) string {
	if o.label != "" {
		return o.label
	}
	if label, ok := f.Label(o.id); ok {
		return label
	}
	return o.id
}

// plain is a value that is no option as text: what it is, or from when, until when, in
// which currency.
func plain(raw json.RawMessage, parts map[string]json.RawMessage) string {
	if parts == nil {
		return text(raw)
	}
	said := ""
	for _, name := range []string{"value", "from", "formatted_address", "id"} {
		if said = text(parts[name]); said != "" {
			break
		}
	}
	if until := text(parts["until"]); until != "" {
		said += " to " + until
	}
	if currency := text(parts["currency"]); currency != "" {
		said += " " + currency
	}
	return said
}
