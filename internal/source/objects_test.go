package source

import (
	"fmt"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

func streamFor(t *testing.T, listing string, wanted ...string) *stream {
	t.Helper()
	var names map[string]bool
	for _, name := range wanted {
		if names == nil {
			names = map[string]bool{}
		}
		names[name] = true
	}
	for _, s := range newStreams(func(o planhat.Object) string { return string(o) }, names) {
		if s.listing == listing {
			return s
		}
	}
	t.Fatalf("there is no listing of %s", listing)
	return nil
}

// The state numbers the objects of a listing: a note stays the first of its own.
func TestObjectsOfAListing(t *testing.T) {
	all, notes := streamFor(t, "conversations"), streamFor(t, "conversations", "note")
	for _, tt := range []struct {
		stream  *stream
		rowType string
		kind    uint8
		wanted  bool
	}{
		{all, "note", 0, true}, {all, "email", 1, true}, {all, "ticket", 1, true}, {all, "", 1, true},
		{notes, "note", 0, true}, {notes, "email", 1, false}, {notes, "", 1, false},
		{streamFor(t, "tickets"), "ticket", 0, true}, {streamFor(t, "tasks"), "todo", 0, true},
	} {
		if kind, wanted := tt.stream.objectOf(tt.rowType); kind != tt.kind || wanted != tt.wanted {
			t.Errorf("%s, type %q: object %d, wanted %t", tt.stream.listing, tt.rowType, kind, wanted)
		}
	}
}

// A listing that does not keep to the selected companies shows rows of others: they
// are not captured, and a record that has gone over to another company stays as it is.
func TestRowsOfOtherCompaniesAreNotCaptured(t *testing.T) {
	const ours, theirs = "66f0a1b2c3d4e5f600000001", "66f0a1b2c3d4e5f600000002"
	for listing, field := range map[string]string{
		"invoices": `"cId":%q`, "nps": `"cId":%q`, "endusers": `"companyId":%q`, "issues": `"companyIds":[%q]`,
	} {
		s := streamFor(t, listing)
		s.companies = []string{ours}
		row := func(id, company, more string) {
			t.Helper()
			raw := []byte(`{"_id":"` + id + `",` + fmt.Sprintf(field, company) + more + `}`)
			sighting, err := cdc.Sight(id, raw)
			if err != nil {
				t.Fatal(err)
			}
			if err := sighting.Inspect(&s.shape); err != nil {
				t.Fatal(err)
			}
			if err := s.admitRow(sighting); err != nil {
				t.Fatal(err)
			}
		}
		row("66f0a1b2c3d4e5f60000000a", ours, "")
		row("66f0a1b2c3d4e5f60000000b", theirs, "")
		row("66f0a1b2c3d4e5f60000000a", theirs, `,"x":1`)
		if got := s.pending.changes; len(got) != 1 || got[0].id.String() != "66f0a1b2c3d4e5f60000000a" || got[0].op == opDelete {
			t.Errorf("%s: %d changes, want the record of the selected company alone", listing, len(got))
		}
	}
	s := streamFor(t, "users")
	s.companies = []string{ours}
	if !selected(s.companies, s.objects[0].spec, []byte(`{"_id":"66f0a1b2c3d4e5f60000000a"}`)) {
		t.Error("users are of no company and were left out")
	}
}
