package cdc_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/cdc"
)

func TestChanged(t *testing.T) {
	tests := []struct {
		name, before, after string
		want                []string
	}{
		{"nothing", `{"a":1,"b":[1,2]}`, `{"b":[1, 2],"a":1}`, nil},
		{"value, new and gone", `{"a":1,"b":2,"d":4}`, `{"a":1,"b":3,"c":4}`, []string{"b", "c", "d"}},
		{"null told from absent", `{}`, `{"a":null}`, []string{"a"}},
		{"deep inside", `{"a":{"b":{"c":1}}}`, `{"a":{"b":{"c":2}}}`, []string{"a"}},
		{"custom fields", `{"custom":{"x":1,"y":2}}`, `{"custom":{"y":3,"z":4}}`, []string{"custom.x", "custom.y", "custom.z"}},
		{"custom and others are sorted", `{"custom":{"x":1},"a":1,"d":1}`, `{"custom":{"x":2},"a":2,"d":2}`, []string{"a", "custom.x", "d"}},
		{"custom appears", `{}`, `{"custom":{"x":1}}`, []string{"custom.x"}},
		{"custom appears empty", `{}`, `{"custom":{}}`, []string{"custom"}},
		{"custom becomes null", `{"custom":{"x":1}}`, `{"custom":null}`, []string{"custom.x"}},
		{"custom is no object", `{"custom":1}`, `{"custom":"1"}`, []string{"custom"}},
		{"new row", ``, `{"b":1,"a":1}`, []string{"a", "b"}},
		{"deleted row", `{"b":1,"a":1}`, `null`, []string{"a", "b"}},
		{"names are read", `{}`, `{"caf\u00e9 \"x\"\n":1}`, []string{"café \"x\"\n"}},
		{"equal names", `{"a":1,"a":2}`, `{"a":2}`, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := cdc.Changed([]byte(test.before), []byte(test.after))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestChangedRefuses(t *testing.T) {
	for _, pair := range [][2]string{{`[]`, `{}`}, {`{}`, `1`}, {`{`, `{}`}, {`{}`, `{} x`}} {
		if _, err := cdc.Changed([]byte(pair[0]), []byte(pair[1])); err == nil {
			t.Errorf("%q is accepted", pair)
		}
	}
}

// differences is Changed in the words of encoding/json.
func differences(a, b map[string]any, prefix string) []string {
	var names []string
	for _, pair := range [][2]map[string]any{{a, b}, {b, a}} {
		for name, value := range pair[0] {
			other, has := pair[1][name]
			if has && reflect.DeepEqual(value, other) {
				continue
			}
			if prefix == "" && name == "custom" {
				x, _ := a[name].(map[string]any)
				y, _ := b[name].(map[string]any)
				if inner := differences(x, y, "custom."); len(inner) > 0 {
					names = append(names, inner...)
					continue
				}
			}
			names = append(names, prefix+name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func FuzzChanged(f *testing.F) {
	f.Add([]byte(`{"a":1,"custom":{"x":1}}`), []byte(`{"a":1.0,"custom":{"x":null,"y":[]}}`))
	f.Add([]byte(`{"custom":null}`), []byte(`{"custom":{},"custom.x":{"\u0061":1,"a":2}}`))
	f.Add(company(1), company(2))
	f.Fuzz(func(t *testing.T, before, after []byte) {
		if !json.Valid(before) || !json.Valid(after) {
			return
		}
		a, aIsRow := decode(t, before).(map[string]any)
		b, bIsRow := decode(t, after).(map[string]any)
		got, err := cdc.Changed(before, after)
		if err != nil || !aIsRow || !bIsRow {
			return
		}
		if want := differences(a, b, ""); !slices.Equal(got, want) {
			t.Fatalf("%q, %q: got %q, want %q", before, after, got, want)
		}
	})
}

func TestChangedInNamesOtherCustomFields(t *testing.T) {
	before, after := `{"custom":{"x":1},"custom_fields":{"a":1,"b":2}}`, `{"custom":{"x":2},"custom_fields":{"a":1,"b":null}}`
	got, err := cdc.ChangedIn("custom_fields", []byte(before), []byte(after))
	if want := []string{"custom", "custom_fields.b"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, want %q (%v)", got, want, err)
	}
}
