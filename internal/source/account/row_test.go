package account

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func rowOf(t testing.TB, text string) row {
	t.Helper()
	r, err := readRow([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return r
}

// What a field's null means is told by the last change, and by webhooks.
func TestClearedIsToldFromNeverSet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, rest, before string
		told               []string
		want               string
	}{
		{"never set", `{"id":1,"a":null,"custom_fields":{"x":null}}`, "", nil, `{"custom_fields":{},"id":1}`},
		{"was a value", `{"id":1,"a":null,"custom_fields":{"x":null}}`, `{"id":1,"a":2,"custom_fields":{"x":"y"}}`, nil, `{"a":null,"custom_fields":{"x":null},"id":1}`},
		{"was cleared", `{"id":1,"a":null,"custom_fields":{"x":null}}`, `{"id":1,"a":null,"custom_fields":{"x":null}}`, nil, `{"a":null,"custom_fields":{"x":null},"id":1}`},
		{"is set again", `{"id":1,"a":3,"custom_fields":{"x":0}}`, `{"id":1,"a":null,"custom_fields":{"x":null}}`, nil, `{"a":3,"custom_fields":{"x":0},"id":1}`},
		{"a webhook says so", `{"id":1,"a":null,"custom_fields":{"x":null}}`, "", []string{"a", "custom_fields.x"}, `{"a":null,"custom_fields":{"x":null},"id":1}`},
		{"a webhook names what REST does not know", `{"id":1}`, "", []string{"label", "custom_fields.z"}, `{"id":1}`},
		{"a webhook names what has a value", `{"id":1,"a":0}`, "", []string{"a"}, `{"a":0,"id":1}`},
		{"is sent no more", `{"id":1,"custom_fields":{}}`, `{"id":1,"a":2,"custom_fields":{"x":1}}`, nil, `{"a":null,"custom_fields":{"x":null},"id":1}`},
		{"no custom fields any more", `{"id":1}`, `{"id":1,"custom_fields":{"x":1}}`, nil, `{"custom_fields":{"x":null},"id":1}`},
		{"values keep their text", `{"id":1,"a":1.50,"b":"\u00e9","c":[1, 2]}`, "", nil, `{"a":1.50,"b":"\u00e9","c":[1, 2],"id":1}`},
	} {
		var before *row
		if c.before != "" {
			b := rowOf(t, c.before)
			before = &b
		}
		rest := rowOf(t, c.rest)
		if got := string(rest.write(rest.cleared(before, namesOf(c.told)))); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestHints(t *testing.T) {
	t.Parallel()
	const code = "c1f0a7d94b2e6358a0b9d4e7f61c28350a9be714"
	for previous, want := range map[string][]string{
		`null`: nil, ``: nil, `[1]`: nil,
		`{"title":"old","lost_reason":null,"custom_fields":{"` + code + `":{"type":"double","value":1},"x":null}}`: {"custom_fields." + code, "title"},
		`{"title":"old","` + code + `":12,"lost_reason":null}`:                                                     {"custom_fields." + code, "title"}, // version 1
	} {
		if diff := cmp.Diff(want, hints([]byte(previous)).sorted()); diff != "" {
			t.Errorf("%s: -want +got\n%s", previous, diff)
		}
	}
}

func TestStampsOfBothVersions(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 11, 19, 13, 50, 12, 0, time.UTC).UnixMilli()
	for text, ms := range map[string]int64{
		`{"update_time":"2026-11-19T13:50:12Z"}`: want, `{"update_time":"2026-11-19 13:50:12"}`: want,
		`{"update_time":null}`: 0, `{}`: 0, `{"update_time":"soon"}`: 0, `{"update_time":17}`: 0,
	} {
		if got := rowOf(t, text).stamp(); got != ms {
			t.Errorf("%s: %d, want %d", text, got, ms)
		}
	}
}

// Whatever REST sends: what is written is JSON, has the values as they were, and
// reads back as what it was written from.
func FuzzRow(f *testing.F) {
	for _, text := range []string{
		`{"id":1,"a":null,"custom_fields":{"x":1,"y":null}}`, `{"custom_fields":null}`, `{"custom_fields":[]}`, `{"custom_fields.x":1,"custom_fields":{"y":2}}`,
		`{"a":1,"a":null}`, `{"update_time":"2026-11-19 13:50:12"}`, `null`, `{`, `{"\ud800":"\ud800"}`,
	} {
		f.Add([]byte(text), []byte(`{"id":1,"a":2}`))
	}
	f.Fuzz(func(t *testing.T, text, earlier []byte) {
		hints(earlier)
		r, err := readRow(text)
		if err != nil {
			return
		}
		before, err := readRow(earlier)
		if err != nil {
			before = row{}
		}
		written := r.write(r.cleared(&before, names{}))
		if !json.Valid(written) {
			t.Fatalf("%q is written as %q", text, written)
		}
		again, err := readRow(written)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(slices.Sorted(maps.Keys(again.values)), slices.Sorted(maps.Keys(r.values))) {
			t.Fatalf("%q is written as %q", text, written)
		}
		if twice := again.write(again.cleared(&again, names{})); string(twice) != string(written) {
			t.Fatalf("%q becomes %q", written, twice)
		}
	})
}
