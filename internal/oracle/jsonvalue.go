package oracle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// parse reads one JSON value; numbers keep their text.
func parse(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON value")
	}
	return v, nil
}

// parseRow reads a JSON object; nil and null give nil.
func parseRow(raw []byte) (Row, error) {
	if raw == nil {
		return nil, nil
	}
	v, err := parse(raw)
	if err != nil {
		return nil, fmt.Errorf("decode row: %w", err)
	}
	row, ok := v.(Row)
	if !ok && v != nil {
		return nil, errors.New("decode row: not a JSON object")
	}
	return row, nil
}

// same tells whether two values are equal; numbers by their text.
func same(a, b any) bool {
	switch x := a.(type) {
	case Row:
		y, ok := b.(Row)
		return ok && maps.EqualFunc(x, y, same)
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, same)
	default:
		_, isRow := b.(Row)
		_, isList := b.([]any)
		return !isRow && !isList && a == b
	}
}

// differing names the fields in which two rows differ, volatile ones left out.
func differing(a, b Row, volatile []string) []string {
	var out []string
	for name, v := range a {
		if w, ok := b[name]; (!ok || !same(v, w)) && !slices.Contains(volatile, name) {
			out = append(out, name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok && !slices.Contains(volatile, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// holds tells whether a stored value shows that sent was written: null and
// absent are one, numbers and instants count by value, and a document must hold
// what was sent but may hold more.
func holds(stored, sent any, field planhat.Field) bool {
	switch x := sent.(type) {
	case nil:
		return stored == nil
	case Row:
		y, ok := stored.(Row)
		if !ok {
			return false
		}
		for name, v := range x {
			if !holds(y[name], v, planhat.Field{}) {
				return false
			}
		}
		return true
	case []any:
		y, ok := stored.([]any)
		return ok && slices.EqualFunc(y, x, func(stored, sent any) bool { return holds(stored, sent, planhat.Field{}) })
	}
	return stored == sent || sameNumber(stored, sent) || field.Type == planhat.TimestampMillis && sameInstant(stored, sent)
}

func sameNumber(a, b any) bool {
	x, okX := numberOf(a)
	y, okY := numberOf(b)
	return okX && okY && x == y
}

func numberOf(v any) (float64, bool) {
	text, isText := v.(string)
	if n, ok := v.(json.Number); ok {
		text, isText = n.String(), true
	}
	if !isText || text == "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil
}

func sameInstant(a, b any) bool {
	x, okX := instantOf(a)
	y, okY := instantOf(b)
	return okX && okY && x.Equal(y)
}

var instantLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05", time.DateOnly}

func instantOf(v any) (time.Time, bool) {
	switch x := v.(type) {
	case json.Number:
		ms, err := x.Int64()
		return time.UnixMilli(ms), err == nil
	case string:
		for _, layout := range instantLayouts {
			if t, err := time.Parse(layout, x); err == nil {
				return t.Truncate(time.Millisecond), true
			}
		}
	}
	return time.Time{}, false
}

// show prints a value for a mismatch, short.
func show(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	const most = 60
	if len(text) > most {
		return strings.ToValidUTF8(string(text[:most]), "") + "..."
	}
	return string(text)
}
