package cdc_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"

	"github.com/planhat-bridge/planhat-bridge/cdc"
)

func TestCanonical(t *testing.T) {
	tests := []struct{ name, raw, want string }{
		{"scalar", ` 12 `, `12`},
		{"white space", "{ \"a\" :\t1 ,\r\n\"b\" : [ 1 , 2 ] }", `{"a":1,"b":[1,2]}`},
		{"names sorted at every level", `{"b":{"z":1,"y":[{"d":1,"c":2}]},"a":0}`, `{"a":0,"b":{"y":[{"c":2,"d":1}],"z":1}}`},
		{"arrays keep their order", `[3,1,2]`, `[3,1,2]`},
		{"number text is kept", `[1,1.0,1e0,1E+0,-0,12345678901234567890]`, `[1,1.0,1e0,1E+0,-0,12345678901234567890]`},
		{"escaped letter", `"caf\u00e9"`, `"café"`},
		{"escaped slash and quote", `"\/\"\\"`, `"/\"\\"`},
		{"control characters", `"\n\t\u0000\b\f\r\u001f"`, `"\u000a\u0009\u0000\u0008\u000c\u000d\u001f"`},
		{"surrogate pair", `"\ud83d\ude00"`, `"😀"`},
		{"lone surrogates", `"\ud83d \ude00\ud83dx\ud83d\u0041"`, "\"\ufffd \ufffd\ufffdx\ufffdA\""},
		{"broken UTF-8", "\"a\xff\xc3b\"", "\"a\ufffd\ufffdb\""},
		{"last of equal names", `{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`},
		{"equal names in two spellings", `{"\u0061":1,"a":{"x":2}}`, `{"a":{"x":2}}`},
		{"equal names, sorted input", `{"a":1,"a":2}`, `{"a":2}`},
		{"empty ones", `{"a":{},"b":[],"c":"","":null}`, `{"":null,"a":{},"b":[],"c":""}`},
		{"a prefix sorts first", `{"ab":1,"a":2}`, `{"a":2,"ab":1}`},
		{"dst is kept", `true`, `true`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := cdc.Canonical([]byte("dst:"), []byte(test.raw))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != "dst:"+test.want {
				t.Errorf("got %s, want dst:%s", got, test.want)
			}
		})
	}
}

func TestCanonicalRefuses(t *testing.T) {
	for _, raw := range []string{
		``, ` `, `{`, `}`, `[`, `]`, `{]`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1 "b":2}`, `{a:1}`, `[1,]`, `[1 2]`, `[,]`,
		`01`, `-`, `1.`, `.5`, `1e`, `1e+`, `+1`, `0x1`, `1a`, `tru`, `nul`, `True`, `nan`, `"`, `"a`, `"\`, `"\x"`, `"\u12"`, `"\u12g4"`,
		"\"\n\"", `1 2`, `{} {}`, `[1]]`, "\u00a0 1",
	} {
		if json.Valid([]byte(raw)) {
			t.Fatalf("the table is wrong: %q is valid", raw)
		}
		got, err := cdc.Canonical([]byte("dst"), []byte(raw))
		var syntax *cdc.SyntaxError
		if !errors.As(err, &syntax) || string(got) != "dst" {
			t.Errorf("%q: got %q, %v; want dst and a SyntaxError", raw, got, err)
		}
	}
}

func TestDepthIsBounded(t *testing.T) {
	nest := func(open, closing string, n int) []byte {
		return []byte(strings.Repeat(open, n) + "1" + strings.Repeat(closing, n))
	}
	for _, kind := range [][2]string{{"[", "]"}, {`{"a":`, "}"}} {
		if _, err := cdc.Canonical(nil, nest(kind[0], kind[1], cdc.MaxDepth)); err != nil {
			t.Errorf("%s: depth %d: %v", kind[0], cdc.MaxDepth, err)
		}
		for _, depth := range []int{cdc.MaxDepth + 1, 1_000_000} {
			deep := nest(kind[0], kind[1], depth)
			if _, err := cdc.Canonical(nil, deep); err == nil {
				t.Errorf("%s: Canonical: depth %d is accepted", kind[0], depth)
			}
			row := append(append([]byte(`{"a":`), deep...), '}')
			if _, err := cdc.Inspect(row, &cdc.Shape{}); err == nil {
				t.Errorf("%s: Inspect: depth %d is accepted", kind[0], depth)
			}
		}
	}
}

func TestFingerprint(t *testing.T) {
	shape := &cdc.Shape{Volatile: map[string]bool{"age": true, `custom.a "b"`: true, "é": true}}
	const row = `{"name":"x","custom":{"c":1}}`
	tests := []struct {
		name, a, b string
		same       bool
	}{
		{"spelling", row, ` { "custom" : {"\u0063":1}, "n\u0061me":"x" }`, true},
		{"volatile name", row, `{"age":7,"name":"x","custom":{"c":1}}`, true},
		{"volatile escaped name", row, `{"\u0061ge":{"deep":[1]},"name":"x","custom":{"c":1},"\u00e9":2}`, true},
		{"volatile custom name", row, `{"name":"x","custom":{"c":1,"a \"b\"":5}}`, true},
		{"only volatile customs", `{"custom":{}}`, `{"custom":{"a \"b\"":5}}`, true},
		{"volatile name only at its level", `{"n":{"age":1}}`, `{"n":{"age":2}}`, false},
		{"custom name at top level", `{"a \"b\"":1}`, `{"a \"b\"":2}`, false},
		{"custom inside another object", `{"n":{"custom":{"a \"b\"":1}}}`, `{"n":{"custom":{"a \"b\"":2}}}`, false},
		{"value", row, `{"name":"y","custom":{"c":1}}`, false},
		{"number text", row, `{"name":"x","custom":{"c":1.0}}`, false},
		{"null told from absent", row, `{"name":"x","phase":null,"custom":{"c":1}}`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, err := cdc.Fingerprint([]byte(test.a), shape)
			if err != nil {
				t.Fatal(err)
			}
			b, err := cdc.Fingerprint([]byte(test.b), shape)
			if err != nil {
				t.Fatal(err)
			}
			if (a == b) != test.same {
				t.Errorf("same = %v, want %v", a == b, test.same)
			}
		})
	}
}

// The fingerprint is stored: another value for the same row would read as a
// change of every record.
func TestFingerprintIsForEver(t *testing.T) {
	got, err := cdc.Fingerprint([]byte(`{"name":"caf\u00e9","n":1.0,"custom":{"b":[1,null],"a":true}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	const stored = 0x902bd0aa85654502
	if got != stored {
		t.Errorf("got %#x, want %#x", got, uint64(stored))
	}
	if sum := xxhash.Sum64String(`{"custom":{"a":true,"b":[1,null]},"n":1.0,"name":"café"}`); sum != stored {
		t.Errorf("the canonical text has %#x", sum)
	}
	if hash := cdc.RawHash([]byte("abc")); hash != 0x44bc2cf5ad770999 { // published test vector
		t.Errorf("RawHash(abc) = %#x", hash)
	}
}

func TestFingerprintWantsAnObject(t *testing.T) {
	for _, raw := range []string{``, `null`, `[]`, `"x"`, `{"a":1`, `{} x`} {
		if _, err := cdc.Fingerprint([]byte(raw), nil); err == nil {
			t.Errorf("%q is accepted", raw)
		}
	}
}

func TestRowsCostNoAllocation(t *testing.T) {
	row := company(1)
	shape := &cdc.Shape{Stamp: "updatedAt", ArchivedField: "archived", Volatile: map[string]bool{"renewalDaysFromNow": true, "custom.Days in Phase": true}}
	tests := []struct {
		name string
		run  func()
	}{
		{"RawHash", func() { cdc.RawHash(row) }},
		{"Fingerprint", func() { _, _ = cdc.Fingerprint(row, shape) }},
		{"Inspect", func() { _, _ = cdc.Inspect(row, shape) }},
	}
	for _, test := range tests {
		if raceEnabled && test.name == "Fingerprint" {
			continue // the race detector makes sync.Pool drop things at random
		}
		if n := testing.AllocsPerRun(200, test.run); n >= 1 {
			t.Errorf("%s: %v allocations a row", test.name, n)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{
		`{"b":{"z":1.0,"y":[{"d":1,"c":2}]},"a":0,"a":"\ud83d\ude00\u00e9\n"}`, `[1,-0.5e+3,true,null,""]`, "\"\xff\"", `{"":{},"x":[]}`,
		`{"\"":1,"\\":2,"\u0001":3,"\/":4}`, string(company(3)),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := cdc.Canonical(nil, raw)
		if err != nil {
			if json.Valid(raw) && !strings.Contains(err.Error(), "deep") {
				t.Fatalf("%q is valid, but: %v", raw, err)
			}
			return
		}
		if !json.Valid(raw) {
			t.Fatalf("%q is accepted", raw)
		}
		value := decode(t, raw)
		if !reflect.DeepEqual(decode(t, got), value) {
			t.Fatalf("%q became %q", raw, got)
		}
		again, err := cdc.Canonical(nil, []byte(respell(value)))
		if err != nil {
			t.Fatal(err)
		}
		if string(again) != string(got) {
			t.Fatalf("%q: %q, but in another spelling %q", raw, got, again)
		}
	})
}
