package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	hamba "github.com/hamba/avro/v2"
	"github.com/twmb/avro"
)

// plain reads JSON with number text kept.
func plain(t testing.TB, text string) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

var parsedSchemas sync.Map

// parsed parses a schema once for all tests.
func parsed[S any](t testing.TB, library, text string, parse func(string) (S, error)) S {
	t.Helper()
	if s, ok := parsedSchemas.Load(library + text); ok {
		return s.(S)
	}
	s, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	parsedSchemas.Store(library+text, s)
	return s
}

// readTwmb reads a value with twmb/avro, which must consume all of it.
func readTwmb(t testing.TB, c *Codec, value []byte) map[string]any {
	t.Helper()
	schema := parsed(t, "twmb", c.EnvelopeSchema(), func(text string) (*avro.Schema, error) { return avro.Parse(text) })
	var got any
	rest, err := schema.Decode(value[wireHeader:], &got)
	if err != nil || len(rest) > 0 {
		t.Fatalf("twmb/avro: %v, %d bytes left", err, len(rest))
	}
	m, _ := got.(map[string]any)
	return m
}

// readHamba reads a value with hamba/avro, which must consume all of it.
func readHamba(t testing.TB, c *Codec, value []byte) map[string]any {
	t.Helper()
	schema := parsed(t, "hamba", c.EnvelopeSchema(), parseAlone)
	r := hamba.NewReader(bytes.NewReader(value[wireHeader:]), 64)
	var got any
	r.ReadVal(schema, &got)
	if r.Error != nil {
		t.Fatalf("hamba/avro: %v", r.Error)
	}
	if r.Peek(); !errors.Is(r.Error, io.EOF) {
		t.Fatalf("hamba/avro: bytes are left")
	}
	m, _ := got.(map[string]any)
	return m
}

// checkReaders holds what both libraries read against the envelope that was meant.
func checkReaders(t testing.TB, c *Codec, value []byte, want *Envelope) {
	t.Helper()
	for name, read := range map[string]func(testing.TB, *Codec, []byte) map[string]any{"twmb": readTwmb, "hamba": readHamba} {
		got := read(t, c, value)
		meant := map[string]any{
			"op": want.Op, "ts_ms": want.TsMs, "changed": anys(want.Changed),
			"source": map[string]any{
				"version": want.Source.Version, "connector": want.Source.Connector, "name": want.Source.Name,
				"ts_ms": want.Source.TsMs, "snapshot": want.Source.Snapshot, "db": want.Source.DB,
				"table": want.Source.Table, "sequence": want.Source.Sequence, "stream": want.Source.Stream,
			},
			"before": plainOrNil(t, want.Before), "after": plainOrNil(t, want.After),
		}
		for _, side := range []string{"before", "after"} {
			got[side] = rowOf(t, got[side])
		}
		if diff := cmp.Diff(meant, got); diff != "" {
			t.Errorf("%s/avro: -want +got\n%s", name, diff)
		}
	}
}

func anys(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

func plainOrNil(t testing.TB, row json.RawMessage) any {
	t.Helper()
	if row == nil {
		return nil
	}
	return plain(t, string(row))
}

// rowOf puts a row together from what a library read, without this package's decoder.
func rowOf(t testing.TB, v any) any {
	t.Helper()
	fields, ok := v.(map[string]any)
	if !ok {
		return v
	}
	if only, ok := fields["Value"].(map[string]any); ok && len(fields) == 1 { // hamba names the branch
		fields = only
	}
	for name, only := range fields {
		if m, ok := only.(map[string]any); ok && len(fields) == 1 && strings.HasSuffix(name, ".Value") {
			fields = m
		}
	}
	nested := map[string]bool{}
	known, err := RecordFields("planhat", "company")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range known {
		nested[f.Name] = f.Type == TypeJSON
	}
	row := map[string]any{}
	for name, value := range fields {
		text, isText := value.(string)
		switch {
		case value == nil:
		case name == "extra":
			extra, _ := plain(t, text).(map[string]any)
			maps.Copy(row, extra)
		case name == "nulls":
			names, _ := plain(t, text).([]any)
			for _, k := range names {
				s, _ := k.(string)
				row[s] = nil
			}
		case isText && nested[name]:
			row[name] = plain(t, text)
		default:
			row[name] = plainValue(t, value)
		}
	}
	return row
}

func plainValue(t testing.TB, v any) any {
	t.Helper()
	switch v := v.(type) {
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.000Z")
	case map[string]any: // a union's branch, named
		for _, only := range v {
			return plainValue(t, only)
		}
		return nil
	case float64:
		return json.Number(appendDouble(nil, v))
	case int64, int32, int:
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return json.Number(text)
	default:
		return v
	}
}
