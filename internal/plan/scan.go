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
	if len(raw) == 0 || raw[0] != '{' {
		return nil, errNotObject
	}
	if !json.Valid(raw) {
		return nil, errors.New("not valid JSON")
	}
	return split(raw)
}

// splitObject is members of text that is known to be valid JSON.
func splitObject(raw []byte) ([]Field, error) {
	if len(raw) == 0 || raw[0] != '{' {
		return nil, errNotObject
	}
	return split(raw)
}

// split is members of an object that is known to be valid.
func split(raw []byte) ([]Field, error) {
	out := make([]Field, 0, min(16, bytes.Count(raw, []byte{':'})))
	i := skipSpace(raw, 1)
	for raw[i] != '}' {
		end := stringEnd(raw, i)
		name, err := decodeName(raw[i:end])
		if err != nil {
			return nil, err
		}
		i = skipSpace(raw, end)
		i = skipSpace(raw, i+1) // past the colon
		end = valueEnd(raw, i)
		out = append(out, Field{Name: name, Raw: raw[i:end:end]})
		i = skipSpace(raw, end)
		if raw[i] == ',' {
			i = skipSpace(raw, i+1)
		}
	}
	return out, nil
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
	for b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r' {
		i++
	}
	return i
}

// stringEnd is the place after the string that starts at i.
func stringEnd(b []byte, i int) int {
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// valueEnd is the place after the value that starts at i, in a valid object.
func valueEnd(b []byte, i int) int {
	switch b[i] {
	case '"':
		return stringEnd(b, i)
	case '{', '[':
		depth := 0
		for {
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
	}
	for b[i] != ',' && b[i] != '}' && b[i] != ' ' && b[i] != '\n' && b[i] != '\r' && b[i] != '\t' {
		i++
	}
	return i
}
