package account

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/cdc"
)

// customFields is the member of a row that holds the custom fields by their codes.
const customFields = "custom_fields"

// customPrefix begins the names of custom fields where they stand beside others.
const customPrefix = customFields + "."

var null = json.RawMessage("null")

// row is a record as REST shows it. REST sends null for what was never set and
// for what was cleared alike, so that its nulls are kept apart from its values.
type row struct {
	values map[string]json.RawMessage // by name; custom fields as "custom_fields.<code>"
	nulls  names                      // sent as null
	custom bool                       // there is an object of custom fields, even if an empty one
}

// names are names of fields, custom fields as "custom_fields.<code>".
type names map[string]bool

func (n names) sorted() []string { return slices.Sorted(maps.Keys(n)) }

// with are the names of both.
func (n names) with(others names) names {
	out := maps.Clone(n)
	if out == nil {
		out = names{}
	}
	maps.Copy(out, others)
	return out
}

func namesOf(list []string) names {
	out := make(names, len(list))
	for _, name := range list {
		out[name] = true
	}
	return out
}

// readRow reads a record's JSON. Of members with the same name the last counts.
func readRow(raw []byte) (row, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return row{}, fmt.Errorf("read a row: %w", err)
	}
	if members == nil {
		return row{}, fmt.Errorf("read a row: it is null")
	}
	r := row{values: make(map[string]json.RawMessage, len(members)), nulls: names{}}
	for name, value := range members {
		if name == customFields && value[0] == '{' {
			if err := r.readCustom(value); err != nil {
				return row{}, err
			}
			continue
		}
		r.put(name, value)
	}
	return r, nil
}

func (r *row) readCustom(value json.RawMessage) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(value, &fields); err != nil {
		return fmt.Errorf("read the custom fields of a row: %w", err)
	}
	r.custom = true
	for code, value := range fields {
		r.put(customPrefix+code, value)
	}
	return nil
}

func (r *row) put(name string, value json.RawMessage) {
	if bytes.Equal(value, null) {
		r.nulls[name] = true
		return
	}
	r.values[name] = value
}

// text is a member that is a string, else "".
func (r row) text(name string) string {
	var text string
	_ = json.Unmarshal(r.values[name], &text) // anything else is as good as none
	return text
}

// stamp is a record's change stamp in ms since 1970-01-01 UTC; 0 if it has none.
// Version 1 of the API writes "2026-11-19 13:50:12", in UTC.
func (r row) stamp() int64 { return parseStamp(r.text("update_time")) }

func parseStamp(text string) int64 {
	if len(text) == len("2026-11-19 13:50:12") && text[10] == ' ' {
		text = text[:10] + "T" + text[11:] + "Z"
	}
	ms, _ := cdc.ParseStamp([]byte(text))
	return ms
}

// empty are those of some names that REST shows as null.
func (r row) empty(of names) names {
	out := names{}
	for name := range of {
		if r.nulls[name] {
			out[name] = true
		}
	}
	return out
}

// cleared are the names that hold nothing now although a value was there: what
// the record's last change had (a value, or the null of an earlier clearing), and
// what a webhook says was there. A webhook may name what REST does not know: that
// does not count.
func (r row) cleared(before *row, told names) names {
	out := names{}
	if before != nil {
		for name := range before.values {
			out[name] = true
		}
		for name := range before.nulls {
			out[name] = true
		}
	}
	for name := range r.empty(told) {
		out[name] = true
	}
	for name := range r.values {
		delete(out, name)
	}
	if r.custom {
		delete(out, customFields) // it was something else once
	}
	return out
}

// write is the row as JSON: its values, and null for what was cleared.
func (r row) write(cleared names) []byte {
	top, custom := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	put := func(name string, value json.RawMessage) {
		if code, is := strings.CutPrefix(name, customPrefix); is {
			custom[code] = value
			return
		}
		top[name] = value
	}
	for name, value := range r.values {
		put(name, value)
	}
	for name := range cleared {
		put(name, null)
	}
	if r.custom || len(custom) > 0 {
		top[customFields] = objectOf(custom)
	}
	return objectOf(top)
}

// objectOf is a JSON object of members as they came, sorted by name.
func objectOf(members map[string]json.RawMessage) json.RawMessage {
	out := []byte{'{'}
	for i, name := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			out = append(out, ',')
		}
		key, _ := json.Marshal(name) //nolint:errchkjson // a string
		out = append(append(out, key...), ':')
		out = append(out, members[name]...)
	}
	return append(out, '}')
}

// hints are the names to which a webhook's previous gives a value.
func hints(previous []byte) names {
	out := names{}
	r, err := readRow(previous)
	if err != nil {
		return out // of a create, or of no object at all
	}
	for name := range r.values {
		if isCode(name) { // payloads of version 1 have custom fields among the others
			name = customPrefix + name
		}
		out[name] = true
	}
	return out
}

// isCode says that a name is the code of a custom field: 40 hexadecimal digits.
func isCode(name string) bool {
	return len(name) == 40 && strings.Trim(name, "0123456789abcdef") == ""
}
