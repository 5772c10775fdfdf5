package plan

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// customField is the object that holds a record's custom fields.
const customField = "custom"

// Field is one field as sent: its value is JSON text, kept as it came.
type Field = schemas.Member

// Fields are the top-level fields of a body in the order given, each name
// once. Custom fields are in one field "custom", however they were spelled.
type Fields []Field

// Get returns the value of a field, nil if it is absent.
func (f Fields) Get(name string) json.RawMessage {
	for _, m := range f {
		if m.Name == name {
			return m.Raw
		}
	}
	return nil
}

// Has tells whether a field is present, be it null.
func (f Fields) Has(name string) bool { return f.Get(name) != nil }

// Text returns a field that is a non-empty JSON string.
func (f Fields) Text(name string) (string, bool) { return text(f.Get(name)) }

// With returns the fields with one of them set; f is not changed.
func (f Fields) With(name string, raw json.RawMessage) Fields {
	out := make(Fields, 0, len(f)+1)
	out = append(out, f...)
	for i := range out {
		if out[i].Name == name {
			out[i].Raw = raw
			return out
		}
	}
	return append(out, Field{Name: name, Raw: raw})
}

// WithText is With for a string.
func (f Fields) WithText(name, value string) Fields { return f.With(name, quote(value)) }

// Without returns the fields less one; f is not changed.
func (f Fields) Without(name string) Fields {
	out := make(Fields, 0, len(f))
	for _, m := range f {
		if m.Name != name {
			out = append(out, m)
		}
	}
	return out
}

// Over returns what applying f and then later amounts to: later's fields win,
// custom fields one by one, since the vendor merges them by name.
func (f Fields) Over(later Fields) Fields {
	return f.over(later, func(was, now Field) json.RawMessage {
		if now.Name == customField {
			return overCustom(was.Raw, now.Raw)
		}
		return now.Raw
	})
}

// over returns f with later's fields; both says what a field of both becomes.
func (f Fields) over(later Fields, both func(was, now Field) json.RawMessage) Fields {
	out := append(make(Fields, 0, len(f)+len(later)), f...)
	place := f.places()
	for _, m := range later {
		if at := place(m.Name); at >= 0 {
			out[at].Raw = both(out[at], m)
		} else {
			out = append(out, m)
		}
	}
	return out
}

// places returns what finds a field's place by its name, -1 if it is absent. It
// is for many names: a body may have tens of thousands.
func (f Fields) places() func(string) int {
	if len(f) <= 16 {
		return func(name string) int {
			return slices.IndexFunc(f, func(m Field) bool { return m.Name == name })
		}
	}
	index := make(map[string]int, len(f))
	for i, m := range f {
		index[m.Name] = i
	}
	return func(name string) int {
		if at, ok := index[name]; ok {
			return at
		}
		return -1
	}
}

// values is Get for many names.
func (f Fields) values() func(string) json.RawMessage {
	place := f.places()
	return func(name string) json.RawMessage {
		if at := place(name); at >= 0 {
			return f[at].Raw
		}
		return nil
	}
}

func overCustom(earlier, later json.RawMessage) json.RawMessage {
	was, err := members(earlier)
	if err != nil {
		return later
	}
	now, err := members(later)
	if err != nil {
		return later
	}
	return Fields(was).over(now, func(_, now Field) json.RawMessage { return now.Raw }).JSON()
}

// JSON spells the fields as one JSON object.
func (f Fields) JSON() json.RawMessage {
	size := 2
	for _, m := range f {
		size += len(m.Name) + len(m.Raw) + 4
	}
	return f.append(make([]byte, 0, size))
}

func (f Fields) append(dst []byte) []byte {
	dst = append(dst, '{')
	for i, m := range f {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendQuoted(dst, m.Name)
		dst = append(dst, ':')
		dst = append(dst, m.Raw...)
	}
	return append(dst, '}')
}

// size is about the length of JSON().
func (f Fields) size() int {
	n := 2
	for _, m := range f {
		n += len(m.Name) + len(m.Raw) + 4
	}
	return n
}

// appendQuoted appends a JSON string; text that needs no escapes is copied.
func appendQuoted(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return append(dst, escaped(s)...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

func quote(s string) json.RawMessage { return appendQuoted(make([]byte, 0, len(s)+2), s) }

func escaped(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) //nolint:errchkjson // a string cannot fail
	return bytes.TrimRight(b.Bytes(), "\n")
}

// text decodes a JSON string that is not empty.
func text(raw json.RawMessage) (string, bool) {
	if len(raw) < 3 || raw[0] != '"' {
		return "", false
	}
	s, err := decodeName(raw)
	return s, err == nil && s != ""
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }
