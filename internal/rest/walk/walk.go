// Package walk takes JSON apart without decoding it: a page of records is checked once
// as a whole, and what is in its rows is for whoever asked for them. What it gives out
// are parts of the text that it was given.
//
// It relies on the text being valid JSON; of another one the answers are meaningless,
// but they come. It does not know what the members of any vendor's records are called.
package walk

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"iter"
	"math/bits"
)

// Elements yields the elements of an array; of another value there are none.
func Elements(array []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		i := Space(array, 0)
		if i == len(array) || array[i] != '[' {
			return
		}
		for i = Space(array, i+1); i < len(array) && array[i] != ']'; i = Space(array, i+1) {
			end := skip(array, i)
			if !yield(array[i:end:end]) {
				return
			}
			if i = Space(array, end); i == len(array) || array[i] != ',' {
				return
			}
		}
	}
}

// Members yields the members of an object, their names with the quotes; of another
// value there are none.
func Members(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name []byte, value []byte) bool) {
		i := Space(object, 0)
		if i == len(object) || object[i] != '{' {
			return
		}
		for i = Space(object, i+1); i < len(object) && object[i] == '"'; i = Space(object, i+1) {
			end := skipString(object, i)
			name := object[i:end:end]
			i = min(Space(object, Space(object, end)+1), len(object)) // the colon
			end = skip(object, i)
			if !yield(name, object[i:end:end]) {
				return
			}
			if i = Space(object, end); i == len(object) || object[i] != ',' {
				return
			}
		}
	}
}

// Member returns the value of the last member of that name, as encoding/json would;
// nil when there is none.
func Member(object []byte, name string) []byte {
	var found []byte
	for quoted, value := range Members(object) {
		if IsName(quoted, name) {
			found = value
		}
	}
	return found
}

// IsName compares a quoted name, escapes and all.
func IsName(quoted []byte, name string) bool {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return len(quoted) == len(name)+2 && string(quoted[1:len(quoted)-1]) == name
	}
	return Text(quoted) == name
}

// Text returns a JSON string's text; "" for any other value.
func Text(value []byte) string {
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

// whiteSpace has the bit of each character that JSON allows between values.
const whiteSpace = 1<<' ' | 1<<'\t' | 1<<'\n' | 1<<'\r'

// Space returns the index behind white space.
func Space(text []byte, i int) int {
	for i < len(text) && text[i] <= ' ' && whiteSpace>>text[i]&1 == 1 {
		i++
	}
	return i
}

// skip returns the index behind the value that begins at one.
func skip(text []byte, i int) int {
	switch {
	case i >= len(text):
		return len(text)
	case text[i] == '"':
		return skipString(text, i)
	case text[i] == '{' || text[i] == '[':
		return skipNested(text, i)
	}
	for i < len(text) && text[i] != ',' && text[i] != ']' && text[i] != '}' && Space(text, i) == i {
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

// Eight bytes at once: each of them a one, or only its highest bit.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// zeros has the highest bit of the first byte that is zero; bits behind it mean nothing.
func zeros(eight uint64) uint64 { return (eight - ones) &^ eight & highs }

// skipString is the place behind a string: behind the first quote that is not escaped.
func skipString(text []byte, i int) int {
	for i++; i < len(text); {
		if i+8 <= len(text) {
			eight := binary.LittleEndian.Uint64(text[i:])
			stop := zeros(eight^('"'*ones)) | zeros(eight^('\\'*ones))
			if stop == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(stop) / 8
		}
		switch text[i] {
		case '\\':
			i += 2
		case '"':
			return i + 1
		default:
			i++
		}
	}
	return len(text)
}
