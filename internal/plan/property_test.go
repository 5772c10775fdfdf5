package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// scene is a vendor with some records and a batch of commands for them.
type scene struct {
	t      *rapid.T
	v      *vendor
	orders []*Order
}

func drawScene(t *rapid.T) *scene {
	s := &scene{t: t, v: &vendor{echo: echo{
		noKeys:     rapid.Bool().Draw(t, "noKeys"),
		looseError: rapid.Bool().Draw(t, "looseError"),
		drop:       rapid.Bool().Draw(t, "drop"),
		invented:   rapid.Bool().Draw(t, "invented"),
	}}}
	actors := make([]*actor, rapid.IntRange(1, 6).Draw(t, "actors"))
	for n := range actors {
		actors[n] = s.actor(n)
	}
	for range rapid.IntRange(1, 40).Draw(t, "commands") {
		s.command(rapid.SampledFrom(actors).Draw(t, "actor"))
	}
	return s
}

// actor is a Kafka key with its records, or one record without Kafka key.
type actor struct {
	name    string
	keyed   bool
	spec    *planhat.Spec
	targets []Target
}

func (s *scene) actor(n int) *actor {
	object := rapid.SampledFrom([]planhat.Object{
		planhat.Company, planhat.Enduser, planhat.License, planhat.Note, planhat.Conversation, planhat.Invoice, planhat.Task, planhat.Timesheet,
	}).Draw(s.t, "object")
	a := &actor{name: fmt.Sprintf("k%d", n), keyed: rapid.Bool().Draw(s.t, "keyed"), spec: &tables[object].spec}
	for m := range rapid.IntRange(1, 2).Draw(s.t, "records") {
		a.targets = append(a.targets, s.record(a, m)...)
	}
	if !a.keyed {
		a.targets = []Target{rapid.SampledFrom(a.targets).Draw(s.t, "spelling")}
	}
	return a
}

// record lists how a record is spelled; it may exist already.
func (s *scene) record(a *actor, m int) []Target {
	value := func(key string) string { return fmt.Sprintf("%s-%s-%d", key, a.name, m) }
	out := []Target{}
	fields := map[string]any{"email": value("email"), "value": 1.0}
	maps.Copy(fields, whole)
	for _, k := range a.spec.UpsertKeys() {
		out = append(out, Target{k, value(string(k))})
		fields[a.spec.KeyField(k)] = value(string(k))
	}
	id := fmt.Sprintf("%024x", 0xabc000+len(s.v.records))
	if rapid.Bool().Draw(s.t, "exists") {
		s.v.next++
		r := &record{object: a.spec.Object, id: fmt.Sprintf("%024x", s.v.next), fields: fields}
		s.v.records = append(s.v.records, r)
		id = r.id
	}
	return append(out, Target{planhat.KeyID, id})
}

// whole is what a new record of some object needs.
var whole = map[string]any{
	"name": "whole", "companyId": "66f0a1b2c3d4e5f600000001", "_currency": "EUR", "fromDate": "2026-01-01", "value": 2,
	"cId": "66f0a1b2c3d4e5f600000001", "currency": "EUR", "mainType": "task", "type": "call", "status": "approved",
}

func (s *scene) command(a *actor) {
	target := rapid.SampledFrom(a.targets).Draw(s.t, "target")
	c := schemas.Command{Object: string(a.spec.Object), Op: string(rapid.SampledFrom([]Op{Update, Update, Upsert, Upsert, Upsert, Create, Delete, Get}).Draw(s.t, "op"))}
	if rapid.IntRange(0, 3).Draw(s.t, "coalesce") == 0 {
		no := false
		c.Coalesce = &no
	}
	if c.Op != string(Get) && c.Op != string(Delete) {
		c.Fields = s.fields(a, c.Op, c.Coalesce == nil)
	}
	if c.Op != string(Create) {
		c.Target = targetOf(target)
	}
	o, refusal := Check(c, Rules{Now: time.Unix(0, 0)})
	if refusal != nil {
		return
	}
	o.Seq = len(s.orders)
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

func (s *scene) fields(a *actor, op string, coalesce bool) json.RawMessage {
	text := rapid.SampledFrom([]any{"x", "y", nil, "bad"})
	fields := map[string]any{}
	if coalesce {
		// What a later command replaces is never sent: only values that stay
		// can be refused.
		text = rapid.SampledFrom([]any{"x", "y", nil})
		if rapid.IntRange(0, 4).Draw(s.t, "refused") == 0 {
			fields[fmt.Sprintf("custom.C%d", len(s.orders))] = "bad"
		}
	}
	names := map[planhat.Object][]string{
		planhat.Company: {"name", "phase", "city"}, planhat.Enduser: {"firstName", "lastName", "position"},
		planhat.License: {"product", "renewalStatus"}, planhat.Note: {"subject", "description"},
		planhat.Conversation: {"subject", "description"}, planhat.Invoice: {"product", "status"}, planhat.Task: {"action", "status"},
		planhat.Timesheet: {"assignedModel"},
	}[a.spec.Object]
	for _, n := range names {
		if rapid.Bool().Draw(s.t, "has") {
			fields[n] = text.Draw(s.t, n)
		}
	}
	if rapid.Bool().Draw(s.t, "custom") {
		fields["custom."+rapid.SampledFrom([]string{"A", "B"}).Draw(s.t, "name")] = text.Draw(s.t, "value")
	}
	if op == string(Create) || rapid.IntRange(0, 2).Draw(s.t, "whole") == 0 {
		for name, value := range whole {
			if tables[a.spec.Object].fields[name].Writable && (name != typeField || a.spec.Type == "") {
				fields[name] = value
			}
		}
	}
	for _, t := range a.targets {
		// Keys of the actor's own records, so that they clash and change hands.
		if t.Key != planhat.KeyID && (a.keyed || op == string(Create)) && rapid.IntRange(0, 3).Draw(s.t, "key") == 0 {
			fields[a.spec.KeyField(t.Key)] = t.Value
		}
	}
	return must(json.Marshal(fields))
}

func TestPlanEqualsOneByOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		want, got := s.v.clone(), s.v.clone()
		results := oneByOne(want, s.orders)
		stages := Build(s.orders, Limits{Items: rapid.IntRange(1, 5).Draw(t, "items")})
		planned := execute(got, stages)
		if !want.equal(got) {
			t.Fatalf("one by one:\n%q\nas planned:\n%q\n%s", want.state(), got.state(), describe(stages))
		}
		merged := mergedOrders(stages)
		for _, o := range s.orders {
			if merged[o.Seq] {
				if (results[o.Seq] == "REFUSED") && planned[o.Seq] == "" {
					t.Fatalf("command %d has no result", o.Seq)
				}
				continue
			}
			if results[o.Seq] != planned[o.Seq] {
				t.Fatalf("command %d: one by one %q, as planned %q\n%s", o.Seq, results[o.Seq], planned[o.Seq], describe(stages))
			}
		}
	})
}

func mergedOrders(stages []Stage) map[int]bool {
	out := map[int]bool{}
	for _, stage := range stages {
		for _, c := range stage {
			for _, i := range c.Items {
				for _, o := range i.Orders {
					out[o.Seq] = i.Merged()
				}
			}
		}
	}
	return out
}

func describe(stages []Stage) string {
	out := ""
	for n, stage := range stages {
		for _, c := range stage {
			out += fmt.Sprintf("stage %d %s %s by %q\n", n, c.Way, c.Spec.Object, c.Key)
			for _, i := range c.Items {
				out += fmt.Sprintf("   %s %v %s:", i.Op, i.Target, i.Fields.JSON())
				for _, o := range i.Orders {
					out += fmt.Sprintf(" #%d", o.Seq)
				}
				out += "\n"
			}
		}
	}
	return out
}

// TestPlanKeepsOrder holds every plan to its structure: each order once, chains
// in order, no record twice in a bulk call, no call above the limits.
func TestPlanKeepsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		limits := Limits{Items: rapid.IntRange(1, 5).Draw(t, "items"), Bytes: 400}
		place := map[int]int{}
		item := map[int]int{} // by command: the first command of its item
		for n, stage := range Build(s.orders, limits) {
			for _, c := range stage {
				seen := map[identity]bool{}
				if len(c.Items) > limits.Items || c.Way != Bulk && len(c.Items) != 1 {
					t.Fatalf("a %s call of %d items", c.Way, len(c.Items))
				}
				for _, i := range c.Items {
					for _, id := range itemIdentities(i) {
						if seen[id] {
							t.Fatalf("%v is twice in a call", id)
						}
						seen[id] = true
					}
					for _, o := range i.Orders {
						if _, twice := place[o.Seq]; twice {
							t.Fatalf("command %d is planned twice", o.Seq)
						}
						place[o.Seq], item[o.Seq] = n, i.Orders[0].Seq
					}
				}
			}
		}
		if len(place) != len(s.orders) {
			t.Fatalf("%d of %d commands are planned", len(place), len(s.orders))
		}
		last := map[string]*Order{} // by what two commands may not overtake each other for
		for _, o := range s.orders {
			behind := []string{fmt.Sprint(o.Spec.Object, o.Target)}
			if o.Target.Key == "" {
				behind = nil
			}
			if o.Chain != "" {
				behind = append(behind, "key "+o.Chain)
			}
			for _, name := range behind {
				if was := last[name]; was != nil && place[was.Seq] >= place[o.Seq] && item[was.Seq] != item[o.Seq] {
					t.Fatalf("command %d does not wait for %d: both are of %s", o.Seq, was.Seq, name)
				}
				last[name] = o
			}
		}
	})
}

func itemIdentities(i Item) map[identity]identity {
	out := map[identity]identity{}
	for _, o := range i.Orders {
		for _, id := range o.identities() {
			out[id] = id
		}
	}
	return out
}
