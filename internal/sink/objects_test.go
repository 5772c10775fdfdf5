package sink_test

import (
	"fmt"
	"testing"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
)

// References by a key where Planhat documents ids only become ids, in whatever shape
// they are sent.
func TestReferencesBecomeIDs(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.start()
	b.send(
		`a {"id":"company","op":"upsert","object":"company","target":{"externalId":"A"},"fields":{"name":"Acme"}}`,
		`b {"id":"enduser","op":"upsert","object":"enduser","target":{"externalId":"E"},"fields":{"companyId":"extid-A","email":"e@a.example"}}`,
		`c {"id":"note","op":"create","object":"note","fields":{"companyId":"extid-A","subject":"x","endusers":[{"name":"Kari","id":"extid-E"}]}}`,
		`d {"id":"nobody","op":"create","object":"note","fields":{"companyId":"extid-A","subject":"y","endusers":["extid-nobody"]}}`,
	)
	results := b.results()
	expect(t, results, "enduser", "OK CREATED -")
	expect(t, results, "note", "OK CREATED -")
	expect(t, results, "nobody", "REJECTED NONE REFERENCE_NOT_FOUND")
	enduser := b.row("endusers", "externalId", "E")
	list, _ := b.row("conversations", "subject", "x")["endusers"].([]any)
	if len(list) != 1 || enduser["_id"] == nil {
		t.Fatalf("the note has the end users %v", list)
	}
	if of, _ := list[0].(map[string]any); of["id"] != enduser["_id"] {
		t.Errorf("the note has the end user %v, want %v", of["id"], enduser["_id"])
	}
	if row := b.row("conversations", "subject", "y"); row != nil {
		t.Errorf("a note with a reference to nobody was created: %v", row)
	}
}

// Commands of a batch that refer to one record by its key look it up once, or as often
// as calls are made at the same time.
func TestReferencesInCommonAreLookedUpOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.cfg.Topics.Partitions, b.cfg.Sink.InFlight = 1, 2
	b.sim.Mutate(func(tx *planhatsim.Tx) {
		if _, err := tx.Create("users", `{"email":"u@x.example","nickName":"u","firstName":"u","lastName":"u","externalId":"U"}`); err != nil {
			t.Error(err)
		}
	})
	b.prepare()
	const commands = 20
	for n := range commands {
		b.send(fmt.Sprintf(`%d {"id":"c%d","op":"create","object":"company","fields":{"name":"N%d","externalId":"%d","owner":"extid-U"}}`, n, n, n, n))
	}
	b.start()
	results := b.results()
	for n := range commands {
		expect(t, results, fmt.Sprint("c", n), "OK CREATED -")
	}
	owner := b.row("users", "externalId", "U")["_id"]
	for _, row := range b.rows("companies") {
		if row["owner"] != owner {
			t.Errorf("company %v has the owner %v, want %v", row["name"], row["owner"], owner)
		}
	}
	calls, _ := b.sim.Calls()
	looks := 0
	for _, c := range calls {
		if c.Path == "/users/extid-U" {
			looks++
		}
	}
	if looks == 0 || looks > commands/2 {
		t.Errorf("%d look-ups of one record for %d commands", looks, commands)
	}
}

// A conversation is none of type note, and a note none of another.
func TestConversationsAreNoNotes(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	var note, call string
	b.sim.Mutate(func(tx *planhatsim.Tx) {
		company, err := tx.Create("companies", `{"name":"Acme","externalId":"A"}`)
		if err != nil {
			t.Error(err)
		}
		if note, err = tx.Create("conversations", fmt.Sprintf(`{"companyId":%q,"type":"note","subject":"kept"}`, company)); err != nil {
			t.Error(err)
		}
		if call, err = tx.Create("conversations", fmt.Sprintf(`{"companyId":%q,"type":"call","subject":"old"}`, company)); err != nil {
			t.Error(err)
		}
	})
	b.start()
	b.send(
		fmt.Sprintf(`a {"id":"note","op":"update","object":"conversation","target":{"_id":%q},"fields":{"subject":"lost"}}`, note),
		fmt.Sprintf(`b {"id":"delete note","op":"delete","object":"conversation","target":{"_id":%q}}`, note),
		fmt.Sprintf(`c {"id":"call","op":"update","object":"conversation","target":{"_id":%q},"fields":{"subject":"new"}}`, call),
		`d {"id":"create note","op":"create","object":"conversation","fields":{"companyId":"extid-A","type":"note"}}`,
		`e {"id":"typeless","op":"create","object":"conversation","fields":{"companyId":"extid-A"}}`,
		`f {"id":"create","op":"create","object":"conversation","fields":{"companyId":"extid-A","type":"call","subject":"made"}}`,
		fmt.Sprintf(`g {"id":"ticket","op":"delete","object":"ticket","target":{"_id":%q}}`, call),
	)
	results := b.results()
	expect(t, results, "note", "REJECTED NONE NOT_FOUND")
	expect(t, results, "delete note", "OK UNCHANGED -")
	expect(t, results, "call", "OK UPDATED -")
	expect(t, results, "create note", "REJECTED NONE INVALID_FIELD")
	expect(t, results, "typeless", "REJECTED NONE MISSING_FIELD")
	expect(t, results, "create", "OK CREATED -")
	expect(t, results, "ticket", "REJECTED NONE UNSUPPORTED_OPERATION")
	if row := b.row("conversations", "_id", note); row == nil || row["subject"] != "kept" {
		t.Errorf("the note is %v", row)
	}
	if row := b.row("conversations", "subject", "made"); row["type"] != "call" {
		t.Errorf("the new conversation is %v", row)
	}
}
