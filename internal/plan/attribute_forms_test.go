package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// TestAttributeForms has a row for each form of answer that documents and clients
// know of. Upserts are of E0, E1, E2 by externalId, or of E0 alone; updates of the
// _ids ...0, ...1, ...2. A doubt is written as "again?".
//
//nolint:dupword // outcomes of several items may be alike
func TestAttributeForms(t *testing.T) {
	three, one := bulkCall(Upsert, planhat.KeyExternalID, 3), bulkCall(Upsert, planhat.KeyExternalID, 1)
	updates := bulkCall(Update, planhat.KeyID, 3)
	const e0 = `{"_id":"i0","externalId":"E0"}`
	tests := []struct {
		name   string
		call   Call
		status int
		body   string
		want   string
	}{
		{"one new, one changed, one as it was", three, 200,
			`{"created":1,"createdErrors":[],"insertsKeys":[` + e0 + `],"updated":1,"updatedErrors":[],"updatesKeys":[{"_id":"i1","externalId":"E1"}],"nonupdates":1,"modified":["i1"],"upsertedIds":["i0"],"permissionErrors":[]}`,
			"created:i0 updated:i1 unchanged"},
		{"empty arrays are null, or not there", three, 200, `{"created":1,"insertsKeys":[` + e0 + `],"nonupdates":2,"createdErrors":null,"modified":null}`, "created:i0 unchanged unchanged"},

		{"an error is a string", three, 206, `{"created":1,"insertsKeys":[` + e0 + `],"nonupdates":1,"createdErrors":["name is required"]}`, "created:i0 again again"},
		{"an error is an object without keys", three, 206, `{"nonupdates":2,"updatedErrors":[{"message":"no"}]}`, "again again again"},
		{"an error has the item's keys", three, 206, `{"nonupdates":2,"updatedErrors":[{"message":"no","externalId":"E1"}]}`, "unchanged refused(no) unchanged"},
		{"an error has the item in it", three, 206, `{"nonupdates":2,"updatedErrors":[{"error":"no","item":{"externalId":"E1"}}]}`, "unchanged refused(no) unchanged"},
		{"an error has the item's keys and the record's _id", three, 206, `{"nonupdates":2,"updatedErrors":[{"message":"no","externalId":"E1","_id":"i1"}]}`, "unchanged refused(no) unchanged"},
		{"an error has keys that the item did not send", three, 206, `{"nonupdates":2,"updatedErrors":[{"message":"sourceId S is taken","externalId":"E1","sourceId":"S"}]}`, "again again again"},
		{"an error has a key of nobody", three, 206, `{"nonupdates":2,"updatedErrors":[{"message":"no","externalId":"E9"}]}`, "again again again"},
		{"an error of validation", three, 206, `{"nonupdates":2,"validationErrors":[{"message":"no","externalId":"E2"}]}`, "unchanged unchanged refused(no)"},
		{"an error in two arrays", three, 206, `{"nonupdates":2,"createdErrors":[{"message":"no","externalId":"E2"}],"validationErrors":[{"message":"wrong","externalId":"E2"}]}`, "unchanged unchanged refused(no)"},
		{"an error of an item that was written", three, 206, `{"created":1,"insertsKeys":[` + e0 + `],"nonupdates":2,"createdErrors":[{"message":"no","externalId":"E0"}]}`, "again? again again"},

		{"403 for one item", three, 403, `{"created":0,"nonupdates":2,"permissionErrors":[{"message":"no","externalId":"E0"}]}`, "denied(no) unchanged unchanged"},
		{"403 for all, in strings", three, 403, `{"created":0,"permissionErrors":["no","no","no"]}`, "denied(no) denied(no) denied(no)"},
		{"403 for some, in strings", three, 403, `{"created":0,"permissionErrors":["no","no"]}`, "again again again"},
		{"403 without arrays", three, 403, `{"message":"no"}`, "again again again"},
		{"400 for all, for one reason", three, 400, `{"createdErrors":["name is required","name is required","name is required"]}`, "refused(name is required) refused(name is required) refused(name is required)"},
		{"400 for all, for several reasons", three, 400, `{"createdErrors":["a","b","a"]}`, "again again again"},
		{"400 for all, in two arrays", three, 400, `{"createdErrors":["a","a"],"validationErrors":["a"]}`, "again again again"},
		{"400 with one reason for the call", three, 400, `{"createdErrors":["duplicate key"]}`, "again again again"},
		{"400 without arrays", three, 400, `"bad request"`, "again again again"},
		{"500 proves nothing, whatever it says", three, 500, `{"created":3,"insertsKeys":[` + e0 + `],"nonupdates":2}`, "again again again"},

		{"one is dropped without a word", three, 200, `{"created":1,"insertsKeys":[` + e0 + `],"nonupdates":1}`, "created:i0 again again"},
		{"all are dropped without a word", three, 200, `{"created":0,"updated":0,"nonupdates":0}`, "again again again"},
		{"more counted than listed", three, 200, `{"created":2,"insertsKeys":[` + e0 + `],"nonupdates":1}`, "created:i0 look look"},
		{"fewer counted than listed", three, 200, `{"updated":1,"updatesKeys":[{"_id":"i0","externalId":"E0"},{"_id":"i1","externalId":"E1"}],"nonupdates":1}`, "again? again? look"},
		{"nothing counted, all listed", three, 200, `{"insertsKeys":[` + e0 + `],"upsertedIds":["i0"],"nonupdates":2}`, "created:i0 again again"},
		{"more than were sent", three, 200, `{"nonupdates":4}`, "again again again"},
		{"counts alone", three, 200, `{"created":3}`, "look look look"},
		{"the lists disagree", three, 200, `{"created":1,"insertsKeys":[` + e0 + `],"upsertedIds":["i7"],"nonupdates":2}`, "again? look look"},
		{"ids alone", three, 200, `{"created":2,"upsertedIds":["i0","i1"],"nonupdates":1}`, "look look look"},
		{"ids alone, of all", three, 200, `{"created":3,"upsertedIds":["i0","i1","i2"]}`, "created created created"},
		{"a key in another field", three, 200, `{"created":1,"insertsKeys":[{"_id":"i0","sourceId":"E0"}],"nonupdates":2}`, "look look look"},
		{"all that were found are listed", three, 200, `{"updated":1,"modified":["i1"],"nonupdates":2,"updatesKeys":[` + e0 + `,{"_id":"i1","externalId":"E1"},{"_id":"i2","externalId":"E2"}]}`,
			"unchanged:i0 updated:i1 unchanged:i2"},

		{"one item, created", one, 200, `{"created":1}`, "created"},
		{"one item, changed, by its id", one, 200, `{"updated":1,"modified":["i0"]}`, "updated:i0"},
		{"one item, as it was", one, 200, `{"nonupdates":1}`, "unchanged"},
		{"one item, as it was, with its record", one, 200, `{"nonupdates":1,"updatesKeys":[` + e0 + `]}`, "unchanged:i0"},
		{"one item, refused", one, 400, `{"updatedErrors":[{"message":"no","externalId":"other"}]}`, "refused(no)"},
		{"one item, refused in two arrays", one, 400, `{"createdErrors":["no"],"validationErrors":["wrong"]}`, "refused(no)"},
		{"one item, dropped", one, 200, `{"created":0}`, "again"},
		{"one item, two things", one, 200, `{"created":1,"nonupdates":1}`, "again?"},
		{"one item, written and refused", one, 206, `{"updated":1,"updatedErrors":["no"]}`, "again?"},

		{"updates by _id", updates, 200, `{"updated":1,"modified":["` + bulkID(1) + `"],"nonupdates":2}`, "unchanged:" + bulkID(0) + " updated:" + bulkID(1) + " unchanged:" + bulkID(2)},
		{"an update that came back as an insert", updates, 200, `{"created":1,"insertsKeys":[{"_id":"` + bulkID(0) + `"}],"nonupdates":2}`, "created:" + bulkID(0) + " unchanged:" + bulkID(1) + " unchanged:" + bulkID(2)},
		{"an update that came back as an insert, by its id", updates, 200, `{"created":1,"upsertedIds":["` + bulkID(0) + `"],"updated":1,"modified":["` + bulkID(1) + `"],"nonupdates":1}`, "created:" + bulkID(0) + " updated:" + bulkID(1) + " unchanged:" + bulkID(2)},
		{"an update that would have been an insert", updates, 206, `{"nonupdates":2,"createdErrors":[{"message":"name is required","_id":"` + bulkID(0) + `"}]}`, "alone(name is required) unchanged:" + bulkID(1) + " unchanged:" + bulkID(2)},
		{"updates that would have been inserts", updates, 400, `{"createdErrors":["no","no","no"]}`, "alone(no) alone(no) alone(no)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answer := answered(t, tt.call.Spec, tt.status, []byte(tt.body))
			if got := verdicts(Attribute(tt.call, answer)); got != tt.want {
				t.Fatalf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func bulkID(n int) string { return fmt.Sprintf("%024x", n) }

func verdicts(list []Verdict) string {
	out := make([]string, len(list))
	for n, v := range list {
		out[n] = v.Outcome.String()
		switch {
		case v.Doubt:
			out[n] += "?"
		case v.Message != "":
			out[n] += "(" + v.Message + ")"
		case v.RecordID != "":
			out[n] += ":" + v.RecordID
		}
	}
	return strings.Join(out, " ")
}

// What a look-up by the item's target finds is held to the ids of the answer.
func TestSettle(t *testing.T) {
	c := bulkCall(Upsert, planhat.KeyExternalID, 4)
	tests := []struct{ name, body, id, want string }{
		{"inserted", `{"created":1,"insertsKeys":[{"_id":"a"}],"nonupdates":3}`, "a", "created:a"},
		{"inserted, by the list of ids", `{"created":1,"upsertedIds":["a"],"nonupdates":3}`, "a", "created:a"},
		{"changed", `{"updated":1,"updatesKeys":[{"_id":"a"}],"modified":["a"],"nonupdates":3}`, "a", "updated:a"},
		{"there, and in no list", `{"updated":1,"modified":["a"],"nonupdates":3}`, "b", "again"},
		{"there, and perhaps not in the list that should have it", `{"created":2,"upsertedIds":["a"],"nonupdates":2}`, "b", "again?"},
		{"not there", `{"created":1,"insertsKeys":[{"_id":"a"}],"nonupdates":3}`, "", "again"},
		{"both", `{"created":1,"insertsKeys":[{"_id":"a"}],"updated":1,"modified":["a"],"nonupdates":2}`, "a", "again?"},
		{"found, and nothing differed", `{"updated":1,"modified":["a"],"updatesKeys":[{"_id":"a"},{"_id":"b"}],"nonupdates":1,"created":2,"upsertedIds":["c","d"]}`, "b", "unchanged:b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := Settle(c, answered(t, c.Spec, 200, []byte(tt.body)), tt.id)
			if got := verdicts([]Verdict{v}); got != tt.want {
				t.Fatalf("got %s, want %s", got, tt.want)
			}
		})
	}
}
