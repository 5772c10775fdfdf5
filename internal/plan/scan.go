package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

var errNotObject = errors.New("not a JSON object")

// members splits a JSON object into its members, in order, without decoding
// the values: each value is a subslice of raw. Names are decoded. The error
// says what is wrong with the text.
func members(raw []byte) ([]Field, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) > 0 && raw[0] == '{' && !json.Valid(raw) {
		return nil, errors.New("not valid JSON")
	}
	return split(raw)
}

// split is members for a text that is known to be valid, as whoever decodes a command
// has made sure: it is not read a second time for that. Of another text it may make
// anything, or an error.
func split(raw []byte) ([]Field, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] != '{' {
		return nil, errNotObject
	}
	out := make([]Field, 0, min(16, bytes.Count(raw, []byte{':'})))
	i := skipSpace(raw, 1)
	for at(raw, i) != '}' {
		end := stringEnd(raw, i)
		if at(raw, i) != '"' || end > len(raw) {
			return nil, errNotObject
		}
		name, err := decodeName(raw[i:end])
		if err != nil {
			return nil, err
		}
		i = skipSpace(raw, end)
		i = skipSpace(raw, i+1) // past the colon
		end = valueEnd(raw, i)
		if end > len(raw) || end <= i {
			return nil, errNotObject
		}
		out = append(out, Field{Name: name, Raw: raw[i:end:end]})
		i = skipSpace(raw, end)
		if at(raw, i) == ',' {
			i = skipSpace(raw, i+1)
		}
	}
	return out, nil
}

// at is the byte at a place, 0 behind the end.
func at(b []byte, i int) byte {
	if i < len(b) {
		return b[i]
	}
	return 0
}

func decodeName(quoted []byte) (string, error) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		if known, ok := knownNames[string(quoted[1:len(quoted)-1])]; ok {
			return known, nil // saves a copy of each field's name
		}
		return string(quoted[1 : len(quoted)-1]), nil
	}
	var name string
	if err := json.Unmarshal(quoted, &name); err != nil {
		return "", fmt.Errorf("read a field name: %w", err)
	}
	return name, nil
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// stringEnd is the place after the string that starts at i; more than the length if it
// has no end.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b) && b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// valueEnd is the place after the value that starts at i, in a valid object.
func valueEnd(b []byte, i int) int {
	switch at(b, i) {
	case '"':
		return stringEnd(b, i)
	case '{', '[':
		return nestedEnd(b, i)
	}
	for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ' ' && b[i] != '\n' && b[i] != '\r' && b[i] != '\t' {
		i++
	}
	return i
}

// nestedEnd is the place after the object or array that starts at i.
func nestedEnd(b []byte, i int) int {
	for depth := 0; i < len(b); {
		switch b[i] {
		case '"':
			i = stringEnd(b, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		i++
		if depth == 0 {
			return i
		}
	}
	return len(b) + 1
}
