package schemas

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// member is a key and value of a row on its way back: both JSON text.
type member struct {
	name  []byte // unquoted, to sort by
	key   []byte // with quotes; nil: name, quoted
	value []byte
}

// readNullableRow reads a union of null and a row; nil stands for null.
func (c *Codec) readNullableRow(r *wireReader, n *node) ([]byte, error) {
	branch, err := r.branch(n)
	if err != nil || branch.typ == typNull {
		return nil, err
	}
	var members []member
	for i := range branch.fields {
		f := &branch.fields[i]
		if members, err = readField(r, members, f); err != nil {
			return nil, fmt.Errorf("field %q: %w", f.name, err)
		}
	}
	slices.SortFunc(members, func(a, b member) int { return bytes.Compare(a.name, b.name) })
	return appendMembers(nil, members)
}

func readField(r *wireReader, members []member, f *nodeField) ([]member, error) {
	branch, err := r.branch(f.node)
	if err != nil || branch.typ == typNull {
		return members, err
	}
	t, err := carriedType(f.node)
	if err != nil {
		return members, err
	}
	switch f.name {
	case fieldExtra:
		text, err := r.text()
		if err != nil {
			return members, err
		}
		return extraMembers(members, text)
	case fieldNulls:
		text, err := r.text()
		if err != nil {
			return members, err
		}
		return nullMembers(members, text)
	}
	value, err := readTyped(r, t)
	if err != nil {
		return members, err
	}
	return append(members, member{name: []byte(f.name), value: value}), nil
}

// readTyped reads one value and prints it as JSON.
func readTyped(r *wireReader, t FieldType) ([]byte, error) {
	switch t {
	case TypeString:
		s, err := r.text()
		if err != nil {
			return nil, err
		}
		return appendQuoted(nil, s), nil
	case TypeLong, TypeDate:
		v, err := r.long()
		if err != nil {
			return nil, err
		}
		return strconv.AppendInt(nil, v, 10), nil
	case TypeDouble:
		return readNumber(r)
	case TypeBoolean:
		v, err := r.boolean()
		if err != nil {
			return nil, err
		}
		return strconv.AppendBool(nil, v), nil
	case TypeMillis, TypeSeconds, TypeSpaced, TypeDay:
		return readInstant(r, t)
	case TypeStrings:
		return readStrings(r)
	default: // TypeJSON
		return readJSON(r)
	}
}

func readNumber(r *wireReader) ([]byte, error) {
	f, err := r.double()
	if err != nil {
		return nil, err
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, errors.New("JSON has no such number")
	}
	return appendDouble(nil, f), nil
}

// printedAs is how Go prints the text of an instant or a day.
var printedAs = map[FieldType]string{
	TypeMillis:  `"2006-01-02T15:04:05.000Z"`,
	TypeSeconds: `"2006-01-02T15:04:05Z"`,
	TypeSpaced:  `"2006-01-02 15:04:05"`,
	TypeDay:     `"2006-01-02"`,
}

func readInstant(r *wireReader, t FieldType) ([]byte, error) {
	ms, err := r.long()
	if err != nil {
		return nil, err
	}
	if t == TypeDay {
		if ms < minMillis/dayMillis || ms > maxMillis/dayMillis {
			return nil, errors.New("a day is outside the years 1 to 9999")
		}
		ms *= dayMillis
	}
	if ms < minMillis || ms > maxMillis {
		return nil, errors.New("an instant is outside the years 1 to 9999")
	}
	return time.UnixMilli(ms).UTC().AppendFormat(nil, printedAs[t]), nil
}

func readStrings(r *wireReader) ([]byte, error) {
	out := []byte{'['}
	for {
		n, err := r.block()
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return append(out, ']'), nil
		}
		for range n {
			s, err := r.text()
			if err != nil {
				return nil, err
			}
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = appendQuoted(out, s)
		}
	}
}

func readJSON(r *wireReader) ([]byte, error) {
	text, err := r.text()
	if err != nil {
		return nil, err
	}
	t, err := scanValue(text, skipSpace(text, 0), maxRowDepth)
	if err != nil {
		return nil, err
	}
	return text, onlySpace(text, t.end)
}

// extraMembers takes the members out of the field extra.
func extraMembers(members []member, text []byte) ([]member, error) {
	err := eachMember(text, maxRowDepth, func(key, value token) error {
		members = append(members, member{
			name: unquote(nil, key.inner(text)), key: key.raw(text), value: value.raw(text),
		})
		return nil
	})
	return members, err
}

// nullMembers makes members of the names in the field nulls.
func nullMembers(members []member, text []byte) ([]member, error) {
	i := skipSpace(text, 0)
	if i >= len(text) || text[i] != '[' {
		return nil, &TextError{Fault: FaultSyntax, Offset: i, Detail: "expected an array of names"}
	}
	i = skipSpace(text, i+1)
	for {
		key, err := scanName(text, i)
		if err != nil {
			return nil, err
		}
		members = append(members, member{
			name: unquote(nil, key.inner(text)), key: key.raw(text), value: []byte("null"),
		})
		next, more, err := afterElement(text, key.end, ']')
		if err != nil {
			return nil, err
		}
		if !more {
			return members, onlySpace(text, next)
		}
		i = next
	}
}

// scanName is scanString for a place where anything may stand.
func scanName(text []byte, i int) (token, error) {
	if i >= len(text) || text[i] != '"' {
		return token{}, &TextError{Fault: FaultSyntax, Offset: i, Detail: "expected a name"}
	}
	return scanString(text, i)
}

// appendMembers prints sorted members as an object; a name that comes twice is an error.
func appendMembers(dst []byte, members []member) ([]byte, error) {
	dst = append(dst, '{')
	for i, m := range members {
		if i > 0 {
			if bytes.Equal(m.name, members[i-1].name) {
				return nil, &TextError{Fault: FaultDuplicate, Detail: string(m.name)}
			}
			dst = append(dst, ',')
		}
		if m.key != nil {
			dst = append(dst, m.key...)
		} else {
			dst = appendQuoted(dst, m.name)
		}
		dst = append(append(dst, ':'), m.value...)
	}
	return append(dst, '}'), nil
}

// eachMember calls fn for every member of the object that is the whole text.
func eachMember(text []byte, depth int, fn func(key, value token) error) error {
	i := skipSpace(text, 0)
	if i >= len(text) || text[i] != '{' {
		return &TextError{Fault: FaultNotObject, Offset: i}
	}
	i = skipSpace(text, i+1)
	if i < len(text) && text[i] == '}' {
		return onlySpace(text, i+1)
	}
	for {
		key, at, err := scanKey(text, i)
		if err != nil {
			return err
		}
		value, err := scanValue(text, at, depth-1)
		if err != nil {
			return err
		}
		if err := fn(key, value); err != nil {
			return err
		}
		next, more, err := afterElement(text, value.end, '}')
		if err != nil {
			return err
		}
		if !more {
			return onlySpace(text, next)
		}
		i = next
	}
}
