package roundtrip

import (
	"fmt"
	"testing"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/test/rig/samples"
)

// readOnly sees a record come, change and go that no command may touch.
func (w *world) readOnly(t *testing.T, spec planhat.Spec) {
	t.Helper()
	s, there := samples.Read[spec.Object]
	if !there {
		t.Fatalf("samples.Read has no example of a %s", spec.Object)
	}
	var id string
	w.mutate(t, func(tx *planhatsim.Tx) (err error) {
		id, err = tx.Create(spec.Listing, w.fixture.fill(s.Create, "read-only"))
		return err
	})
	created := w.row(t, spec.Listing, id)
	w.changed(t, spec.Object, "c", id, 1, nil, created)
	w.refusesWrites(t, spec, id)

	w.mutate(t, func(tx *planhatsim.Tx) error { return tx.Update(spec.Listing, id, s.Update) })
	updated := w.row(t, spec.Listing, id)
	if c := w.changed(t, spec.Object, "u", id, 2, created, updated); len(c[0].Changed) == 0 {
		t.Error("the update changed nothing")
	}
	w.mutate(t, func(tx *planhatsim.Tx) error { return tx.Delete(spec.Listing, id) })
	w.gone(t, spec.Object, id, 3, updated)
}

// refusesWrites sends every operation to a record that can only be read.
func (w *world) refusesWrites(t *testing.T, spec planhat.Spec, id string) {
	t.Helper()
	var commands []command
	for _, op := range []string{"create", "update", "upsert", "delete"} {
		c := command{ID: fmt.Sprint(spec.Object, " ", op), Op: op, Object: spec.Object, Target: byID(id)}
		if op != "delete" {
			c.Fields = fields{"name": "x"}
		}
		commands = append(commands, c)
	}
	for n, r := range w.send(t, commands...) {
		if outcome(r) != "REJECTED NONE UNSUPPORTED_OPERATION" || r.Error.Remedy == "" {
			t.Errorf("%s: %s (%+v)", commands[n].ID, outcome(r), r.Error)
		}
	}
	for _, key := range spec.Keys {
		target := byID(id)
		if key != planhat.KeyID {
			target = map[string]string{string(key): "read-only"}
		}
		r := w.send(t, command{ID: fmt.Sprint(spec.Object, " get ", key), Op: "get", Object: spec.Object, Target: target})[0]
		if outcome(r) != "OK READ -" || r.RecordID != id {
			t.Errorf("get by %s: %s of %s (%+v)", key, outcome(r), r.RecordID, r.Error)
			continue
		}
		w.sameSingle(t, spec.Listing, id, decode(t, r.Record))
	}
}

// mutate edits the tenant as its people do.
func (w *world) mutate(t *testing.T, edit func(*planhatsim.Tx) error) {
	t.Helper()
	var err error
	w.sim.Mutate(func(tx *planhatsim.Tx) { err = edit(tx) })
	if err != nil {
		t.Fatal(err)
	}
}

// gone waits for the nth change of a record to be its delete, and for the tombstone.
func (w *world) gone(t *testing.T, object planhat.Object, id string, n int, before fields) {
	t.Helper()
	w.changed(t, object, "d", id, n, before, nil)
	if last := w.events(t, object, id, n+1); !last[0].tombstone {
		t.Errorf("behind the delete of %s there is %+v", id, last[0])
	}
}

// changeOfType makes a note of a call and a call of a note: each leaves its topic for
// the other.
func (w *world) changeOfType(t *testing.T) {
	t.Helper()
	var id string
	w.mutate(t, func(tx *planhatsim.Tx) (err error) {
		id, err = tx.Create("conversations", w.fixture.fill(`{"companyId":"{company}","type":"call","subject":"Changes"}`, ""))
		return err
	})
	call := w.row(t, "conversations", id)
	w.changed(t, planhat.Conversation, "c", id, 1, nil, call)

	w.mutate(t, func(tx *planhatsim.Tx) error { return tx.Update("conversations", id, `{"type":"note"}`) })
	note := w.row(t, "conversations", id)
	w.changed(t, planhat.Note, "c", id, 1, nil, note)
	w.gone(t, planhat.Conversation, id, 2, call)

	w.mutate(t, func(tx *planhatsim.Tx) error { return tx.Update("conversations", id, `{"type":"QBR"}`) })
	review := w.row(t, "conversations", id)
	w.changed(t, planhat.Conversation, "c", id, 4, nil, review)
	w.gone(t, planhat.Note, id, 2, note)
}

// taskIsDone finishes a task: the vendor archives it and tells of it in a note. Another
// spelling of its status is refused.
func (w *world) taskIsDone(t *testing.T) {
	t.Helper()
	o := object{world: w, sample: samples.Written[planhat.Task]}
	o.spec, _ = planhat.Lookup(planhat.Task)
	sent := o.needed(t, "done", "")
	sent["action"], sent["ownerId"] = "Finish me", w.fixture.ids[planhat.User]
	id := o.expect(t, "OK CREATED -", o.command("create", "to do", nil, sent)).RecordID
	created := o.row(t, o.spec.Listing, id)
	o.changed(t, "c", id, 1, nil, created)

	r := o.expect(t, "REJECTED NONE VENDOR_REJECTED", o.command("update", "misspelt", byID(id), fields{"status": "done"}))
	if want := "update of a task: Failed to execute task status update"; r.Error.Message != want {
		t.Errorf("the message is %q, want %q", r.Error.Message, want)
	}
	o.expect(t, "OK UPDATED -", o.command("update", "done", byID(id), fields{"status": "Done"}))
	done := o.row(t, o.spec.Listing, id)
	o.changed(t, "u", id, 2, created, done)
	if done["isArchived"] != true || done["doneBy"] != w.fixture.ids[planhat.User] {
		t.Errorf("the task that is done is %v", done)
	}
	for _, row := range w.rows(t, "conversations") {
		if row["subject"] == "Finish me" {
			note, _ := row["_id"].(string)
			w.changed(t, planhat.Note, "c", note, 1, nil, row)
			return
		}
	}
	t.Error("no note tells of the task")
}

// unknownType creates a conversation of a type that the tenant does not have: Planhat
// makes it a note, the command is done, and the change says what became of it.
func (w *world) unknownType(t *testing.T) {
	t.Helper()
	o := object{world: w, sample: samples.Written[planhat.Conversation]}
	o.spec, _ = planhat.Lookup(planhat.Conversation)
	sent := o.needed(t, "odd", "")
	sent["type"] = "Seance"
	id := o.expect(t, "OK CREATED -", o.command("create", "unknown type", nil, sent)).RecordID
	row := w.row(t, "conversations", id)
	if row["type"] != "note" {
		t.Fatalf("the type is %v: the test says nothing", row["type"])
	}
	w.changed(t, planhat.Note, "c", id, 1, nil, row)
	o.expect(t, "REJECTED NONE NOT_FOUND", o.command("update", "a note now", byID(id), fields{"subject": "x"}))

	// A note has no key to be upserted by, so that each upsert makes another one.
	target := map[string]string{"externalId": "seance"}
	first := o.expect(t, "OK CREATED -", o.command("upsert", "unknown type 1", target, sent))
	if second := o.expect(t, "OK CREATED -", o.command("upsert", "unknown type 2", target, sent)); second.RecordID == first.RecordID {
		t.Errorf("both upserts made %s", first.RecordID)
	}
}
