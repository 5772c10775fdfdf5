package sink_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

func empty(o *planhatsim.Options) {
	o.Companies, o.EndusersPerCompany, o.ConversationsPerCompany, o.LicensesPerCompany = -1, -1, -1, -1
}

func TestFiveOperations(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.start()
	b.send(
		`company/A {"id":"create","op":"create","object":"company","fields":{"name":"Acme","externalId":"A","custom.Tier":"gold"}}`,
		`company/A {"id":"again","op":"create","object":"company","fields":{"name":"Other","externalId":"A"}}`,
		`company/A {"id":"update","op":"update","object":"company","target":{"externalId":"A"},"fields":{"phase":"Live","custom":{"Seats":3}}}`,
		`company/A {"id":"get","op":"get","object":"company","target":{"externalId":"A"}}`,
		`company/B {"id":"upsert","op":"upsert","object":"company","target":{"sourceId":"B"},"fields":{"name":"Bolt","externalId":"B1"}}`,
		`company/B {"id":"upsert2","op":"upsert","object":"company","target":{"sourceId":"B"},"coalesce":false,"fields":{"name":"Bolt"}}`,
		`company/B {"id":"upsert3","op":"upsert","object":"company","target":{"externalId":"B1"},"fields":{"sourceId":"B2"}}`,
		`company/C {"id":"missing","op":"update","object":"company","target":{"externalId":"C"},"fields":{"phase":"x"}}`,
		`company/D {"id":"gone","op":"delete","object":"company","target":{"externalId":"D"}}`,
		`enduser/e {"id":"enduser","op":"upsert","object":"enduser","target":{"email":"e@acme.example"},"fields":{"firstName":"E","companyId":"extid-A"}}`,
		`note/1 {"id":"note","op":"create","object":"note","fields":{"companyId":"extid-A","subject":"Hello","description":"<p>Hi</p>"}}`,
		`- {"op":"get","object":"company","target":{"externalId":"nowhere"}}`,
	)
	results := b.results()
	created := expect(t, results, "create", "OK CREATED -")
	expect(t, results, "again", "CONFLICT NONE ALREADY_EXISTS")
	expect(t, results, "update", "OK UPDATED -")
	got := expect(t, results, "get", "OK READ -")
	expect(t, results, "upsert", "OK CREATED -")
	expect(t, results, "upsert2", "OK UNCHANGED -")
	expect(t, results, "upsert3", "OK UPDATED -")
	expect(t, results, "missing", "REJECTED NONE NOT_FOUND")
	expect(t, results, "gone", "OK UNCHANGED -")
	expect(t, results, "enduser", "OK CREATED -")
	expect(t, results, "note", "OK CREATED -")

	row := b.row("companies", "externalId", "A")
	if row == nil || row["name"] != "Acme" || row["phase"] != "Live" || row["_id"] != created.RecordID {
		t.Errorf("company A is %v", row)
	}
	var read struct {
		Name   string
		Custom map[string]any
	}
	if err := json.Unmarshal(got.Record, &read); err != nil || read.Name != "Acme" || read.Custom["Tier"] != "gold" || read.Custom["Seats"] != 3.0 {
		t.Errorf("the get answered %s", got.Record)
	}
	if row := b.row("companies", "externalId", "B1"); row == nil || row["sourceId"] != "B2" {
		t.Errorf("company B is %v", row)
	}
	derived := 0
	for id, r := range results {
		if id == sink.DerivedID(commandTopic, r.Partition, r.Offset) {
			derived++
			expect(t, results, id, "REJECTED NONE NOT_FOUND")
		}
		if r.Topic != commandTopic || r.ReceivedAt.IsZero() || r.FinishedAt.Before(r.ReceivedAt) || r.Calls == 0 && r.Error == nil {
			t.Errorf("result of %s: %+v", id, r)
		}
	}
	if derived != 1 {
		t.Errorf("%d results have a derived id", derived)
	}
	b.send(
		`company/A {"id":"delete","op":"delete","object":"company","target":{"externalId":"A"}}`,
		`company/A {"id":"delete2","op":"delete","object":"company","target":{"externalId":"A"}}`,
	)
	results = b.results()
	expect(t, results, "delete", "OK DELETED -")
	expect(t, results, "delete2", "OK UNCHANGED -")
	if row := b.row("companies", "externalId", "A"); row != nil {
		t.Errorf("company A is still there: %v", row)
	}
}

func TestBulkPartial(t *testing.T) {
	t.Parallel()
	for _, elements := range []string{"item", "flat", "string", "bare"} {
		t.Run(elements, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, func(o *planhatsim.Options) { empty(o); o.Switches.ErrorElements = elements })
			b.prepare() // the commands are there before the sink, so that they make one batch
			var lines []string
			for n := range 40 {
				score := "3"
				if n%10 == 7 {
					score = `"many"`
				}
				lines = append(lines, fmt.Sprintf(`company/%d {"id":"c%d","op":"upsert","object":"company","target":{"externalId":"E%d"},"fields":{"name":"N%d","csmScore":%s}}`, n, n, n, n, score))
			}
			b.send(lines...)
			b.start()
			results := b.results()
			for n := range 40 {
				if n%10 == 7 {
					r := expect(t, results, fmt.Sprintf("c%d", n), "REJECTED NONE VENDOR_REJECTED")
					if r.Error != nil && !strings.Contains(r.Error.Message, "csmScore") {
						t.Errorf("the message is %q", r.Error.Message)
					}
					continue
				}
				r := expect(t, results, fmt.Sprintf("c%d", n), "OK CREATED -")
				if row := b.row("companies", "externalId", fmt.Sprintf("E%d", n)); row == nil || row["_id"] != r.RecordID {
					t.Errorf("company %d is %v, the result says %s", n, row, r.RecordID)
				}
			}
			if got := len(b.rows("companies")); got != 36 {
				t.Errorf("%d companies", got)
			}
			if _, calls := b.sim.Calls(); calls["PUT /companies"] > 30 {
				t.Errorf("%d bulk calls for 40 commands", calls["PUT /companies"])
			}
			if letters := b.deadLetters(4); len(letters) != 4 {
				t.Errorf("%d dead letters", len(letters))
			}
		})
	}
}

func TestBulkUpdatesNeverCreate(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.prepare()
	id := b.rows("companies")[0]["_id"].(string)
	b.send(
		`- {"id":"there","op":"update","object":"company","target":{"_id":"`+id+`"},"fields":{"phase":"New"}}`,
		`- {"id":"gone","op":"update","object":"company","target":{"_id":"0123456789abcdef01234567"},"fields":{"phase":"New"}}`,
		`- {"id":"gone2","op":"update","object":"company","target":{"_id":"0123456789abcdef01234568"},"fields":{"name":"Complete"}}`,
	)
	b.start()
	results := b.results()
	expect(t, results, "there", "OK UPDATED -")
	expect(t, results, "gone", "REJECTED NONE NOT_FOUND")
	expect(t, results, "gone2", "REJECTED NONE NOT_FOUND")
	b.wantCompanies(2)
}

func TestPoison(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.start()
	b.send(
		`a {"op":`,
		`b {"id":"b","op":"create","object":"compny","fields":{"name":"x"}}`,
		`c {"id":"c","op":"create","object":"company","fields":{"name":"x","nmae":"y"}}`,
		"d \x00\x00\x00\x00\x63rest",
		`e {"id":"e","op":"create","object":"company","fields":{"name":"Fine","externalId":"F"}}`,
		`f {"id":"f","op":"get","object":"company","target":{"externalId":"F"},"notAfter":"2020-01-01T00:00:00Z"}`,
	)
	results := b.results()
	expect(t, results, "b", "REJECTED NONE UNKNOWN_OBJECT")
	expect(t, results, "c", "REJECTED NONE UNKNOWN_FIELD")
	expect(t, results, "e", "OK CREATED -")
	expect(t, results, "f", "EXPIRED NONE EXPIRED")
	codes := map[string]int{}
	for id, letter := range b.deadLetters(4) {
		h := headers(letter)
		codes[h[sink.HeaderCode]]++
		r := results[id]
		if h[sink.HeaderPartition] != fmt.Sprint(r.Partition) || h[sink.HeaderOffset] != fmt.Sprint(r.Offset) || h[sink.HeaderTopic] != commandTopic ||
			h[sink.HeaderRemedy] == "" || h["traceparent"] != "00-1" {
			t.Errorf("headers of the dead letter of %s: %v", id, h)
		}
		if _, err := time.Parse(time.RFC3339Nano, h[sink.HeaderTime]); err != nil {
			t.Error(err)
		}
		if string(letter.Key) == "d" && string(letter.Value) != "\x00\x00\x00\x00\x63rest" {
			t.Errorf("the dead letter's value is %q", letter.Value)
		}
	}
	if codes["UNDECODABLE"] != 1 || codes["UNKNOWN_OBJECT"] != 1 || codes["UNKNOWN_FIELD"] != 1 || codes["UNKNOWN_SCHEMA"] != 1 {
		t.Errorf("codes of the dead letters: %v", codes)
	}
}

func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"timeout-after", "timeout-before", "timeout-late", "reset", "truncated", "html", "503"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, empty)
			b.cfg.Shard.CallDeadline = 300 * time.Millisecond
			b.settle = 400 * time.Millisecond // no late effect is later, on a busy machine too
			b.prepare()
			b.send(
				`a {"id":"keyed","op":"create","object":"company","fields":{"name":"Acme","externalId":"A"}}`,
				`b {"id":"upsert","op":"upsert","object":"company","target":{"externalId":"B"},"fields":{"name":"Bolt"}}`,
				`b {"id":"update","op":"update","object":"company","target":{"externalId":"B"},"coalesce":false,"fields":{"name":"Bolt2"}}`,
				`b {"id":"update2","op":"update","object":"company","target":{"externalId":"B"},"coalesce":false,"fields":{"name":"Bolt3"}}`,
			)
			for _, method := range []string{"POST", "PUT"} {
				b.fault(planhatsim.Fault{Kind: kind, Method: method, Path: "/companies", Count: 3, Ms: 320})
			}
			b.start()
			results := b.results()
			b.sim.Settle()
			expect(t, results, "keyed", "OK CREATED -")
			if r := results["upsert"]; r.Status != "OK" {
				t.Errorf("upsert: %+v", r)
			}
			expect(t, results, "update", "OK UPDATED -")
			expect(t, results, "update2", "OK UPDATED -")
			if row := b.row("companies", "externalId", "A"); row == nil {
				t.Error("company A is missing")
			}
			if row := b.row("companies", "externalId", "B"); row == nil || row["name"] != "Bolt3" {
				t.Errorf("company B is %v", row)
			}
		})
	}
}

// TestLostAnswerToUnkeyedCreate is about creates that nobody can look up, or
// only by an email, which other records may have too.
func TestLostAnswerToUnkeyedCreate(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"timeout-after", "timeout-before", "timeout-late", "reset", "truncated", "html", "503"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			b.cfg.Shard.CallDeadline = 300 * time.Millisecond
			b.fault(planhatsim.Fault{Kind: kind, Method: "POST", Path: "/companies", Count: 1, Ms: 320})
			b.fault(planhatsim.Fault{Kind: kind, Method: "POST", Path: "/endusers", Count: 1, Ms: 320})
			company := b.rows("companies")[0]["_id"].(string)
			b.start()
			b.send(
				`c {"id":"unkeyed","op":"create","object":"company","fields":{"name":"Nameless"}}`,
				`d {"id":"email","op":"create","object":"enduser","fields":{"companyId":"`+company+`","email":"only@x.example"}}`,
			)
			results := b.results()
			b.sim.Settle()
			expect(t, results, "unkeyed", "UNKNOWN NONE OUTCOME_UNKNOWN")
			b.deadLetter("unkeyed")
			b.row("companies", "name", "Nameless") // at most once
			expect(t, results, "email", "UNKNOWN NONE OUTCOME_UNKNOWN")
			b.row("endusers", "email", "only@x.example") // at most once
		})
	}
}

func TestThrottled(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.fault(planhatsim.Fault{Kind: "429", Count: 2, Method: "POST"})
	b.fault(planhatsim.Fault{Kind: "500", Count: 3, Method: "PUT"})
	b.start()
	b.send(
		`a {"id":"a","op":"create","object":"company","fields":{"name":"Acme"}}`,
		`b {"id":"b","op":"upsert","object":"company","target":{"externalId":"B"},"fields":{"name":"Bolt"}}`,
	)
	results := b.results()
	if r := expect(t, results, "a", "OK CREATED -"); r.Attempts != 3 {
		t.Errorf("a create that was throttled twice: %d attempts", r.Attempts)
	}
	if r := expect(t, results, "b", "OK CREATED -"); r.Attempts != 4 {
		t.Errorf("an upsert that failed three times: %d attempts", r.Attempts)
	}
}

func TestTokenRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.sim.SetTokens(map[string]planhatsim.Token{"new": {}})
	b.start()
	b.send(`a {"id":"a","op":"create","object":"company","fields":{"name":"Acme","externalId":"A"}}`)
	b.until("the workspace is paused", func() bool {
		state := b.service.Status().(sink.Status).Workspaces[0]
		return state.State == "unauthorized" && state.Cause != ""
	})
	if n := b.series("planhat_bridge_sink_dead_letters_total"); n != 0 {
		t.Errorf("dead letters while paused: %d", n)
	}
	b.writeToken("new")
	expect(t, b.results(), "a", "OK CREATED -")
	b.until("the workspace goes on", func() bool { return b.service.Status().(sink.Status).Workspaces[0].State == "ok" })
}

func TestForbidden(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *planhatsim.Options) {
		o.Tokens = map[string]planhatsim.Token{planhatsim.DefaultToken: {Deny: map[string]bool{"license:create": true, "enduser": true}}}
	})
	b.start()
	b.send(
		`a {"id":"license","op":"create","object":"license","fields":{"companyId":"extid-A","_currency":"EUR","fromDate":"2026-01-01T00:00:00Z","value":1}}`,
		`b {"id":"upsert","op":"upsert","object":"license","target":{"externalId":"L"},"fields":{"companyId":"extid-A","_currency":"EUR","fromDate":"2026-01-01T00:00:00Z","value":1}}`,
		`c {"id":"enduser","op":"update","object":"enduser","target":{"email":"a@b"},"fields":{"firstName":"x"}}`,
		`d {"id":"company","op":"create","object":"company","fields":{"name":"Fine"}}`,
	)
	results := b.results()
	expect(t, results, "license", "REJECTED NONE FORBIDDEN")
	expect(t, results, "upsert", "REJECTED NONE FORBIDDEN")
	expect(t, results, "enduser", "REJECTED NONE FORBIDDEN")
	expect(t, results, "company", "OK CREATED -")
	if letters := b.deadLetters(3); len(letters) != 3 {
		t.Errorf("dead letters: %v", letters)
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.cfg.Sink.ReferenceWait = time.Second
	b.start()
	b.send(`a {"id":"wait","op":"create","object":"enduser","fields":{"companyId":"extid-A","email":"a@a.example"}}`)
	b.until("the reference is looked for", func() bool {
		_, calls := b.sim.Calls()
		return calls["GET /companies/{id}"] > 0
	})
	b.sim.Mutate(func(tx *planhatsim.Tx) {
		if _, err := tx.Create("companies", `{"name":"Acme","externalId":"A"}`); err != nil {
			t.Error(err)
		}
	})
	expect(t, b.results(), "wait", "OK CREATED -")
	b.send(
		`b {"id":"never","op":"create","object":"enduser","fields":{"companyId":"extid-N","email":"b@b.example"}}`,
		`c {"id":"bulk","op":"upsert","object":"enduser","target":{"externalId":"c"},"fields":{"companyId":"extid-N","email":"c@b.example"}}`,
		`d {"id":"put","op":"update","object":"enduser","target":{"email":"a@a.example"},"fields":{"companyId":"extid-N"}}`,
		`e {"id":"put2","op":"update","object":"enduser","target":{"email":"a@a.example"},"fields":{"companyId":"extid-A","position":"CEO"}}`,
		`f {"id":"child","op":"create","object":"enduser","fields":{"companyId":"srcid-P","email":"f@b.example"}}`,
		`g {"id":"parent","op":"upsert","object":"company","target":{"sourceId":"P"},"fields":{"name":"Parent"}}`,
	)
	results := b.results()
	expect(t, results, "never", "REJECTED NONE REFERENCE_NOT_FOUND")
	expect(t, results, "bulk", "REJECTED NONE REFERENCE_NOT_FOUND")
	expect(t, results, "put", "REJECTED NONE REFERENCE_NOT_FOUND")
	expect(t, results, "put2", "OK UPDATED -")
	expect(t, results, "child", "OK CREATED -")
	expect(t, results, "parent", "OK CREATED -")
}

func TestPreconditions(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	var id string
	b.sim.Mutate(func(tx *planhatsim.Tx) {
		tx.At(time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))
		var err error
		if id, err = tx.Create("companies", `{"name":"Acme","externalId":"A"}`); err != nil {
			t.Error(err)
		}
	})
	b.start()
	b.send(
		`a {"id":"late","op":"update","object":"company","target":{"externalId":"A"},"fields":{"phase":"x"},"ifUnchangedSince":"2026-03-04T11:59:59Z"}`,
		`a {"id":"kept","op":"update","object":"company","target":{"_id":"`+id+`"},"fields":{"phase":"y"},"ifUnchangedSince":"2026-03-04T12:00:00Z"}`,
		`a {"id":"after","op":"delete","object":"company","target":{"externalId":"A"},"ifUnchangedSince":"2026-03-04T12:00:00Z"}`,
		`b {"id":"new","op":"upsert","object":"company","target":{"externalId":"B"},"fields":{"name":"Bolt"},"ifUnchangedSince":"2026-03-04T12:00:00Z"}`,
		`c {"id":"stampless","op":"update","object":"license","target":{"externalId":"B"},"fields":{"value":1},"ifUnchangedSince":"2026-03-04T12:00:00Z"}`,
	)
	results := b.results()
	expect(t, results, "late", "CONFLICT NONE PRECONDITION_FAILED")
	expect(t, results, "kept", "OK UPDATED -")
	expect(t, results, "after", "CONFLICT NONE PRECONDITION_FAILED")
	expect(t, results, "new", "OK CREATED -")
	expect(t, results, "stampless", "REJECTED NONE UNSUPPORTED_OPERATION")
	if row := b.row("companies", "externalId", "A"); row["phase"] != "y" {
		t.Errorf("company A is %v", row)
	}
}

func TestSameIDTwice(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.start()
	b.send(
		`a {"id":"same","op":"upsert","object":"company","target":{"externalId":"A"},"fields":{"name":"Acme"}}`,
		`a {"id":"same","op":"delete","object":"company","target":{"externalId":"A"}}`,
	)
	var effects []string
	b.read(t.Context(), resultTopic, func(r *kgo.Record) bool {
		result, err := schemas.DecodeResult(r.Value)
		if err != nil {
			t.Fatal(err)
		}
		effects = append(effects, string(result.Effect))
		return len(effects) < 2
	})
	if !slices.Equal(effects, []string{"CREATED", "DELETED"}) {
		t.Errorf("effects of the two commands: %v", effects)
	}
}

func TestRestart(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.start()
	b.send(`a {"id":"1","op":"create","object":"company","fields":{"name":"One"}}`, `b {"id":"2","op":"create","object":"company","fields":{"name":"Two"}}`)
	b.results()
	b.stop()
	b.send(`a {"id":"3","op":"create","object":"company","fields":{"name":"Three"}}`)
	b.start()
	results := b.results()
	expect(t, results, "3", "OK CREATED -")
	b.wantCompanies(3)
}

// TestCommitFails lets the transaction of a batch fail after all its calls were
// made: the next owner repeats what may be repeated, and finds the rest.
func TestCommitFails(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.prepare()
	b.send(
		`a {"id":"keyed","op":"create","object":"company","fields":{"name":"Acme","externalId":"A"}}`,
		`a {"id":"update","op":"update","object":"company","target":{"externalId":"A"},"fields":{"name":"Acme2"}}`,
		`b {"id":"upsert","op":"upsert","object":"company","target":{"externalId":"B"},"fields":{"name":"Bolt"}}`,
		`c {"id":"unkeyed","op":"create","object":"company","fields":{"name":"Nameless"}}`,
		`d {"id":"guarded","op":"update","object":"company","target":{"externalId":"B"},"fields":{"phase":"z"},"ifUnchangedSince":"2099-03-04T12:00:00Z"}`,
		`e {"id":"deadline","op":"upsert","object":"company","target":{"externalId":"E"},"fields":{"name":"E"},"notAfter":"2099-03-04T12:00:00Z"}`,
	)
	failed := false
	b.point.set(func(name string) {
		if name == sink.PointBeforeCommit && !failed {
			failed = true
			b.cluster.Fault(failCommit)
		}
	})
	b.start()
	results := b.results()
	if !failed {
		t.Fatal("nothing failed")
	}
	expect(t, results, "keyed", "OK CREATED -")
	expect(t, results, "update", "OK UPDATED -")
	expect(t, results, "unkeyed", "OK CREATED -")
	expect(t, results, "upsert", "OK UNCHANGED -")
	expect(t, results, "guarded", "OK UPDATED -")
	expect(t, results, "deadline", "OK UNCHANGED -")
	b.wantCompanies(4)
	if row := b.row("companies", "externalId", "A"); row["name"] != "Acme2" {
		t.Errorf("company A is %v", row)
	}
}

// TestCrashInCreate ends the lease between the calls of creates and the word
// of what they made.
func TestCrashInCreate(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.prepare()
	b.send(
		`a {"id":"keyed","op":"create","object":"company","fields":{"name":"Acme","externalId":"A"}}`,
		`c {"id":"unkeyed","op":"create","object":"company","fields":{"name":"Nameless"}}`,
		`c {"id":"second","op":"create","object":"company","fields":{"name":"Second"}}`,
	)
	calls := 0
	b.point.set(func(name string) {
		if name == sink.PointAfterCall {
			// The creates of this batch follow each other: the one with a key,
			// then one by one the two of a chain.
			if calls++; calls == 2 {
				b.cluster.Fault(failCommit)
			}
		}
	})
	b.start()
	results := b.results()
	expect(t, results, "keyed", "OK CREATED -")
	expect(t, results, "unkeyed", "UNKNOWN NONE OUTCOME_UNKNOWN")
	expect(t, results, "second", "OK CREATED -")
	b.wantCompanies(3)
}

// TestStopInBatch stops the sink while calls are under way: they are answered
// first, and nothing is carried out twice or left in doubt.
func TestStopInBatch(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.prepare()
	var lines []string
	for n := range 12 {
		lines = append(lines, fmt.Sprintf(`k%d {"id":"a%d","op":"create","object":"company","fields":{"name":"A%d"}}`, n%3, n, n))
	}
	b.send(lines...)
	b.fault(planhatsim.Fault{Kind: "latency", Method: "POST", Ms: 100})
	arrived := make(chan struct{}, 100)
	b.sim.OnRequest(func(r *http.Request) {
		if r.Method == http.MethodPost {
			arrived <- struct{}{}
		}
	})
	b.start()
	for range 4 { // the three of the first wave, and one of the second
		<-arrived
	}
	b.stop()
	b.sim.OnRequest(nil)
	if n := len(b.rows("companies")); n > 9 {
		t.Errorf("%d companies were created before the stop: it is no test", n)
	}
	b.start()
	results := b.results()
	for n := range 12 {
		expect(t, results, fmt.Sprintf("a%d", n), "OK CREATED -")
	}
	b.wantCompanies(12)
}

func TestMetricsAreWellNamed(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.start()
	b.send(`a {"id":"a","op":"create","object":"company","fields":{"name":"Acme"}}`, `a {`)
	b.results()
	families, err := b.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	b.until("both are counted", func() bool {
		return b.series("planhat_bridge_sink_commands_total") == 2
	})
}

// failCommit lets the next commit of a transaction of the workspace's shard fail:
// the other shards may still be being taken over.
var failCommit = kfake.Fault{
	Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.InvalidTxnState, Count: 1,
	TxnID: kafka.Names{Bridge: "b"}.TransactionalID("sink", shard.ShardOf("planhat/acme", shard.DefaultShards)),
}
