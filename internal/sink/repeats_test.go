package sink_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wait"
)

// calls counts the calls of a method and path, such as "GET /companies/{id}".
func (b *bench) calls(name string) int64 {
	_, calls := b.sim.Calls()
	return calls[name]
}

// companies makes companies with the external ids and names <prefix>0, <prefix>1, ... and
// returns their ids.
func (b *bench) companies(prefix string, n int) []string {
	b.t.Helper()
	ids := make([]string, n)
	b.sim.Mutate(func(tx *planhatsim.Tx) {
		for i := range ids {
			var err error
			if ids[i], err = tx.Create("companies", fmt.Sprintf(`{"name":"%[1]s%[2]d","externalId":"%[1]s%[2]d"}`, prefix, i)); err != nil {
				b.t.Error(err)
			}
		}
	})
	return ids
}

// TestUpsertWithoutAKeyIsNotRepeated loses a tenure while the create of an upsert by an
// email, which Planhat keeps no record unique by, is under way: it takes effect when the
// next owner has looked for it in vain.
func TestUpsertWithoutAKeyIsNotRepeated(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.prepare()
	b.fault(planhatsim.Fault{Kind: "timeout-late", Method: "POST", Path: "/users", Count: 1, Ms: 4000})
	arrived := atomic.Bool{}
	b.sim.OnRequest(func(r *http.Request) {
		if r.Method == http.MethodPost && !arrived.Swap(true) {
			b.cluster.Fault(failCommit)
		}
	})
	b.send(
		`a {"id":"user","op":"upsert","object":"user","target":{"email":"u@x.example"},"fields":{"nickName":"u","firstName":"u","lastName":"u"}}`,
		`b {"id":"get","op":"get","object":"company","target":{"externalId":"nowhere"}}`,
	)
	b.start()
	results := b.results()
	b.sim.Settle()
	if !arrived.Load() {
		t.Fatal("no create was sent")
	}
	expect(t, results, "user", "UNKNOWN NONE OUTCOME_UNKNOWN")
	expect(t, results, "get", "REJECTED NONE NOT_FOUND")
	b.row("users", "email", "u@x.example") // at most once
}

// TestRecordThatIsListedButGone finds a record by its email in a listing, again and again,
// and never by its _id: its upsert ends.
func TestRecordThatIsListedButGone(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.hurry = 10 * time.Second
	var id string
	b.sim.Mutate(func(tx *planhatsim.Tx) {
		var err error
		if id, err = tx.Create("users", `{"email":"u@x.example","nickName":"u","firstName":"u","lastName":"u"}`); err != nil {
			t.Error(err)
		}
	})
	b.before(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/users/"+id {
			return false
		}
		http.Error(w, "Not Found", http.StatusNotFound)
		return true
	})
	b.start()
	b.send(`a {"id":"user","op":"upsert","object":"user","target":{"email":"u@x.example"},"fields":{"nickName":"v","firstName":"u","lastName":"u"}}`)
	expect(t, b.results(), "user", "REJECTED NONE VENDOR_REJECTED")
}

// TestRecoveryWaitsOnce loses a tenure with more creates in doubt than are carried out at
// a time: what they may still do is waited for once, not for each.
func TestRecoveryWaitsOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	const creates, settle = 6, 1500 * time.Millisecond
	b.settle, b.cfg.Sink.InFlight = settle, 1
	b.prepare()
	var again atomic.Bool
	b.point.set(func(name string) {
		if name == sink.PointIntentWritten && !again.Swap(true) {
			b.cluster.Fault(failCommit) // the next: that of what has been answered meanwhile
		}
	})
	b.fault(planhatsim.Fault{Kind: "timeout-before", Method: "POST", Path: "/companies", Count: 1})
	b.send(`z {"id":"get","op":"get","object":"company","target":{"externalId":"nowhere"}}`)
	for n := range creates {
		b.send(fmt.Sprintf(`%d {"id":"c%d","op":"create","object":"company","fields":{"name":"C%d","externalId":"C%d"}}`, n, n, n, n))
	}
	b.start()
	results := b.results()
	var first, last time.Time
	for n := range creates {
		r := expect(t, results, fmt.Sprint("c", n), "OK CREATED -")
		if first.IsZero() || r.FinishedAt.Before(first) {
			first = r.FinishedAt
		}
		if r.FinishedAt.After(last) {
			last = r.FinishedAt
		}
	}
	if took := last.Sub(first); took > settle*(creates-2)/2 {
		t.Errorf("the creates in doubt took %s after the first of them; %s is waited once", took, settle)
	}
	if n := len(b.rows("companies")); n != creates {
		t.Errorf("%d companies, want %d", n, creates)
	}
}

// TestReadBackIsOneCall loses the answer to a bulk call: what follows for its items waits,
// and one record that is read back stands for all.
func TestReadBackIsOneCall(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.cfg.Shard.CallDeadline = 300 * time.Millisecond
	b.fault(planhatsim.Fault{Kind: "timeout-after", Method: "PUT", Path: "/companies", Count: 1})
	b.prepare()
	const records = 30
	for n := range records {
		b.send(
			fmt.Sprintf(`%d {"id":"one%d","op":"upsert","object":"company","target":{"externalId":"C%d"},"coalesce":false,"fields":{"name":"One"}}`, n, n, n),
			fmt.Sprintf(`%d {"id":"two%d","op":"upsert","object":"company","target":{"externalId":"C%d"},"coalesce":false,"fields":{"name":"Two"}}`, n, n, n),
		)
	}
	b.start()
	results := b.results()
	for n := range records {
		expect(t, results, fmt.Sprint("two", n), "OK UPDATED -")
	}
	if n := b.calls("GET /companies/{id}"); n < 1 || n > 3 {
		t.Errorf("%d records were read back after one call", n)
	}
}

// TestMissingRecordsAreCheap updates and deletes many records by _id, and as many that do
// not exist: what is missing costs a look-up more, and its listing is asked once a batch;
// deletes cost the call that each is, once it is known how they are answered.
func TestMissingRecordsAreCheap(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	const records = 20
	ids := b.companies("C", records)
	b.start()
	before := b.calls("GET /companies/{id}") + b.calls("GET /companies")
	for n := range records {
		b.send(fmt.Sprintf(`m%d {"id":"missing%d","op":"update","object":"company","target":{"externalId":"M%d"},"fields":{"phase":"x"}}`, n, n, n))
	}
	results := b.results()
	for n := range records {
		expect(t, results, fmt.Sprint("missing", n), "REJECTED NONE NOT_FOUND")
	}
	if n := b.calls("GET /companies/{id}") + b.calls("GET /companies") - before; n > records+5 {
		t.Errorf("%d look-ups for %d updates of missing records, want one each and a few", n, records)
	}
	before = b.calls("GET /companies/{id}")
	for n, id := range ids {
		b.send(fmt.Sprintf(`%d {"id":"delete%d","op":"delete","object":"company","target":{"_id":%q}}`, n, n, id))
	}
	results = b.results()
	for n := range records {
		expect(t, results, fmt.Sprint("delete", n), "OK DELETED -")
	}
	if n := b.calls("GET /companies/{id}") - before; n < 1 || n > 5 {
		t.Errorf("%d look-ups for %d deletes, want one that shows how they are answered, or few where that takes long", n, records)
	}
	b.stop()
	b.start()
	b.send(fmt.Sprintf(`0 {"id":"gone","op":"delete","object":"company","target":{"_id":%q}}`, ids[0]))
	expect(t, b.results(), "gone", "OK UNCHANGED -")
}

// nonsense answers writes with something that is no answer, once they were done or not.
func (b *bench) nonsense(about func(*http.Request) bool, done bool) {
	b.t.Helper()
	b.before(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet || !about(r) {
			return false
		}
		if done {
			b.sim.ServeHTTP(newRecorder(), r)
		}
		_, _ = w.Write([]byte(`{"ok":`))
		return true
	})
}

// TestNonsenseThatWasDone has writes done, and answered with nonsense for ever: each is
// looked for and found done, however its command is sent.
func TestNonsenseThatWasDone(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.giveUp, b.hurry = time.Hour, 10*time.Second // the hour is long after the test
	ids := b.companies("C", 3)
	b.nonsense(func(*http.Request) bool { return true }, true)
	b.prepare()
	b.send(
		fmt.Sprintf(`a {"id":"update","op":"update","object":"company","target":{"_id":%q},"fields":{"city":"Oslo"}}`, ids[0]),
		`b {"id":"key","op":"update","object":"company","target":{"externalId":"C1"},"fields":{"city":"Oslo"}}`,
		fmt.Sprintf(`c {"id":"delete","op":"delete","object":"company","target":{"_id":%q}}`, ids[2]),
		`d {"id":"create","op":"create","object":"company","fields":{"name":"N","externalId":"N"}}`,
		`e {"id":"keyless","op":"create","object":"company","fields":{"name":"K"}}`,
		`f {"id":"bulk","op":"upsert","object":"company","target":{"externalId":"B"},"fields":{"name":"B"}}`,
		`g {"id":"bulk2","op":"upsert","object":"company","target":{"externalId":"B2"},"fields":{"name":"B2"}}`,
	)
	b.start()
	results := b.results()
	for _, id := range []string{"update", "key", "bulk", "bulk2"} {
		expect(t, results, id, "OK UPDATED -")
	}
	expect(t, results, "delete", "OK DELETED -")
	expect(t, results, "create", "OK CREATED -")
	expect(t, results, "keyless", "UNKNOWN NONE OUTCOME_UNKNOWN")
	b.wantCompanies(6)
}

// TestNonsenseThatWasNotDone has single writes answered with nonsense for ever, and not
// done: they are given up as calls that are not answered are.
func TestNonsenseThatWasNotDone(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.giveUp = 20 * time.Millisecond
	ids := b.companies("C", 2)
	b.nonsense(func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/companies/") }, false)
	b.start()
	b.send(
		`a {"id":"update","op":"update","object":"company","target":{"externalId":"C0"},"fields":{"city":"Oslo"}}`,
		fmt.Sprintf(`b {"id":"delete","op":"delete","object":"company","target":{"_id":%q}}`, ids[1]),
		`c {"id":"fine","op":"upsert","object":"company","target":{"externalId":"F"},"fields":{"name":"F"}}`,
	)
	results := b.results()
	r := expect(t, results, "update", "REJECTED NONE VENDOR_REJECTED")
	if r.Error != nil && !strings.Contains(r.Error.Message, "cannot be used") {
		t.Errorf("the message is %q", r.Error.Message)
	}
	expect(t, results, "delete", "REJECTED NONE VENDOR_REJECTED")
	expect(t, results, "fine", "OK CREATED -")
	b.deadLetter("update")
}

// TestLookUpThatAnswersNonsense is no proof that a record does not exist.
func TestLookUpThatAnswersNonsense(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.giveUp = time.Hour
	b.companies("C", 1)
	var asked atomic.Int32
	b.before(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/companies/") || asked.Add(1) > 15 {
			return false
		}
		_, _ = w.Write([]byte(`{"_id":`))
		return true
	})
	b.start()
	b.send(`a {"id":"get","op":"get","object":"company","target":{"externalId":"C0"}}`)
	expect(t, b.results(), "get", "OK READ -")
}

// TestNothingIsSentBehindA429 lets the deadlines of commands pass while their calls, which
// have been throttled, wait to be sent again.
func TestNothingIsSentBehindA429(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.companies("C", 1)
	var after, before atomic.Int32
	var end atomic.Pointer[time.Time] // of the throttling, which begins when the sink is at work
	b.before(func(w http.ResponseWriter, r *http.Request) bool {
		deadline := end.Load()
		if deadline == nil || r.Method == http.MethodGet && !strings.HasPrefix(r.URL.Path, "/companies/") {
			return false
		}
		if time.Now().After(*deadline) {
			after.Add(1)
			return false
		}
		before.Add(1)
		w.Header().Set("Retry-After", fmt.Sprint(time.Until(*deadline).Seconds()+0.3))
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	b.start()
	b.send(`d {"id":"work","op":"get","object":"company","target":{"externalId":"C0"}}`)
	expect(t, b.results(), "work", "OK READ -")
	deadline := time.Now().Add(wait.Patient(3 * time.Second))
	end.Store(&deadline)
	last := deadline.UTC().Format(time.RFC3339Nano)
	b.send(
		`a {"id":"create","op":"create","object":"company","fields":{"name":"N"},"notAfter":"`+last+`"}`,
		`b {"id":"update","op":"update","object":"company","target":{"externalId":"C0"},"fields":{"city":"x"},"notAfter":"`+last+`"}`,
		`c {"id":"upsert","op":"upsert","object":"company","target":{"externalId":"U"},"fields":{"name":"U"},"notAfter":"`+last+`"}`,
		`d {"id":"get","op":"get","object":"company","target":{"externalId":"C0"},"notAfter":"`+last+`"}`,
	)
	results := b.results()
	if before.Load() == 0 {
		t.Fatal("nothing was throttled: the test says nothing on a machine as slow as this")
	}
	for _, id := range []string{"create", "update", "upsert", "get"} {
		expect(t, results, id, "EXPIRED NONE EXPIRED")
	}
	if n := after.Load(); n > 0 {
		t.Errorf("%d calls were made after the deadline", n)
	}
	b.wantCompanies(1)
}

// TestNoOpIsNotWritten updates records that had to be read before, to what they are.
func TestNoOpIsNotWritten(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.companies("C", 1)
	b.start()
	update := func(id, fields string) string {
		return `a {"id":"` + id + `","op":"update","object":"company","target":{"externalId":"C0"},"ifUnchangedSince":"2099-01-01T00:00:00Z","fields":{` + fields + `}}`
	}
	b.send(update("set", `"city":"Oslo","custom":{"Tier":"gold","Seats":3}`))
	expect(t, b.results(), "set", "OK UPDATED -")
	writes := b.calls("PUT /companies/{id}")
	b.send(update("same", `"city":"Oslo"`), update("custom", `"custom":{"Seats":3},"name":"C0"`))
	results := b.results()
	expect(t, results, "same", "OK UNCHANGED -")
	expect(t, results, "custom", "OK UNCHANGED -")
	if n := b.calls("PUT /companies/{id}") - writes; n > 0 {
		t.Errorf("%d writes that change nothing", n)
	}
	b.send(update("case", `"city":"OSLO"`), update("more", `"custom":{"Seats":3,"Tier":"silver"}`),
		strings.Replace(update("sent", `"name":"C0"`), `"op"`, `"coalesce":false,"op"`, 1))
	results = b.results()
	for _, id := range []string{"case", "more", "sent"} {
		expect(t, results, id, "OK UPDATED -")
	}
	if row := b.row("companies", "externalId", "C0"); row["city"] != "OSLO" {
		t.Errorf("company C0 is %v", row)
	}
	if n := b.calls("PUT /companies/{id}") - writes; n != 3 {
		t.Errorf("%d writes, want 3", n)
	}
}

// TestReferencesAreWaitedForTogether has many commands name one record that does not
// exist: one of them looks for it, and all end when the batch has waited.
func TestReferencesAreWaitedForTogether(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.prepare()
	const commands = 30
	for n := range commands {
		b.send(fmt.Sprintf(`%d {"id":"e%d","op":"create","object":"enduser","fields":{"companyId":"extid-N","email":"e%d@x.example"}}`, n, n, n),
			fmt.Sprintf(`u%d {"id":"u%d","op":"upsert","object":"enduser","target":{"externalId":"u%d"},"fields":{"companyId":"extid-N","email":"u%d@x.example"}}`, n, n, n, n))
	}
	b.start()
	results := b.results()
	for n := range commands {
		expect(t, results, fmt.Sprint("e", n), "REJECTED NONE REFERENCE_NOT_FOUND")
		expect(t, results, fmt.Sprint("u", n), "REJECTED NONE REFERENCE_NOT_FOUND")
	}
	// It is asked for every 20 ms for 200 ms, and by those who come before the first waits.
	if n := b.calls("GET /companies/{id}"); n > 3*commands {
		t.Errorf("the company was looked for %d times for %d commands", n, 2*commands)
	}
}

// TestTheVendorsWaitIsKept throttles every fourth call in each of the ways in which a
// vendor says for how long: no call comes early, nothing is lost.
func TestTheVendorsWaitIsKept(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]func(time.Time) (string, string){
		"Retry-After in seconds": func(time.Time) (string, string) { return "Retry-After", "1" },
		"Retry-After as a date": func(now time.Time) (string, string) {
			return "Retry-After", now.Add(time.Second).UTC().Format(http.TimeFormat)
		},
		"a reset in seconds": func(time.Time) (string, string) { return "X-Rate-Limit-Reset", "1" },
		"a reset since 1970": func(now time.Time) (string, string) { return "x-ratelimit-reset", fmt.Sprint(now.Unix() + 1) },
		"a reset in milliseconds": func(now time.Time) (string, string) {
			return "x-ratelimit-reset", fmt.Sprint(now.Add(time.Second).UnixMilli())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, empty)
			var gate throttle
			b.before(func(w http.ResponseWriter, r *http.Request) bool { return gate.refuses(w, header) })
			b.prepare()
			for n := range 6 {
				b.send(fmt.Sprintf(`%d {"id":"c%d","op":"create","object":"company","fields":{"name":"C%d"}}`, n, n, n))
			}
			b.start()
			results := b.results()
			for n := range 6 {
				expect(t, results, fmt.Sprint("c", n), "OK CREATED -")
			}
			if gate.refused.Load() == 0 || gate.early.Load() > 0 {
				t.Errorf("%d calls were throttled, %d came early", gate.refused.Load(), gate.early.Load())
			}
		})
	}
}
