package account_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	pipedrivesim "github.com/planhat-bridge/planhat-bridge/internal/simulator/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// seedOf is a company small enough to follow each record.
func seedOf(n int64) pipedrivesim.Options {
	return pipedrivesim.Options{Seed: n, Organizations: 4, Persons: 4, Deals: 4, Notes: 3}
}

// create adds a record to the vendor.
func (r *rig) create(object, fields string) int64 {
	r.t.Helper()
	id, err := r.sim.Create(object, fields)
	ok(r.t, err)
	return id
}

// has says whether a row has a member, as null or with a value.
func has(t *testing.T, e event, name string) (present, null bool) {
	t.Helper()
	row := e.after(t)
	if code, is := strings.CutPrefix(name, "custom_fields."); is {
		row, _ = row["custom_fields"].(map[string]any)
		name = code
	}
	v, present := row[name]
	return present, present && v == nil
}

func TestARecordsLife(t *testing.T) {
	t.Parallel()
	r := newRig(t, seedOf(2), nil)
	r.started()
	id := r.create("deal", `{"title":"one"}`)
	r.waitOps("deal", id, "c")
	ok(t, r.sim.Update("deal", id, `{"expected_close_date":"2026-12-01"}`))
	e := r.waitOps("deal", id, "cu")[1]
	if !slices.Contains(e.Changed, "expected_close_date") || e.Source.Snapshot != "false" {
		t.Errorf("the update: %+v", e.Envelope)
	}
	if present, _ := has(t, e, "lost_reason"); present {
		t.Error("a field that was never set is in the event")
	}
	ok(t, r.sim.Update("deal", id, `{"expected_close_date":null}`))
	e = r.waitOps("deal", id, "cuu")[2]
	if _, null := has(t, e, "expected_close_date"); !null || !slices.Contains(e.Changed, "expected_close_date") {
		t.Errorf("the field that was cleared: %s, changed %v", e.After, e.Changed)
	}
	ok(t, r.sim.Update("deal", id, `{"title":"two"}`))
	e = r.waitOps("deal", id, "cuuu")[3]
	if _, null := has(t, e, "expected_close_date"); !null {
		t.Errorf("the next change forgets what was cleared: %s", e.After)
	}
	ok(t, r.sim.Delete("deal", id))
	e = r.waitOps("deal", id, "cuuudx")[4]
	if document(t, e.Before)["title"] != "two" || e.After != nil {
		t.Errorf("the delete: %+v", e.Envelope)
	}
	ok(t, r.sim.Restore("deal", id))
	r.waitOps("deal", id, "cuuudxc")
	r.judge()
}

// The loser of a merge is deleted, and what hung on it hangs on the survivor,
// whether or not the vendor tells of that.
func TestMergesMoveWhatHangsOnTheLoser(t *testing.T) {
	t.Parallel()
	sim := seedOf(3)
	sim.Switches.Reparented = "nothing"
	r := newRig(t, sim, nil)
	loser := must[int64](t)(r.sim.Create("organization", `{"name":"loser"}`))
	survivor := must[int64](t)(r.sim.Create("organization", `{"name":"survivor"}`))
	person := must[int64](t)(r.sim.Create("person", fmt.Sprintf(`{"name":"Ada","org_id":%d}`, loser)))
	r.started()
	ok(t, r.sim.Merge("organization", loser, survivor))
	r.waitOps("organization", loser, "rdx")
	until(t, "the person to move", func() bool {
		events := of(r.events("person"), person)
		return len(events) == 2 && events[1].after(t)["org_id"] == float64(survivor)
	})
	r.judge()
}

// However webhooks come, the topics end as the vendor's records are; nothing older
// is written over newer, and nothing twice.
func TestDuplicatesAndDisorder(t *testing.T) {
	t.Parallel()
	r := newRig(t, seedOf(4), nil)
	r.started()
	r.withhold.Store(true)
	r.sim.Live(60)
	if !r.sim.Settle(time.Minute) {
		t.Fatal("webhooks are still under way")
	}
	var bodies [][]byte
	for len(r.bodies) > 0 {
		bodies = append(bodies, r.held())
	}
	rng := rand.New(rand.NewPCG(4, 4))
	bodies = append(bodies, bodies...)
	rng.Shuffle(len(bodies), func(i, j int) { bodies[i], bodies[j] = bodies[j], bodies[i] })
	r.withhold.Store(false)
	r.post(bodies...)
	r.judge()
	before := len(r.events("deal"))
	r.post(bodies...)
	until(t, "the webhooks to be read", func() bool { return r.metric("webhooks_total") >= float64(2*len(bodies)) })
	until(t, "all to be settled", func() bool { return r.settled(len(bodies) * 2) })
	if after := len(r.events("deal")); after != before {
		t.Errorf("repeated webhooks wrote %d events", after-before)
	}
}

// settled says that so many webhooks are behind the positions in the state.
func (r *rig) settled(n int) bool {
	var sum int64
	for _, rec := range r.records(r.names.State("source")) {
		if strings.Contains(string(rec.Key), "/account\x00w") {
			sum = 0
			for part := range strings.SplitSeq(strings.Trim(between(string(rec.Value), `"next":[`, "]"), " "), ",") {
				var at int64
				_, _ = fmt.Sscan(part, &at)
				sum += at
			}
		}
	}
	return sum >= int64(n)
}

func between(text, from, to string) string {
	_, text, _ = strings.Cut(text, from)
	text, _, _ = strings.Cut(text, to)
	return text
}

// A clearing that no row shows is an event all the same: once.
func TestAHintAloneIsAnEvent(t *testing.T) {
	t.Parallel()
	r := newRig(t, seedOf(5), map[string]string{"PIPEDRIVE_RECONCILE_INTERVAL": "1s"})
	id := must[int64](t)(r.sim.Create("deal", `{"title":"one"}`))
	r.started()
	nextSecond(t)
	r.withhold.Store(true)
	ok(t, r.sim.Update("deal", id, `{"expected_close_date":"2026-12-01"}`))
	r.held()
	ok(t, r.sim.Update("deal", id, `{"expected_close_date":null}`))
	clearing := r.held()
	events := r.waitOpsLike("deal", id, func(s string) bool { return s == "ru" || s == "ruu" })
	if events[len(events)-1].Changed == nil {
		t.Fatalf("nothing changed: %+v", events)
	}
	if _, null := has(t, events[len(events)-1], "expected_close_date"); null {
		t.Skip("reconciliation came between the two edits, and saw the value")
	}
	r.post(clearing)
	e := r.waitOps("deal", id, ops(events)+"u")[len(events)]
	if _, null := has(t, e, "expected_close_date"); !null || !slices.Equal(e.Changed, []string{"expected_close_date"}) {
		t.Errorf("%s, changed %v", e.After, e.Changed)
	}
	read := r.metric("webhooks_total")
	r.post(clearing, clearing)
	until(t, "the repetitions to be read", func() bool { return r.metric("webhooks_total") >= read+2 && r.settled(3) })
	r.waitOps("deal", id, ops(events)+"u")
}

// waitOpsLike waits until the events of a record are like something.
func (r *rig) waitOpsLike(object string, id int64, like func(string) bool) (events []event) {
	r.t.Helper()
	until(r.t, fmt.Sprintf("events of %s %d", object, id), func() bool {
		events = of(r.events(object), id)
		return like(ops(events))
	})
	return events
}

// An answer that is older than its webhook does not keep other records waiting,
// and the newer one is written when it is there.
func TestOldAnswersAreAskedForAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, seedOf(6), nil)
	slow := must[int64](t)(r.sim.Create("deal", `{"title":"one"}`))
	other := must[int64](t)(r.sim.Create("deal", `{"title":"other"}`))
	svc, _ := r.started()
	nextSecond(t)
	var old []byte
	for _, row := range r.sim.State("deal") {
		if document(t, row)["id"] == float64(slow) {
			old = row
		}
	}
	path := fmt.Sprintf("/api/v2/deals/%d", slow)
	r.answer(func(w http.ResponseWriter, req *http.Request) bool {
		if req.URL.Path != path {
			return false
		}
		_, _ = fmt.Fprintf(w, `{"success":true,"data":%s}`, old)
		return true
	})
	ok(t, r.sim.Update("deal", slow, `{"title":"two"}`))
	until(t, "the record to be asked for again", func() bool { return streamOf(svc, "deal").AskedAgain == 1 })
	ok(t, r.sim.Update("deal", other, `{"title":"another"}`))
	r.waitOps("deal", other, "ru")
	r.waitOps("deal", slow, "r")
	r.answer(nil)
	r.waitOps("deal", slow, "ru")
	until(t, "nothing to be owed", func() bool { return streamOf(svc, "deal").AskedAgain == 0 })
}

// A webhook that comes after the delete of its record brings nothing back.
func TestWebhooksAfterADelete(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"200", "404"} {
		sim := seedOf(7)
		sim.Switches.DeletedGet = answer
		r := newRig(t, sim, nil)
		id := must[int64](t)(r.sim.Create("deal", `{"title":"one"}`))
		_, stop := r.started()
		r.withhold.Store(true)
		ok(t, r.sim.Update("deal", id, `{"title":"two"}`))
		late := r.held()
		r.withhold.Store(false)
		ok(t, r.sim.Delete("deal", id))
		r.waitOps("deal", id, "rdx")
		stop()
		r.start() // what is known of deletes outlives a process
		r.post(late)
		until(t, "the webhook to be settled", func() bool { return r.settled(2) })
		r.waitOps("deal", id, "rdx")
	}
}

// Lost webhooks are found by reconciliation, counted and told of; deletes that
// have no listing of what changed, by sweeps.
func TestHolesAreFilledCountedAndTold(t *testing.T) {
	t.Parallel()
	r := newRig(t, seedOf(8), map[string]string{"PIPEDRIVE_RECONCILE_INTERVAL": "1s", "PIPEDRIVE_SWEEP_INTERVAL": "1s"})
	deal := must[int64](t)(r.sim.Create("deal", `{"title":"one"}`))
	gone := must[int64](t)(r.sim.Create("deal", `{"title":"gone"}`))
	person := must[int64](t)(r.sim.Create("person", `{"name":"Ada"}`))
	r.started()
	nextSecond(t)
	r.withhold.Store(true)
	ok(t, r.sim.Update("deal", deal, `{"title":"two"}`))
	ok(t, r.sim.Update("deal", deal, `{"is_archived":true}`))
	ok(t, r.sim.Delete("deal", gone))
	ok(t, r.sim.Delete("person", person))
	fresh := r.create("note", fmt.Sprintf(`{"content":"new","deal_id":%d}`, deal))
	r.waitOps("deal", gone, "rdx")
	r.waitOps("person", person, "rdx")
	r.waitOps("note", fresh, "c")
	r.judge()
	until(t, "the holes to be counted", func() bool {
		return r.metric("missed_changes_total", "object=deal") == 2 && r.metric("missed_changes_total", "object=person") == 1 && r.metric("missed_changes_total", "object=note") == 1
	})
	until(t, "the holes to be told of", func() bool { return len(r.notes(schemas.NotifyEventsMissed)) >= 3 })
}

// A webhook that was deleted, or banned, has a reconciliation done at once.
func TestABanIsReconciledAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, seedOf(9), nil)
	r.times.Tend = 100 * time.Millisecond
	deal := must[int64](t)(r.sim.Create("deal", `{"title":"one"}`))
	svc, _ := r.started()
	until(t, "webhooks to be registered", func() bool { return len(statusOf(svc).Webhooks.Hooks) == len(config.AccountObjects()) })
	r.withhold.Store(true)
	ok(t, r.sim.Update("deal", deal, `{"title":"two"}`))
	r.held()
	r.withhold.Store(false)
	ok(t, r.sim.DeleteHook(0))
	r.waitOps("deal", deal, "ru")
	until(t, "new webhooks", func() bool { return len(r.notes(schemas.NotifyWebhooksChanged)) > 1 })
	ok(t, r.sim.Update("deal", deal, `{"title":"three"}`))
	r.waitOps("deal", deal, "ruu")
}
