package ctl

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzLine: whatever is taken as a line of commands is sent as JSON that has the
// id which the result is waited for under.
func FuzzLine(f *testing.F) {
	for _, seed := range []string{`{"op":"get"}`, `{"id":"a","target":{"externalId":"x"}}`, `{"ID":"b","id":""}`, `{"id":7}`, `null`, `{"fields":[1]}`, "{\"id\":\"\\ud800\"}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		out, err := (&sendFlags{}).line([]byte(text), func() string { return "new" })
		if err != nil {
			return
		}
		var sent map[string]json.RawMessage
		if err := json.Unmarshal(out.value, &sent); err != nil {
			t.Fatalf("%q is sent as %q: %v", text, out.value, err)
		}
		if out.id == "" || out.key == "" {
			t.Fatalf("%q has id %q and key %q", text, out.id, out.key)
		}
	})
}

// FuzzCSV: a file is refused or every row is a command in JSON.
func FuzzCSV(f *testing.F) {
	f.Add("name,custom.x\nA,1\n")
	f.Add("\ufeff_id,externalId\n,\n")
	f.Add("custom,custom.x\n5,6\n")
	f.Add("custom,custom.x\nnull,6\n")
	f.Fuzz(func(t *testing.T, text string) {
		flags := &sendFlags{object: "company", op: "upsert", commandID: "c"}
		out, err := flags.readCSV(strings.NewReader(text), func() string { return "new" })
		if err != nil {
			return
		}
		for _, c := range out {
			if !json.Valid(c.value) {
				t.Fatalf("sent: %q", c.value)
			}
		}
	})
}
