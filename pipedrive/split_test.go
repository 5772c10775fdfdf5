package pipedrive

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"unicode/utf8"
)

// FuzzSplit: valid JSON is taken apart as encoding/json does it.
func FuzzSplit(f *testing.F) {
	for _, text := range []string{
		`{"success":true,"data":[{"id":1,"t":"a\"]}\\"},{}, [] ,null],"additional_data":{"next_cursor":null}}`, ` [1 , "x\\\"," ,{"a":[{}]}] `,
		`{"a\u0062":1,"ab":2}`, `[]`, `{}`, `null`, `"x"`, `[true,false,-1.5e3]`, "\t{ \"a\" : \r\n{\"b\":[1,2]} , \"c\":\"\" }",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		err := checkJSON(text)
		if (err == nil) != json.Valid(text) {
			t.Errorf("%q: %v", text, err)
		}
		if err != nil || !utf8.Valid(text) {
			return // names that are no UTF-8 are repaired there
		}
		var object map[string]json.RawMessage
		if json.Unmarshal(text, &object) == nil && object != nil {
			if got := members(text); !maps.EqualFunc(got, object, sameJSON) {
				t.Errorf("%q: got %q, want %q", text, got, object)
			}
		} else if got := members(text); len(got) != 0 {
			t.Errorf("%q: got %q of no object", text, got)
		}
		var list []json.RawMessage
		wrong := json.Unmarshal(text, &list)
		if got, err := elements(text); (err == nil) != (wrong == nil) || !slices.EqualFunc(got, list, sameJSON) {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, list)
		}
	})
}

func sameJSON(a, b json.RawMessage) bool { return bytes.Equal(bytes.TrimSpace(a), bytes.TrimSpace(b)) }
