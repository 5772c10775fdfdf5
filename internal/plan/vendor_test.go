package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// vendor is a model of the vendor, small enough to be checked by reading. It
// matches, merges and refuses as documented; what its bulk answers repeat of
// the keys is up to a test.
type vendor struct {
	records []*record
	next    int
	calls   int
	echo    echo
}

type record struct {
	object planhat.Object
	id     string
	fields map[string]any
}

// echo says how much a bulk answer tells.
type echo struct {
	noKeys     bool // written entries name _id only
	looseError bool // errors name no key
	drop       bool // refused items are dropped without a word
	invented   bool // entries repeat keys that the record holds, not only those sent
}

func (v *vendor) find(spec *planhat.Spec, t Target) *record {
	for _, r := range v.records {
		if r.object != spec.Object {
			continue
		}
		if t.Key == planhat.KeyID && r.id == t.Value {
			return r
		}
		if s, ok := r.fields[spec.KeyField(t.Key)].(string); ok && t.Key != planhat.KeyID && strings.EqualFold(s, t.Value) {
			return r
		}
	}
	return nil
}

// valid refuses what the model vendor will not store: it stands for any
// validation that the bridge cannot foresee.
func (v *vendor) valid(spec *planhat.Spec, self *record, body map[string]any) error {
	for name, value := range body {
		inner, _ := value.(map[string]any)
		for _, v := range inner {
			if v == "bad" {
				return fmt.Errorf("%s is not valid", name)
			}
		}
		if value == "bad" {
			return fmt.Errorf("%s is not valid", name)
		}
	}
	for _, k := range uniqueKeys {
		if s, ok := body[spec.KeyField(k)].(string); ok {
			if other := v.find(spec, Target{k, s}); other != nil && other != self {
				return fmt.Errorf("%s is duplicated", k)
			}
		}
	}
	return nil
}

func (v *vendor) create(spec *planhat.Spec, raw json.RawMessage) (*record, error) {
	body := object(raw)
	delete(body, "_id")
	for _, g := range spec.Required {
		ok := false
		for _, n := range g {
			ok = ok || body[n] != nil
		}
		if !ok {
			return nil, fmt.Errorf("%s is required", g[0])
		}
	}
	if err := v.valid(spec, nil, body); err != nil {
		return nil, err
	}
	v.next++
	r := &record{object: spec.Object, id: fmt.Sprintf("%024x", v.next), fields: map[string]any{}}
	apply(r, body)
	v.records = append(v.records, r)
	return r, nil
}

func (v *vendor) update(spec *planhat.Spec, r *record, raw json.RawMessage) (changed bool, err error) {
	body := object(raw)
	delete(body, "_id")
	if err := v.valid(spec, r, body); err != nil {
		return false, err
	}
	before := string(must(json.Marshal(r.fields)))
	apply(r, body)
	return before != string(must(json.Marshal(r.fields))), nil
}

func (v *vendor) remove(r *record) {
	for n := range v.records {
		if v.records[n] == r {
			v.records = append(v.records[:n], v.records[n+1:]...)
			return
		}
	}
}

func apply(r *record, body map[string]any) {
	for name, value := range body {
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
	answer := planhat.BulkAnswer{Status: 200}
	for _, raw := range items {
		v.upsert(spec, raw, &answer)
	}
	return answer
}

func (v *vendor) upsert(spec *planhat.Spec, raw json.RawMessage, answer *planhat.BulkAnswer) {
	body := object(raw)
	var match *record
	for _, k := range spec.Keys {
		if s, ok := body[spec.KeyField(k)].(string); ok {
			match = v.find(spec, Target{k, s})
			break
		}
	}
	if match == nil {
		r, err := v.create(spec, raw)
		if err != nil {
			v.refuse(&answer.CreatedErrors, answer, body, err)
			return
		}
		answer.Created++
		answer.InsertsKeys = append(answer.InsertsKeys, v.keys(spec, r, body))
		answer.UpsertedIDs = append(answer.UpsertedIDs, r.id)
		return
	}
	changed, err := v.update(spec, match, raw)
	switch {
	case err != nil:
		v.refuse(&answer.UpdatedErrors, answer, body, err)
	case changed:
		answer.Updated++
		answer.UpdatesKeys = append(answer.UpdatesKeys, v.keys(spec, match, body))
		answer.Modified = append(answer.Modified, match.id)
	default:
		answer.Nonupdates++
	}
}

func (v *vendor) keys(spec *planhat.Spec, r *record, body map[string]any) planhat.KeySet {
	out := planhat.KeySet{"_id": r.id}
	if v.echo.noKeys {
		return out
	}
	source := body
	if v.echo.invented {
		source = r.fields
	}
	for _, k := range uniqueKeys {
		if s, ok := source[spec.KeyField(k)].(string); ok {
			out[spec.KeyField(k)] = s
		}
	}
	return out
}

func (v *vendor) refuse(list *[]planhat.BulkError, answer *planhat.BulkAnswer, body map[string]any, err error) {
	answer.Status = 206
	if v.echo.drop {
		return
	}
	e := planhat.BulkError{Message: err.Error()}
	if !v.echo.looseError {
		e.Keys = planhat.KeySet{}
		for name, value := range body {
			if s, ok := value.(string); ok && (name == "_id" || name == "externalId" || name == "extId" || name == "sourceId") {
				e.Keys[name] = s
			}
		}
	}
	*list = append(*list, e)
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

// state lists the records without their ids.
func (v *vendor) state() []string {
	var out []string
	for _, r := range v.records {
		out = append(out, string(r.object)+" "+string(must(json.Marshal(r.fields))))
	}
	return sorted(out)
}

func (v *vendor) clone() *vendor {
	out := &vendor{next: v.next, echo: v.echo}
	for _, r := range v.records {
		out.records = append(out.records, &record{r.object, r.id, object(must(json.Marshal(r.fields)))})
	}
	return out
}

func (v *vendor) equal(w *vendor) bool { return reflect.DeepEqual(v.state(), w.state()) }
