package pairs_test

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/test/rig/samples"
)

// actor makes the commands for one object.
type actor struct {
	b      *bridge
	spec   planhat.Spec
	fields map[string]planhat.Field // that can be written in this tenant
}

// actors makes one for each object of the row that may be written.
func (b *bridge) actors() []*actor {
	var out []*actor
	for n, spec := range planhat.Objects() {
		if !spec.ReadOnly && b.plays(n, spec.Object) {
			out = append(out, b.actor(spec))
		}
	}
	return out
}

func (b *bridge) actor(spec planhat.Spec) *actor {
	a := &actor{b: b, spec: spec, fields: map[string]planhat.Field{}}
	for _, f := range spec.Fields {
		if f.Writable {
			a.fields[f.Name] = f
		}
	}
	if spec.Object == planhat.Churn {
		docs := b.set["churn_shape"] == "docs"
		maps.DeleteFunc(a.fields, func(name string, _ planhat.Field) bool {
			return !churnShared[name] && churnPage[name] != docs
		})
	}
	return a
}

// A tenant's churn has the fields of its page, or the others.
var (
	churnShared = map[string]bool{"companyId": true, "custom": true}
	churnPage   = map[string]bool{"isChurn": true, "churnReason": true, "externalId": true}
)

// core are the objects that take part in every row. The others are dealt out.
var core = []planhat.Object{planhat.Company, planhat.Enduser, planhat.License, planhat.Note, planhat.Conversation}

// shares is how many parts the other objects are dealt to. Which part a row takes is
// an axis like the switches, so that each object meets every value of every switch.
const shares = 3

// plays tells whether the n-th object of the table takes part in the row.
func (b *bridge) plays(n int, object planhat.Object) bool {
	return b.share == "" || slices.Contains(core, object) || shareNames()[n%shares] == b.share
}

// name is that of the n-th record of an object's commands. Records whose keys
// or marks begin with "cmd-" are left alone by the tenant's own users.
func (a *actor) name(n string) string { return "cmd-" + string(a.spec.Object) + "-" + n }

func (a *actor) command(op, n, want string) command {
	return command{ID: a.name(n) + "-" + op, Op: op, Object: string(a.spec.Object), key: string(a.spec.Object) + "/" + a.name(n), want: want}
}

// whole is an example of everything that a record can have, in company extid.
func (a *actor) whole(n, company string) map[string]any {
	sample := samples.Written[a.spec.Object]
	out := a.known(a.example(sample.Create, n))
	if a.b.set["churn_shape"] == "docs" && a.spec.Object == planhat.Churn {
		out["isChurn"], out["churnReason"] = true, "Budget"
	}
	if a.spec.Object == planhat.Conversation {
		out["type"] = "Meeting" // which no tenant keeps to itself
	}
	for _, k := range a.spec.Keys {
		if field := a.spec.KeyField(k); a.isKey(field) && out[field] != nil {
			out[field] = a.keyValue(k, n)
		}
	}
	return a.marked(a.within(out, company), n)
}

// known leaves out what this tenant's object has not.
func (a *actor) known(fields map[string]any) map[string]any {
	maps.DeleteFunc(fields, func(name string, _ any) bool { _, ok := a.fields[name]; return !ok })
	return fields
}

// example fills a text of a sample.
func (a *actor) example(text, n string) map[string]any {
	a.b.t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(samples.Fill(text, a.name(n), a.b.fixture, a.b.second)), &out); err != nil {
		a.b.t.Fatalf("example of %s: %v", a.spec.Object, err)
	}
	return out
}

// record is what a new record needs, in company extid, with a mark. It has no key but
// those that are required.
func (a *actor) record(n, company string) map[string]any {
	all := a.whole(n, company)
	out := samples.Needed(a.spec, all, "")
	if a.b.set["required_fields"] == "strict" {
		for _, name := range strict[a.spec.Object] {
			out[name] = all[name]
		}
	}
	if a.belongs() {
		out[a.spec.CompanyField] = all[a.spec.CompanyField]
	}
	return a.marked(out, n)
}

// strict are the fields that a create needs where required_fields is strict, beside those
// of the documentation.
var strict = map[planhat.Object][]string{
	planhat.Issue: {"sourceId", "archived"}, planhat.Project: {"currency"}, planhat.NPS: {"campaignId"},
}

// marked adds custom fields, one of which tells that a command made the record.
func (a *actor) marked(fields map[string]any, n string) map[string]any {
	if _, ok := a.fields["custom"]; ok {
		fields["custom"] = map[string]any{"cmd": a.name(n), "cmd Påir 🌍": 1}
	}
	return fields
}

// belongs tells whether records are of a company.
func (a *actor) belongs() bool { return a.fields[a.spec.CompanyField].Ref == planhat.Company }

// within puts a record into a company.
func (a *actor) within(fields map[string]any, company string) map[string]any {
	if !a.belongs() {
		return fields
	}
	return and(fields, a.spec.CompanyField, a.ref("extid-"+company))
}

// ref is a reference to a company in the shape that the object's field has.
func (a *actor) ref(company string) any {
	if a.fields[a.spec.CompanyField].Type == planhat.StringArray {
		return []string{company}
	}
	return company
}

func (a *actor) isKey(field string) bool {
	return slices.ContainsFunc(a.spec.UpsertKeys(), func(k planhat.Key) bool { return a.spec.KeyField(k) == field })
}

func (a *actor) required(field string) bool {
	return slices.ContainsFunc(a.spec.Required, func(group []string) bool { return slices.Contains(group, field) })
}

// texts are fields that take any text, the better ones first.
var texts = []string{"description", "subject", "position", "product", "phone", "title", "comment", "phase", "churnReason", "campaignPurpose", "serialNumber", "nickName", "name", "status"}

// text is such a field of the object.
func (a *actor) text() string {
	a.b.t.Helper()
	for _, name := range texts {
		if f := a.fields[name]; f.Type == planhat.String && f.Name != "" && f.Ref == "" && !a.isKey(name) {
			return name
		}
	}
	a.b.t.Fatalf("%s has none of the fields that take any text", a.spec.Object)
	return ""
}

// typed is a field that does not take a document, "" if there is none.
func (a *actor) typed() string {
	for _, name := range slices.Sorted(maps.Keys(a.fields)) {
		switch a.fields[name].Type {
		case planhat.Long, planhat.Double, planhat.Boolean, planhat.TimestampMillis:
			return name
		default:
		}
	}
	return ""
}

// keys are the upsert keys that a record may be given.
func (a *actor) keys() []planhat.Key {
	return slices.DeleteFunc(a.spec.UpsertKeys(), func(k planhat.Key) bool { _, ok := a.fields[a.spec.KeyField(k)]; return !ok })
}

// keyValue is the value of a key of the n-th record.
func (a *actor) keyValue(k planhat.Key, n string) string {
	if k == planhat.KeyEmail {
		return a.name(n) + "@pairs.example"
	}
	return a.name(n)
}

// keyed is record with all its keys.
func (a *actor) keyed(n, company string) map[string]any {
	out := a.record(n, company)
	for _, k := range a.keys() {
		out[a.spec.KeyField(k)] = a.keyValue(k, n)
	}
	return out
}

// id is the record that a command made.
func (a *actor) id(c command) string { return a.b.results[c.ID].RecordID }
