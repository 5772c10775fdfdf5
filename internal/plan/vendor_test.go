package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// vendor is a model of the vendor, small enough to be checked by reading. It
// matches, merges and refuses as documented; its bulk answers have any form.
type vendor struct {
	t        testing.TB
	records  []*record
	next     int
	calls    int
	insertID bool // a bulk item whose _id is unknown is inserted under it
	forms    forms
	chance   *rand.Rand
}

type record struct {
	object  planhat.Object
	id      string
	fields  map[string]any
	touched bool // written in this batch: its change stamp is new
}

// text is a field of the record.
func (r *record) text(name string) string { s, _ := r.fields[name].(string); return s }

// find is the look-up by address: of several records, the oldest.
func (v *vendor) find(spec *planhat.Spec, t Target) *record { return v.findIn(spec, t, "") }

// findIn is find within a company, "" for all.
func (v *vendor) findIn(spec *planhat.Spec, t Target, company string) *record {
	for _, r := range v.records {
		switch {
		case r.object != spec.Object || company != "" && r.text(spec.CompanyField) != company:
		case t.Key == planhat.KeyID && strings.EqualFold(r.id, t.Value),
			t.Key == planhat.KeyEmail && strings.EqualFold(r.text(spec.KeyField(t.Key)), t.Value),
			t.Key != planhat.KeyID && r.text(spec.KeyField(t.Key)) == t.Value:
			return r
		}
	}
	return nil
}

// company is that within which a body's externalId is looked for.
func (v *vendor) company(spec *planhat.Spec, k planhat.Key, body map[string]any) string {
	if k != planhat.KeyExternalID || spec.Object == planhat.Company {
		return ""
	}
	s, _ := body[spec.CompanyField].(string)
	return s
}

// errRefused is why the model vendor does not do something.
type errRefused struct {
	why      string
	invalid  bool
	inTheWay *record
}

func refusedFor(format string, args ...any) *errRefused {
	return &errRefused{why: fmt.Sprintf(format, args...)}
}

// read decodes a body, with its references as ids: as documented, a prefixed key is
// taken for a company in companyId, by creates and bulk upserts.
func (v *vendor) read(spec *planhat.Spec, raw json.RawMessage, prefixes bool) (map[string]any, *errRefused) {
	fields, err := members(raw)
	if err != nil {
		panic(err)
	}
	out := Fields(fields)
	for _, ref := range References(spec, fields) {
		of := &tables[ref.Object].spec
		if ref.unsendable() || ref.Prefixed && !prefixes {
			return nil, refusedFor("%s is no id", ref.Spelled)
		}
		r := v.find(of, ref.Target)
		if r == nil {
			return nil, refusedFor("%s names no %s", ref.Field, ref.Object)
		}
		if ref.Prefixed {
			out = out.Refer(ref, r.id)
		}
	}
	return object(out.JSON()), nil
}

// valid refuses what the model vendor will not store. The word "bad" stands for
// any validation that the bridge cannot foresee.
func (v *vendor) valid(spec *planhat.Spec, self *record, body map[string]any) *errRefused {
	for name, value := range body {
		inner, _ := value.(map[string]any)
		if value == "bad" || slices.Contains(slices.Collect(maps.Values(inner)), any("bad")) {
			return &errRefused{why: name + " is not valid", invalid: true}
		}
	}
	after := map[string]any{}
	if self != nil {
		maps.Copy(after, self.fields)
	}
	maps.Copy(after, body)
	for _, group := range spec.Required {
		if !slices.ContainsFunc(group, func(n string) bool { return after[n] != nil && after[n] != "" }) {
			return refusedFor("%s is required", group[0])
		}
	}
	for _, k := range uniqueKeys {
		s, _ := after[spec.KeyField(k)].(string)
		if other := v.findIn(spec, Target{k, s}, v.company(spec, k, after)); s != "" && other != nil && other != self {
			return &errRefused{why: string(k) + " is taken", inTheWay: other}
		}
	}
	return nil
}

func (v *vendor) create(spec *planhat.Spec, id string, body map[string]any) (*record, *errRefused) {
	if err := v.valid(spec, nil, body); err != nil {
		return nil, err
	}
	if id == "" {
		v.next++
		id = fmt.Sprintf("%024x", v.next)
	}
	r := &record{object: spec.Object, id: id, fields: map[string]any{}, touched: true}
	apply(r, body)
	v.records = append(v.records, r)
	return r, nil
}

func (v *vendor) update(spec *planhat.Spec, r *record, body map[string]any) (changed bool, err *errRefused) {
	if err := v.valid(spec, r, body); err != nil {
		return false, err
	}
	before := string(must(json.Marshal(r.fields)))
	apply(r, body)
	r.touched = true
	return before != string(must(json.Marshal(r.fields))), nil
}

func (v *vendor) remove(r *record) {
	v.records = slices.DeleteFunc(v.records, func(other *record) bool { return other == r })
}

// apply writes a body to a record. Emails are kept in lower case.
func apply(r *record, body map[string]any) {
	for name, value := range body {
		if s, ok := value.(string); ok && name == string(planhat.KeyEmail) {
			value = strings.ToLower(s)
		}
		inner, ok := value.(map[string]any)
		held, both := r.fields[name].(map[string]any)
		if name == customField && ok && both {
			maps.Copy(held, inner)
			continue
		}
		r.fields[name] = value
	}
}

// bulk is PUT of the collection: the first key present in the matching order
// decides, no match inserts.
func (v *vendor) bulk(spec *planhat.Spec, items []json.RawMessage) planhat.BulkAnswer {
	v.calls++
	fates := make([]fate, len(items))
	for n, raw := range items {
		fates[n] = v.upsert(spec, raw)
	}
	status, body := v.forms.render(v.chance, fates)
	return answered(v.t, spec, status, body)
}

func (v *vendor) upsert(spec *planhat.Spec, raw json.RawMessage) fate {
	given := given(spec, object(raw))
	body, err := v.read(spec, raw, true)
	if err != nil {
		return fate{kind: v.dropped(fateNotUpdated), given: given, message: err.why}
	}
	id, _ := body["_id"].(string)
	delete(body, "_id")
	match := v.match(spec, id, body)
	var r *record
	kind, failed := fateUnchanged, fateNotUpdated
	switch {
	case match == nil && id != "" && !v.insertID:
		err = refusedFor("there is no %s", id)
	case match == nil:
		kind, failed = fateInserted, fateNotInserted
		r, err = v.create(spec, id, body)
	default:
		var changed bool
		if changed, err = v.update(spec, match, body); changed {
			kind = fateUpdated
		}
		r = match
	}
	if err != nil {
		return v.refusal(spec, failed, given, match, err)
	}
	return fate{kind: kind, id: r.id, given: given, held: held(spec, r)}
}

func (v *vendor) match(spec *planhat.Spec, id string, body map[string]any) *record {
	if id != "" {
		return v.find(spec, Target{planhat.KeyID, id})
	}
	for _, k := range spec.UpsertKeys() {
		if s, ok := body[spec.KeyField(k)].(string); ok && s != "" && !slices.Contains(spec.Unmatched, k) {
			return v.findIn(spec, Target{k, s}, v.company(spec, k, body))
		}
	}
	return nil
}

func (v *vendor) refusal(spec *planhat.Spec, kind fateKind, given planhat.KeySet, match *record, err *errRefused) fate {
	out := fate{kind: kind, given: given, message: err.why}
	if err.invalid {
		out.kind = fateInvalid
	}
	if match != nil {
		out.id = match.id
	}
	if err.inTheWay != nil {
		out.inTheWay = held(spec, err.inTheWay)
	}
	out.kind = v.dropped(out.kind)
	return out
}

// dropped makes some refusals ones that the vendor does not tell of.
func (v *vendor) dropped(kind fateKind) fateKind {
	if v.chance.IntN(5) == 0 {
		return fateDropped
	}
	return kind
}

// given are the keys in a body.
func given(spec *planhat.Spec, body map[string]any) planhat.KeySet {
	out := planhat.KeySet{}
	for _, k := range spec.Keys {
		if s, ok := body[spec.KeyField(k)].(string); ok && s != "" {
			out[spec.KeyField(k)] = s
		}
	}
	return out
}

// held are the keys of a record.
func held(spec *planhat.Spec, r *record) planhat.KeySet {
	out := given(spec, r.fields)
	out["_id"] = r.id
	return out
}

func object(raw json.RawMessage) map[string]any {
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		panic(fmt.Sprintf("%s: %v", raw, err))
	}
	return out
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// state lists the records without their ids; the record that one refers to is spelled
// by its own fields.
func (v *vendor) state() []string {
	names := map[string]string{}
	for _, r := range v.records {
		own := maps.Clone(r.fields)
		maps.DeleteFunc(own, func(name string, _ any) bool { return tables[r.object].fields[name].Ref != "" })
		names[r.id] = string(r.object) + string(must(json.Marshal(own)))
	}
	var out []string
	for _, r := range v.records {
		fields := Fields(must(members(must(json.Marshal(r.fields)))))
		for _, ref := range References(&tables[r.object].spec, fields) {
			name, ok := names[ref.Target.Value]
			if !ok && ref.Target.Key == planhat.KeyID {
				name = "gone"
			}
			if ref.Target.Key == planhat.KeyID {
				fields = fields.Refer(ref, name)
			}
		}
		out = append(out, string(r.object)+" "+string(must(json.Marshal(object(fields.JSON())))))
	}
	return sorted(out)
}

// clone is a vendor of the same records.
func (v *vendor) clone() *vendor {
	out := *v
	out.records = nil
	for _, r := range v.records {
		out.records = append(out.records, &record{r.object, r.id, object(must(json.Marshal(r.fields))), r.touched})
	}
	return &out
}

func (v *vendor) equal(w *vendor) bool { return reflect.DeepEqual(v.state(), w.state()) }
