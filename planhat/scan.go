package planhat

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/bits"
)

// errNotJSON is a body that is not one whole JSON text.
var errNotJSON = errors.New("it is not JSON")

// checkJSON accepts exactly what encoding/json accepts, less texts that are not UTF-8.
// Everything else in this file relies on it having been asked; without, the answers
// are meaningless, but they come.
func checkJSON(body []byte) error {
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		return errors.New("it is empty")
	case validJSON(body):
		return nil
	case bytes.TrimSpace(body)[0] == '<':
		return errors.New("it is a page, not JSON")
	case json.Valid(body):
		return errors.New("it is not UTF-8")
	}
	return errNotJSON
}

// elements yields the elements of a JSON array, as parts of it; nothing for any other
// value. The array must be valid JSON.
func elements(array []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		i := skipSpace(array, 0)
		if i >= len(array) || array[i] != '[' {
			return
		}
		for i = skipSpace(array, i+1); i < len(array) && array[i] != ']'; {
			end := skipValue(array, i)
			if end == i || !yield(array[i:end:end]) {
				return
			}
			i = skipComma(array, end)
		}
	}
}

// members yields the members of a JSON object, names with their quotes, as parts of
// it; nothing for any other value. The object must be valid JSON.
func members(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		i := skipSpace(object, 0)
		if i >= len(object) || object[i] != '{' {
			return
		}
		for i = skipSpace(object, i+1); i < len(object) && object[i] != '}'; {
			nameEnd := skipString(object, i)
			start := min(skipSpace(object, skipSpace(object, nameEnd)+1), len(object))
			end := skipValue(object, start)
			if end == start || !yield(object[i:nameEnd:nameEnd], object[start:end:end]) {
				return
			}
			i = skipComma(object, end)
		}
	}
}

// member returns the value of the last member of that name, as encoding/json would;
// nil when there is none.
func member(object []byte, name string) []byte {
	var found []byte
	for key, value := range members(object) {
		if isName(key, name) {
			found = value
		}
	}
	return found
}

// isName compares a quoted name, escapes and all.
func isName(quoted []byte, name string) bool {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return len(quoted) == len(name)+2 && string(quoted[1:len(quoted)-1]) == name
	}
	return stringOf(quoted) == name
}

// stringOf returns a JSON string's text; "" for any other value.
func stringOf(value []byte) string {
	if len(value) < 2 || value[0] != '"' {
		return ""
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return string(value[1 : len(value)-1])
	}
	var text string
	if json.Unmarshal(value, &text) != nil {
		return ""
	}
	return text
}

// isText reports whether a value is a string that is not empty.
func isText(value []byte) bool { return len(value) > 2 && value[0] == '"' }

func isObject(value []byte) bool {
	i := skipSpace(value, 0)
	return i < len(value) && value[i] == '{'
}

// without returns an object without the members of that name.
func without(object []byte, name string) []byte {
	out := []byte{'{'}
	for key, value := range members(object) {
		if isName(key, name) {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, key...), ':'), value...)
	}
	return append(out, '}')
}

// whiteSpace has the bit of each character that JSON allows between values.
const whiteSpace = 1<<' ' | 1<<'\t' | 1<<'\n' | 1<<'\r'

func skipSpace(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && whiteSpace>>b[i]&1 == 1 {
		i++
	}
	return i
}

func skipComma(b []byte, i int) int {
	i = skipSpace(b, i)
	if i < len(b) && b[i] == ',' {
		return skipSpace(b, i+1)
	}
	return i
}

// skipString returns the index after the string that begins at i.
func skipString(b []byte, i int) int {
	for i++; i < len(b); {
		if i+8 <= len(b) {
			eight := binary.LittleEndian.Uint64(b[i:])
			stop := below(eight^('"'*ones), 1) | below(eight^('\\'*ones), 1)
			if stop == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(stop) / 8
		}
		switch b[i] {
		case '\\':
			i += 2
		case '"':
			return i + 1
		default:
			i++
		}
	}
	return len(b)
}

// skipValue returns the index after the value that begins at i.
func skipValue(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = skipString(b, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
			i++
		case ',':
			if depth == 0 {
				return i
			}
			i++
		case ' ', '\t', '\n', '\r':
			i = skipSpace(b, i)
		default:
			i++
			if depth == 0 {
				i = skipScalar(b, i)
			}
		}
		if depth == 0 {
			return min(i, len(b))
		}
	}
	return len(b)
}

func skipScalar(b []byte, i int) int {
	for i < len(b) && b[i] != ',' && b[i] != ']' && b[i] != '}' && skipSpace(b, i) == i {
		i++
	}
	return i
}

// splitRows takes a page apart. Everything about it is checked before a row is given
// out: one bad row, and there is no page. What is not plain is looked at closely:
// it is in another form, or wrong, and the error says how.
func splitRows(body []byte) ([]Row, error) {
	if rows, ok := plainRows(body); ok {
		return rows, nil
	}
	return otherRows(body)
}

func otherRows(body []byte) ([]Row, error) {
	if err := checkJSON(body); err != nil {
		return nil, err
	}
	list := bytes.TrimSpace(body)
	if isObject(list) {
		list = member(list, "data")
	}
	if len(list) == 0 || list[0] != '[' {
		return nil, errors.New("it is not an array of records")
	}
	rows := []Row{}
	for raw := range elements(list) {
		id, err := idOf(raw)
		if err != nil {
			return nil, fmt.Errorf("row %d %w", len(rows), err)
		}
		rows = append(rows, Row{ID: id, Raw: raw})
	}
	return rows, nil
}

// idOf returns the id of a record.
func idOf(record []byte) (string, error) {
	if !isObject(record) {
		return "", errors.New("is not an object")
	}
	var id []byte
	for key, value := range members(record) {
		if !isName(key, "_id") {
			continue
		}
		if id != nil {
			return "", errors.New("has two ids")
		}
		id = value
	}
	if id == nil {
		return "", errors.New("has no _id")
	}
	text := stringOf(id)
	if !isID(text) {
		return "", errors.New("has an _id that is not 24 hex characters")
	}
	return text, nil
}
