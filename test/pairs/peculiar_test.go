package pairs_test

import (
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// peculiar are commands that only one object has.
func (a *actor) peculiar() []command {
	out := a.lacking()
	switch a.spec.Object {
	case planhat.Task:
		out = append(out, a.statuses()...)
	case planhat.Conversation:
		out = append(out, a.types()...)
	default:
	}
	return out
}

// lacking are creates without the fields that only a strict tenant asks for.
func (a *actor) lacking() []command {
	var out []command
	for _, name := range strict[a.spec.Object] {
		want := created
		if a.b.set["required_fields"] == "strict" {
			want = refused
		}
		out = append(out, a.command("create", "lacks-"+name, want).with(without(a.record("lacks-"+name, home), name)))
	}
	return out
}

// statuses finish one task, which archives it, and misspell the word for it of another.
func (a *actor) statuses() []command {
	want := refused
	if a.b.set["task_status"] == "any" {
		want = updated
	}
	return []command{
		a.command("update", "bare", want).as("misspelt").to(planhat.KeyID, a.id(a.bare())).with(map[string]any{"status": "done"}),
		a.command("update", "whole", updated).as("done").to(planhat.KeyID, a.id(a.command("create", "whole", ""))).with(map[string]any{"status": "Done"}),
	}
}

// types are creates of conversations of types that the tenant keeps to itself, or does
// not have: it makes notes of those.
func (a *actor) types() []command {
	reserved := created
	if a.b.set["reserved_type"] == "reject" {
		reserved = refused
	}
	of := func(kind, want string) command {
		return a.command("create", "type-"+kind, want).with(and(a.record("type-"+kind, home), "type", kind))
	}
	return []command{of("email", reserved), of("ticket", reserved), of("Seance", created), of("note", invalid)}
}

// readOnly are commands for the objects that can only be read.
func (b *bridge) readOnly() []command {
	var out []command
	for _, spec := range planhat.Objects() {
		if !spec.ReadOnly {
			continue
		}
		a := b.actor(spec)
		for _, op := range []string{"create", "update", "upsert"} {
			out = append(out, a.command(op, "any", unsupported).to(planhat.KeyID, nobody).with(map[string]any{"name": "x"}))
		}
		out = append(out, a.command("delete", "any", unsupported).to(planhat.KeyID, nobody), a.command("get", "nobody", notFound).to(planhat.KeyID, nobody))
		id, there := b.fixture[spec.Object]
		if !there || !b.single(spec) {
			continue
		}
		out = append(out, a.command("get", "fixture", read).to(planhat.KeyID, id))
		for _, key := range spec.UpsertKeys() {
			out = append(out, a.command("get", "fixture-"+string(key), read).to(key, "fix-ticket"))
		}
	}
	return out
}

// single tells whether the tenant gives one record of an object at all.
func (b *bridge) single(spec planhat.Spec) bool {
	return spec.Object != planhat.Ticket || b.set["ticket_get"] != "no-route" || b.set["tickets_as_conversations"] != "hidden"
}
