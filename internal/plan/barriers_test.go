package plan

import (
	"fmt"
	"strings"
	"testing"
)

// planFor gives the outline of a batch, of which each line is "<kafka key> <command>".
func planFor(t *testing.T, limits Limits, batch ...string) string {
	t.Helper()
	var orders []*Order
	for n, line := range batch {
		key, text, _ := strings.Cut(line, " ")
		o, refusal := Check(command(t, text), Rules{Now: noon})
		if refusal != nil {
			t.Fatalf("%s: %+v", line, *refusal)
		}
		o.Seq, o.Chain = n, key
		orders = append(orders, &o)
	}
	return outline(Build(orders, limits))
}

// TestBarriers holds what is merged, and what shares a call, to what the vendor answers
// as it would one by one.
func TestBarriers(t *testing.T) {
	up := func(key, target, fields string) string {
		return key + ` {"object":"company","op":"upsert","target":{"externalId":"` + target + `"},"fields":{` + fields + `}}`
	}
	update := func(key, target, more, fields string) string {
		return key + ` {"object":"company","op":"update","target":{` + target + `}` + more + `,"fields":{` + fields + `}}`
	}
	since := `,"ifUnchangedSince":"2026-01-01T00:00:00Z"`
	for name, tc := range map[string]struct {
		batch []string
		want  string
	}{
		"an update and an upsert": {[]string{update("a", `"externalId":"A"`, "", `"phase":"x"`), up("a", "A", `"name":"x"`)}, "put(0) | bulk(1)"},
		"records of one key":      {[]string{up("a", "A", `"name":"x"`), up("a", "B", `"name":"y"`)}, "bulk(0) | bulk(1)"},
		"a new record is complete or not": {
			[]string{up("a", "A", `"phase":"x"`), up("a", "A", `"name":"x"`)}, "bulk(0) | bulk(1)",
		},
		"preconditions": {
			[]string{update("a", fmt.Sprintf(`"_id":"%024x"`, 1), since, `"phase":"x"`), update("b", fmt.Sprintf(`"_id":"%024x"`, 2), since, `"phase":"x"`)}, "put(0) put(1)",
		},
		"deadlines": {
			[]string{up("a", "A", `"name":"x"`), strings.Replace(up("a", "A", `"phase":"x"`), `"fields"`, `"notAfter":"2099-01-01T00:00:00Z","fields"`, 1)}, "bulk(0) | bulk(1)",
		},
	} {
		if got := planFor(t, Limits{}, tc.batch...); got != tc.want {
			t.Errorf("%s: planned as %s, want %s", name, got, tc.want)
		}
	}
}

// TestBulkCallsAreCutByBytes holds bulk calls to their bytes; an item that is larger by
// itself goes alone.
func TestBulkCallsAreCutByBytes(t *testing.T) {
	var batch []string
	for n, size := range []int{100, 100, 100, 100, 1000, 100} {
		batch = append(batch, fmt.Sprintf(`k%d {"op":"upsert","object":"company","target":{"externalId":"%d"},"fields":{"name":%q}}`, n, n, strings.Repeat("x", size)))
	}
	if got, want := planFor(t, Limits{Bytes: 400}, batch...), "bulk(0 1 2) bulk(3) bulk(4) bulk(5)"; got != want {
		t.Errorf("planned as %s, want %s", got, want)
	}
}
