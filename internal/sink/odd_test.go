package sink_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/schemas"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wait"
)

// TestNotesAreNoOtherConversations addresses conversations of another type as
// notes: nothing of them is touched, alone or in bulk.
func TestNotesAreNoOtherConversations(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	ids := make([]string, 4)
	b.sim.Mutate(func(tx *planhatsim.Tx) {
		company, err := tx.Create("companies", `{"name":"Acme"}`)
		if err != nil {
			t.Error(err)
		}
		for n := range ids {
			kind := "email"
			if n == 3 {
				kind = "note"
			}
			if ids[n], err = tx.Create("conversations", fmt.Sprintf(`{"companyId":%q,"type":%q,"subject":"kept"}`, company, kind)); err != nil {
				t.Error(err)
			}
		}
	})
	b.prepare()
	b.send(
		fmt.Sprintf(`a {"id":"update","op":"update","object":"note","target":{"_id":%q},"fields":{"subject":"lost"}}`, ids[0]),
		fmt.Sprintf(`b {"id":"update2","op":"update","object":"note","target":{"_id":%q},"fields":{"subject":"lost"}}`, ids[1]),
		fmt.Sprintf(`c {"id":"delete","op":"delete","object":"note","target":{"_id":%q}}`, ids[2]),
		fmt.Sprintf(`d {"id":"get","op":"get","object":"note","target":{"_id":%q}}`, ids[2]),
		fmt.Sprintf(`e {"id":"note","op":"update","object":"note","target":{"_id":%q},"fields":{"subject":"new"}}`, ids[3]),
		`f {"id":"upsert","op":"upsert","object":"note","target":{"_id":"0123456789abcdef01234567"},"fields":{"subject":"new"}}`,
	)
	b.start()
	results := b.results()
	expect(t, results, "update", "REJECTED NONE NOT_FOUND")
	expect(t, results, "update2", "REJECTED NONE NOT_FOUND")
	expect(t, results, "delete", "OK UNCHANGED -")
	expect(t, results, "get", "REJECTED NONE NOT_FOUND")
	expect(t, results, "note", "OK UPDATED -")
	expect(t, results, "upsert", "REJECTED NONE NO_UPSERT_KEY")
	for n, id := range ids {
		want := "kept"
		if n == 3 {
			want = "new"
		}
		if row := b.row("conversations", "_id", id); row == nil || row["subject"] != want {
			t.Errorf("conversation %d is %v", n, row)
		}
	}
	b.send(fmt.Sprintf(`e {"id":"delete note","op":"delete","object":"note","target":{"_id":%q}}`, ids[3]))
	expect(t, b.results(), "delete note", "OK DELETED -")
}

// TestLongWordsFitTheirAnswers sends commands whose wrong words are as long as
// a record may be: their results and dead letters still fit, and nobody waits.
func TestLongWordsFitTheirAnswers(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.prepare()
	long := strings.Repeat("x", 950_000)
	b.send(
		`a {"id":"op","op":"`+long+`","object":"company"}`,
		`b {"id":"object","op":"get","object":"`+long+`","target":{"externalId":"A"}}`,
		`c {"id":"field","op":"create","object":"company","fields":{"name":"A","`+long+`":1}}`,
		`d {"id":"target","op":"get","object":"company","target":{"_id":"`+long+`"}}`,
		`e {"id":"fine","op":"create","object":"company","fields":{"name":"Fine"}}`,
	)
	b.start()
	results := b.results()
	expect(t, results, "op", "REJECTED NONE UNKNOWN_OPERATION")
	expect(t, results, "object", "REJECTED NONE UNKNOWN_OBJECT")
	expect(t, results, "field", "REJECTED NONE UNKNOWN_FIELD")
	expect(t, results, "target", "REJECTED NONE INVALID_COMMAND")
	expect(t, results, "fine", "OK CREATED -")
	for id, letter := range b.deadLetters(4) {
		h := headers(letter)
		if h[sink.HeaderOmitted] == "" || h["traceparent"] != "00-1" || len(h[sink.HeaderMessage]) > 4096 {
			t.Errorf("dead letter of %s: omitted %q, traceparent %q, a message of %d bytes", id, h[sink.HeaderOmitted], h["traceparent"], len(h[sink.HeaderMessage]))
		}
	}
}

// TestLateEffectBehindAKey is TestLateEffectDoesNotUndo for commands that share
// a Kafka key and spell their record in two ways.
func TestLateEffectBehindAKey(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.cfg.Shard.CallDeadline, b.settle = 200*time.Millisecond, 400*time.Millisecond
	id := ""
	b.sim.Mutate(func(tx *planhatsim.Tx) {
		var err error
		if id, err = tx.Create("companies", `{"name":"Zero","externalId":"A"}`); err != nil {
			t.Error(err)
		}
	})
	b.fault(planhatsim.Fault{Kind: "timeout-late", Method: "PUT", Count: 1, Ms: 400})
	b.prepare()
	b.send(
		`a {"id":"first","op":"update","object":"company","target":{"externalId":"A"},"fields":{"name":"One"}}`,
		`a {"id":"second","op":"update","object":"company","target":{"_id":"`+id+`"},"fields":{"name":"Two"}}`,
	)
	b.start()
	results := b.results()
	b.sim.Settle()
	expect(t, results, "first", "OK UPDATED -")
	expect(t, results, "second", "OK UPDATED -")
	if row := b.row("companies", "externalId", "A"); row["name"] != "Two" {
		t.Errorf("company A is %v", row["name"])
	}
}

// TestForbiddenInOtherWords answers a missing permission with 401 or 404: the
// commands it is about are refused, and the others go on.
func TestForbiddenInOtherWords(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"401", "404"} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, func(o *planhatsim.Options) {
				o.Switches.Forbidden = word
				o.Tokens = map[string]planhatsim.Token{planhatsim.DefaultToken: {Deny: map[string]bool{"license": true, "enduser": true}}}
			})
			company := b.rows("companies")[0]["_id"].(string)
			held := b.rows("licenses")[0]["_id"].(string)
			license := `"fields":{"companyId":"` + company + `","_currency":"EUR","fromDate":"2026-01-01T00:00:00Z","value":1}`
			b.start()
			b.send(
				`a {"id":"license","op":"create","object":"license",`+license+`}`,
				`b {"id":"upsert","op":"upsert","object":"license","target":{"externalId":"L"},`+license+`}`,
				`b2 {"id":"upsert2","op":"upsert","object":"license","target":{"externalId":"L2"},`+license+`}`,
				`c {"id":"enduser","op":"update","object":"enduser","target":{"email":"a@b"},"fields":{"firstName":"x"}}`,
				`l1 {"id":"get","op":"get","object":"license","target":{"_id":"`+held+`"}}`,
				`l2 {"id":"update","op":"update","object":"license","target":{"_id":"`+held+`"},"fields":{"product":"x"}}`,
				`l3 {"id":"delete","op":"delete","object":"license","target":{"_id":"`+held+`"}}`,
				`d {"id":"company","op":"create","object":"company","fields":{"name":"Fine"}}`,
			)
			results := b.results()
			for _, id := range []string{"license", "upsert", "upsert2", "enduser", "get", "update", "delete"} {
				expect(t, results, id, "REJECTED NONE FORBIDDEN")
			}
			expect(t, results, "company", "OK CREATED -")
			b.send(`e {"id":"later","op":"update","object":"company","target":{"_id":"` + company + `"},"fields":{"name":"Finer"}}`)
			expect(t, b.results(), "later", "OK UPDATED -")
		})
	}
}

// TestWritesThatAreNotFound answers a token that may read an object, but not
// write it, as if its records did not exist: nothing is called gone that is there.
func TestWritesThatAreNotFound(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *planhatsim.Options) {
		o.Switches.Forbidden = "404"
		o.Tokens = map[string]planhatsim.Token{planhatsim.DefaultToken: {Deny: map[string]bool{"license:update": true, "license:delete": true}}}
	})
	held := b.rows("licenses")[0]["_id"].(string)
	b.start()
	b.send(
		`a {"id":"update","op":"update","object":"license","target":{"_id":"`+held+`"},"fields":{"product":"x"}}`,
		`b {"id":"delete","op":"delete","object":"license","target":{"_id":"`+held+`"}}`,
		`c {"id":"missing","op":"update","object":"license","target":{"_id":"0123456789abcdef01234567"},"fields":{"product":"x"}}`,
		`d {"id":"gone","op":"delete","object":"license","target":{"_id":"0123456789abcdef01234568"}}`,
	)
	results := b.results()
	expect(t, results, "update", "REJECTED NONE FORBIDDEN")
	expect(t, results, "delete", "REJECTED NONE FORBIDDEN")
	expect(t, results, "missing", "REJECTED NONE NOT_FOUND")
	expect(t, results, "gone", "OK UNCHANGED -")
}

// TestDeletesWithoutAWord lets a delete be answered by an empty body, whether
// there was something to delete or not.
func TestDeletesWithoutAWord(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"empty", "counts"} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, func(o *planhatsim.Options) {
				o.Switches.DeleteAnswer, o.Switches.MissingDelete = answer, "200-empty"
			})
			held := b.rows("licenses")[0]["_id"].(string)
			b.start()
			remove := func(id, record string) string {
				return `a {"id":"` + id + `","op":"delete","object":"license","target":{"_id":"` + record + `"}}`
			}
			b.send(remove("first", "0123456789abcdef01234567"), remove("second", held), remove("third", held), remove("fourth", "0123456789abcdef01234568"))
			results := b.results()
			expect(t, results, "first", "OK UNCHANGED -")
			expect(t, results, "second", "OK DELETED -")
			expect(t, results, "third", "OK UNCHANGED -")
			expect(t, results, "fourth", "OK UNCHANGED -")
		})
	}
}

// TestReferencesThatMayNotBeRead keeps the spelling of a reference that the
// token may not look up.
func TestReferencesThatMayNotBeRead(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *planhatsim.Options) {
		empty(o)
		o.Switches.PutCompanyPrefix = "accepted"
		o.Tokens = map[string]planhatsim.Token{planhatsim.DefaultToken: {Deny: map[string]bool{"company:read": true}}}
	})
	var other string
	b.sim.Mutate(func(tx *planhatsim.Tx) {
		first, err := tx.Create("companies", `{"name":"Acme","externalId":"A"}`)
		if err == nil {
			_, err = tx.Create("endusers", `{"email":"e@a.example","externalId":"e","companyId":"`+first+`"}`)
		}
		if err == nil {
			other, err = tx.Create("companies", `{"name":"Bolt","externalId":"B"}`)
		}
		if err != nil {
			t.Error(err)
		}
	})
	b.start()
	b.send(`a {"id":"move","op":"update","object":"enduser","target":{"externalId":"e"},"fields":{"companyId":"extid-B"}}`)
	expect(t, b.results(), "move", "OK UPDATED -")
	if row := b.row("endusers", "externalId", "e"); row["companyId"] != other {
		t.Errorf("the enduser is of company %v, want %s", row["companyId"], other)
	}
}

// TestUpsertStaysInItsCompany upserts endusers whose externalId another
// company's enduser has, in bulk and, for the key among the fields, singly.
func TestUpsertStaysInItsCompany(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	var first, second string
	b.sim.Mutate(func(tx *planhatsim.Tx) {
		var err error
		if first, err = tx.Create("companies", `{"name":"Acme","externalId":"A"}`); err == nil {
			second, err = tx.Create("companies", `{"name":"Bolt","externalId":"B"}`)
		}
		if err == nil {
			_, err = tx.Create("endusers", `{"email":"one@a.example","externalId":"1","companyId":"`+first+`"}`)
		}
		if err != nil {
			t.Error(err)
		}
	})
	b.start()
	b.send(`a {"id":"single","op":"upsert","object":"enduser","target":{"externalId":"1"},"fields":{"sourceId":"s","email":"one@b.example","companyId":"extid-B"}}`)
	expect(t, b.results(), "single", "OK CREATED -")
	if row := b.row("endusers", "email", "one@a.example"); row == nil || row["companyId"] != first {
		t.Errorf("the enduser of the first company is %v", row)
	}
	if row := b.row("endusers", "email", "one@b.example"); row == nil || row["companyId"] != second {
		t.Errorf("the enduser of the second company is %v", row)
	}
}

// TestPreconditionOfAThinRow keeps ifUnchangedSince of a record that is looked
// up by its email, where rows of listings have no stamps.
func TestPreconditionOfAThinRow(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *planhatsim.Options) { empty(o); o.Switches.ListUpdatedAt = "absent" })
	b.sim.Mutate(func(tx *planhatsim.Tx) {
		tx.At(time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))
		company, err := tx.Create("companies", `{"name":"Acme"}`)
		if err == nil {
			_, err = tx.Create("endusers", `{"email":"e@a.example","companyId":"`+company+`"}`)
		}
		if err != nil {
			t.Error(err)
		}
	})
	b.start()
	b.send(
		`a {"id":"late","op":"update","object":"enduser","target":{"email":"e@a.example"},"fields":{"position":"x"},"ifUnchangedSince":"2026-03-04T11:59:59Z"}`,
		`a {"id":"kept","op":"update","object":"enduser","target":{"email":"e@a.example"},"fields":{"position":"y"},"ifUnchangedSince":"2026-03-04T12:00:00Z"}`,
	)
	results := b.results()
	expect(t, results, "late", "CONFLICT NONE PRECONDITION_FAILED")
	expect(t, results, "kept", "OK UPDATED -")
}

// TestOwnCreateIsNoRival loses the answers to creates that upserts with a
// precondition make: the record that is found then is their own, and without a
// unique key they are not sent again.
func TestOwnCreateIsNoRival(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.cfg.Shard.CallDeadline = 200 * time.Millisecond
	company := b.rows("companies")[0]["_id"].(string)
	b.fault(planhatsim.Fault{Kind: "timeout-after", Method: "POST", Path: "/companies", Count: 1})
	b.fault(planhatsim.Fault{Kind: "timeout-late", Method: "POST", Path: "/endusers", Count: 1, Ms: 6000}) // long after it was looked for
	b.start()
	b.send(
		`a {"id":"keyed","op":"upsert","object":"company","target":{"externalId":"new"},"fields":{"name":"New"},"ifUnchangedSince":"2020-01-01T00:00:00Z"}`,
		`b {"id":"email","op":"upsert","object":"enduser","target":{"email":"new@x.example"},"fields":{"companyId":"`+company+`"},"ifUnchangedSince":"2020-01-01T00:00:00Z"}`,
	)
	results := b.results()
	b.sim.Settle()
	if r := results["keyed"]; r.Status != schemas.StatusOK {
		t.Errorf("keyed: %+v (%+v)", r.Status, r.Error)
	}
	expect(t, results, "email", "UNKNOWN NONE OUTCOME_UNKNOWN")
	b.row("endusers", "email", "new@x.example") // at most once
}

// TestNothingIsBegunAfterItsDeadline holds a call of a stage up until the
// deadline of the command behind it has passed. That one takes no other command of its
// key with it, and none takes it along.
func TestNothingIsBegunAfterItsDeadline(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.cfg.Topics.Partitions = 1
	b.prepare()
	b.fault(planhatsim.Fault{Kind: "500", Method: "PUT", Path: "/companies"})
	deadline := time.Now().Add(wait.Patient(3 * time.Second))
	b.send(
		`a {"id":"slow","op":"upsert","object":"company","target":{"sourceId":"slow"},"fields":{"name":"Slow"}}`,
		`b {"id":"before","op":"upsert","object":"company","target":{"externalId":"late"},"fields":{"name":"Before"}}`,
		`b {"id":"late","op":"upsert","object":"company","target":{"externalId":"late"},"fields":{"name":"Late","city":"Oslo"},"notAfter":"`+deadline.UTC().Format(time.RFC3339Nano)+`"}`,
		`b {"id":"after","op":"upsert","object":"company","target":{"externalId":"late"},"fields":{"phase":"p"}}`,
	)
	b.start()
	b.until("the first call is made", func() bool { _, calls := b.sim.Calls(); return calls["PUT /companies"] > 0 })
	if time.Now().After(deadline) {
		t.Fatal("the first call was made after the deadline already: the test says nothing on a machine as slow as this")
	}
	b.until("the deadline has passed", func() bool { return time.Now().After(deadline) })
	b.sim.ClearFaults()
	results := b.results()
	expect(t, results, "slow", "OK CREATED -")
	expect(t, results, "before", "OK CREATED -")
	expect(t, results, "late", "EXPIRED NONE EXPIRED")
	expect(t, results, "after", "OK UPDATED -")
	if row := b.row("companies", "externalId", "late"); row["name"] != "Before" || row["city"] != nil || row["phase"] != "p" {
		t.Errorf("the late command was carried out, or others were not: %v", row)
	}
}

// TestRenameIsKnownAfterACrash loses the results of a batch that changed the
// key which its commands go by.
func TestRenameIsKnownAfterACrash(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.sim.Mutate(func(tx *planhatsim.Tx) {
		if _, err := tx.Create("companies", `{"name":"Acme","externalId":"A"}`); err != nil {
			t.Error(err)
		}
	})
	b.prepare()
	b.send(`a {"id":"rename","op":"update","object":"company","target":{"externalId":"A"},"fields":{"externalId":"B","phase":"x"}}`)
	failed := false
	b.point.set(func(name string) {
		if name == sink.PointBeforeCommit && !failed {
			failed = true
			b.cluster.Fault(failCommit)
		}
	})
	b.start()
	expect(t, b.results(), "rename", "OK UPDATED -")
}

// TestResultsAndPositionsGoTogether fails the second transaction that follows a
// batch's calls: were results and positions to go out apart, one would be lost.
func TestResultsAndPositionsGoTogether(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.cfg.Topics.Partitions = 1
	b.start()
	b.until("all shards are taken over", func() bool { return b.total("planhat_bridge_sink_shard_takeovers_total") == 12 })
	var commits atomic.Int32
	b.point.set(func(name string) {
		if name == "shard.produced" && commits.Add(1) == 2 {
			b.cluster.Fault(failCommit)
		}
	})
	b.send(`a {"id":"first","op":"upsert","object":"company","target":{"externalId":"A"},"fields":{"name":"One"}}`)
	expect(t, b.results(), "first", "OK CREATED -")
	b.send(`a {"id":"second","op":"upsert","object":"company","target":{"externalId":"A"},"fields":{"name":"Two"}}`)
	if r := b.results()["second"]; r.Status != schemas.StatusOK {
		t.Errorf("second: %+v (%+v)", r.Status, r.Error)
	}
	if n := commits.Load(); n < 3 {
		t.Errorf("%d transactions: none failed", n)
	}
}
