package cdc_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/planhat-bridge/planhat-bridge/cdc"
)

func TestParseID(t *testing.T) {
	const text = "66f0a1b2c3d4e5f600000001"
	got, err := cdc.ParseID(text)
	if err != nil || got.String() != text {
		t.Errorf("got %s, %v", got, err)
	}
	for _, bad := range []string{"", text[1:], text + "0", strings.ToUpper(text), "g" + text[1:], text[1:] + "é", text[1:] + " "} {
		if got, err := cdc.ParseID(bad); err == nil || !got.IsZero() {
			t.Errorf("%q: got %s, %v", bad, got, err)
		}
	}
}

func TestEntryComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := cdc.Entry{
			Fingerprint: rapid.Uint64().Draw(t, "fingerprint"), Raw: rapid.Uint64().Draw(t, "raw"),
			Stamp: rapid.Int64().Draw(t, "stamp"), Offset: rapid.Int64().Draw(t, "offset"),
			Partition: rapid.Int32().Draw(t, "partition"), Object: rapid.Uint8().Draw(t, "object"), Archived: rapid.Bool().Draw(t, "archived"),
		}
		text := cdc.AppendEntry([]byte("dst"), want)
		got, err := cdc.ParseEntry(text[3:])
		want.Raw = 0 // memory only
		if err != nil || got != want {
			t.Fatalf("got %+v, %v; want %+v", got, err, want)
		}
		for cut := 3; cut < len(text); cut++ {
			if _, err := cdc.ParseEntry(text[3:cut]); err == nil {
				t.Fatalf("%d of %d bytes are accepted", cut-3, len(text)-3)
			}
		}
	})
}

func TestParseEntryRefuses(t *testing.T) {
	good := cdc.AppendEntry(nil, entry(3))
	change := func(at int, to byte) []byte {
		text := bytes.Clone(good)
		text[at] = to
		return text
	}
	tests := map[string][]byte{
		"later version":    change(0, 2),
		"unknown flag":     change(1, 0x80),
		"trailing byte":    append(bytes.Clone(good), 0),
		"huge partition":   append(bytes.Clone(good[:13]), 0xfe, 0xff, 0xff, 0xff, 0xff, 0x7f),
		"overlong varints": append(bytes.Clone(good[:11]), bytes.Repeat([]byte{0xff}, 30)...),
	}
	for name, text := range tests {
		if got, err := cdc.ParseEntry(text); err == nil {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func FuzzParseEntry(f *testing.F) {
	f.Add(cdc.AppendEntry(nil, entry(3)))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := cdc.ParseEntry(text)
		if err != nil {
			return
		}
		again, err := cdc.ParseEntry(cdc.AppendEntry(nil, e))
		if err != nil || again != e {
			t.Fatalf("%x: %+v, then %+v, %v", text, e, again, err)
		}
	})
}

func TestCursorComesBack(t *testing.T) {
	want := cdc.Cursor{
		Watermark: 1772637669412, SweepDue: cdc.ReasonOverlap, Held: true, SnapshotDone: true, SnapshotRows: 7,
		Sweep:      &cdc.SweepPosition{Last: id(9), Offset: 8, Archived: true, Rows: 9, Calls: 2},
		Candidates: ids(3, 5),
	}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"version":1`, `"last":"660000000000000000000009"`, `"candidates":["660000000000000000000003",`} {
		if !strings.Contains(string(text), part) {
			t.Errorf("%s is not in %s", part, text)
		}
	}
	got := cdc.Cursor{Candidates: ids(1)}
	if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	var zero cdc.Cursor
	text, _ = json.Marshal(zero)
	if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, zero) {
		t.Errorf("zero value: got %+v, %v", got, err)
	}
	for _, bad := range []string{`{}`, `{"version":2}`, `{"version":1,"candidates":["x"]}`, `{"version":1,"watermark":"x"}`, `[]`} {
		if err := json.Unmarshal([]byte(bad), &got); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}

func TestCandidates(t *testing.T) {
	var c cdc.Cursor
	c.AddCandidates(ids(5, 1)...)
	c.AddCandidates(ids(3, 5)...)
	if !slices.Equal(c.Candidates, ids(1, 3, 5)) {
		t.Errorf("candidates %v", c.Candidates)
	}
	if !c.DropCandidate(id(3)) || c.DropCandidate(id(3)) || !slices.Equal(c.Candidates, ids(1, 5)) {
		t.Errorf("candidates after a drop %v", c.Candidates)
	}
}

func TestDecide(t *testing.T) {
	stamped := func(ms int64) cdc.Facts { return cdc.Facts{Stamp: ms, HasStamp: true} }
	known := cdc.Entry{Fingerprint: 1, Stamp: 100}
	tests := []struct {
		name        string
		known       cdc.Entry
		has         bool
		fingerprint uint64
		facts       cdc.Facts
		want        cdc.Verdict
	}{
		{"first sighting", cdc.Entry{}, false, 1, stamped(100), cdc.VerdictNew},
		{"first sighting looks like the zero entry", cdc.Entry{}, false, 0, cdc.Facts{}, cdc.VerdictNew},
		{"same", known, true, 1, stamped(100), cdc.VerdictUnchanged},
		{"same content, newer stamp", known, true, 1, stamped(101), cdc.VerdictUnchanged},
		{"newer", known, true, 2, stamped(101), cdc.VerdictChanged},
		{"other content, same stamp", known, true, 2, stamped(100), cdc.VerdictChanged},
		{"older", known, true, 2, stamped(99), cdc.VerdictStale},
		{"older, same content", known, true, 1, stamped(99), cdc.VerdictStale},
		{"row without stamp", known, true, 2, cdc.Facts{}, cdc.VerdictChanged},
		{"entry without stamp", cdc.Entry{Fingerprint: 1}, true, 2, stamped(1), cdc.VerdictChanged},
	}
	for _, test := range tests {
		if got := cdc.Decide(test.known, test.has, test.fingerprint, test.facts); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestMassDelete(t *testing.T) {
	limits := cdc.DeleteLimits{Share: 0.2, Count: 500, Few: 5, Last: 2}
	tests := []struct {
		candidates, indexed int
		limits              cdc.DeleteLimits
		want                bool
	}{
		{0, 0, limits, false}, {20, 100, limits, false}, {21, 100, limits, true}, {5, 6, limits, false}, {6, 10, limits, true},
		{2, 2, limits, false}, {3, 3, limits, true},
		{500, 100_000, limits, false}, {501, 100_000, limits, true}, {6, 0, limits, true},
		{math.MaxInt, 1, cdc.DeleteLimits{}, false}, {2, 10, cdc.DeleteLimits{Count: 1}, true}, {3, 10, cdc.DeleteLimits{Share: 0.2}, true},
		{2, 10, cdc.DeleteLimits{Count: 1, Few: 5}, true},
	}
	for _, test := range tests {
		if got := cdc.MassDelete(test.candidates, test.indexed, test.limits); got != test.want {
			t.Errorf("%d of %d, %+v: %v", test.candidates, test.indexed, test.limits, got)
		}
	}
}

// A loss counts for a day, and only of records that were older than one.
func TestLosses(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	made := func(at time.Time) (id cdc.ID) {
		binary.BigEndian.PutUint32(id[:], uint32(at.Unix()))
		return id
	}
	var losses cdc.Losses
	old := made(start.AddDate(-1, 0, 0))
	for hour := range 48 {
		now := start.Add(time.Duration(hour) * time.Hour)
		losses.Add(old, now)
		losses.Add(made(now.Add(-23*time.Hour)), now)
		if got, want := losses.Sum(now), min(hour+1, 24); got != want || len(losses) > 24 {
			t.Fatalf("hour %d: %d losses in %d hours, want %d", hour, got, len(losses), want)
		}
	}
	if n := losses.Sum(start.Add(72 * time.Hour)); n != 0 {
		t.Errorf("%d losses a day after the last", n)
	}
}
