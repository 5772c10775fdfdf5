package oracle

import (
	"strings"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// TestReferencesAreReadInEitherShape: the vendor shows some references as objects, and
// takes companies by a key in lists too. Another record is a mismatch in any shape.
func TestReferencesAreReadInEitherShape(t *testing.T) {
	company := map[string]ObjectEvidence{"company": {State: map[string]Row{idA: row(t, `{"_id":"`+idA+`","externalId":"a"}`)}}}
	c := &comparison{objects: company}
	for _, tt := range []struct {
		object       planhat.Object
		field        string
		stored, sent string
		want         bool
	}{
		{planhat.Company, "owner", `{"_id":"` + idB + `","nickName":"B"}`, `"` + idB + `"`, true},
		{planhat.Company, "owner", `{"_id":"` + idB + `","nickName":"B"}`, `"` + idC + `"`, false},
		{planhat.Issue, "companyIds", `["` + idA + `"]`, `["extid-a"]`, true},
		{planhat.Issue, "companyIds", `["` + idA + `"]`, `["extid-b"]`, false},
		{planhat.Issue, "companyIds", `["` + idA + `","` + idA + `"]`, `["extid-a"]`, false},
		{planhat.Timesheet, "timeEntries", `["` + idB + `"]`, `[{"_id":"` + idB + `"}]`, true},
		{planhat.Timesheet, "timeEntries", `["` + idB + `"]`, `[{"_id":"` + idC + `"}]`, false},
		{planhat.Timesheet, "timeEntries", `null`, `[{"_id":"` + idC + `"}]`, false},
	} {
		spec, _ := planhat.Lookup(tt.object)
		field, _ := spec.Field(tt.field)
		values := row(t, `{"stored":`+tt.stored+`,"sent":`+tt.sent+`}`)
		if got := c.shows(values["stored"], values["sent"], field, string(tt.object)); got != tt.want {
			t.Errorf("%s %s: stored %s shows %s: %t, want %t", tt.object, tt.field, tt.stored, tt.sent, got, tt.want)
		}
	}
}

// TestARecordOfAnotherObject: a conversation of a type that the tenant does not have is a
// note. It is not lost; one that the vendor does not have at all is.
func TestARecordOfAnotherObject(t *testing.T) {
	for _, elsewhere := range []bool{true, false} {
		note := map[string]Row{}
		if elsewhere {
			note[idC] = row(t, `{"_id":"`+idC+`","type":"note"}`)
		}
		m := &model{byID: map[binding]*record{}, pasts: map[string]*vendorPast{idC: {entries: []Entry{{Object: "note", ID: idC}}}}}
		c := comparison{model: m, objects: map[string]ObjectEvidence{"note": {State: note}, "conversation": {}}}
		r := m.newRecord("conversation", idC, live)
		c.record(r, c.objects["conversation"])
		if found := len(c.found) > 0 && strings.Contains(c.found[0].What, "the vendor does not have record"); found == elsewhere {
			t.Errorf("the vendor has it as a note: %t, mismatches %v", elsewhere, c.found)
		}
		if m.surelyLive(r, step{}) {
			t.Error("a note is surely a live conversation")
		}
	}
}
