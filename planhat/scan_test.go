package planhat

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

func TestSplitRows(t *testing.T) {
	id := `"_id":"` + hexID(1) + `"`
	good := map[string]int{
		`[]`:                      0,
		" [ ] \n":                 0, //nolint:gocritic // white space is the case
		`[{` + id + `}]`:          1,
		`{"data":[{` + id + `}]}`: 1,
		`[ {` + id + `} , {` + id + `,"custom":{"a]":"},{"}} ]`: 2,
		`[{"\u005fid":"` + hexID(1) + `"}]`:                     1,
		`[{` + id + `,"a":[[{"_id":5}]],"b":"\\\""}]`:           1,
	}
	for body, want := range good {
		rows, err := splitRows([]byte(body))
		if err != nil || len(rows) != want {
			t.Errorf("%s: %d rows, %v, want %d", body, len(rows), err, want)
		}
	}
	bad := []string{
		``, ` `, `null`, `1`, `"x"`, `{}`, `{"message":"x"}`, `{"data":{}}`, `<html></html>`,
		`[{` + id + `}`, `[{` + id + `},`, `[{` + id + `},]`, `[{` + id + `}]x`, `[{` + id + `}][]`,
		`[1]`, `[null]`, `[{}]`, `[[]]`, `[{` + id + `},{}]`, `[{"_id":null}]`, `[{"_id":5}]`, `[{"_id":""}]`,
		`[{"_id":"66f0a1b2c3d4e5f60000000"}]`, `[{"_id":"66f0a1b2c3d4e5f60000000g"}]`, `[{"x":{` + id + `}}]`,
		`[{` + id + `,` + id + `}]`, `[{` + id + `,"a":"` + "\xff" + `"}]`, `[{` + id + `,"a":tru}]`, `[{` + id + `,"a":01}]`,
	}
	for _, body := range bad {
		if rows, err := splitRows([]byte(body)); err == nil {
			t.Errorf("%s: accepted as %d rows", body, len(rows))
		}
	}
}

// The scanner agrees with encoding/json on what is JSON.
func FuzzSplitRows(f *testing.F) {
	for _, seed := range []string{`[]`, `[1, "a,]" ,{"b":[{}]},null ]`, `{"_id":"x","data":[{"_id":"66f0a1b2c3d4e5f600000001"}]}`, `[{"_id":"66f0a1b2c3d4e5f600000001"}]`, `"\"`, `[`, `{"a":1,"a":2}`, "[\"\xff\"]", `[1e5,-0.1 , true]`, `{"\u0061" : 1}`} {
		f.Add([]byte(seed))
	}
	for _, seed := range []string{"[}", "{]", "[[", "{\"a", "{\"a\"", "{\"a\":", "[,", "{,"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		rows, err := splitRows(body)
		if !json.Valid(body) || !utf8.Valid(body) {
			if err == nil {
				t.Fatalf("accepted %d rows of what is not JSON", len(rows))
			}
			return
		}
		for _, row := range rows {
			if !json.Valid(row.Raw) || !isID(row.ID) {
				t.Fatalf("row %q of id %q", row.Raw, row.ID)
			}
		}
	})
}

func TestWithout(t *testing.T) {
	for object, want := range map[string]string{
		`{}`:                              `{}`,
		`{"_id":"x"}`:                     `{}`,
		`{"a":1, "_id" : "x" ,"b":[1,2]}`: `{"a":1,"b":[1,2]}`,
		`{"\u005fid":1,"a":1.50}`:         `{"a":1.50}`,
		`{"custom":{"_id":1}}`:            `{"custom":{"_id":1}}`,
	} {
		if got := string(without([]byte(object), "_id")); got != want {
			t.Errorf("%s: got %s, want %s", object, got, want)
		}
	}
}
