package roundtrip

import (
	"reflect"
	"slices"
	"testing"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// keys upserts a record by each key that can be upserted by, and reads it by each key.
func (o object) keys(t *testing.T) {
	t.Helper()
	for _, key := range o.spec.UpsertKeys() {
		t.Run(string(key), func(t *testing.T) { t.Parallel(); o.upsert(t, key) })
	}
	if len(o.spec.UpsertKeys()) == 0 {
		o.expect(t, "REJECTED NONE NO_UPSERT_KEY",
			o.command("upsert", "upsert", byID("66f0a1b2c3d4e5f6000004aa"), o.needed(t, "none", "")))
	}
	name := "keys-" + string(o.spec.Object)
	sent := o.fields(t, o.sample.Create, name)
	id := o.expect(t, "OK CREATED -", o.command("create", name, nil, sent)).RecordID
	for _, key := range o.spec.Keys {
		target := byID(id)
		if key != planhat.KeyID {
			value, ok := sent[o.spec.KeyField(key)].(string)
			if !ok {
				t.Errorf("the example has no %s", key)
				continue
			}
			target = map[string]string{string(key): value}
		}
		r := o.expect(t, "OK READ -", o.command("get", name+" by "+string(key), target, nil))
		if r.RecordID != id || r.Record == nil {
			t.Errorf("by %s: record %s: %s", key, r.RecordID, r.Record)
			continue
		}
		o.sameRecord(t, id, decode(t, r.Record))
	}
}

// sameSingle holds what a get gave to the vendor's single record.
func (w *world) sameSingle(t *testing.T, listing, id string, got fields) {
	t.Helper()
	var raw []byte
	w.sim.Mutate(func(tx *planhatsim.Tx) { raw = tx.Get(listing, id) })
	if want := decode(t, raw); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func (o object) sameRecord(t *testing.T, id string, got fields) {
	t.Helper()
	o.sameSingle(t, o.spec.Listing, id, got)
}

// upsert upserts a new record, then the same one twice more.
func (o object) upsert(t *testing.T, key planhat.Key) {
	t.Helper()
	name := "upsert-" + string(o.spec.Object) + "-" + string(key)
	target := map[string]string{string(key): name + "@keys.example"}
	sent := o.needed(t, name, o.spec.KeyField(key))
	first := o.expect(t, "OK CREATED -", o.command("upsert", name+" 1", target, sent))
	o.expect(t, "OK UNCHANGED -", o.command("upsert", name+" 2", target, sent))
	change := o.fields(t, o.sample.Update, name)
	if o.spec.Shared() {
		change["type"] = sent["type"]
	}
	delete(change, o.spec.CompanyField) // a record is matched within its company
	if len(change) == 0 {
		change["name"] = "Other"
	}
	third := o.expect(t, "OK UPDATED -", o.command("upsert", name+" 3", target, change))
	if third.RecordID != first.RecordID {
		t.Errorf("created %s, updated %s", first.RecordID, third.RecordID)
	}
	row := o.row(t, o.spec.Listing, first.RecordID)
	if row[o.spec.KeyField(key)] != name+"@keys.example" {
		t.Errorf("%s is %v", o.spec.KeyField(key), row[o.spec.KeyField(key)])
	}
	if !slices.ContainsFunc(o.events(t, o.spec.Object, first.RecordID, 1), func(c event) bool { return c.Op == "c" }) {
		t.Error("the record's first change is no create")
	}
}
