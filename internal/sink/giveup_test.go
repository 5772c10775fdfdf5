package sink_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// moody puts a server before the vendor that fails the writes whose path or body has a
// word in it: "poison" is answered 500 and not done, the grudge is done and answered 500,
// "silence" is not answered. A read of "riddle" is answered 500, too.
func (b *bench) moody(grudge string) {
	b.t.Helper()
	b.before(func(w http.ResponseWriter, r *http.Request) bool {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		said := r.URL.String() + string(body)
		switch reads := r.Method == http.MethodGet; {
		case reads && strings.Contains(said, "riddle"), !reads && strings.Contains(said, "poison"):
			http.Error(w, "Something went wrong", http.StatusInternalServerError)
		case !reads && strings.Contains(said, "silence"):
			panic(http.ErrAbortHandler)
		case !reads && strings.Contains(said, grudge):
			b.sim.ServeHTTP(httptest.NewRecorder(), r)
			http.Error(w, "Something went wrong", http.StatusInternalServerError)
		default:
			return false
		}
		return true
	})
}

// before puts a server before the vendor, which gets what that server does not answer.
func (b *bench) before(answers func(http.ResponseWriter, *http.Request) bool) {
	b.t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !answers(w, r) {
			b.sim.ServeHTTP(w, r)
		}
	}))
	b.t.Cleanup(server.Close)
	b.cfg.Planhat[0].BaseURL = server.URL
}

// TestPoisonedCommandsAreGivenUp has commands that Planhat answers 500 for ever, whatever
// their operation: each ends, with a dead letter, and the others of its batch and of the
// next are done.
func TestPoisonedCommandsAreGivenUp(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.giveUp = 50 * time.Millisecond
	ids := map[string]string{}
	b.sim.Mutate(func(tx *planhatsim.Tx) {
		for _, name := range []string{"A", "B", "C"} {
			var err error
			if ids[name], err = tx.Create("companies", fmt.Sprintf(`{"name":%q,"externalId":%q}`, name, name)); err != nil {
				t.Error(err)
			}
		}
	})
	a := ids["A"]
	b.moody(ids["B"])
	b.prepare()
	b.send(
		fmt.Sprintf(`a {"id":"update","op":"update","object":"company","target":{"_id":%q},"fields":{"city":"poison"}}`, a),
		fmt.Sprintf(`a {"id":"behind","op":"update","object":"company","target":{"_id":%q},"fields":{"city":"Oslo"},"coalesce":false}`, a),
		`b {"id":"upsert","op":"upsert","object":"company","target":{"externalId":"U"},"fields":{"name":"poison"}}`,
		`c {"id":"create","op":"create","object":"company","fields":{"name":"poison","externalId":"N"}}`,
		`d {"id":"keyless","op":"create","object":"company","fields":{"name":"poison"}}`,
		`f {"id":"get","op":"get","object":"company","target":{"externalId":"riddle"}}`,
		fmt.Sprintf(`g {"id":"done","op":"update","object":"company","target":{"_id":%q},"fields":{"city":"Rome"}}`, ids["B"]),
		fmt.Sprintf(`g {"id":"delete","op":"delete","object":"company","target":{"_id":%q}}`, ids["B"]),
		`h {"id":"silence","op":"update","object":"company","target":{"externalId":"C"},"fields":{"city":"silence"}}`,
		`i {"id":"fine","op":"create","object":"company","fields":{"name":"Fine"}}`,
	)
	b.start()
	results := b.results()
	for id, want := range map[string]string{
		"update": "REJECTED NONE VENDOR_REJECTED", "behind": "OK UPDATED -", "upsert": "REJECTED NONE VENDOR_REJECTED",
		"create": "UNKNOWN NONE OUTCOME_UNKNOWN", "keyless": "UNKNOWN NONE OUTCOME_UNKNOWN", "get": "REJECTED NONE VENDOR_REJECTED",
		"done": "OK UPDATED -", "delete": "OK DELETED -", "silence": "UNKNOWN NONE OUTCOME_UNKNOWN", "fine": "OK CREATED -",
	} {
		expect(t, results, id, want)
	}
	if e := results["update"].Error; e == nil || !strings.Contains(e.Message, "Something went wrong") {
		t.Errorf("the vendor's word is not in %+v", e)
	}
	if h := headers(b.deadLetter("update")); h[sink.HeaderCode] != string(schemas.CodeVendorRejected) {
		t.Errorf("the dead letter says %s", h[sink.HeaderCode])
	}
	if n := results["update"].Attempts; n < 12 {
		t.Errorf("given up after %d attempts", n)
	}
	b.send(fmt.Sprintf(`a {"id":"later","op":"update","object":"company","target":{"_id":%q},"fields":{"city":"Bergen"}}`, a))
	expect(t, b.results(), "later", "OK UPDATED -")
}

// TestPoisonInABulkCall has a bulk call fail as a whole for one of its items: it is
// divided until that one is alone.
func TestPoisonInABulkCall(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.giveUp = 50 * time.Millisecond
	b.moody("no grudge")
	b.prepare()
	const items, bad = 20, 3
	for n := range items {
		name := fmt.Sprint("Company ", n)
		if n == bad {
			name = "poison"
		}
		b.send(fmt.Sprintf(`%d {"id":"%d","op":"upsert","object":"company","target":{"externalId":"%d"},"fields":{"name":%q}}`, n, n, n, name))
	}
	b.start()
	results := b.results()
	for n := range items {
		want := "OK CREATED -"
		if n == bad {
			want = "REJECTED NONE VENDOR_REJECTED"
		}
		expect(t, results, fmt.Sprint(n), want)
	}
}

// TestOutageIsNoPoison lets all calls fail for much longer than a poisoned one would be
// tried: nothing is given up.
func TestOutageIsNoPoison(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.giveUp = time.Millisecond
	b.start()
	b.until("all shards are taken over", func() bool { return b.total("planhat_bridge_sink_shard_takeovers_total") == 12 })
	b.send(`z {"id":"before","op":"create","object":"company","fields":{"name":"Before"}}`)
	expect(t, b.results(), "before", "OK CREATED -") // the token has been looked at
	var calls atomic.Int32
	b.sim.OnRequest(func(r *http.Request) {
		if r.Method != http.MethodGet {
			calls.Add(1)
		}
	})
	b.fault(planhatsim.Fault{Kind: "503"})
	b.send(
		`a {"id":"a","op":"upsert","object":"company","target":{"externalId":"A"},"fields":{"name":"Acme"}}`,
		`b {"id":"b","op":"upsert","object":"company","target":{"externalId":"B"},"fields":{"name":"Bolt"}}`,
	)
	b.until("the vendor has failed for a while", func() bool { return calls.Load() > 30 })
	b.sim.ClearFaults()
	results := b.results()
	expect(t, results, "a", "OK CREATED -")
	expect(t, results, "b", "OK CREATED -")
}

// TestTaskStatusThatFails sets a task to a status that Planhat does not know, which it
// answers with a failure of its own.
func TestTaskStatusThatFails(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *planhatsim.Options) { empty(o); o.Switches.TaskStatus = "500-text" })
	b.giveUp = 50 * time.Millisecond
	ids := make([]string, 3)
	b.sim.Mutate(func(tx *planhatsim.Tx) {
		company, err := tx.Create("companies", `{"name":"Acme"}`)
		for n := range ids {
			if err == nil {
				ids[n], err = tx.Create("tasks", fmt.Sprintf(`{"mainType":"task","companyId":%q}`, company))
			}
		}
		if err != nil {
			t.Error(err)
		}
	})
	b.prepare()
	for n, status := range []string{"done", "Done", "in-progress"} {
		b.send(fmt.Sprintf(`%d {"id":%q,"op":"update","object":"task","target":{"_id":%q},"fields":{"status":%q}}`, n, status, ids[n], status))
	}
	b.start()
	results := b.results()
	r := expect(t, results, "done", "REJECTED NONE VENDOR_REJECTED")
	if r.Error == nil || !strings.Contains(r.Error.Message, "Failed to execute task status update") {
		t.Errorf("the refusal is %+v", r.Error)
	}
	expect(t, results, "Done", "OK UPDATED -")
	expect(t, results, "in-progress", "OK UPDATED -")
}

// TestListingThatFails has a look-up find nothing while the listing, which would tell
// whether the token may see such records at all, is answered 500: the command waits, as
// long as for any call that fails, and holds up no look-up of another object.
func TestListingThatFails(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.giveUp = 300 * time.Millisecond
	var healed atomic.Bool
	b.before(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/licenses" || healed.Load() {
			return false
		}
		http.Error(w, "Something went wrong", http.StatusInternalServerError)
		return true
	})
	b.cfg.Topics.Partitions = 1
	b.prepare()
	b.send(
		`a {"id":"license","op":"get","object":"license","target":{"_id":"0123456789abcdef01234567"}}`,
		`b {"id":"project","op":"get","object":"project","target":{"_id":"0123456789abcdef01234567"}}`,
	)
	b.start()
	b.read(t.Context(), resultTopic, func(r *kgo.Record) bool {
		if string(r.Key) == "license" {
			t.Error("the look-up of the license held up that of the project")
		}
		return false
	})
	results := b.results()
	expect(t, results, "license", "REJECTED NONE NOT_FOUND")
	expect(t, results, "project", "REJECTED NONE NOT_FOUND")
	b.send(`c {"id":"again","op":"get","object":"license","target":{"_id":"0123456789abcdef01234567"}}`)
	healed.Store(true)
	if r := expect(t, b.results(), "again", "REJECTED NONE NOT_FOUND"); r.Attempts < 2 {
		t.Errorf("%d attempts are counted, want the look-up and the listing", r.Attempts)
	}
}

// TestHiddenListingIsAnAnswer: a token that may not see the listing that is asked first,
// and is answered 404 for it, is accepted all the same: a poisoned command is given up.
func TestHiddenListingIsAnAnswer(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *planhatsim.Options) {
		empty(o)
		o.Switches.Forbidden = "404"
		o.Tokens = map[string]planhatsim.Token{planhatsim.DefaultToken: {Deny: map[string]bool{"user": true}}}
	})
	b.giveUp = 20 * time.Millisecond
	b.moody("no grudge")
	b.start()
	b.send(`a {"id":"upsert","op":"upsert","object":"company","target":{"externalId":"U"},"fields":{"name":"poison"}}`)
	expect(t, b.results(), "upsert", "REJECTED NONE VENDOR_REJECTED")
}

// TestGivenUpUnseen gives writes up that were done, where the token may not look whether
// they were.
func TestGivenUpUnseen(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *planhatsim.Options) {
		o.Tokens = map[string]planhatsim.Token{planhatsim.DefaultToken: {Deny: map[string]bool{"license:read": true}}}
	})
	b.giveUp = 20 * time.Millisecond
	held := b.rows("licenses")[0]["_id"].(string)
	b.moody(held)
	b.start()
	b.send(
		`a {"id":"update","op":"update","object":"license","target":{"_id":"`+held+`"},"fields":{"product":"x"}}`,
		`a {"id":"delete","op":"delete","object":"license","target":{"_id":"`+held+`"}}`,
	)
	results := b.results()
	expect(t, results, "update", "UNKNOWN NONE OUTCOME_UNKNOWN")
	expect(t, results, "delete", "UNKNOWN NONE OUTCOME_UNKNOWN")
}

// TestDoubtIsNotGivenUpAsRefused loses the answer of a create, and lets the look-up of
// its reference, which the next attempt needs, fail from then on: nobody knows what
// became of the first.
func TestDoubtIsNotGivenUpAsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.giveUp = 20 * time.Millisecond
	b.sim.Mutate(func(tx *planhatsim.Tx) {
		if _, err := tx.Create("users", `{"email":"u@x.example","nickName":"u","firstName":"u","lastName":"u","externalId":"U"}`); err != nil {
			t.Error(err)
		}
	})
	var lost atomic.Int32
	b.before(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.Method == http.MethodPost:
			lost.Add(1)
			panic(http.ErrAbortHandler)
		case lost.Load() > 1 && strings.HasPrefix(r.URL.Path, "/users/"):
			http.Error(w, "Something went wrong", http.StatusInternalServerError)
			return true
		}
		return false
	})
	b.start()
	b.send(
		`a {"id":"create","op":"create","object":"company","fields":{"name":"A","externalId":"A","owner":"extid-U"}}`,
		`b {"id":"upsert","op":"upsert","object":"company","target":{"externalId":"B"},"fields":{"name":"B","sourceId":"B","owner":"extid-U"}}`,
	)
	results := b.results()
	expect(t, results, "create", "UNKNOWN NONE OUTCOME_UNKNOWN")
	expect(t, results, "upsert", "UNKNOWN NONE OUTCOME_UNKNOWN")
}

// TestOutageEndsWhileAsked lets everything fail, for longer than one poisoned call would
// be tried, until the sink asks whether Planhat answers at all: that it does by then says
// nothing about a call that failed before.
func TestOutageEndsWhileAsked(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.giveUp = 20 * time.Millisecond
	var writes atomic.Int32
	var healed atomic.Bool
	b.before(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.Method != http.MethodGet:
			writes.Add(1)
		case writes.Load() == 0:
			return false // the outage has not begun
		case r.URL.Path == "/users" && writes.Load() >= 18: // three rounds
			healed.Store(true)
		}
		if healed.Load() {
			return false
		}
		http.Error(w, "Back soon", http.StatusServiceUnavailable)
		return true
	})
	b.start()
	b.send(`a {"id":"upsert","op":"upsert","object":"company","target":{"externalId":"A"},"fields":{"name":"Acme"}}`)
	expect(t, b.results(), "upsert", "OK CREATED -")
}
