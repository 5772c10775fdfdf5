package planhatsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"unicode/utf8"
)

// member is one name and value of a JSON object; key and val are JSON text as it was written.
type member struct {
	name string
	key  []byte // with quotes and escapes
	val  []byte
}

// document is a JSON object in the order of its text, each name once.
type document []member

var errNotObject = errors.New("expected a JSON object")

// parseObject reads bytes from outside. Of a repeated name the last value counts, at the first place.
func parseObject(raw []byte) (document, error) {
	text, err := compacted(raw)
	if err != nil {
		return nil, err
	}
	if text[0] != '{' {
		return nil, errNotObject
	}
	return splitObject(text), nil
}

// compacted gives valid JSON without its white space; bytes that are not UTF-8 become U+FFFD.
func compacted(raw []byte) ([]byte, error) {
	if !utf8.Valid(raw) {
		raw = []byte(string([]rune(string(raw))))
	}
	var compact bytes.Buffer
	compact.Grow(len(raw))
	if err := json.Compact(&compact, raw); err != nil {
		return nil, err
	}
	return compact.Bytes(), nil
}

// splitObject takes valid compact JSON of an object apart, without copying.
func splitObject(text []byte) document {
	doc := make(document, 0, 48)
	eachMember(text, func(m member) bool {
		if at := doc.index(m.name); at >= 0 {
			doc[at].val = m.val
			return true
		}
		doc = append(doc, m)
		return true
	})
	return doc
}

// eachMember calls visit for the members of valid compact JSON until it returns false.
func eachMember(text []byte, visit func(member) bool) {
	for i := 1; i < len(text) && text[i] == '"'; {
		end := skipString(text, i)
		key := text[i:end]
		next := skipValue(text, end+1)
		if !visit(member{name: unquote(key), key: key, val: text[end+1 : next : next]}) {
			return
		}
		i = next + 1 // past the comma or the closing brace
	}
}

// splitArray takes valid compact JSON of an array apart.
func splitArray(text []byte) [][]byte {
	var items [][]byte
	for i := 1; i < len(text) && text[i] != ']'; {
		next := skipValue(text, i)
		items = append(items, text[i:next:next])
		i = next
		if i < len(text) && text[i] == ',' {
			i++
		}
	}
	return items
}

func skipString(text []byte, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

func skipValue(text []byte, i int) int {
	depth := 0
	for i < len(text) {
		switch text[i] {
		case '"':
			i = skipString(text, i)
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return i
}

func unquote(key []byte) string {
	if len(key) >= 2 && bytes.IndexByte(key, '\\') < 0 {
		return string(key[1 : len(key)-1])
	}
	var s string
	if json.Unmarshal(key, &s) != nil {
		return ""
	}
	return s
}

// textOf gives the string that JSON text stands for; false for anything but a string.
func textOf(raw []byte) (string, bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	return unquote(raw), true
}

// quoted gives a string as JSON text without escaping what HTML would need.
func quoted(s string) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return []byte(`""`)
	}
	return bytes.TrimRight(out.Bytes(), "\n")
}

func (d document) index(name string) int {
	for i := range d {
		if d[i].name == name {
			return i
		}
	}
	return -1
}

// get gives the JSON text of a name, nil where there is none.
func (d document) get(name string) []byte {
	if at := d.index(name); at >= 0 {
		return d[at].val
	}
	return nil
}

// text gives a string value; "" for anything else.
func (d document) text(name string) string {
	s, _ := textOf(d.get(name))
	return s
}

// has tells whether a name is there with a value other than null.
func (d document) has(name string) bool { return !isNull(d.get(name)) }

func isNull(raw []byte) bool { return len(raw) == 0 || string(raw) == "null" }

func (d *document) set(name string, val []byte) {
	if at := d.index(name); at >= 0 {
		(*d)[at].val = val
		return
	}
	*d = append(*d, member{name: name, key: quoted(name), val: val})
}

func (d *document) setText(name, value string) { d.set(name, quoted(value)) }

func (d *document) remove(name string) {
	if at := d.index(name); at >= 0 {
		*d = append((*d)[:at:at], (*d)[at+1:]...)
	}
}

func (d document) clone() document { return append(document(nil), d...) }

// appendTo writes the members that keep allows; nil keeps all.
func (d document) appendTo(dst []byte, keep func(name string) bool) []byte {
	dst = append(dst, '{')
	first := true
	for _, m := range d {
		if keep != nil && !keep(m.name) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(append(append(dst, m.key...), ':'), m.val...)
	}
	return append(dst, '}')
}

// sameJSON tells whether two JSON texts mean the same: order of names, escapes and the spelling of
// numbers (1.0 and 1) do not count.
func sameJSON(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	va, errA := decodeAny(a)
	vb, errB := decodeAny(b)
	return errA == nil && errB == nil && sameValue(va, vb)
}

func decodeAny(raw []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}

func sameValue(a, b any) bool {
	switch x := a.(type) {
	case json.Number:
		y, ok := b.(json.Number)
		return ok && sameNumber(string(x), string(y))
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !sameValue(x[i], y[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k := range x {
			other, there := y[k]
			if !there || !sameValue(x[k], other) {
				return false
			}
		}
		return true
	default:
		return a == b
	}
}

// longestNumber bounds the texts that are compared by value, so that 1e999999999 costs nothing.
const longestNumber = 40

func sameNumber(a, b string) bool {
	if a == b {
		return true
	}
	if len(a) > longestNumber || len(b) > longestNumber || strings.ContainsAny(a+b, "eE") && len(a)+len(b) > 12 {
		return false
	}
	ra, okA := new(big.Rat).SetString(a)
	rb, okB := new(big.Rat).SetString(b)
	return okA && okB && ra.Cmp(rb) == 0
}
