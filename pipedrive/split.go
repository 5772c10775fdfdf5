package pipedrive

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"strings"
)

// A page is checked once as a whole and then taken apart without being decoded: what is
// in its rows is for whoever asked for them. The functions below walk JSON that is
// known to be valid.

// checkJSON says where a text stops being JSON, and nothing of what it holds, which may
// be somebody's record.
func checkJSON(text []byte) error {
	if json.Valid(text) {
		return nil
	}
	var whole json.RawMessage
	return withoutText(json.Unmarshal(text, &whole))
}

// members are the members of an object; of several with one name the last one counts.
func members(object []byte) map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	for name, value := range eachMember(object) {
		all[string(name)] = value
	}
	return all
}

// eachMember yields the members of an object, their names without quotes; of another
// value there are none.
func eachMember(object []byte) iter.Seq2[[]byte, json.RawMessage] {
	return func(yield func([]byte, json.RawMessage) bool) {
		i := space(object, 0)
		if i == len(object) || object[i] != '{' {
			return
		}
		for i = space(object, i+1); i < len(object) && object[i] == '"'; i = space(object, i+1) {
			end := skipString(object, i)
			name := nameOf(object[i:end])
			i = space(object, space(object, end)+1) // the colon
			end = skip(object, i)
			if !yield(name, object[i:end:end]) {
				return
			}
			if i = space(object, end); i == len(object) || object[i] != ',' {
				return
			}
		}
	}
}

// nameOf is a quoted name without its quotes, and without escapes.
func nameOf(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	var name string
	_ = json.Unmarshal(quoted, &name) // it is valid
	return []byte(name)
}

// elements are the elements of a list; of null there are none, of another value an error.
func elements(list []byte) ([]json.RawMessage, error) {
	if isNull(list) {
		return nil, nil
	}
	i := space(list, 0)
	if i == len(list) || list[i] != '[' {
		return nil, errors.New("no list")
	}
	var all []json.RawMessage
	for i = space(list, i+1); i < len(list) && list[i] != ']'; i = space(list, i+1) {
		end := skip(list, i)
		all = append(all, list[i:end:end])
		if i = space(list, end); i == len(list) || list[i] != ',' {
			break
		}
	}
	return all, nil
}

// space is the next place behind white space.
func space(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\n' || text[i] == '\t' || text[i] == '\r') {
		i++
	}
	return min(i, len(text))
}

// skip is the place behind the value that begins at one.
func skip(text []byte, i int) int {
	switch {
	case i >= len(text):
		return len(text)
	case text[i] == '"':
		return skipString(text, i)
	case text[i] == '{' || text[i] == '[':
		return skipNested(text, i)
	}
	for i < len(text) && !strings.ContainsRune(",]} \n\t\r", rune(text[i])) {
		i++
	}
	return i
}

func skipNested(text []byte, i int) int {
	depth := 0
	for i < len(text) {
		switch text[i] {
		case '"':
			i = skipString(text, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return i
}

// skipString is the place behind a string: behind the first quote that is not escaped.
func skipString(text []byte, i int) int {
	for i++; i < len(text); i++ {
		next := bytes.IndexByte(text[i:], '"')
		if next < 0 {
			return len(text)
		}
		i += next
		escapes := 0
		for text[i-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return i + 1
		}
	}
	return len(text)
}
