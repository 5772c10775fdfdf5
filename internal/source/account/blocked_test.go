package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/internal/source/durable"
	"github.com/planhat-bridge/planhat-bridge/internal/source/emit"
	"github.com/planhat-bridge/planhat-bridge/internal/source/hooks"
	"github.com/planhat-bridge/planhat-bridge/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

func refusedWith(kind pipedrive.Kind, status int) error {
	return &pipedrive.Error{Kind: kind, Status: status, Action: "list", Subject: "deals", Attempts: 1}
}

// A listing that refuses does not stop the webhooks: what it would have shown is
// asked for singly, and what hangs on the survivor of a merge is found by a sweep.
func TestARefusedListingStopsNoWebhooks(t *testing.T) {
	t.Parallel()
	for _, kind := range []pipedrive.Kind{pipedrive.KindForbidden, pipedrive.KindInvalid, pipedrive.KindMalformed, pipedrive.KindNotFound} {
		f := &fakeVendor{rows: map[int64]string{}, lists: refusedWith(kind, 0)}
		a := bare(t, f)
		q := asks{}
		for _, name := range []string{"deal", "note"} {
			for id := int64(1); id <= 30; id++ {
				f.rows[id] = dealAt(id, "00:05", "")
				q.of(a.streamOf(name), id).stamp = ms("00:05")
			}
			if err := a.settleStream(t.Context(), a.streamOf(name), q); err != nil {
				t.Fatalf("%v: %v", kind, err)
			}
		}
		if n := len(a.pending.changes); n != 60 {
			t.Errorf("%v: %d changes are pending, want 60", kind, n)
		}
		deals := a.streamOf("deal")
		deals.sweepAt = a.now().Add(time.Hour)
		if err := a.settleMerge(t.Context(), merge{pipedrive.Organization, 7}); err != nil {
			t.Fatalf("%v: %v", kind, err)
		}
		if deals.sweepAt.After(a.now()) {
			t.Errorf("%v: what a merge moved is looked for at %v", kind, deals.sweepAt)
		}
	}
}

// A record that Pipedrive fails to answer for, while it answers for others, does not
// keep the webhooks of all others waiting.
func TestARecordThatFailsIsPassedOver(t *testing.T) {
	t.Parallel()
	f := &fakeVendor{rows: map[int64]string{2: dealAt(2, "00:05", "")}, err: map[int64]error{1: refusedWith(pipedrive.KindUnavailable, http.StatusInternalServerError)}}
	a := bare(t, f)
	s := a.streamOf("deal")
	s.cursor.Capture.SnapshotDone = true
	q := asks{}
	q.of(s, 1).stamp, q.of(s, 2).stamp = ms("00:05"), ms("00:05")
	var err error
	for range 10 {
		a.pending = pending{}
		if err = a.settleStream(t.Context(), s, q); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatalf("the webhooks wait for good: %v", err)
	}
	if len(s.cursor.Debts) != 1 || opsOf(a) != "c" {
		t.Errorf("pending %q, debts %+v", opsOf(a), s.cursor.Debts)
	}
	f.err[2] = &pipedrive.Error{Kind: pipedrive.KindUnavailable, Err: errors.New("connection refused")} // nobody answers at all
	for range 10 {
		if err = a.settleStream(t.Context(), s, q); err == nil {
			t.Fatal("a record was passed over although nobody answers")
		}
	}
}

// A listing that fails does not keep the scans of other listings waiting.
func TestAListingThatFailsGoesBehindTheOthers(t *testing.T) {
	t.Parallel()
	a := bare(t, &fakeVendor{lists: refusedWith(pipedrive.KindUnavailable, http.StatusServiceUnavailable)})
	for _, s := range a.streams {
		s.sweepAt = a.now().Add(-time.Minute)
	}
	deals := a.streamOf("deal")
	deals.cursor.Sweep = &sweepPlace{}
	_, _, err := a.scan(t.Context())
	a.fail(err)
	if a.halt.state != stateRetrying || deals.cursor.Sweep == nil {
		t.Errorf("halt %q, sweep %+v", a.halt.state, deals.cursor.Sweep)
	}
	if due := a.taskOf(deals).due; !due.After(a.now()) {
		t.Errorf("the listing that failed is due at %v: nothing else ever is", due)
	}
}

type tender struct{ err error }

func (f tender) Tend(context.Context, hooks.Wanted) (hooks.Report, error) {
	return hooks.Report{State: hooks.StateOK}, f.err
}

// A password that was changed is told to Pipedrive at once, and not at the next look.
func TestAChangedPasswordIsToldAtOnce(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "password")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	a := bare(t, &fakeVendor{})
	password, err := config.FileSecret(file)
	if err != nil {
		t.Fatal(err)
	}
	a.cfg.WebhookPassword = password
	var told []string
	a.tender = tenderFunc(func(w hooks.Wanted) { told = append(told, w.Password) })
	for _, text := range []string{"first", "first", "the second", "the second"} {
		write(text)
		if err := a.tend(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"first", "the second"}; !slices.Equal(told, want) {
		t.Errorf("Pipedrive was told %q, want %q", told, want)
	}
}

type tenderFunc func(hooks.Wanted)

func (f tenderFunc) Tend(_ context.Context, w hooks.Wanted) (hooks.Report, error) {
	f(w)
	return hooks.Report{State: hooks.StateOK}, nil
}

// Webhooks that cannot be looked at do not stop the capture; they are looked at
// again, and it is told when they go on failing. A budget that is spent is for the
// account.
func TestWebhooksThatCannotBeLookedAtStopNothing(t *testing.T) {
	t.Parallel()
	for _, kind := range []pipedrive.Kind{pipedrive.KindUnavailable, pipedrive.KindMalformed, pipedrive.KindInvalid, pipedrive.KindNotFound, pipedrive.KindAmbiguous} {
		a := bare(t, &fakeVendor{})
		a.hooks = hooks.Report{State: hooks.StateFailing, Cause: "before", Hooks: []hooks.Hook{{ID: 1}}}
		a.tender = tender{refusedWith(kind, 0)}
		for range tendFailuresTold + 2 {
			a.tendAt = a.now()
			if err := a.tend(t.Context()); err != nil {
				t.Fatalf("%v: %v", kind, err)
			}
		}
		if !a.tendAt.After(a.now()) || len(a.hooks.Hooks) != 1 || a.hooks.Cause == "before" || a.hooks.Cause == "" {
			t.Errorf("%v: again at %v, shown %+v", kind, a.tendAt, a.hooks)
		}
		if len(a.outbox.Waiting) != 1 || a.outbox.Waiting[0].Kind != schemas.NotifyWebhooksFailed {
			t.Errorf("%v: told %+v", kind, a.outbox.Waiting)
		}
	}
	a := bare(t, &fakeVendor{})
	a.tender = tender{refusedWith(pipedrive.KindDailyBudget, http.StatusTooManyRequests)}
	if err := a.tend(t.Context()); err == nil {
		t.Error("a spent budget is taken for trouble with the webhooks")
	}
}

// A sweep that is under way is finished before what it did not find is deleted: only
// then is it known how much is gone.
func TestNothingIsConfirmedDuringASweep(t *testing.T) {
	t.Parallel()
	a := bare(t, &fakeVendor{lists: refusedWith(pipedrive.KindUnavailable, http.StatusServiceUnavailable)})
	s := missingOf(a, "deal", 100, 15)
	for _, each := range a.streams {
		each.cursor.Capture.SnapshotDone, each.reconcileAt, each.sweepAt = true, a.now().Add(time.Hour), a.now().Add(time.Hour)
	}
	s.cursor.Sweep = &sweepPlace{Last: idOf(20)}
	if _, _, err := a.scan(t.Context()); err == nil {
		t.Error("no page was asked for")
	}
	if asked := a.client.(*fakeVendor).asked; len(asked) != 1 || asked[0] != "list deal 0" {
		t.Errorf("asked for %v", asked)
	}
}

// A stream that is held, and whose pages may have been dropped, is swept from the
// beginning, also by whoever owns it next.
func TestAHeldStreamIsSweptFromTheBeginning(t *testing.T) {
	t.Parallel()
	a := bare(t, &fakeVendor{})
	s := a.streamOf("deal")
	s.cursor.Sweep, s.cursor.Swept = &sweepPlace{Last: idOf(500), Cursor: "x"}, a.now().UnixMilli()
	a.hold(s, &shard.Refusal{Err: errors.New("the topic takes nothing")})
	if s.cursor.Sweep != nil || s.cursor.Swept != 0 {
		t.Errorf("it goes on at %+v, swept %v", s.cursor.Sweep, timeOf(s.cursor.Swept))
	}
	s.cursor.Capture.SnapshotDone, s.reconcileAt, s.sweepAt = true, a.now().Add(time.Hour), a.now().Add(time.Hour)
	if due := a.taskOf(s).due; !due.Equal(s.retryAt) {
		t.Errorf("its topic is looked at again at %v, want %v", due, s.retryAt)
	}
}

// A cursor fits into a record of the state, whatever is gone or owed; what there is
// no room for is counted, and held by the guard as the rest is.
func TestACursorFitsIntoItsRecord(t *testing.T) {
	t.Parallel()
	a := bare(t, &fakeVendor{})
	a.cfg.DeleteGuard = config.DeleteGuard{Listing: config.DeleteLimit{Share: 0.33}}
	s := a.streamOf("person")
	var missing []cdc.ID
	for n := range 200_000 {
		id := idOf(int64(n + 1))
		s.index.Put(id, entryAt(int64(n)))
		if n%2 == 0 {
			missing = append(missing, id)
		}
	}
	s.cursor.Sweep = &sweepPlace{}
	s.absent(missing)
	for id := int64(1); id <= maxDebts; id++ {
		k := &ask{id: id, stamp: ms("00:01"), told: names{}}
		for n := range 40 {
			k.told[fmt.Sprintf("custom_fields.%040x", n)] = true
		}
		a.owe(s, k)
	}
	if n := len(s.cursor.encode()); n > emit.MaxEvent {
		t.Errorf("the cursor has %d bytes", n)
	}
	if len(s.cursor.Debts) != maxDebts {
		t.Errorf("%d debts", len(s.cursor.Debts))
	}
	s.cursor.Sweep = nil
	if a.guard(s); !s.cursor.Capture.Held || s.cursor.Capture.Gone != len(missing) {
		t.Errorf("held %v, %d gone", s.cursor.Capture.Held, s.cursor.Capture.Gone)
	}
	if a.release(s); s.cursor.Capture.Released != len(missing) {
		t.Errorf("%d released", s.cursor.Capture.Released)
	}
	if a.guard(s); s.cursor.Capture.Held {
		t.Error("held again")
	}
	var read cursor
	if err := json.Unmarshal(s.cursor.encode(), &read); err != nil || read.Unlisted != s.cursor.Unlisted || read.Unlisted == 0 {
		t.Errorf("%d unlisted, %v", read.Unlisted, err)
	}
}

// A record that is shown twice before it is written is written as it was shown last.
func TestTheLastAnswerCounts(t *testing.T) {
	t.Parallel()
	a := bare(t, &fakeVendor{})
	s := a.streamOf("deal")
	know(t, s, dealAt(1, "00:01", ""))
	show := func(stamp, more string) {
		a.judge(s, &ask{id: 1, told: names{"org_id": true}}, pipedrive.Row{ID: 1, Raw: []byte(dealAt(1, stamp, more))})
	}
	show("00:02", `,"org_id":null`)
	show("00:03", `,"org_id":null,"title":"moved"`)
	show("00:02", `,"org_id":null`)
	if len(a.pending.changes) != 1 || a.pending.changes[0].read.text("title") != "moved" || !a.pending.changes[0].told["org_id"] {
		t.Errorf("pending %+v", a.pending.changes)
	}
	if err := a.admitAll(t.Context(), s, []pipedrive.Row{{ID: 1, Raw: []byte(dealAt(1, "00:04", `,"title":"again"`))}}, byReconcile); err != nil {
		t.Fatal(err)
	}
	if len(a.pending.changes) != 1 || a.pending.changes[0].read.text("title") != "again" || !a.pending.has(s, idOf(1)) {
		t.Errorf("pending %+v", a.pending.changes)
	}
}

// What was told to have stopped is told to go on, whatever came in between.
func TestWhatWasToldToStopIsToldToGoOn(t *testing.T) {
	t.Parallel()
	a := bare(t, &fakeVendor{})
	for _, kind := range []pipedrive.Kind{pipedrive.KindDailyBudget, pipedrive.KindUnavailable, pipedrive.KindUnauthorized, pipedrive.KindUnavailable, pipedrive.KindBlocked} {
		a.fail(refusedWith(kind, 0))
	}
	a.resumed()
	var told []schemas.NotificationKind
	for _, n := range a.outbox.Waiting {
		told = append(told, n.Kind)
	}
	want := []schemas.NotificationKind{
		schemas.NotifyCallsStopped, schemas.NotifyTokenRefused, schemas.NotifyCallsStopped, schemas.NotifyCallsResumed, schemas.NotifyTokenAccepted,
	}
	if fmt.Sprint(told) != fmt.Sprint(want) {
		t.Errorf("told %v, want %v", told, want)
	}

	a.outbox.Waiting = nil
	s := a.streamOf("deal")
	a.turnStream(s, stateForbidden, errors.New("403"))
	a.turnStream(s, stateRetrying, errors.New("400"))
	a.turnStream(s, stateForbidden, errors.New("403"))
	a.turnStream(s, stateRetrying, errors.New("400"))
	a.turnStream(s, stateOK, nil)
	if len(a.outbox.Waiting) != 2 || a.outbox.Waiting[0].Kind != schemas.NotifyStreamForbidden || a.outbox.Waiting[1].Kind != schemas.NotifyStreamAllowed {
		t.Errorf("told %+v", a.outbox.Waiting)
	}
}

// The next reconciliation begins well before this one did, also where this one took
// long and saw younger rows, or the vendor does not tell its time: a row that appears
// late must not be behind it.
func TestTheWatermarkIsNotAheadOfItsReconciliation(t *testing.T) {
	t.Parallel()
	a := bare(t, &fakeVendor{})
	now := timeOf(ms("10:00"))
	a.now = func() time.Time { return now }
	for name, page := range map[string]pipedrive.Page{"with the vendor's clock": {Date: now}, "without": {}} {
		r := &recent{}
		r.begin(a, page)
		r.see(ms("03:00"))
		r.begin(a, pipedrive.Page{Date: now.Add(time.Minute)}) // a later page changes nothing
		for _, stamp := range []string{"10:30", "11:00", "50:00"} {
			r.see(ms(stamp))
		}
		if r.newest != ms("03:00") {
			t.Errorf("%s: the watermark is %v", name, timeOf(r.newest))
		}
	}
}

// What a paused or held stream owes is not waited for: nothing is asked for it.
func TestNobodyWaitsForTheDebtsOfAPausedStream(t *testing.T) {
	t.Parallel()
	a := bare(t, &fakeVendor{})
	s := a.streamOf("deal")
	s.cursor.Debts = []debt{{ID: 1, Tries: 1, At: a.now().Add(-time.Minute).UnixMilli()}}
	if wait := a.nextDebt(); wait != 0 {
		t.Errorf("a debt that is due is waited for: %v", wait)
	}
	s.cursor.Paused = &durable.Pause{Signal: "x"}
	if wait := a.nextDebt(); wait != maxIdle {
		t.Errorf("the account looks again after %v, for nothing", wait)
	}
}
