package roundtrip

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// prefixes are the spellings of a reference by a key.
var prefixes = map[planhat.Key]string{planhat.KeyExternalID: "extid-fix", planhat.KeySourceID: "srcid-fix-src"}

// spellings are the ways to name a fixture's second record of an object.
func (w *world) spellings(object planhat.Object) []string {
	spec, _ := planhat.Lookup(object)
	out := []string{w.fixture.other[object]}
	for _, key := range spec.UpsertKeys() {
		if prefix, ok := prefixes[key]; ok {
			out = append(out, prefix+"2")
		}
	}
	return out
}

// spelled puts a reference into the shape that the example has it in.
func spelled(example any, reference string) any {
	list, ok := example.([]any)
	if !ok {
		return reference
	}
	inner, ok := list[0].(map[string]any)
	if !ok {
		return []any{reference}
	}
	for _, name := range []string{"id", "_id"} {
		if _, there := inner[name]; there {
			return []any{map[string]any{name: reference}}
		}
	}
	return nil
}

// references sets each reference of a record to another record, in every spelling, with
// a create and with an update: the vendor gets the id.
func (o object) references(t *testing.T) {
	t.Helper()
	for _, f := range o.spec.Fields {
		if f.Ref == "" || !f.Writable {
			continue
		}
		if f.RefKey != "" {
			t.Run(f.Name, func(t *testing.T) { t.Parallel(); o.referenceByName(t, f) })
			continue
		}
		for n, spelling := range o.spellings(f.Ref) {
			t.Run(fmt.Sprint(f.Name, " ", n), func(t *testing.T) { t.Parallel(); o.reference(t, f, spelling) })
		}
	}
}

func (o object) reference(t *testing.T, f planhat.Field, spelling string) {
	t.Helper()
	example, ok := o.fields(t, o.sample.Create, "")[f.Name]
	if !ok {
		t.Fatalf("the example does not set %s", f.Name)
	}
	want := spelled(example, o.fixture.other[f.Ref])
	if _, stored := o.fields(t, o.sample.Stored, "")[f.Name]; stored {
		want = []any{o.fixture.other[f.Ref]}
	}
	name := fmt.Sprintf("ref-%s-%s-%s", o.spec.Object, f.Name, spelling)
	sent := o.needed(t, name, "")
	sent[f.Name] = spelled(example, spelling)
	id := o.expect(t, "OK CREATED -", o.command("create", name+" c", nil, sent)).RecordID
	o.arrived(t, "create", id, f.Name, want)
	sent = o.needed(t, name+" other", "")
	sent[f.Name] = example
	id = o.expect(t, "OK CREATED -", o.command("create", name+" o", nil, sent)).RecordID
	o.expect(t, "OK UPDATED -", o.command("update", name+" u", byID(id), fields{f.Name: spelled(example, spelling)}))
	o.arrived(t, "update", id, f.Name, want)
}

func (o object) arrived(t *testing.T, how, id, field string, want any) {
	t.Helper()
	if got := o.row(t, o.spec.Listing, id)[field]; !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %s is %v, want %v", how, field, text(t, got), text(t, want))
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// referenceByName sets a reference that is spelled as a key of the other record.
func (o object) referenceByName(t *testing.T, f planhat.Field) {
	t.Helper()
	sent := o.needed(t, "ref-"+f.Name, "")
	delete(sent, o.spec.CompanyField)
	sent[f.Name] = "fix2"
	if f.Ref != planhat.Company || f.RefKey != planhat.KeyExternalID {
		t.Fatalf("%s is no company's externalId: the test does not know it", f.Name)
	}
	id := o.expect(t, "OK CREATED -", o.command("create", "ref-"+f.Name, nil, sent)).RecordID
	o.arrived(t, "create", id, o.spec.CompanyField, o.fixture.other[planhat.Company])
}
