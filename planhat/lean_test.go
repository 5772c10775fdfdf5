package planhat

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func TestFindCompanies(t *testing.T) {
	const rows = `[{"_id":"66f0a1b2c3d4e5f600000001","externalId":"a","name":"A"},{"_id":"66f0a1b2c3d4e5f600000002","name":"B"},{"_id":"66f0a1b2c3d4e5f600000003","externalId":"other"}]`
	fake := always(200, rows)
	got, calls, err := clientFor(t, fake).FindCompanies(t.Context(), KeyExternalID, []string{"a", "b & c", "", "x,y"})
	want := map[string]string{"a": "66f0a1b2c3d4e5f600000001"}
	if err != nil || calls != 1 || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v in %d calls, %v", got, calls, err)
	}
	if sent, want := fake.asked()[0], (request{"GET", "/leancompanies", "externalId=" + url.QueryEscape("a,b & c"), ""}); sent != want {
		t.Errorf("sent %+v, want %+v", sent, want)
	}
}

// An address is kept as long as others are known to be, by any number of calls.
func TestFindManyCompanies(t *testing.T) {
	var values []string
	for n := range 300 {
		values = append(values, fmt.Sprintf("company-%d-ø", n))
	}
	values = append(values, strings.Repeat("x", 3*longestFilter))
	fake := always(200, `[]`)
	_, calls, err := clientFor(t, fake).FindCompanies(t.Context(), KeySourceID, values)
	asked := fake.asked()
	if err != nil || calls != len(asked) || calls < 4 || calls > 8 {
		t.Fatalf("%d calls, %d of them sent, %v", calls, len(asked), err)
	}
	var sent []string
	for n, r := range asked {
		query, _ := url.ParseQuery(r.Query)
		sent = append(sent, strings.Split(query.Get("sourceId"), ",")...)
		if len(r.Query) > longestFilter+len("sourceId=") && n < calls-1 {
			t.Errorf("an address of %d characters", len(r.Query))
		}
	}
	if !reflect.DeepEqual(sent, values) {
		t.Errorf("asked for %d of %d", len(sent), len(values))
	}
}

func TestFindCompaniesRefuses(t *testing.T) {
	fake := always(200, `[]`)
	if _, _, err := clientFor(t, fake).FindCompanies(t.Context(), KeyEmail, []string{"a@b"}); KindOf(err) != KindInvalid || len(fake.asked()) != 0 {
		t.Errorf("by email: %v", err)
	}
	if _, _, err := clientFor(t, always(403, `"no"`)).FindCompanies(t.Context(), KeyExternalID, []string{"a"}); KindOf(err) != KindForbidden {
		t.Errorf("forbidden: %v", err)
	}
}
