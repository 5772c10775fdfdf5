package pairs_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// command is what a producer writes, and the answer that it has to get, in the
// words of outcome; "" leaves the answer to the oracle.
type command struct {
	ID     string            `json:"id"`
	Op     string            `json:"op"`
	Object string            `json:"object"`
	Target map[string]string `json:"target,omitempty"`
	Fields map[string]any    `json:"fields,omitempty"`

	key  string // Kafka key
	want string
}

// The answers that hold whatever the vendor answers.
const (
	created   = "OK CREATED -"
	updated   = "OK UPDATED -"
	unchanged = "OK UNCHANGED -"
	deleted   = "OK DELETED -"
	read      = "OK READ -"
	notFound  = "REJECTED NONE NOT_FOUND"
	refused   = "REJECTED NONE VENDOR_REJECTED"
	dangling  = "REJECTED NONE REFERENCE_NOT_FOUND"
	exists    = "CONFLICT NONE ALREADY_EXISTS"
	unknown   = "REJECTED NONE UNKNOWN_FIELD"
	readOnly  = "REJECTED NONE READ_ONLY_FIELD"
	noKey     = "REJECTED NONE NO_UPSERT_KEY"
	forbidden = "REJECTED NONE FORBIDDEN"
)

// nobody has the form of an id and is none.
const nobody = "0123456789abcdef01234567"

// The companies that records of commands belong to.
const (
	home = "cmd-home"
	away = "cmd-away"
)

// actor makes the commands for one object.
type actor struct {
	b      *bridge
	spec   planhat.Spec
	fields map[string]planhat.Field
	sample map[string]any // a record of the tenant: its values are good ones
}

// actors makes one for each object that may be written.
func (b *bridge) actors() []*actor {
	var out []*actor
	for _, spec := range planhat.Objects() {
		a := &actor{b: b, spec: spec, fields: map[string]planhat.Field{}}
		for _, f := range spec.Fields {
			if f.Writable {
				a.fields[f.Name] = f
			}
		}
		for _, row := range b.rows(spec) {
			if len(row) > len(a.sample) {
				a.sample = row
			}
		}
		if len(a.fields) > 0 {
			out = append(out, a)
		}
	}
	return out
}

// rows are an object's records at the vendor.
func (b *bridge) rows(spec planhat.Spec) []map[string]any {
	b.t.Helper()
	var out []map[string]any
	for _, row := range b.listing(spec.Listing) {
		if spec.Type == "" || row["type"] == spec.Type {
			out = append(out, row)
		}
	}
	return out
}

// listing are all records of a listing at the vendor.
func (b *bridge) listing(name string) []map[string]any {
	b.t.Helper()
	var all []map[string]any
	if err := json.Unmarshal(b.stage.Simulator.State(name), &all); err != nil {
		b.t.Fatalf("state of %s: %v", name, err)
	}
	return all
}

// name is that of the n-th record of an object's commands. Records whose keys
// or marks begin with "cmd-" are left alone by the tenant's own users.
func (a *actor) name(n string) string { return "cmd-" + string(a.spec.Object) + "-" + n }

func (a *actor) command(op, n, want string) command {
	return command{ID: a.name(n) + "-" + op, Op: op, Object: string(a.spec.Object), key: string(a.spec.Object) + "/" + a.name(n), want: want}
}

// to gives a command its target.
func (c command) to(k planhat.Key, value string) command {
	c.Target = map[string]string{string(k): value}
	return c
}

// with gives a command its fields.
func (c command) with(fields map[string]any) command {
	c.Fields = fields
	return c
}

// as gives a command another id.
func (c command) as(suffix string) command {
	c.ID += "-" + suffix
	return c
}

// record is what a new record needs, in company extid, with a mark.
func (a *actor) record(n, company string) map[string]any {
	out := map[string]any{}
	for _, group := range a.spec.Required {
		name := group[0]
		if f, ok := a.fields["companyId"]; ok && f.Ref == planhat.Company && slices.Contains(group, "companyId") {
			name = "companyId"
		}
		out[name] = a.value(name, n)
	}
	if a.belongs() {
		out["companyId"] = "extid-" + company
	}
	if _, ok := a.fields["custom"]; ok {
		out["custom"] = map[string]any{"cmd": a.name(n), "Påir 🌍": 1}
	}
	return out
}

// belongs tells whether records are of a company.
func (a *actor) belongs() bool { return a.fields["companyId"].Ref == planhat.Company }

// value is a good value for a field: one that a record of the tenant has, but
// for keys and names, which are the record's own.
func (a *actor) value(field, n string) any {
	f := a.fields[field]
	switch {
	case field == "email":
		return a.name(n) + "@pairs.example"
	case field == "type" && a.spec.Type != "":
		return a.spec.Type
	case field == "name", a.isKey(field):
		return a.name(n)
	}
	if f.Ref != "" {
		if spec, ok := planhat.Lookup(f.Ref); ok {
			if rows := a.b.rows(spec); len(rows) > 0 {
				return rows[0]["_id"]
			}
		}
	}
	if v := a.sample[field]; v != nil && v != "" {
		if s, isText := v.(string); f.Type == planhat.String == isText || s != "" {
			return v
		}
	}
	return samples[f.Type]
}

var samples = map[planhat.FieldType]any{
	planhat.String: "EUR", planhat.Long: 7, planhat.Double: 7.5, planhat.Boolean: true, planhat.TimestampMillis: "2026-02-01T00:00:00.000Z",
	planhat.Date: 20500, planhat.StringArray: []string{"x"}, planhat.JSON: map[string]any{},
}

func (a *actor) isKey(field string) bool {
	return slices.ContainsFunc(a.spec.Keys, func(k planhat.Key) bool { return a.spec.KeyField(k) == field })
}

func (a *actor) required(field string) bool {
	return slices.ContainsFunc(a.spec.Required, func(group []string) bool { return slices.Contains(group, field) })
}

// text is a field that takes any text, "" if there is none.
func (a *actor) text() string {
	preferred := []string{"description", "subject", "position", "product", "phone", "title", "comment", "phase"}
	for _, name := range slices.Concat(preferred, slices.Sorted(maps.Keys(a.fields))) {
		if f := a.fields[name]; f.Type == planhat.String && f.Ref == "" && name != "type" && !a.isKey(name) && !a.required(name) {
			return name
		}
	}
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
	value, _ := a.value(a.spec.KeyField(k), n).(string)
	return value
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

// without leaves a field out.
func without(fields map[string]any, name string) map[string]any {
	out := maps.Clone(fields)
	delete(out, name)
	return out
}

// and adds a field.
func and(fields map[string]any, name string, value any) map[string]any {
	out := maps.Clone(fields)
	out[name] = value
	return out
}

// each gathers the commands of all actors: they are one batch.
func each(actors []*actor, of func(*actor) []command) []command {
	var out []command
	for _, a := range actors {
		out = append(out, of(a)...)
	}
	return out
}

// tell sends commands of every kind for every object, scene by scene: a scene is
// sent when the one before is answered.
func (b *bridge) tell() {
	b.t.Helper()
	actors := b.actors()
	for _, scene := range []func(*actor) []command{(*actor).companies, (*actor).births, (*actor).failures, (*actor).repeats, (*actor).edits, (*actor).clears, (*actor).crowds, (*actor).ends} {
		b.send(each(actors, scene))
		b.stage.Simulator.Live(3)
	}
}

// companies are made before the records that belong to them.
func (a *actor) companies() []command {
	if a.spec.Object != planhat.Company {
		return nil
	}
	var out []command
	for _, name := range []string{home, away} {
		c := command{ID: name, Op: schemas.OpCreate, Object: string(planhat.Company), key: "company/" + name, want: created}
		out = append(out, c.with(map[string]any{"name": name, "externalId": name, "sourceId": name}))
	}
	return out
}

// born is the create whose record the other scenes are about.
func (a *actor) born() command { return a.command("create", "a", created).with(a.keyed("a", home)) }

// bare is the create of a record that has no key.
func (a *actor) bare() command {
	fields := a.record("bare", home)
	for _, k := range a.keys() {
		if k != planhat.KeyEmail {
			delete(fields, a.spec.KeyField(k))
		}
	}
	return a.command("create", "bare", created).with(fields)
}

// births makes records in every way.
func (a *actor) births() []command {
	out := []command{a.born(), a.bare()}
	for _, k := range a.keys() {
		n := "by-" + strings.ToLower(string(k))
		out = append(out, a.upsert(k, n, created))
	}
	if len(a.spec.UpsertKeys()) == 0 {
		out = append(out, a.command("upsert", "keyless", noKey).to(planhat.KeyExternalID, a.name("keyless")).with(a.record("keyless", home)))
	}
	return out
}

// upsert puts the n-th record by one key, which is its only one.
func (a *actor) upsert(k planhat.Key, n, want string) command {
	fields := a.record(n, home)
	for _, other := range a.keys() {
		if other != k {
			delete(fields, a.spec.KeyField(other))
		}
	}
	return a.command("upsert", n, want).to(k, a.keyValue(k, n)).with(without(fields, a.spec.KeyField(k)))
}

// failures are commands that change nothing.
func (a *actor) failures() []command {
	out := []command{a.command("get", "nobody", notFound).to(planhat.KeyID, nobody), a.command("delete", "nobody", unchanged).to(planhat.KeyID, nobody)}
	text := a.text()
	if text != "" {
		out = append(out, a.command("update", "nobody", notFound).to(planhat.KeyID, nobody).with(map[string]any{text: "x"}))
		out = append(out, a.command("update", "nosuch", unknown).to(planhat.KeyID, nobody).with(map[string]any{"nosuch": "x"}))
	}
	for _, k := range a.keys() {
		n := "none-" + strings.ToLower(string(k))
		out = append(out, a.command("get", n, notFound).to(k, a.keyValue(k, n)), a.command("delete", n, unchanged).to(k, a.keyValue(k, n)))
		if text != "" {
			out = append(out, a.command("update", n, notFound).to(k, a.keyValue(k, n)).with(map[string]any{text: "x"}))
		}
	}
	if typed := a.typed(); typed != "" {
		wrong := map[string]any{"no": "such"}
		out = append(out, a.command("create", "wrong", refused).with(and(a.keyed("wrong", home), typed, wrong)),
			a.command("update", "a", refused).as("wrong").to(planhat.KeyID, a.id(a.born())).with(map[string]any{typed: wrong}))
		for _, k := range a.keys() {
			n := "wrong-" + strings.ToLower(string(k))
			c := a.upsert(k, n, refused)
			out = append(out, c.with(and(c.Fields, typed, wrong)))
		}
	}
	if a.belongs() {
		out = append(out, a.command("create", "dangling", dangling).with(a.keyed("dangling", "cmd-nowhere")),
			// A tenant may take an id of nobody: then there is such a record.
			a.command("create", "orphan", "").with(and(a.keyed("orphan", home), "companyId", nobody)),
			a.command("update", "a", dangling).as("dangling").to(planhat.KeyID, a.id(a.born())).with(map[string]any{"companyId": "extid-cmd-nowhere"}))
	}
	return out
}

// repeats sends again what is done already.
func (a *actor) repeats() []command {
	again := a.born()
	again.want = exists
	if !a.guarded() { // another record of the same content, under a mark of its own
		again = a.command("create", "a", created).with(a.record("again", home))
	}
	out := []command{again.as("again")}
	for _, k := range a.keys() {
		n := "by-" + strings.ToLower(string(k))
		out = append(out, a.upsert(k, n, unchanged).as("again"), a.command("get", n, read).to(k, a.keyValue(k, n)))
	}
	return append(out, a.command("get", "a", read).to(planhat.KeyID, a.id(a.born())), a.command("get", "bare", read).to(planhat.KeyID, a.id(a.bare())))
}

// guarded tells whether the vendor keeps one of the record's keys unique.
func (a *actor) guarded() bool {
	return slices.ContainsFunc(a.keys(), func(k planhat.Key) bool { return k != planhat.KeyEmail })
}

// edits changes records by each key, their custom fields, and where they belong.
func (a *actor) edits() []command {
	var out []command
	text := a.text()
	if text != "" {
		out = append(out, a.command("update", "a", updated).to(planhat.KeyID, a.id(a.born())).with(map[string]any{text: "edited ✓"}),
			a.command("update", "bare", updated).to(planhat.KeyID, a.id(a.bare())).with(map[string]any{text: "edited too"}))
		for _, k := range a.keys() {
			n := "by-" + strings.ToLower(string(k))
			out = append(out, a.command("update", n, updated).to(k, a.keyValue(k, n)).with(map[string]any{text: "edited by " + string(k)}))
		}
	}
	if _, ok := a.fields["custom"]; ok {
		out = append(out, a.command("update", "a", updated).as("custom").to(planhat.KeyID, a.id(a.born())).with(
			map[string]any{"custom": map[string]any{"Påir 🌍": 2, "More": []any{1, nil, "x"}}}))
	}
	if a.belongs() {
		out = append(out, a.command("update", "bare", updated).as("move").to(planhat.KeyID, a.id(a.bare())).with(map[string]any{"companyId": "extid-" + away}))
		out = append(out, a.twins()...)
	}
	return append(out, a.command("update", "a", readOnly).as("read-only").to(planhat.KeyID, a.id(a.born())).with(map[string]any{"_id": nobody}))
}

// twins are two records that share an externalId, which is unique in a company.
func (a *actor) twins() []command {
	if !slices.Contains(a.keys(), planhat.KeyExternalID) {
		return nil
	}
	field := a.spec.KeyField(planhat.KeyExternalID)
	record := func(company string) map[string]any {
		out := a.record("twin-"+company, company)
		out[field] = a.name("twin")
		return out
	}
	out := []command{
		a.command("create", "twin", created).with(record(home)),
		a.command("create", "twin", created).as("away").with(record(away)),
		a.command("get", "twin", read).to(planhat.KeyExternalID, a.name("twin")),
	}
	if text := a.text(); text != "" {
		out = append(out, a.command("update", "twin", updated).to(planhat.KeyExternalID, a.name("twin")).with(map[string]any{text: "which?"}),
			a.command("upsert", "twin", "").to(planhat.KeyExternalID, a.name("twin")).with(map[string]any{"companyId": "extid-" + away, text: "away"}))
	}
	return out
}

// clears writes nulls, and what is there already.
func (a *actor) clears() []command {
	var out []command
	if text := a.text(); text != "" {
		out = append(out, a.command("update", "a", updated).as("null").to(planhat.KeyID, a.id(a.born())).with(map[string]any{text: nil}),
			a.command("update", "bare", "").as("same").to(planhat.KeyID, a.id(a.bare())).with(map[string]any{text: "edited too"}))
		for _, k := range a.keys() {
			n := "by-" + strings.ToLower(string(k))
			out = append(out, a.command("upsert", n, "").as("null").to(k, a.keyValue(k, n)).with(map[string]any{text: nil, "custom": map[string]any{"Påir 🌍": nil}}))
		}
	}
	return out
}

// crowds are many commands of one record at once.
func (a *actor) crowds() []command {
	text := a.text()
	if text == "" {
		return nil
	}
	var out []command
	for n := range 3 {
		out = append(out, a.command("update", "bare", "").as(fmt.Sprint("crowd-", n)).to(planhat.KeyID, a.id(a.bare())).with(map[string]any{text: fmt.Sprint("crowd ", n)}))
	}
	for _, k := range a.keys() {
		if k == planhat.KeyEmail {
			continue
		}
		n := "crowd-" + strings.ToLower(string(k))
		put := a.upsert(k, n, created)
		edit := a.command("update", n, updated).to(k, a.keyValue(k, n)).with(map[string]any{text: "crowded"})
		gone := a.command("delete", n, deleted).to(k, a.keyValue(k, n))
		out = append(out, put, edit, gone, put.as("again"), edit.as("again"))
	}
	return out
}

// ends deletes records by each key, and one company with what belongs to it.
func (a *actor) ends() []command {
	out := []command{a.command("delete", "bare", deleted).to(planhat.KeyID, a.id(a.bare()))}
	for _, k := range a.keys() {
		n := "by-" + strings.ToLower(string(k))
		gone := a.command("delete", n, deleted).to(k, a.keyValue(k, n))
		again := gone.as("again")
		again.want = unchanged
		out = append(out, gone, again, a.command("get", n, notFound).as("gone").to(k, a.keyValue(k, n)))
	}
	if a.spec.Object == planhat.Company {
		c := command{ID: away + "-delete", Op: schemas.OpDelete, Object: string(planhat.Company), key: "company/" + away, want: deleted}
		out = append(out, c.to(planhat.KeyExternalID, away))
	}
	return out
}

// deny takes the right to an object from the token.
func (b *bridge) deny(objects ...string) {
	denied := map[string]bool{}
	for _, o := range objects {
		denied[o] = true
	}
	b.stage.Simulator.SetTokens(tokens(denied))
}
