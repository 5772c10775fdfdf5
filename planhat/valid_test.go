package planhat

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzValidJSON: the validator says what encoding/json says, and a page taken apart in
// one pass is the page looked at closely.
func FuzzValidJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, ` [ 1 , -0 , 0.5e+7 , 1E9 , -12.50 ] `, `"a\u00e9\n\/\b\"\\"`, `"\u12g4"`, `"\x"`, `01`, `-`, `1.`, `.5`, `1e`, `1e+`,
		`tru`, `nulll`, `[1,]`, `{"a":1,}`, `{"a"}`, `{1:2}`, `"`, `"\`, `"\u12`, "\"\x1f\"", "\"\x00\"", "\"long enough for a word\x7f\"", "\"\xff\"",
		"\"long enough for a word \u00fc\u20ac\"", "\"seven..\\\"", "[\"12345678\",\"123456789\\t\"]", `{"a":{"b":[true,false,null,{}]}}`, "\ufeff[]",
		`[{"_id":"66f0a1b2c3d4e5f600000001","a":[{}]},{"b":1 , "_id" : "66f0a1b2c3d4e5f600000002"}]`, "[\v]", `"` + strings.Repeat("x", 30) + "\n\"",
		`[{"_id":"66f0a1b2c3d4e5f600000001","_id":"66f0a1b2c3d4e5f600000001"}]`, `[{"_id":"66f0a1b2c3d4e5f600000001","\u005fid":1}]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, want := validJSON(text), json.Valid(text) && utf8.Valid(text); got != want {
			t.Fatalf("validJSON %t, want %t", got, want)
		}
		rows, ok := plainRows(text)
		if !ok {
			return
		}
		if want, err := otherRows(text); err != nil || !reflect.DeepEqual(rows, want) {
			t.Fatalf("%d rows in one pass, %d and %v looked at closely", len(rows), len(want), err)
		}
	})
}

func TestValidJSONNestsAsDeeplyAsEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, maxDepth - 1, maxDepth, maxDepth + 1, 5 * maxDepth} {
		for _, pair := range [][2]string{{"[", "]"}, {`{"a":`, "}"}} {
			text := []byte(strings.Repeat(pair[0], n) + "1" + strings.Repeat(pair[1], n))
			if got, want := validJSON(text), json.Valid(text); got != want {
				t.Errorf("%d times %s: %t, want %t", n, pair[0], got, want)
			}
		}
	}
}

// FuzzAlikeRows: a page whose rows resemble each other, which is where bytes that were
// found valid in one row are not looked at again in the next.
func FuzzAlikeRows(f *testing.F) {
	const row = `{"_id":"66f0a1b2c3d4e5f600000001","n":12,"s":"x\u00e9y","b":true,"custom":{"a":[1,{}]},"z":null}`
	for _, pair := range [][2]string{
		{`"n":12`, `"n":123`}, {`"n":12`, `"n":1`}, {`"n":12`, `"n":12e`}, {`"n":12,`, ``}, {`"n":12`, `"n" : 12`}, {`"n":12`, `"n":12 `},
		{`"n":12`, `"n":12,"m":0`}, {`true`, `tru`}, {`true`, `false`}, {`,"z":null`, ``}, {`null}`, `null`}, {`null}`, `null,}`}, {`null}`, `null,"_id":1}`},
		{`"n"`, `"_id"`}, {`"n"`, `"\u006e"`}, {`x\u00e9y`, `x\u00e`}, {`x\u00e9y`, "x\xff"}, {`x\u00e9y`, "x\u00e9"}, {`01"`, `02"`}, {`01"`, `0"`},
		{`[1,{}]`, `[1,{}`}, {`{"a":[1,{}]}`, `{}`}, {`"_id"`, `"id"`}, {`"s":"x`, `"s":"x","t":"x`}, {row, `{}`}, {row, `1`}, {row, row + `,` + row},
	} {
		f.Add([]byte(row), []byte(strings.Replace(row, pair[0], pair[1], 1)), []byte(row))
		f.Add([]byte(strings.Replace(row, pair[0], pair[1], 1)), []byte(row), []byte(row))
	}
	f.Fuzz(func(t *testing.T, first, second, third []byte) {
		page := bytes.Join([][]byte{first, second, third}, []byte{','})
		page = append(append([]byte{'['}, page...), ']')
		got, ok := plainRows(page)
		want, err := otherRows(page)
		if valid := json.Valid(page) && utf8.Valid(page); ok && (!valid || err != nil || !reflect.DeepEqual(got, want)) {
			t.Fatalf("%d rows of a page that is valid: %t; looked at closely: %d, %v", len(got), valid, len(want), err)
		}
		if !ok && err == nil && bytes.IndexByte(page, '\\') < 0 {
			t.Fatalf("a plain page of %d rows is refused", len(want))
		}
	})
}

// TestOrdinaryPagesTakeOnePass: the close look is for pages that are not plain.
func TestOrdinaryPagesTakeOnePass(t *testing.T) {
	t.Parallel()
	row := `{"_id":"66f0a1b2c3d4e5f600000001","name":"Ærø \"A/S\"\n","custom":{"_id":3,"Seats":10},"tags":["a"],"x":null}`
	if rows, ok := plainRows([]byte(" [" + row + " , " + row + "]\n")); !ok || len(rows) != 2 || string(rows[1].Raw) != row {
		t.Errorf("%t, %v", ok, rows)
	}
	for _, text := range []string{`[` + row + `,` + row[:40] + `]`, `[` + row, `{"data":[` + row + `]}`, `[` + row + `]]`, "[" + strings.Replace(row, "A/S", "\xff", 1) + "]"} {
		if _, ok := plainRows([]byte(text)); ok {
			t.Errorf("%s is taken for plain", text)
		}
	}
}
