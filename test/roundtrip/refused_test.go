package roundtrip

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
	"github.com/planhat-bridge/planhat-bridge/test/rig/samples"
)

func sinkOptions() planhatsim.Options {
	return planhatsim.Options{Seed: 4, Companies: 1, CoreOnly: true, CallsPerMinute: -1, PerSecond: -1, InFlight: -1}
}

// TestRefused sends commands that are wrong in every way to every object: each gets the
// code for its mistake, and nothing is created.
func TestRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sinkOptions(), map[string]string{"SINK_REFERENCE_WAIT": "100ms"}, "sink")
	for spec := range w.writable() {
		t.Run(string(spec.Object), func(t *testing.T) {
			t.Parallel()
			o := object{world: w, spec: spec, sample: samples.Written[spec.Object]}
			before := len(w.rows(t, spec.Listing))
			o.refusedFields(t)
			if !spec.Shared() && len(w.rows(t, spec.Listing)) != before {
				t.Errorf("%d records were there, now %d", before, len(w.rows(t, spec.Listing)))
			}
			o.dangling(t)
		})
	}
}

// writable are the rows of the objects that commands write.
func (w *world) writable() func(func(planhat.Spec) bool) {
	return func(yield func(planhat.Spec) bool) {
		for _, spec := range planhat.Objects() {
			if !spec.ReadOnly && !yield(spec) {
				return
			}
		}
	}
}

// refusal is a command and the code that it is refused with.
type refusal struct {
	code   schemas.Code
	remedy string // a part of it
	command
}

// refusedFields sends creates with one mistake in each.
func (o object) refusedFields(t *testing.T) {
	t.Helper()
	var all []refusal
	add := func(code schemas.Code, what, remedy string, edit func(fields)) {
		sent := o.needed(t, "bad", "")
		edit(sent)
		all = append(all, refusal{code, remedy, o.command("create", "bad "+what, nil, sent)})
	}
	for _, group := range o.spec.Required {
		if o.spec.Object == planhat.Enduser && slices.Contains(group, "companyId") {
			continue // an email may tell the company; the vendor says
		}
		add("MISSING_FIELD", "without "+group[0], strings.Join(group, " or "), func(f fields) {
			for _, name := range group {
				delete(f, name)
			}
			if len(f) == 0 { // a create sets something
				f[o.free()] = nil
			}
		})
	}
	for _, f := range o.spec.Fields {
		if !f.Writable {
			add("READ_ONLY_FIELD", "read-only "+f.Name, f.Name, func(sent fields) { sent[f.Name] = "x" })
		}
	}
	misspelt := o.free() + "x"
	add("UNKNOWN_FIELD", misspelt, fmt.Sprintf("did you mean %q", o.free()), func(f fields) { f[misspelt] = "x" })
	if o.hasCustom() {
		odd := strings.ToLower(customName)
		add("UNKNOWN_FIELD", "custom", fmt.Sprintf("did you mean %q", "custom."+customName), func(f fields) { f["custom"] = map[string]any{odd: "x"} })
		add("INVALID_FIELD", "custom text", "", func(f fields) { f["custom"] = "x" })
	}
	for _, key := range o.spec.UpsertKeys() {
		name := o.spec.KeyField(key)
		add("INVALID_FIELD", "number in "+name, "", func(f fields) { f[name] = 7 })
	}
	add("VENDOR_REJECTED", "object in "+o.free(), "", func(f fields) { f[o.free()] = map[string]any{"a": 1} })
	commands := make([]command, len(all))
	for n, r := range all {
		commands[n] = r.command
	}
	for n, r := range o.send(t, commands...) {
		want := all[n]
		if outcome(r) != "REJECTED NONE "+string(want.code) || !strings.Contains(r.Error.Remedy, want.remedy) {
			t.Errorf("%s: %s (%+v), want %s with a remedy of %q", want.ID, outcome(r), r.Error, want.code, want.remedy)
		}
	}
}

// free is a text field without a meaning of its own.
func (o object) free() string {
	for _, f := range o.spec.Fields {
		if f.Writable && f.Type == planhat.String && f.Ref == "" && f.Name != "type" && !o.isKey(f.Name) && !slices.Contains(o.sample.Absent, f.Name) {
			return f.Name
		}
	}
	return ""
}

func (o object) isKey(field string) bool {
	return slices.ContainsFunc(o.spec.Keys, func(k planhat.Key) bool { return o.spec.KeyField(k) == field })
}

// keptDangling tells whether the vendor keeps a reference to nobody: it takes any id,
// be there a record or not, and looks companies alone up. A command with such an id is
// done as it was given. An id that is spelled as a key is looked up by the sink.
func keptDangling(f planhat.Field, spelling string) bool {
	return f.Ref != planhat.Company && !strings.Contains(spelling, "-")
}

// dangling refers to records that do not exist, in every spelling, with creates and
// with updates.
func (o object) dangling(t *testing.T) {
	t.Helper()
	target := byID(o.expect(t, "OK CREATED -", o.command("create", "target", nil, o.needed(t, "target", ""))).RecordID)
	const nobody = "66f0a1b2c3d4e5f6000004ff"
	for _, f := range o.spec.Fields {
		if f.Ref == "" || !f.Writable {
			continue
		}
		spellings := []string{nobody}
		spec, _ := planhat.Lookup(f.Ref)
		for key, prefix := range map[planhat.Key]string{planhat.KeyExternalID: "extid-", planhat.KeySourceID: "srcid-"} {
			if slices.Contains(spec.Keys, key) {
				spellings = append(spellings, prefix+"nobody")
			}
		}
		if f.RefKey != "" {
			spellings = []string{"nobody"}
		}
		for _, spelling := range spellings {
			t.Run(f.Name+" "+spelling, func(t *testing.T) {
				t.Parallel()
				o.refersToNobody(t, f, spelling, target)
			})
		}
	}
}

func (o object) refersToNobody(t *testing.T, f planhat.Field, spelling string, target map[string]string) {
	t.Helper()
	value := any(spelling)
	if f.RefKey == "" {
		value = spelled(o.fields(t, o.sample.Create, "")[f.Name], spelling)
	}
	sent := o.needed(t, f.Name+spelling, "")
	if f.RefKey != "" {
		delete(sent, o.spec.CompanyField)
	}
	sent[f.Name] = value
	create, update := "REJECTED NONE REFERENCE_NOT_FOUND", "REJECTED NONE REFERENCE_NOT_FOUND"
	if f.RefKey == "" && keptDangling(f, spelling) {
		create, update = "OK CREATED -", "OK UPDATED -"
	}
	name := "nobody " + f.Name + " " + spelling
	o.expect(t, create, o.command("create", name+" c", nil, sent))
	o.expect(t, update, o.command("update", name+" u", target, fields{f.Name: value}))
}

// TestForbidden denies the token one half of the objects, then the other: commands for
// those are refused, commands for the others go on.
func TestForbidden(t *testing.T) {
	t.Parallel()
	for half := range 2 {
		t.Run(fmt.Sprint("half ", half), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sinkOptions(), nil, "sink")
			denied, n := map[string]bool{}, 0
			for spec := range w.writable() {
				if n++; n%2 == half && !spec.Shared() {
					denied[string(spec.Object)] = true
				}
			}
			denied["conversation"] = half == 1 // of which notes are
			w.sim.SetTokens(map[string]planhatsim.Token{planhatsim.DefaultToken: {Deny: denied}})
			for spec := range w.writable() {
				t.Run(string(spec.Object), func(t *testing.T) {
					t.Parallel()
					o := object{world: w, spec: spec, sample: samples.Written[spec.Object]}
					o.forbidden(t, denied[string(spec.Object)] || spec.Shared() && half == 1)
				})
			}
		})
	}
}

func (o object) forbidden(t *testing.T, denied bool) {
	t.Helper()
	outcomes := map[string]string{"create": "OK CREATED -", "update": "REJECTED NONE NOT_FOUND", "delete": "OK UNCHANGED -", "get": "REJECTED NONE NOT_FOUND"}
	nobody := byID("66f0a1b2c3d4e5f6000004fe")
	for op, want := range outcomes {
		if denied {
			want = "REJECTED NONE FORBIDDEN"
		}
		c := o.command(op, op, nobody, nil)
		switch op {
		case "create":
			c.Target, c.Fields = nil, o.needed(t, "allowed", "")
		case "update":
			c.Fields = o.fields(t, o.sample.Update, "")
			delete(c.Fields, o.spec.CompanyField)
			if len(c.Fields) == 0 {
				c.Fields[o.free()] = "x"
			}
		}
		if r := o.send(t, c)[0]; outcome(r) != want {
			t.Errorf("%s: got %s, want %s (%+v)", c.ID, outcome(r), want, r.Error)
		}
	}
}
