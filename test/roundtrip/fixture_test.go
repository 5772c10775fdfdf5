package roundtrip

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// customName is a display name of a custom field, as people make them.
const customName = "Next step 🚀 (EMEA)"

// fields are a JSON object; its numbers are json.Number.
type fields map[string]any

func decode(t *testing.T, raw []byte) fields {
	t.Helper()
	var out fields
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return out
}

// fixture is what the records of the tests refer to: the id, externalId and sourceId of
// one record of each object, and the ids of second ones.
type fixture struct {
	ids   map[planhat.Object]string
	other map[planhat.Object]string
}

// fixtures are the records to refer to, those first that others refer to. # tells
// the first of an object from the second; the words in braces are those of samples.
var fixtures = []struct {
	object planhat.Object
	fields string
}{
	{planhat.User, `{"email":"fix#@user.example","nickName":"Fix#","firstName":"Fix","lastName":"Ture","externalId":"fix#"}`},
	{planhat.Company, `{"name":"Fixture#","externalId":"fix#","sourceId":"fix-src#"}`},
	{planhat.Enduser, `{"email":"fix#@enduser.example","companyId":"{company}","externalId":"fix#","sourceId":"fix-src#"}`},
	{planhat.Campaign, `{"name":"Fixture","companyId":"{company}","externalId":"fix#","sourceId":"fix-src#"}`},
	{planhat.TimeEntry, `{"date":"2026-03-03","hours":1}`},
	{planhat.Conversation, `{"companyId":"{company}","type":"call","subject":"Fixture","externalId":"fix#"}`},
	{planhat.Ticket, `{"companyId":"{company}","sourceId":"fix-ticket#","email":"fix@enduser.example","title":"Fixture"}`},
}

// newFixture makes them, and the custom field of every object that has any.
func newFixture(t *testing.T, sim *planhatsim.Server) fixture {
	t.Helper()
	f := fixture{ids: map[planhat.Object]string{}, other: map[planhat.Object]string{}}
	sim.Mutate(func(tx *planhatsim.Tx) {
		for _, row := range fixtures {
			f.ids[row.object] = f.make(t, tx, row.object, strings.ReplaceAll(row.fields, "#", ""))
			f.other[row.object] = f.make(t, tx, row.object, strings.ReplaceAll(row.fields, "#", "2"))
		}
		for _, spec := range planhat.Objects() {
			if custom, ok := spec.Field("custom"); !ok || !custom.Writable || spec.Object == planhat.Note {
				continue
			}
			field := fmt.Sprintf(`{"name":%q,"type":"text","parent":%q,"isHidden":false}`, customName, spec.Object)
			if _, err := tx.Create("customfields", field); err != nil {
				t.Error(err)
			}
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	return f
}

func (f fixture) make(t *testing.T, tx *planhatsim.Tx, object planhat.Object, text string) string {
	t.Helper()
	spec, _ := planhat.Lookup(object)
	id, err := tx.Create(spec.Listing, f.fill(text, ""))
	if err != nil {
		t.Errorf("fixture %s: %v", object, err)
	}
	return id
}

// fill puts the fixture's ids and a name that is the record's own into a text.
func (f fixture) fill(text, name string) string {
	pairs := []string{"{n}", name}
	for object, id := range f.ids {
		pairs = append(pairs, "{"+string(object)+"}", id)
	}
	for object, id := range f.other {
		pairs = append(pairs, "{"+string(object)+"2}", id)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
