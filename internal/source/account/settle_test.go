package account

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

// hook is a webhook's body.
func hook(action, entity string, id int64, stamp, more string) *kgo.Record {
	member := "data"
	if action == "delete" {
		member = "previous"
	}
	body := fmt.Sprintf(`{"meta":{"action":%q,"entity":%q,"entity_id":"%d","version":"2.0"%s},%q:{"id":%d,"update_time":"2026-11-19T13:%sZ"}}`,
		action, entity, id, more, member, id, stamp)
	return &kgo.Record{Value: []byte(body)}
}

func settleAll(t *testing.T, a *Account, records ...*kgo.Record) {
	t.Helper()
	a.pending = pending{}
	for _, s := range a.streams {
		s.cursor.Capture.SnapshotDone = true
	}
	h := a.gather(records)
	if err := a.settle(t.Context(), h.asks); err != nil {
		t.Fatal(err)
	}
	for m := range h.merges {
		if err := a.settleMerge(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

// A row older than its webhook is taken for what it is worth, and asked for again.
func TestAnswersOlderThanTheirWebhookAreAskedForAgain(t *testing.T) {
	t.Parallel()
	f := &fakeVendor{rows: map[int64]string{1: dealAt(1, "00:05", `,"a":1`), 2: dealAt(2, "00:05", "")}}
	a := bare(t, f)
	s := a.streamOf("deal")
	settleAll(t, a, hook("change", "deal", 1, "00:07", ""), hook("change", "deal", 2, "00:05", ""))
	if opsOf(a) != "cc" || len(s.cursor.Debts) != 1 || s.cursor.Debts[0].ID != 1 || s.cursor.Debts[0].Tries != 1 {
		t.Fatalf("pending %q, debts %+v", opsOf(a), s.cursor.Debts)
	}
	f.rows[1] = dealAt(1, "00:07", `,"a":2`)
	due := s.cursor.Debts[0]
	a.pending = pending{}
	q := asks{}
	k := q.of(s, 1)
	k.stamp, k.tries = due.Stamp, due.Tries
	if err := a.settle(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	if opsOf(a) != "c" || len(s.cursor.Debts) != 1 || s.cursor.Debts[0].Tries != due.Tries {
		t.Errorf("pending %q, debts %+v", opsOf(a), s.cursor.Debts) // who settles debts takes it off
	}
}

// It is asked for later and later, and not for ever.
func TestAskingAgainEnds(t *testing.T) {
	t.Parallel()
	f := &fakeVendor{rows: map[int64]string{}}
	a := bare(t, f)
	s := a.streamOf("deal")
	know(t, s, dealAt(1, "00:00", ""))
	now := time.Now()
	a.now = func() time.Time { return now }
	k := &ask{id: 1, stamp: ms("00:07"), told: names{}}
	var waits []time.Duration
	for {
		a.missing(s, k)
		if len(s.cursor.Debts) == 0 {
			break
		}
		d := s.cursor.Debts[0]
		waits, k.tries = append(waits, timeOf(d.At).Sub(now).Round(time.Second)), d.Tries
	}
	if len(waits) != a.times.Tries || waits[0] != time.Second || waits[3] != 8*time.Second || waits[7] != time.Minute {
		t.Errorf("waits %v", waits)
	}
	if len(s.cursor.Capture.Candidates) != 1 {
		t.Errorf("a record that is known and does not exist is no deletion candidate")
	}
}

func TestDeletesThatWebhooksTellOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, row, op string
		debts         int
	}{
		{"the vendor does not know it", "", "d", 0},
		{"the vendor says that it is deleted", `{"id":1,"update_time":"2026-11-19T13:00:07Z","is_deleted":true}`, "d", 0},
		{"the vendor still shows it", dealAt(1, "00:00", ""), "", 1},
		{"it was restored", dealAt(1, "00:09", ""), "u", 0},
	} {
		f := &fakeVendor{rows: map[int64]string{}}
		if c.row != "" {
			f.rows[1] = c.row
		}
		a := bare(t, f)
		s := a.streamOf("deal")
		know(t, s, dealAt(1, "00:00", ""))
		settleAll(t, a, hook("delete", "deal", 1, "00:07", ""))
		if opsOf(a) != c.op || len(s.cursor.Debts) != c.debts {
			t.Errorf("%s: %q, debts %+v", c.name, opsOf(a), s.cursor.Debts)
		}
	}
}

// A record that is hidden is not deleted because a webhook speaks of it.
func TestAMissingRecordIsNotDeletedByItsChange(t *testing.T) {
	t.Parallel()
	a := bare(t, &fakeVendor{})
	s := a.streamOf("deal")
	know(t, s, dealAt(1, "00:00", ""))
	settleAll(t, a, hook("change", "deal", 1, "00:07", ""))
	if opsOf(a) != "" || len(s.cursor.Debts) != 1 {
		t.Errorf("pending %q, debts %+v", opsOf(a), s.cursor.Debts)
	}
}

// Many records cost one list, few cost one call each, whatever webhooks repeat.
func TestRecordsAreAskedForWhereItCostsLess(t *testing.T) {
	t.Parallel()
	f := &fakeVendor{rows: map[int64]string{}}
	a := bare(t, f)
	var few, many []*kgo.Record
	for id := range int64(150) {
		f.rows[id+1] = dealAt(id+1, "00:07", "")
		for range 3 {
			many = append(many, hook("change", "deal", id+1, "00:07", ""))
		}
	}
	few = append(few, many[:30]...)
	settleAll(t, a, few...)
	if len(f.asked) != 10 || !strings.HasPrefix(f.asked[0], "get deal") {
		t.Errorf("30 webhooks of 10 records: %v", f.asked)
	}
	f.asked = nil
	settleAll(t, a, many...)
	if diff := cmp.Diff([]string{"list deal 100", "list deal 50"}, f.asked); diff != "" {
		t.Errorf("450 webhooks of 150 records: -want +got\n%s", diff)
	}
}

// Many notes, of which there is no list by ids, are found in what changed lately.
func TestManyNotesAreFoundInWhatChangedLately(t *testing.T) {
	t.Parallel()
	f := &fakeVendor{rows: map[int64]string{}}
	a := bare(t, f)
	var hooks []*kgo.Record
	for id := int64(1); id <= 40; id++ {
		f.rows[id] = fmt.Sprintf(`{"id":%d,"update_time":"2026-11-19 13:00:07","active_flag":true}`, id)
		hooks = append(hooks, hook("change", "note", id, "00:07", ""))
	}
	delete(f.rows, 40)
	settleAll(t, a, hooks...)
	if diff := cmp.Diff([]string{"list note 0", "get note 40"}, f.asked); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if len(a.pending.changes) != 39 || len(a.streamOf("note").cursor.Debts) != 1 {
		t.Errorf("%d changes, debts %+v", len(a.pending.changes), a.streamOf("note").cursor.Debts)
	}
}

// A merge moves records that need not have webhooks of their own.
func TestMergesLookAtBothAndAtWhatHungOnTheLoser(t *testing.T) {
	t.Parallel()
	f := &fakeVendor{rows: map[int64]string{7: dealAt(7, "00:07", "")}}
	a := bare(t, f)
	know(t, a.streamOf("organization"), dealAt(8, "00:00", ""))
	settleAll(t, a, hook("delete", "organization", 8, "00:07", `,"merged_to_id":"7"`))
	want := []string{"get organization 8", "get organization 7", "list person 0", "list deal 0", "list deal 0", "list note 0"}
	if diff := cmp.Diff(want, f.asked); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if opsOf(a) != "dc" {
		t.Errorf("pending %q", opsOf(a))
	}
}

// What an earlier webhook told of a record that could not be read counts when a
// later one has it read, whatever that one says.
func TestALaterWebhookForgetsNothingThatIsOwed(t *testing.T) {
	t.Parallel()
	cleared := func(stamp string) *kgo.Record {
		return &kgo.Record{Value: []byte(`{"meta":{"action":"change","entity":"deal","entity_id":"1","version":"2.0"},"data":{"id":1,"update_time":"2026-11-19T13:` + stamp + `Z"},"previous":{"value":5}}`)}
	}
	cut := &pipedrive.Error{Kind: pipedrive.KindMalformed, Action: "get", Subject: "deal 1"}
	later, earlier := dealAt(1, "00:09", `,"value":null`), dealAt(1, "00:05", `,"value":null`)
	for _, c := range []struct {
		name, row string
		hook      *kgo.Record
		debts     int
	}{
		{"the later one is settled", later, hook("change", "deal", 1, "00:09", ""), 0},
		{"the later one is older", earlier, hook("change", "deal", 1, "00:05", ""), 1},
		{"the answer is older than both", earlier, hook("change", "deal", 1, "00:09", ""), 1},
	} {
		f := &fakeVendor{rows: map[int64]string{}, err: map[int64]error{1: cut}}
		a := bare(t, f)
		s := a.streamOf("deal")
		know(t, s, dealAt(1, "00:00", `,"value":null`))
		settleAll(t, a, cleared("00:07"))
		if len(s.cursor.Debts) != 1 || len(a.pending.changes) != 0 {
			t.Fatalf("%s: pending %q, debts %+v", c.name, opsOf(a), s.cursor.Debts)
		}
		f.rows[1], f.err = c.row, nil
		settleAll(t, a, c.hook)
		if len(a.pending.changes) != 1 || !a.pending.changes[0].told["value"] || len(s.cursor.Debts) != c.debts {
			t.Errorf("%s: pending %+v, debts %+v", c.name, a.pending.changes, s.cursor.Debts)
		}
		for _, d := range s.cursor.Debts {
			if d.Stamp < ms("00:07") || len(d.Hints) != 1 {
				t.Errorf("%s: debt %+v", c.name, d)
			}
		}
	}
}

// So it does when a merge has the record read.
func TestAMergeForgetsNothingThatIsOwed(t *testing.T) {
	t.Parallel()
	f := &fakeVendor{rows: map[int64]string{1: dealAt(1, "00:09", `,"value":null`)}}
	a := bare(t, f)
	s := a.streamOf("deal")
	know(t, s, dealAt(1, "00:00", `,"value":null`))
	s.cursor.Debts = []debt{{ID: 1, Stamp: ms("00:07"), Hints: []string{"value"}, Tries: 1}}
	if err := a.readAll(t.Context(), s, pipedrive.ListOptions{UpdatedSince: timeOf(ms("00:00"))}); err != nil {
		t.Fatal(err)
	}
	if len(a.pending.changes) != 1 || !a.pending.changes[0].told["value"] || len(s.cursor.Debts) != 0 {
		t.Errorf("pending %+v, debts %+v", a.pending.changes, s.cursor.Debts)
	}
}

// An answer that is older than what is known says nothing of what was cleared since:
// the record is asked for again.
func TestAnAnswerOlderThanWhatIsKnownLosesNoClearing(t *testing.T) {
	t.Parallel()
	f := &fakeVendor{rows: map[int64]string{1: dealAt(1, "00:08", `,"value":5`)}}
	a := bare(t, f)
	s := a.streamOf("deal")
	know(t, s, dealAt(1, "00:09", `,"value":null`))
	settleAll(t, a, &kgo.Record{Value: []byte(`{"meta":{"action":"change","entity":"deal","entity_id":"1","version":"2.0"},"data":{"id":1,"update_time":"2026-11-19T13:00:07Z"},"previous":{"value":5}}`)})
	if opsOf(a) != "" || len(s.cursor.Debts) != 1 || len(s.cursor.Debts[0].Hints) != 1 {
		t.Errorf("pending %q, debts %+v", opsOf(a), s.cursor.Debts)
	}
}

// What fails half way is settled anew, and costs no try.
func TestAFailureLeavesTheDebtsAsTheyWere(t *testing.T) {
	t.Parallel()
	broken := &pipedrive.Error{Kind: pipedrive.KindUnavailable, Action: "get", Subject: "deal 2"}
	a := bare(t, &fakeVendor{rows: map[int64]string{1: dealAt(1, "00:00", "")}, err: map[int64]error{2: broken}})
	s := a.streamOf("deal")
	h := a.gather([]*kgo.Record{hook("change", "deal", 1, "00:07", ""), hook("change", "deal", 2, "00:07", "")})
	if err := a.settleStream(t.Context(), s, h.asks); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if len(s.cursor.Debts) != 1 {
		t.Fatalf("debts %+v", s.cursor.Debts)
	}
}

// What is of no use is counted, and does not stop what is.
func TestUselessWebhooksArePassedOver(t *testing.T) {
	t.Parallel()
	a := bare(t, &fakeVendor{})
	a.streamOf("note").state = stateHeld
	var h heard
	h.asks, h.merges = asks{}, map[merge]bool{}
	for body, want := range map[string]string{
		`{`: eventUnreadable, ``: eventUnreadable, `{"meta":{"entity":"deal","entity_id":"x","version":"2.0"}}`: eventUnreadable,
		`{"meta":{"entity":"deal","entity_id":"-1","version":"2.0"}}`:                                          eventUnreadable,
		`{"meta":{"entity":"lead","entity_id":"9b1c","version":"2.0"}}`:                                        eventOther,
		`{"meta":{"entity":"note","entity_id":"3","version":"2.0"}}`:                                           eventPassed,
		`{"v":1,"event":"updated.deal","meta":{"object":"deal","id":4,"action":"updated"},"current":{"id":4}}`: eventTaken,
		`{"meta":{"entity":"deal","entity_id":"5","action":"change","version":"2.0"},"data":{"id":5}}`:         eventTaken,
	} {
		if got := a.take(&h, []byte(body)); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
	if got := h.asks.ids(a.streamOf("deal")); len(got) != 2 {
		t.Errorf("asked for %v", got)
	}
}
