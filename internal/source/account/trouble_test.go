package account_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	pipedrivesim "github.com/planhat-bridge/planhat-bridge/internal/simulator/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// While the vendor answers nobody, calls stop but for a probe; webhooks wait, and
// nothing is lost.
func TestStopsAndResumes(t *testing.T) {
	t.Parallel()
	r := newRig(t, seedOf(20), nil)
	r.times.Budget, r.times.Blocked, r.times.Refused = 300*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond
	svc, _ := r.started()
	for n, c := range []struct {
		fault, state string
		begin, end   schemas.NotificationKind
	}{
		{"429-daily", "budget_spent", schemas.NotifyCallsStopped, schemas.NotifyCallsResumed},
		{"403-html", "blocked", schemas.NotifyCallsStopped, schemas.NotifyCallsResumed},
		{"402", "unpaid", schemas.NotifyCallsStopped, schemas.NotifyCallsResumed},
		{"401", "unauthorized", schemas.NotifyTokenRefused, schemas.NotifyTokenAccepted},
	} {
		begun, ended := len(r.notes(c.begin)), len(r.notes(c.end))
		ok(t, r.sim.AddFault(pipedrivesim.Fault{Kind: c.fault}))
		id := r.create("deal", fmt.Sprintf(`{"title":"made while %s"}`, c.state))
		until(t, c.state, func() bool { return statusOf(svc).State == c.state })
		until(t, "a notification of "+c.state, func() bool { return len(r.notes(c.begin)) == begun+1 })
		calls, since := r.calls.Load(), time.Now()
		until(t, "some probes", func() bool { return time.Since(since) > time.Second })
		if made, most := r.calls.Load()-calls, 2+3*int64(time.Since(since)/(300*time.Millisecond)); made > most {
			t.Errorf("%s: %d calls, want a probe from time to time (%d)", c.state, made, most)
		}
		if left := statusOf(svc).TokensLeft; n == 0 && (left == nil || *left != 0) {
			t.Error("status does not say that no tokens are left")
		}
		r.sim.ClearFaults()
		r.waitOps("deal", id, "c")
		until(t, "the end of "+c.state, func() bool { return len(r.notes(c.end)) == ended+1 })
		if n == 0 {
			ok(t, r.sim.AddFault(pipedrivesim.Fault{Kind: "429-burst", Count: 2, RetryAfter: 1})) // waited for in place
		}
	}
	r.judge()
	if r.metric("missed_changes_total") != 0 {
		t.Error("webhooks were lost")
	}
}

// A token in a file is tried as soon as it is another one.
func TestANewTokenIsTriedAtOnce(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	ok(t, os.WriteFile(file, []byte(pipedrivesim.DefaultToken), 0o600))
	r := newRig(t, seedOf(21), map[string]string{"PIPEDRIVE_TOKEN": "", "PIPEDRIVE_TOKEN_FILE": file})
	r.times.Refused = time.Hour
	svc, _ := r.started()
	const other = "1111111111222222222233333333334444444444"
	r.sim.SetTokens(map[string]pipedrivesim.Token{other: {}})
	id := r.create("deal", `{"title":"one"}`)
	until(t, "the token to be refused", func() bool { return statusOf(svc).State == "unauthorized" })
	ok(t, os.WriteFile(file, []byte(other+"\n"), 0o600))
	r.waitOps("deal", id, "c")
}

// The token of another company stops everything until an operator says so.
func TestATokenOfAnotherCompany(t *testing.T) {
	t.Parallel()
	r := newRig(t, seedOf(22), nil)
	r.times.Refused = 100 * time.Millisecond
	_, stop := r.started()
	stop()
	before := len(r.events("deal"))
	r.answer(func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.HasSuffix(req.URL.Path, "/users/me") {
			return false
		}
		_, _ = fmt.Fprint(w, `{"success":true,"data":{"id":7,"name":"X","company_id":99,"company_name":"Other","company_domain":"other","access":[]}}`)
		return true
	})
	svc, _ := r.start()
	until(t, "the account to be held", func() bool { return statusOf(svc).State == "wrong_tenant" })
	id := r.create("deal", `{"title":"one"}`)
	until(t, "the notification", func() bool { return len(r.notes(schemas.NotifyTenantWrong)) == 1 })
	if n := len(r.events("deal")); n != before {
		t.Errorf("%d events were written", n-before)
	}
	if a := r.signal(schemas.Signal{Signal: schemas.SignalRelease}); a.Kind != schemas.NotifySignalDone {
		t.Fatalf("%+v", a)
	}
	r.waitOps("deal", id, "c")
	if state := statusOf(svc).State; state != "ok" {
		t.Errorf("state %s", state)
	}
}

// When far more is gone than is plausible, nothing is deleted: until it is there
// again, or an operator says so.
func TestMassDeletesAreHeld(t *testing.T) {
	t.Parallel()
	sim := seedOf(23)
	sim.Persons = 60
	r := newRig(t, sim, map[string]string{"PIPEDRIVE_SWEEP_INTERVAL": "1s"})
	r.times.Refused = 100 * time.Millisecond
	svc, _ := r.started()
	blind := func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.HasPrefix(req.URL.Path, "/api/v2/persons") {
			return false
		}
		if strings.HasSuffix(req.URL.Path, "/persons") {
			_, _ = fmt.Fprint(w, `{"success":true,"data":[],"additional_data":{"next_cursor":null}}`)
			return true
		}
		w.WriteHeader(http.StatusNotFound)
		_, _ = fmt.Fprint(w, `{"success":false,"error":"not found"}`)
		return true
	}
	r.answer(blind)
	until(t, "the deletes to be held", func() bool { return streamOf(svc, "person").Held })
	until(t, "the notification", func() bool { return len(r.notes(schemas.NotifyDeletesHeld)) == 1 })
	r.answer(nil)
	until(t, "the hold to end", func() bool { return !streamOf(svc, "person").Held })
	r.judge()

	r.withhold.Store(true)
	for n, id := range r.ids("person") {
		if n < 40 {
			ok(t, r.sim.Delete("person", id))
		}
	}
	until(t, "the deletes to be held", func() bool { return streamOf(svc, "person").Held })
	if a := r.signal(schemas.Signal{Signal: schemas.SignalRelease, Object: "person"}); a.Kind != schemas.NotifySignalDone {
		t.Fatalf("%+v", a)
	}
	r.judge()
}

// ids are those of the records that are there.
func (r *rig) ids(object string) (out []int64) {
	for _, raw := range r.sim.State(object) {
		if row := document(r.t, raw); row["is_deleted"] != true && row["active_flag"] != false {
			out = append(out, int64(row["id"].(float64)))
		}
	}
	return out
}

// A few records that a token does not see any more are not deleted.
func TestABlindTokenDeletesNothing(t *testing.T) {
	t.Parallel()
	sim := seedOf(24)
	sim.Persons = 12
	r := newRig(t, sim, map[string]string{"PIPEDRIVE_SWEEP_INTERVAL": "1s"})
	r.times.Refused = 100 * time.Millisecond
	r.started()
	hidden := r.ids("person")[:2]
	var asked atomic.Int64
	r.answer(func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.HasPrefix(req.URL.Path, "/api/v2/persons") {
			return false
		}
		if strings.HasSuffix(req.URL.Path, "/persons") {
			r.list(w, "person", hidden)
			return true
		}
		asked.Add(1)
		w.WriteHeader(http.StatusNotFound)
		_, _ = fmt.Fprint(w, `{"success":false,"error":"not found"}`)
		return true
	})
	until(t, "the candidates to be asked for", func() bool { return asked.Load() > 10 })
	r.answer(nil)
	r.judge()
	if n := r.metric("changes_total", "object=person", "op=d"); n != 0 {
		t.Errorf("%v records were deleted", n)
	}
}

// list answers with all records but some.
func (r *rig) list(w http.ResponseWriter, object string, without []int64) {
	var rows []string
	for _, raw := range r.sim.State(object) {
		row := document(r.t, raw)
		hidden := row["is_deleted"] == true
		for _, id := range without {
			hidden = hidden || row["id"] == float64(id)
		}
		if !hidden {
			rows = append(rows, string(raw))
		}
	}
	_, _ = fmt.Fprintf(w, `{"success":true,"data":[%s],"additional_data":{"next_cursor":null}}`, strings.Join(rows, ","))
}

// Webhooks that leave their topic unread are said to be lost, and what they told
// of is read all the same.
func TestWebhooksThatLeaveTheirTopicUnread(t *testing.T) {
	t.Parallel()
	r := newRig(t, seedOf(25), nil)
	deal := must[int64](t)(r.sim.Create("deal", `{"title":"one"}`))
	_, stop := r.started()
	ok(t, r.sim.Update("deal", deal, `{"title":"two"}`))
	r.waitOps("deal", deal, "ru")
	stop()
	ok(t, r.sim.Update("deal", deal, `{"title":"three"}`))
	if !r.sim.Settle(time.Minute) {
		t.Fatal("webhooks are still under way")
	}
	admin, topic := kadm.NewClient(r.producer), r.names.Webhooks(accountName)
	ends, err := admin.ListEndOffsets(t.Context(), topic)
	ok(t, err)
	_, err = admin.DeleteRecords(t.Context(), ends.Offsets())
	ok(t, err)
	r.start()
	until(t, "the loss to be told of", func() bool { return len(r.notes(schemas.NotifyEventsLost)) == 1 })
	r.waitOps("deal", deal, "ruu")
	r.judge()
}

// A change topic that was created anew holds its object until it is filled again.
func TestAChangeTopicThatWasCreatedAnew(t *testing.T) {
	t.Parallel()
	r := newRig(t, seedOf(26), nil)
	_, stop := r.started()
	stop()
	admin, topic := kadm.NewClient(r.producer), r.names.Changes("pipedrive", accountName, "deal")
	_, err := admin.DeleteTopics(t.Context(), topic)
	ok(t, err)
	svc, _ := r.start()
	until(t, "the object to be held", func() bool { return streamOf(svc, "deal").State == "held" })
	note := r.create("note", fmt.Sprintf(`{"content":"meanwhile","deal_id":%d}`, r.ids("deal")[0]))
	r.waitOps("note", note, "c")
	if a := r.signal(schemas.Signal{Signal: schemas.SignalObject, Object: "deal"}); a.Kind != schemas.NotifySignalDone {
		t.Fatalf("%+v", a)
	}
	r.judge()
}

func TestSignals(t *testing.T) {
	t.Parallel()
	r := newRig(t, seedOf(27), nil)
	svc, _ := r.started()
	deals := len(r.ids("deal"))
	for _, c := range []struct {
		sig  schemas.Signal
		code schemas.SignalCode
	}{
		{schemas.Signal{Signal: "obey"}, schemas.SignalUnknown},
		{schemas.Signal{Signal: schemas.SignalObject}, schemas.SignalIncomplete},
		{schemas.Signal{Signal: schemas.SignalObject, Object: "lead"}, schemas.SignalUnknownStream},
		{schemas.Signal{Signal: schemas.SignalRecord, Object: "deal"}, schemas.SignalIncomplete},
		{schemas.Signal{Signal: schemas.SignalRecord, Object: "deal", Record: "x"}, schemas.SignalUnknownRecord},
		{schemas.Signal{Signal: schemas.SignalRecord, Object: "deal", Record: "999999"}, schemas.SignalUnknownRecord},
		{schemas.Signal{Signal: schemas.SignalRelease}, schemas.SignalNotNow},
		{schemas.Signal{Signal: schemas.SignalResume}, schemas.SignalNotNow},
	} {
		if a := r.signal(c.sig); a.Kind != schemas.NotifySignalRefused || a.Code != c.code || a.Account != accountName {
			t.Errorf("%+v: %+v", c.sig, a)
		}
	}
	id := r.ids("deal")[0]
	if a := r.signal(schemas.Signal{Signal: schemas.SignalRecord, Object: "deal", Record: fmt.Sprint(id)}); a.Kind != schemas.NotifySignalDone {
		t.Errorf("%+v", a)
	}
	r.waitOps("deal", id, "rr")
	if a := r.signal(schemas.Signal{Signal: schemas.SignalObject, Object: "deal"}); a.Kind != schemas.NotifySignalDone {
		t.Errorf("%+v", a)
	}
	until(t, "every deal to be written again", func() bool { return len(r.events("deal")) > 2*deals })
	r.waitOps("deal", id, "rrr")

	if a := r.signal(schemas.Signal{Signal: schemas.SignalPause, Reason: "a migration"}); a.Kind != schemas.NotifySignalDone {
		t.Errorf("%+v", a)
	}
	ok(t, r.sim.Update("deal", id, `{"title":"while paused"}`))
	until(t, "the pause to be shown", func() bool { return statusOf(svc).State == "paused" })
	r.waitOps("deal", id, "rrr")
	if a := r.signal(schemas.Signal{Signal: schemas.SignalResume}); a.Kind != schemas.NotifySignalDone {
		t.Errorf("%+v", a)
	}
	r.waitOps("deal", id, "rrru")
	r.judge()
}

// A burst of webhooks costs few tokens: the price is that of the records, not of
// the webhooks.
func TestWhatABurstCosts(t *testing.T) {
	t.Parallel()
	sim := seedOf(28)
	sim.Deals = 100
	r := newRig(t, sim, nil)
	svc, stop := r.started()
	until(t, "webhooks", func() bool { return len(statusOf(svc).Webhooks.Hooks) == len(config.AccountObjects()) })
	stop()
	for _, id := range r.ids("deal") {
		for n := range 3 {
			ok(t, r.sim.Update("deal", id, fmt.Sprintf(`{"title":"%d"}`, n)))
		}
	}
	if !r.sim.Settle(time.Minute) {
		t.Fatal("webhooks are still under way")
	}
	r.start()
	r.judge()
	spent := r.metric("api_tokens_total")
	t.Logf("%d webhooks of 100 deals cost %v tokens, with the start of an owner (users/me, webhooks, reconciliation of all objects)", 300, spent)
	if spent > 150 {
		t.Errorf("%v tokens were spent", spent)
	}
}

// An order to write every record again outlives the owner that took it.
func TestAnOrderToReadAgainOutlivesItsOwner(t *testing.T) {
	t.Parallel()
	r := newRig(t, seedOf(29), nil)
	_, stop := r.started()
	id := r.ids("deal")[0]
	r.answer(func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.HasSuffix(req.URL.Path, "/deals") {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprint(w, `{"success":false,"error":"no"}`)
		return true
	})
	if a := r.signal(schemas.Signal{Signal: schemas.SignalObject, Object: "deal"}); a.Kind != schemas.NotifySignalDone {
		t.Fatalf("%+v", a)
	}
	stop()
	r.answer(nil)
	r.start()
	r.waitOps("deal", id, "rr")
}

// Where the token may not list what a merge moved, the merge is settled all the same,
// and not asked for again and again.
func TestAMergeWhoseListingIsForbidden(t *testing.T) {
	t.Parallel()
	r := newRig(t, seedOf(30), nil)
	svc, _ := r.started()
	until(t, "webhooks", func() bool { return len(statusOf(svc).Webhooks.Hooks) == len(config.AccountObjects()) })
	var refused atomic.Int64
	r.answer(func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodGet || !strings.HasSuffix(req.URL.Path, "/notes") {
			return false
		}
		refused.Add(1)
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprint(w, `{"success":false,"error":"no"}`)
		return true
	})
	all := r.ids("organization")
	loser, survivor := all[0], all[1]
	ok(t, r.sim.Merge("organization", loser, survivor))
	r.waitOps("organization", loser, "rdx")
	deal := r.create("deal", `{"title":"after the merge"}`)
	r.waitOps("deal", deal, "c")
	if n := refused.Load(); n == 0 || n > 10 {
		t.Errorf("the listing was asked for %d times", n)
	}
	r.answer(nil)
}

// An account that has had its share of the day says so once, however often it looks
// whether a new day has begun.
func TestAShareOfTheDayThatIsSpent(t *testing.T) {
	t.Parallel()
	sim := seedOf(31)
	sim.DailyTokens = 10_000
	r := newRig(t, sim, map[string]string{"PIPEDRIVE_DAILY_TOKEN_SHARE": "0.001"})
	r.times.Budget = 20 * time.Millisecond
	var asked, others atomic.Int64
	svc, _ := r.start()
	until(t, "the share to be spent", func() bool { return statusOf(svc).State == "budget_spent" })
	r.answer(func(_ http.ResponseWriter, req *http.Request) bool {
		if strings.HasSuffix(req.URL.Path, "/users/me") {
			asked.Add(1)
		} else {
			others.Add(1)
		}
		return false
	})
	until(t, "the day to be asked for", func() bool { return asked.Load() > 5 })
	if n := others.Load(); n > 5 {
		t.Errorf("%d calls besides", n)
	}
	if stopped, resumed := len(r.notes(schemas.NotifyCallsStopped)), len(r.notes(schemas.NotifyCallsResumed)); stopped != 1 || resumed != 0 {
		t.Errorf("told %d times that calls have stopped, %d that they go on", stopped, resumed)
	}
}
