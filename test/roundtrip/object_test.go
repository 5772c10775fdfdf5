package roundtrip

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
	"github.com/planhat-bridge/planhat-bridge/test/rig/samples"
)

// TestEveryObject follows a record of every object of the table from the command to the
// change: nobody's row is left out, since a row without an example fails.
func TestEveryObject(t *testing.T) {
	t.Parallel()
	w := newWorld(t, planhatsim.Options{Seed: 3, Companies: 5, CallsPerMinute: -1, PerSecond: -1, InFlight: -1},
		map[string]string{"SINK_REFERENCE_WAIT": "1s"}, "source", "sink")
	w.seen()
	for _, spec := range planhat.Objects() {
		t.Run(string(spec.Object), func(t *testing.T) {
			t.Parallel()
			if spec.ReadOnly {
				w.readOnly(t, spec)
				return
			}
			s, there := samples.Written[spec.Object]
			if !there {
				t.Fatalf("samples.Written has no example of a %s", spec.Object)
			}
			o := object{world: w, spec: spec, sample: s}
			o.wholeSample(t)
			t.Run("life", func(t *testing.T) { t.Parallel(); o.life(t) })
			t.Run("keys", func(t *testing.T) { t.Parallel(); o.keys(t) })
			t.Run("references", func(t *testing.T) { t.Parallel(); o.references(t) })
		})
	}
	t.Run("type", func(t *testing.T) { t.Parallel(); w.changeOfType(t) })
	t.Run("done", func(t *testing.T) { t.Parallel(); w.taskIsDone(t) })
	t.Run("unknown type", func(t *testing.T) { t.Parallel(); w.unknownType(t) })
}

// object is a row of the table with its example.
type object struct {
	*world
	spec   planhat.Spec
	sample samples.Sample
}

func (o object) hasCustom() bool { _, ok := o.spec.Field("custom"); return ok }

// fields are those of a text of the example, for the record of that name.
func (o object) fields(t *testing.T, text, name string) fields {
	t.Helper()
	if text == "" {
		text = "{}"
	}
	return decode(t, []byte(o.fixture.fill(text, name)))
}

// custom adds the custom field.
func (o object) custom(f fields, value string) fields {
	if o.hasCustom() {
		f["custom"] = map[string]any{customName: value}
	}
	return f
}

// needed are the fields that a new record cannot do without, less those in whose place
// another one is sent.
func (o object) needed(t *testing.T, name, without string) fields {
	t.Helper()
	return samples.Needed(o.spec, o.fields(t, o.sample.Create, name), without)
}

func (o object) command(op, id string, target map[string]string, f fields) command {
	return command{ID: string(o.spec.Object) + " " + id, Op: op, Object: o.spec.Object, Target: target, Fields: f}
}

func byID(id string) map[string]string { return map[string]string{"_id": id} }

// wholeSample holds the example to the table: it sets every field that can be written.
func (o object) wholeSample(t *testing.T) {
	t.Helper()
	sent := o.fields(t, o.sample.Create, "x")
	for _, f := range o.spec.Fields {
		_, named := sent[f.Name]
		if f.Writable && !named && f.Name != "custom" && !slices.Contains(o.sample.Absent, f.Name) {
			t.Errorf("the example of a %s does not set %s", o.spec.Object, f.Name)
		}
	}
}

// life creates, updates and deletes a record, and holds each change to what it did.
func (o object) life(t *testing.T) {
	t.Helper()
	name := "life-" + string(o.spec.Object)
	sent := o.custom(o.fields(t, o.sample.Create, name), "first 🙂")
	id := o.expect(t, "OK CREATED -", o.command("create", name+" c", nil, sent)).RecordID
	created := o.row(t, o.spec.Listing, id)
	for _, c := range o.changed(t, "c", id, 1, nil, created) {
		if len(c.Changed) != 0 && !slices.Contains(c.Changed, "_id") {
			t.Errorf("a new record changed %v", c.Changed)
		}
	}
	o.holds(t, created, sent)

	update := o.custom(o.fields(t, o.sample.Update, name), "second 🎉")
	o.expect(t, "OK UPDATED -", o.command("update", name+" u", byID(id), update))
	updated := o.row(t, o.spec.Listing, id)
	for _, c := range o.changed(t, "u", id, 2, created, updated) {
		if got, want := slices.Sorted(slices.Values(c.Changed)), o.wantChanged(update); !slices.Equal(got, want) {
			t.Errorf("changed %v, want %v", got, want)
		}
	}
	o.holds(t, updated, update)

	o.expect(t, "OK DELETED -", o.command("delete", name+" d", byID(id), nil))
	o.changed(t, "d", id, 3, updated, nil)
	if last := o.events(t, o.spec.Object, id, 4); !last[0].tombstone || len(last) > 1 {
		t.Errorf("behind the delete there is %+v", last)
	}
	if row := o.row(t, o.spec.Listing, id); row != nil {
		t.Errorf("the vendor still has %v", row)
	}
}

// wantChanged are the names that an update changes in a row.
func (o object) wantChanged(update fields) []string {
	want := slices.Clone(o.sample.Derived)
	for name := range update {
		switch {
		case name == "custom":
			want = append(want, "custom."+customName)
		case !slices.Contains(o.sample.Unlisted, name):
			want = append(want, name)
		}
	}
	slices.Sort(want)
	return want
}

// expect sends a command and holds its result to "<STATUS> <EFFECT> <CODE or ->".
func (o object) expect(t *testing.T, want string, c command) schemas.Result {
	t.Helper()
	r := o.send(t, c)[0]
	if got := outcome(r); got != want {
		t.Fatalf("%s: got %s, want %s (%+v)", c.ID, got, want, r.Error)
	}
	if strings.HasPrefix(want, "OK") && r.RecordID == "" && r.Effect != schemas.EffectUnchanged { // which says so of a bulk call alone
		t.Fatalf("%s: the result names no record", c.ID)
	}
	return r
}

func outcome(r schemas.Result) string {
	code := "-"
	if r.Error != nil {
		code = string(r.Error.Code)
	}
	return fmt.Sprintf("%s %s %s", r.Status, r.Effect, code)
}

// changed waits for the nth change of a record and holds it to an operation and to the
// rows before and after it. There is one such change: it is given as a list.
func (w *world) changed(t *testing.T, object planhat.Object, op, id string, n int, before, after fields) []event {
	t.Helper()
	c := w.events(t, object, id, n)[0]
	if c.tombstone || c.Op != op {
		t.Fatalf("change %d of %s is %q (a tombstone: %t), want %q", n, id, c.Op, c.tombstone, op)
	}
	sameRow(t, op+" before", c.Before, before)
	sameRow(t, op+" after", c.After, after)
	return []event{c}
}

func (o object) changed(t *testing.T, op, id string, n int, before, after fields) []event {
	t.Helper()
	return o.world.changed(t, o.spec.Object, op, id, n, before, after)
}

// sameRow holds a row of a change to a row of the listing, key by key.
func sameRow(t *testing.T, what string, raw json.RawMessage, want fields) {
	t.Helper()
	if raw == nil || want == nil {
		if raw != nil || want != nil {
			t.Errorf("%s is %s, want %v", what, raw, want)
		}
		return
	}
	got := decode(t, raw)
	for name := range maps.Keys(want) {
		if value, there := got[name]; !there || !reflect.DeepEqual(value, want[name]) {
			t.Errorf("%s: %s is %v (there: %t), want %v", what, name, value, there, want[name])
		}
	}
	for name := range got {
		if _, there := want[name]; !there {
			t.Errorf("%s: %s is %v, the listing has no such field", what, name, got[name])
		}
	}
}

// holds compares a row with the fields that were sent.
func (o object) holds(t *testing.T, row, sent fields) {
	t.Helper()
	stored := o.fields(t, o.sample.Stored, "")
	for name, value := range sent {
		if slices.Contains(o.sample.Unlisted, name) {
			continue
		}
		if other, ok := stored[name]; ok {
			value = other
		}
		if !reflect.DeepEqual(row[name], value) {
			t.Errorf("%s is %v, sent was %v", name, row[name], value)
		}
	}
}
