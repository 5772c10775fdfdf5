package roundtrip

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/test/rig/samples"
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

// newFixture makes them, and the custom field of every object that has any.
func newFixture(t *testing.T, sim *planhatsim.Server) fixture {
	t.Helper()
	f := fixture{ids: map[planhat.Object]string{}, other: map[planhat.Object]string{}}
	sim.Mutate(func(tx *planhatsim.Tx) {
		for _, row := range samples.Fixtures {
			f.ids[row.Object] = f.make(t, tx, row.Object, strings.ReplaceAll(row.Fields, "#", ""))
			f.other[row.Object] = f.make(t, tx, row.Object, strings.ReplaceAll(row.Fields, "#", "2"))
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
	return samples.Fill(text, name, f.ids, f.other)
}
