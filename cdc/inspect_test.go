package cdc_test

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/planhat-bridge/planhat-bridge/cdc"
)

var inspectShape = &cdc.Shape{Stamp: "updatedAt", ArchivedField: "archived", TypeField: "type"}

func TestInspect(t *testing.T) {
	const moment = 1772637669412 // 2026-03-04T15:21:09.412Z
	tests := []struct {
		name, raw string
		want      cdc.Facts
	}{
		{"all", `{"_id":"x","updatedAt":"2026-03-04T15:21:09.412Z","archived":true,"type":"note"}`, cdc.Facts{Stamp: moment, HasStamp: true, Archived: true, Type: "note"}},
		{"none", `{}`, cdc.Facts{}},
		{"number of ms", `{"updatedAt":1772637669412}`, cdc.Facts{Stamp: moment, HasStamp: true}},
		{"null", `{"updatedAt":null,"archived":null,"type":null}`, cdc.Facts{}},
		{"unreadable", `{"updatedAt":"yesterday","archived":"true","type":7}`, cdc.Facts{}},
		{"fraction of ms", `{"updatedAt":1772637669412.5}`, cdc.Facts{}},
		{"only the top level", `{"a":{"updatedAt":1772637669412,"archived":true,"type":"x"},"b":[{"type":"y"}]}`, cdc.Facts{}},
		{"escapes", `{"updated\u0041t":"2026-03-04T15:21:09\u002e412Z","\u0074ype":"n\u006fte"}`, cdc.Facts{Stamp: moment, HasStamp: true, Type: "note"}},
		{"last of equal names", `{"updatedAt":1,"archived":true,"updatedAt":null,"archived":false}`, cdc.Facts{}},
		{"white space", " {\n\"archived\" : true } ", cdc.Facts{Archived: true}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := cdc.Inspect([]byte(test.raw), inspectShape)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
	t.Run("a shape without names asks for nothing", func(t *testing.T) {
		got, err := cdc.Inspect([]byte(`{"":true,"archived":true,"updatedAt":5,"type":"x"}`), &cdc.Shape{})
		if err != nil || got != (cdc.Facts{}) {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestParseStamp(t *testing.T) {
	tests := []struct {
		text string
		want string // RFC 3339, "" = refused
	}{
		{"2026-03-04T15:21:09.412Z", "2026-03-04T15:21:09.412Z"},
		{"2026-03-04T15:21:09Z", "2026-03-04T15:21:09Z"},
		{"2026-03-04T15:21:09.4Z", "2026-03-04T15:21:09.4Z"},
		{"2026-03-04T15:21:09.412999Z", "2026-03-04T15:21:09.412Z"},
		{"2026-03-04T15:21:09.412+02:00", "2026-03-04T13:21:09.412Z"},
		{"2026-03-04T15:21:09.412+0000", "2026-03-04T15:21:09.412Z"},
		{"2026-03-04T15:21:09-0130", "2026-03-04T16:51:09Z"},
		{"2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"},
		{"1970-01-01T00:00:00.001Z", "1970-01-01T00:00:00.001Z"},
		{"2026-02-29T00:00:00Z", ""}, {"2026-13-01T00:00:00Z", ""}, {"2026-00-01T00:00:00Z", ""}, {"2026-01-00T00:00:00Z", ""},
		{"2026-01-01T24:00:00Z", ""}, {"2026-01-01T00:60:00Z", ""}, {"2026-01-01T00:00:60Z", ""}, {"2026-01-01T00:00:00", ""},
		{"2026-01-01T00:00:00.Z", ""}, {"2026-01-01T00:00:00z", ""}, {"2026-01-01T00:00:00*01:00", ""}, {"2026-01-01T00:00:00+1:00", ""},
		{"2026-01-01T00:00:00+24:00", ""}, {"2026-01-01 00:00:00Z", ""}, {"2026-01-01", ""}, {"", ""}, {"1970-01-01T00:00:00Z", ""},
		{"1969-12-31T23:59:59Z", ""}, {"2o26-01-01T00:00:00Z", ""}, {"2026-01-01T00:00:00Zx", ""},
	}
	for _, test := range tests {
		ms, ok := cdc.ParseStamp([]byte(test.text))
		if test.want == "" {
			if ok || ms != 0 {
				t.Errorf("%q: got %d, want none", test.text, ms)
			}
			continue
		}
		want, err := time.Parse(time.RFC3339, test.want)
		if err != nil {
			t.Fatal(err)
		}
		if !ok || ms != want.UnixMilli() {
			t.Errorf("%q: got %s, want %s", test.text, time.UnixMilli(ms).UTC(), test.want)
		}
	}
}

func TestParseStampReadsEveryMoment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Int64Range(1, 253402300799999).Draw(t, "ms")
		text := time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
		if got, ok := cdc.ParseStamp([]byte(text)); !ok || got != ms {
			t.Fatalf("%s: got %d, want %d", text, got, ms)
		}
	})
}

func FuzzInspect(f *testing.F) {
	f.Add([]byte(`{"updatedAt":"2026-03-04T15:21:09.412Z","archived":true,"type":"no\u0074e","type":1}`))
	f.Add([]byte(`{"updatedAt":"2026-03-04T15:21:09.412+0100"}`))
	f.Add(company(1))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := cdc.Inspect(raw, inspectShape)
		var want map[string]json.RawMessage
		isRow := json.Unmarshal(raw, &want) == nil && want != nil
		if (err == nil) != isRow {
			if isRow && nesting(raw) > cdc.MaxDepth {
				return
			}
			t.Fatalf("%q: error %v, but a row: %v", raw, err, isRow)
		}
		if !isRow {
			return
		}
		if got.Archived != (string(want["archived"]) == "true") {
			t.Fatalf("%q: %+v", raw, got)
		}
		var kind string
		if json.Unmarshal(want["type"], &kind); got.Type != kind {
			t.Fatalf("%q: type %q, want %q", raw, got.Type, kind)
		}
		var stamp time.Time
		if got.HasStamp && json.Unmarshal(want["updatedAt"], &stamp) == nil && stamp.UnixMilli() != got.Stamp {
			t.Fatalf("%q: stamp %d, want %d", raw, got.Stamp, stamp.UnixMilli())
		}
		if got.HasStamp != (got.Stamp > 0) {
			t.Fatalf("%q: %+v", raw, got)
		}
	})
}

// nesting is at least the depth of raw.
func nesting(raw []byte) (depth int) {
	for _, c := range raw {
		if c == '[' || c == '{' {
			depth++
		}
	}
	return depth
}
