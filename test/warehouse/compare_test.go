package warehouse

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// report is what a comparison found.
type report struct {
	differences []string       // "table id column: ..."
	cells       map[string]int // values found in a column of their own, by table
}

// compare holds every table against the vendor, after a statement that is taken back.
func (w warehouse) compare(t *testing.T, first string) report {
	t.Helper()
	out := report{cells: map[string]int{}}
	for _, spec := range planhat.Objects() {
		table := string(spec.Object)
		rows, records := w.rows(t, first, table), w.records(t, spec)
		if len(records) == 0 {
			t.Fatalf("%s: there is no record to compare", table)
		}
		if rows == nil {
			out.differences = append(out.differences, table+": there is no such table")
			continue
		}
		fields, err := schemas.RecordFields("planhat", table)
		if err != nil {
			t.Fatal(err)
		}
		ids := maps.Clone(records)
		for id := range rows {
			ids[id] = nil
		}
		for _, id := range slices.Sorted(maps.Keys(ids)) {
			r, record := rows[id], records[id]
			switch {
			case r == nil:
				out.differences = append(out.differences, table+" "+id+": is no row")
			case record == nil:
				out.differences = append(out.differences, table+" "+id+": is a row, and no record")
			default:
				c := comparer{t: t, row: r, record: record, found: &out.differences, at: table + " " + id}
				out.cells[table] += c.all(fields)
			}
		}
	}
	return out
}

// comparer holds one row against one record.
type comparer struct {
	t           *testing.T
	row, record row
	at          string
	found       *[]string
}

func (c comparer) differf(column, format string, args ...any) {
	*c.found = append(*c.found, c.at+" "+column+": "+fmt.Sprintf(format, args...))
}

// all compares every field, and gives how many have a value in their own column.
func (c comparer) all(fields []schemas.RecordField) (typed int) {
	c.t.Helper()
	extra, nulls, open := row{}, []string{}, maps.Clone(c.record)
	if !isNull(c.row["extra"]) {
		decode(c.t, c.row["extra"], &extra)
	}
	if !isNull(c.row["nulls"]) {
		decode(c.t, c.row["nulls"], &nulls)
	}
	for _, f := range fields {
		column, isColumn := c.row[f.Name]
		sent, was := open[f.Name]
		switch {
		case !isColumn:
			c.differf(f.Name, "there is no such column")
		case isNull(column):
			continue // it was absent, or null, or is in extra: see below
		case !was:
			c.differf(f.Name, "is %s, and was not sent", column)
		case !same(f.Type, column, sent):
			c.differf(f.Name, "is %s, was sent as %s", column, sent)
		default:
			typed++
		}
		delete(open, f.Name)
	}
	c.rest(open, extra, nulls)
	return typed
}

// rest are the fields that have no value in a column of their own: what was sent
// must be in extra, or be named in nulls, and nothing else may be there.
func (c comparer) rest(open, extra row, nulls []string) {
	for name, sent := range open {
		switch {
		case isNull(sent) && slices.Contains(nulls, name):
		case !isNull(sent) && extra[name] != nil && sameJSON(extra[name], sent):
		default:
			c.differf(name, "is null (extra has %s), was sent as %s", extra[name], sent)
		}
	}
	for name, value := range extra {
		if _, ok := open[name]; !ok {
			c.differf(name, "is %s in extra, and was not sent", value)
		}
	}
	for _, name := range nulls {
		if sent, ok := open[name]; !ok || !isNull(sent) {
			c.differf(name, "is in nulls, was sent as %s", sent)
		}
	}
}

func isNull(raw json.RawMessage) bool { return raw == nil || string(raw) == "null" }

// same compares a column, as row_to_json prints it, with what was sent.
func same(typ schemas.FieldType, column, sent json.RawMessage) bool {
	switch typ {
	case schemas.TypeMillis:
		return sameInstant(column, sent)
	case schemas.TypeDate:
		return sameDay(column, sent)
	case schemas.TypeDouble:
		a, errA := strconv.ParseFloat(string(column), 64)
		b, errB := strconv.ParseFloat(string(sent), 64)
		return errA == nil && errB == nil && a == b
	default:
		return sameJSON(column, sent)
	}
}

// sameInstant: a column without a time zone holds UTC.
func sameInstant(column, sent json.RawMessage) bool {
	var a, b string
	if json.Unmarshal(column, &a) != nil || json.Unmarshal(sent, &b) != nil {
		return false
	}
	is, errA := time.Parse("2006-01-02T15:04:05.999999", a)
	was, errB := time.Parse(time.RFC3339Nano, b)
	return errA == nil && errB == nil && is.Equal(was)
}

// sameDay: the vendor counts days from 1970-01-01.
func sameDay(column, sent json.RawMessage) bool {
	var text string
	if json.Unmarshal(column, &text) != nil {
		return false
	}
	is, errA := time.Parse(time.DateOnly, text)
	days, errB := strconv.ParseInt(string(sent), 10, 32)
	return errA == nil && errB == nil && is.Equal(time.Unix(0, 0).UTC().AddDate(0, 0, int(days)))
}

// sameJSON compares documents; numbers by their text.
func sameJSON(a, b json.RawMessage) bool {
	x, errX := document(a)
	y, errY := document(b)
	return errX == nil && errY == nil && reflect.DeepEqual(x, y)
}

func document(raw json.RawMessage) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}
