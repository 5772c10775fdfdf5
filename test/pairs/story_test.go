package pairs_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
	"github.com/planhat-bridge/planhat-bridge/test/rig/samples"
)

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
	b.send(b.readOnly())
	for _, scene := range []func(*actor) []command{(*actor).companies, (*actor).births, (*actor).peculiar, (*actor).failures, (*actor).repeats, (*actor).edits, (*actor).clears, (*actor).crowds, (*actor).ends, (*actor).closes} {
		b.send(each(actors, scene))
		b.live(3)
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
		if field := a.spec.KeyField(k); k != planhat.KeyEmail && !a.indispensable(field) {
			delete(fields, field)
		}
	}
	return a.command("create", "bare", created).with(fields)
}

// births makes records in every way.
func (a *actor) births() []command {
	out := []command{a.born(), a.bare(), a.command("create", "whole", created).with(a.whole("whole", home))}
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
		if field := a.spec.KeyField(other); other != k && !a.indispensable(field) {
			delete(fields, field)
		}
	}
	return a.command("upsert", n, want).to(k, a.keyValue(k, n)).with(without(fields, a.spec.KeyField(k)))
}

// indispensable tells whether no record can do without a field.
func (a *actor) indispensable(field string) bool {
	return slices.ContainsFunc(a.spec.Required, func(group []string) bool { return slices.Equal(group, []string{field}) }) ||
		a.b.set["required_fields"] == "strict" && slices.Contains(strict[a.spec.Object], field)
}

// failures are commands that change nothing.
func (a *actor) failures() []command {
	out := []command{a.command("get", "nobody", notFound).to(planhat.KeyID, nobody), a.command("delete", "nobody", unchanged).to(planhat.KeyID, nobody)}
	text := a.text()
	out = append(out, a.command("update", "nobody", notFound).to(planhat.KeyID, nobody).with(map[string]any{text: "x"}),
		a.command("update", "nosuch", unknown).to(planhat.KeyID, nobody).with(map[string]any{"nosuch": "x"}))
	for _, k := range a.keys() {
		n := "none-" + strings.ToLower(string(k))
		out = append(out, a.command("get", n, notFound).to(k, a.keyValue(k, n)), a.command("delete", n, unchanged).to(k, a.keyValue(k, n)),
			a.command("update", n, notFound).to(k, a.keyValue(k, n)).with(map[string]any{text: "x"}))
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
			a.command("create", "orphan", "").with(and(a.keyed("orphan", home), a.spec.CompanyField, a.ref(nobody))),
			a.command("update", "a", dangling).as("dangling").to(planhat.KeyID, a.id(a.born())).with(map[string]any{a.spec.CompanyField: a.ref("extid-cmd-nowhere")}))
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
	text := a.text()
	out := []command{
		a.command("update", "a", updated).to(planhat.KeyID, a.id(a.born())).with(map[string]any{text: "edited ✓"}),
		a.command("update", "bare", updated).to(planhat.KeyID, a.id(a.bare())).with(map[string]any{text: "edited too"}),
	}
	for _, k := range a.keys() {
		n := "by-" + strings.ToLower(string(k))
		out = append(out, a.command("update", n, updated).to(k, a.keyValue(k, n)).with(map[string]any{text: "edited by " + string(k)}))
	}
	if fields := a.known(a.example(samples.Written[a.spec.Object].Update, "whole")); len(fields) > 0 {
		out = append(out, a.command("update", "whole", updated).to(planhat.KeyID, a.id(a.command("create", "whole", ""))).with(fields))
	}
	if _, ok := a.fields["custom"]; ok {
		out = append(out, a.command("update", "a", updated).as("custom").to(planhat.KeyID, a.id(a.born())).with(
			map[string]any{"custom": map[string]any{"cmd Påir 🌍": 2, "cmd More": []any{1, nil, "x"}}}))
	}
	if a.belongs() {
		out = append(out, a.command("update", "bare", updated).as("move").to(planhat.KeyID, a.id(a.bare())).with(map[string]any{a.spec.CompanyField: a.ref("extid-" + away)}))
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
	text := a.text()
	return []command{
		a.command("create", "twin", created).with(record(home)),
		a.command("create", "twin", created).as("away").with(record(away)),
		a.command("get", "twin", read).to(planhat.KeyExternalID, a.name("twin")),
		a.command("update", "twin", updated).to(planhat.KeyExternalID, a.name("twin")).with(map[string]any{text: "which?"}),
		a.command("upsert", "twin", "").to(planhat.KeyExternalID, a.name("twin")).with(map[string]any{a.spec.CompanyField: a.ref("extid-" + away), text: "away"}),
	}
}

// clears writes nulls, and what is there already.
func (a *actor) clears() []command {
	text, cleared, emptied := a.text(), updated, ""
	if a.required(text) {
		cleared, emptied = refused, refused
	}
	out := []command{
		a.command("update", "a", cleared).as("null").to(planhat.KeyID, a.id(a.born())).with(map[string]any{text: nil}),
		a.command("update", "bare", "").as("same").to(planhat.KeyID, a.id(a.bare())).with(map[string]any{text: "edited too"}),
	}
	for _, k := range a.keys() {
		n := "by-" + strings.ToLower(string(k))
		out = append(out, a.command("upsert", n, emptied).as("null").to(k, a.keyValue(k, n)).with(map[string]any{text: nil, "custom": map[string]any{"cmd Påir 🌍": nil}}))
	}
	return out
}

// crowds are many commands of one record at once.
func (a *actor) crowds() []command {
	text := a.text()
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

// ends deletes records by each key.
func (a *actor) ends() []command {
	out := []command{a.command("delete", "bare", deleted).to(planhat.KeyID, a.id(a.bare()))}
	for _, k := range a.keys() {
		n := "by-" + strings.ToLower(string(k))
		gone := a.command("delete", n, deleted).to(k, a.keyValue(k, n))
		again := gone.as("again")
		again.want = unchanged
		out = append(out, gone, again, a.command("get", n, notFound).as("gone").to(k, a.keyValue(k, n)))
	}
	return out
}

// closes deletes one company with what belongs to it, when everything else is done.
func (a *actor) closes() []command {
	if a.spec.Object != planhat.Company {
		return nil
	}
	c := command{ID: away + "-delete", Op: schemas.OpDelete, Object: string(planhat.Company), key: "company/" + away, want: deleted}
	return []command{c.to(planhat.KeyExternalID, away)}
}
