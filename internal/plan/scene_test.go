package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// scene is a vendor with some records and a batch of commands for them.
type scene struct {
	t       *rapid.T
	v       *vendor
	objects []planhat.Spec // few, for commands of several actors to share calls
	actors  []*actor
	orders  []*Order
	late    map[int]bool
	deletes bool // records go, and change their keys
	crowd   bool // many records of one object are upserted: bulk calls are large
}

func drawScene(tb testing.TB, t *rapid.T, deletes bool) *scene {
	tb.Helper()
	chance := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "chance"), 0))
	s := &scene{t: t, late: map[int]bool{}, deletes: deletes, v: &vendor{
		t: tb, chance: chance, forms: drawForms(chance), insertID: rapid.Bool().Draw(t, "insertID"),
	}}
	s.v.records = append(s.v.records, &record{object: planhat.Company, id: aCompany, fields: map[string]any{"name": "Acme"}})
	objects, actors, commands := 3, 7, 40
	if s.crowd = rapid.Bool().Draw(t, "crowd"); s.crowd {
		objects, actors, commands = 1, 16, 60
	}
	s.objects = rapid.SliceOfN(rapid.SampledFrom(writable), 1, objects).Draw(t, "objects")
	for n := range rapid.IntRange(1, actors).Draw(t, "actors") {
		s.actor(n)
	}
	for range rapid.IntRange(1, commands).Draw(t, "commands") {
		s.command(rapid.SampledFrom(s.actors).Draw(t, "actor"))
	}
	if !deletes {
		s.bring()
	}
	return s
}

// bring ends the batch with the records that others may refer to.
func (s *scene) bring() {
	for _, a := range s.actors {
		for _, t := range a.targets {
			if !referred(a.spec.Object) || t.Key != planhat.KeyExternalID && (a.keyed || t.Key != planhat.KeySourceID) {
				continue
			}
			fields := s.whole(a.spec)
			for _, k := range uniqueKeys {
				other := Target{k, strings.Replace(t.Value, string(t.Key), string(k), 1)}
				if slices.Contains(a.targets, other) {
					fields[a.spec.KeyField(k)] = other.Value
				}
			}
			s.order(a, schemas.Command{Object: string(a.spec.Object), Op: schemas.OpUpsert, Target: targetOf(t), Fields: must(json.Marshal(fields))})
		}
	}
}

// aCompany is one that is there, and stays.
const aCompany = "66f0a1b2c3d4e5f600000001"

// actor is a Kafka key with its records, or one record without Kafka key.
type actor struct {
	name    string
	keyed   bool
	spec    *planhat.Spec
	targets []Target
}

var writable = slices.DeleteFunc(planhat.Objects(), func(s planhat.Spec) bool { return s.ReadOnly })

// actor adds one: every third is of the objects that others refer to.
func (s *scene) actor(n int) {
	object := rapid.SampledFrom(s.objects).Draw(s.t, "object").Object
	if !s.crowd && rapid.IntRange(0, 2).Draw(s.t, "parent") == 2 {
		object = rapid.SampledFrom([]planhat.Object{planhat.Company, planhat.User, planhat.Enduser}).Draw(s.t, "object of references")
	}
	a := &actor{name: fmt.Sprintf("k%d", n), keyed: rapid.Bool().Draw(s.t, "keyed"), spec: &tables[object].spec}
	for m := range rapid.IntRange(1, 2).Draw(s.t, "records") {
		a.targets = append(a.targets, s.record(a, m)...)
	}
	if !a.keyed {
		a.targets = []Target{rapid.SampledFrom(a.targets).Draw(s.t, "spelling")}
	}
	s.actors = append(s.actors, a)
}

// record lists how a record is spelled; it may exist already.
func (s *scene) record(a *actor, m int) []Target {
	out := []Target{}
	fields := s.whole(a.spec)
	for _, k := range a.spec.UpsertKeys() {
		value := fmt.Sprintf("%s-%s-%d", k, a.name, m)
		out = append(out, Target{k, value})
		fields[a.spec.KeyField(k)] = value
		if k == planhat.KeyEmail {
			out = append(out, Target{k, strings.ToUpper(value)})
		}
	}
	id := fmt.Sprintf("%024x", 0xabc000+len(s.v.records))
	// What the plan orders by is what the batch brings: it cannot know what is there.
	if rapid.Bool().Draw(s.t, "exists") && (s.deletes || !referred(a.spec.Object)) {
		s.v.next++
		r := &record{object: a.spec.Object, id: fmt.Sprintf("%024x", s.v.next), fields: fields}
		s.v.records = append(s.v.records, r)
		id = r.id
	}
	return append(out, Target{planhat.KeyID, id})
}

// referred tells whether others refer to an object by a key.
func referred(o planhat.Object) bool {
	return o == planhat.Company || o == planhat.User || o == planhat.Enduser || o == planhat.Campaign || o == planhat.Conversation
}

// whole is what a new record of an object needs.
func (s *scene) whole(spec *planhat.Spec) map[string]any {
	out := map[string]any{}
	for _, group := range spec.Required {
		f := tables[spec.Object].fields[group[0]]
		switch {
		case f.Ref == planhat.Company && f.RefKey == "":
			out[f.Name] = aCompany
		case f.Name == typeField:
			out[f.Name] = "call"
		default:
			out[f.Name] = sample(f)
		}
	}
	return out
}

// sample is a value that a field takes.
func sample(f planhat.Field) any {
	var v any
	_ = json.Unmarshal(value(planhat.Spec{}, f), &v)
	return v
}

func (s *scene) command(a *actor) {
	ops := []Op{Update, Update, Update, Upsert, Upsert, Upsert, Upsert, Create, Get}
	switch {
	case s.crowd:
		ops = []Op{Upsert, Upsert, Upsert, Upsert, Upsert, Update, Update, Get}
	case s.deletes:
		ops = append(ops, Delete)
	}
	c := schemas.Command{Object: string(a.spec.Object), Op: string(rapid.SampledFrom(ops).Draw(s.t, "op"))}
	if rapid.IntRange(0, 5).Draw(s.t, "coalesce") == 5 {
		no := false
		c.Coalesce = &no
	}
	if c.Op != string(Get) && c.Op != string(Delete) {
		c.Fields = s.fields(a, c.Op)
	}
	if c.Op != string(Create) {
		c.Target = targetOf(rapid.SampledFrom(a.targets).Draw(s.t, "target"))
	}
	if c.Op != string(Create) && c.Op != string(Get) && a.spec.Stamp != "" && rapid.IntRange(0, 9).Draw(s.t, "since") == 9 {
		c.IfUnchangedSince = &noon
	}
	if s.deletes && rapid.IntRange(0, 9).Draw(s.t, "deadline") == 9 {
		c.NotAfter = &noon
	}
	s.order(a, c)
}

func (s *scene) order(a *actor, c schemas.Command) {
	o, refusal := Check(c, Rules{Now: time.Unix(0, 0)})
	if refusal != nil {
		return
	}
	o.Seq = len(s.orders)
	if c.NotAfter != nil && rapid.Bool().Draw(s.t, "late") {
		s.late[o.Seq] = true
	}
	if a.keyed {
		o.Chain = a.name
	}
	s.orders = append(s.orders, &o)
}

func targetOf(t Target) schemas.Target {
	switch t.Key {
	case planhat.KeyID:
		return schemas.Target{ID: t.Value}
	case planhat.KeySourceID:
		return schemas.Target{SourceID: t.Value}
	case planhat.KeyExternalID:
		return schemas.Target{ExternalID: t.Value}
	default:
		return schemas.Target{Email: t.Value}
	}
}

func (s *scene) fields(a *actor, op string) json.RawMessage {
	fields := map[string]any{}
	for _, f := range a.spec.Fields {
		if f.Name == string(planhat.KeyExternalID) || f.Name == string(planhat.KeySourceID) {
			continue // a key, or, of a churn, nearly one
		}
		if f.Writable && !isKeyField(a.spec, f.Name) && f.Name != customField && f.Name != typeField && rapid.IntRange(0, 3).Draw(s.t, "has") == 3 {
			s.field(fields, a.spec, f)
		}
	}
	for len(fields) > 4 { // of some objects most of the fields would be there
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			if rapid.Bool().Draw(s.t, "less") {
				delete(fields, name)
			}
		}
	}
	if _, ok := tables[a.spec.Object].fields[customField]; ok && rapid.Bool().Draw(s.t, "custom") {
		fields["custom."+rapid.SampledFrom([]string{"A", "B"}).Draw(s.t, "name")] = rapid.SampledFrom([]any{"x", "y", nil}).Draw(s.t, "value")
		if rapid.IntRange(0, 4).Draw(s.t, "refused") == 4 && s.faulty(a.spec) {
			fields[fmt.Sprintf("custom.C%d", len(s.orders))] = "bad"
		}
	}
	if op == string(Create) || rapid.IntRange(0, 1).Draw(s.t, "whole") == 1 {
		for name, value := range s.whole(a.spec) {
			if _, set := fields[name]; !set || op == string(Create) {
				fields[name] = value
			}
		}
	}
	for _, t := range a.targets {
		// Keys of the actor's own records, so that they clash and change hands.
		if s.deletes && t.Key != planhat.KeyID && (a.keyed || op == string(Create)) && rapid.IntRange(0, 3).Draw(s.t, "key") == 3 {
			fields[a.spec.KeyField(t.Key)] = t.Value
		}
	}
	return must(json.Marshal(fields))
}

// faulty tells whether a command may be refused for a value: who waits for a record
// waits for the first command that should bring it.
func (s *scene) faulty(spec *planhat.Spec) bool { return s.deletes || !referred(spec.Object) }

// field sets one field to a value that it takes, or does not.
func (s *scene) field(fields map[string]any, spec *planhat.Spec, f planhat.Field) {
	switch {
	case f.Ref != "" && f.Type == planhat.String:
		fields[f.Name] = s.reference(f)
	case f.Ref != "":
		fields[f.Name] = []any{s.reference(f)}
	case slices.Contains(spec.Limited, f.Name) && f.Type == planhat.String && s.faulty(spec):
		fields[f.Name] = rapid.SampledFrom([]any{"x", "y", "bad"}).Draw(s.t, f.Name)
	case f.Type == planhat.String:
		fields[f.Name] = rapid.SampledFrom([]any{"x", "y", "", nil}).Draw(s.t, f.Name)
	default:
		fields[f.Name] = sample(f)
	}
}

// reference spells one of the records of the scene, or none.
func (s *scene) reference(f planhat.Field) any {
	if f.Ref == planhat.Company && f.RefKey == "" && rapid.IntRange(0, 2).Draw(s.t, "to a company that is there") == 0 {
		return aCompany
	}
	var out []any
	for _, a := range s.actors {
		for _, t := range a.targets {
			switch {
			case a.spec.Object != f.Ref || f.RefKey != "" && t.Key != f.RefKey:
			case f.RefKey != "":
				out = append(out, t.Value)
			case t.Key == planhat.KeyExternalID:
				out = append(out, "extid-"+t.Value)
			case t.Key == planhat.KeySourceID:
				out = append(out, "srcid-"+t.Value)
			}
		}
	}
	if len(out) == 0 || rapid.IntRange(0, 9).Draw(s.t, "to nobody") == 9 && s.deletes {
		return map[bool]any{true: nil, false: "extid-nobody"}[len(out) == 0]
	}
	return rapid.SampledFrom(out).Draw(s.t, f.Name)
}
