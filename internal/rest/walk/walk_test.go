package walk

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"
)

// What elements and members there are is what encoding/json finds; a text that is no JSON
// has some, too, and no walk through it fails or goes on for ever.
func FuzzWalk(f *testing.F) {
	for _, seed := range []string{
		`[]`, `{}`, `null`, `[1, "a,]" ,{"b":[{}]},null ]`, `{"_id":"x","data":[{"_id":"y"}]}`, `{"a":1,"a":2}`, `[1e5,-0.1 , true]`, `{"\u0061" : 1}`,
		`"\"`, "[\"\xff\"]", "[", "[}", "{]", "[[", "{\"a", "{\"a\"", "{\"a\":", "[,", "{,", `{"a"`, `[{"a\\\"]":"}"},[[]]]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if !json.Valid(body) || !utf8.Valid(body) {
			for range Elements(body) { // must not panic
			}
			for range Members(body) {
			}
			return
		}
		var list []json.RawMessage
		if json.Unmarshal(body, &list) == nil {
			sameElements(t, body, list)
		}
		var object map[string]json.RawMessage
		if json.Unmarshal(body, &object) == nil && object != nil {
			sameMembers(t, body, object)
		}
	})
}

func sameElements(t *testing.T, body []byte, want []json.RawMessage) {
	t.Helper()
	i := 0
	for got := range Elements(body) {
		if i >= len(want) || !bytes.Equal(got, want[i]) {
			t.Fatalf("element %d of %q is %q", i, body, got)
		}
		i++
	}
	if i != len(want) {
		t.Fatalf("%d elements in %q, want %d", i, body, len(want))
	}
}

func sameMembers(t *testing.T, body []byte, want map[string]json.RawMessage) {
	t.Helper()
	got := map[string]json.RawMessage{}
	for name, value := range Members(body) {
		var text string
		if err := json.Unmarshal(name, &text); err != nil {
			t.Fatalf("name %q of %q: %v", name, body, err)
		}
		got[text] = value
		if text != Text(name) {
			t.Fatalf("name %q is read as %q, want %q", name, Text(name), text)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("members %q of %q, want %q", got, body, want)
	}
}
