package cdc_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/cdc"
)

var storedShape = &cdc.Shape{
	Stamp: "updatedAt", ArchivedField: "archived", TypeField: "type",
	Volatile: map[string]bool{"lastTouch": true, "custom.Days in Phase": true},
}

// TestStoredFingerprints: fingerprints stand in the state of every bridge. A release
// that computes others takes every record for changed.
func TestStoredFingerprints(t *testing.T) {
	t.Parallel()
	for row, want := range map[string]uint64{
		`{}`:                                    0x2e1472b57af294d1,
		`{"b":1,"a":2}`:                         0xb27a9ad860d7d4e1,
		`{"a":1,"b":2,"a":3}`:                   0xfe0326324adda427,
		`{"\u0061":1,"b":"\u00e9\ud83c\udf0d"}`: 0xc6b4e4bef72f0b84,
		`{"z":{"y":{"b":[{"d":1,"c":2}],"a":null}},"lastTouch":5,"custom":{"Days in Phase":3,"Å":1.0,"A":"\n"}}`: 0x15a58d0ee7e414b4,
		` { "lastTouch" : 1 , "custom" : { "Days in Phase" : 2 } } `:                                             0xb2c23e6dc651fc0d,
		`{"custom":{"lastTouch":1},"customs":{"Days in Phase":2},"":0}`:                                          0x76095f630eb6ecd5,
		`{"s":"a long text that takes more than a word: \"quoted\", \\ and \u0001 and ` + "\u20ac\xff" + `"}`:    0xc0b5bf7d48d75424,
	} {
		got, err := cdc.Fingerprint([]byte(row), storedShape)
		if err != nil || got != want {
			t.Errorf("%s: %#x, want %#x: %v", row, got, want, err)
		}
	}
}

// TestStoredFingerprintsOfManyRows is the same for rows of all forms.
func TestStoredFingerprintsOfManyRows(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	var sum uint64
	for n := range 5000 {
		row := randomObject(random, 4)
		got, err := cdc.Fingerprint([]byte(row), storedShape)
		if err != nil {
			t.Fatalf("%s: %v", row, err)
		}
		sum = sum*31 + got + uint64(n)
	}
	if want := uint64(0x8b145a153b1af30b); sum != want {
		t.Errorf("%#x, want %#x", sum, want)
	}
}

var randomNames = []string{
	"_id", "name", "updatedAt", "lastTouch", "custom", "Days in Phase", "type", "archived", `n\u0061me`, "Å", `q\"`, "zzzzzzzz", "zzzzzzzzz", "", "a", "b",
}

// randomObject writes a JSON object, names in any order and some of them twice.
func randomObject(r *rand.Rand, depth int) string {
	var b strings.Builder
	b.WriteString("{")
	for i := range r.IntN(9) {
		if i > 0 {
			b.WriteString([]string{",", ", ", " ,"}[r.IntN(3)])
		}
		fmt.Fprintf(&b, `"%s":%s`, randomNames[r.IntN(len(randomNames))], randomValue(r, depth-1))
	}
	b.WriteString("}")
	return b.String()
}

func randomValue(r *rand.Rand, depth int) string {
	kind := r.IntN(8)
	switch {
	case kind < 2 && depth > 0:
		return randomObject(r, depth)
	case kind == 2 && depth > 0:
		return "[" + randomValue(r, depth-1) + " , " + randomValue(r, depth-1) + "]"
	case kind < 5:
		return []string{"0", "-1.50", "1e3", "12345678901234567890", "true", "false", "null"}[r.IntN(7)]
	default:
		return `"` + strings.Repeat("text ", r.IntN(4)) + []string{"", `\u00e9`, "é", `\ud83c\udf0d`, "🌍", `\/`, `\\`, `\ud800`, "x\xffy"}[r.IntN(9)] + `"`
	}
}
