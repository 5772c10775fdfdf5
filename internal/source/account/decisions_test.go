package account

import (
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/source/durable"
	"github.com/planhat-bridge/planhat-bridge/internal/source/emit"
	"github.com/planhat-bridge/planhat-bridge/internal/source/hooks"
	"github.com/planhat-bridge/planhat-bridge/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

func TestATokenIsOfItsCompany(t *testing.T) {
	t.Parallel()
	for pinned, want := range map[int64]error{1: nil, 2: errWrongCompany} {
		a := bare(t, &fakeVendor{})
		a.identity, a.facts.CompanyID = identity{}, pinned
		err := a.identify(t.Context())
		if !errors.Is(err, want) || a.identity.sure != (want == nil) {
			t.Errorf("company 1 where %d was captured: %v, sure %v", pinned, err, a.identity.sure)
		}
		if err == nil {
			continue
		}
		if a.fail(err); a.halt.state != stateWrongCompany {
			t.Errorf("the account goes on as %q", a.halt.state)
		}
	}
}

// A halt lasts as long as its kind says; another token ends all but a vendor's
// silence.
func TestHaltsKeepCallsBack(t *testing.T) {
	t.Parallel()
	for kind, c := range map[pipedrive.Kind]struct {
		state       string
		first, next time.Duration
	}{
		pipedrive.KindDailyBudget:  {stateBudget, time.Hour, time.Hour},
		pipedrive.KindBlocked:      {stateBlocked, 30 * time.Minute, time.Hour},
		pipedrive.KindUnpaid:       {stateUnpaid, time.Hour, time.Hour},
		pipedrive.KindUnauthorized: {stateUnauthorized, 30 * time.Second, 30 * time.Second},
		pipedrive.KindUnavailable:  {stateRetrying, time.Second, 2 * time.Second},
	} {
		a := bare(t, &fakeVendor{})
		now := time.Now()
		a.now = func() time.Time { return now }
		for n, want := range []time.Duration{c.first, c.next} {
			a.fail(&pipedrive.Error{Kind: kind, Action: "get", Subject: "deal 1"})
			if wait, stopped := a.stopped(); !stopped || wait != want || a.halt.state != c.state {
				t.Errorf("%v, time %d: stopped %v as %q for %v, want %v", kind, n+1, stopped, a.halt.state, wait, want)
			}
		}
		a.cfg.Token = config.NewSecret("another")
		if _, stopped := a.stopped(); stopped != (c.state == stateRetrying) {
			t.Errorf("%v: stopped %v with another token", kind, stopped)
		}
		a.resumed()
		if wanted := map[bool]int{true: 0, false: 2}[c.state == stateRetrying]; len(a.outbox.Waiting) != wanted {
			t.Errorf("%v: notifications %+v", kind, a.outbox.Waiting)
		}
	}
}

// Trouble with one listing is that of its stream.
func TestTroubleOfOneListing(t *testing.T) {
	t.Parallel()
	a := bare(t, &fakeVendor{})
	s := a.streamOf("deal")
	s.cursor.Sweep = &sweepPlace{Cursor: "x"}
	a.fail(streamError{s, &pipedrive.Error{Kind: pipedrive.KindForbidden, Action: "list", Subject: "deals"}})
	if s.state != stateForbidden || a.halt.state != "" || s.retryAt.Before(time.Now().Add(29*time.Minute)) {
		t.Errorf("stream %q, account %q", s.state, a.halt.state)
	}
	a.fail(streamError{s, &pipedrive.Error{Kind: pipedrive.KindInvalid, Action: "list", Subject: "deals"}})
	if s.state != stateRetrying || s.cursor.Sweep != nil {
		t.Errorf("stream %q goes on at %+v", s.state, s.cursor.Sweep)
	}
}

// missingOf makes so many of a stream's records deletion candidates.
func missingOf(a *Account, object string, records, gone int) *stream {
	s := a.streamOf(object)
	for n := range records {
		s.index.Put(idOf(int64(n+1)), entryAt(int64(n)))
		if n < gone {
			s.cursor.Capture.AddCandidates(idOf(int64(n + 1)))
		}
	}
	return s
}

func TestTheGuardHoldsWhatIsNotPlausible(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		records, gone int
		held          bool
	}{{"few", 100, 20, false}, {"a third", 100, 34, true}, {"all of three", 3, 3, false}, {"all of four", 4, 4, true}} {
		a := bare(t, &fakeVendor{})
		a.cfg.DeleteGuard = config.DeleteGuard{Listing: config.DeleteLimit{Share: 0.33}, Workspace: config.DeleteLimit{Share: 0.1}}
		s := missingOf(a, "deal", c.records, c.gone)
		a.guard(s)
		if s.cursor.Capture.Held != c.held || (len(a.outbox.Waiting) == 1) != c.held {
			t.Errorf("%s: held %v, told %v", c.name, s.cursor.Capture.Held, a.outbox.Waiting)
		}
		a.release(s)
		if a.guard(s); s.cursor.Capture.Held {
			t.Errorf("%s: held although an operator has let them go", c.name)
		}
	}
	a := bare(t, &fakeVendor{})
	a.cfg.DeleteGuard = config.DeleteGuard{Listing: config.DeleteLimit{Share: 0.33}, Workspace: config.DeleteLimit{Share: 0.1}}
	deals, persons := missingOf(a, "deal", 200, 40), missingOf(a, "person", 200, 40)
	if a.guard(persons); !deals.cursor.Capture.Held || !persons.cursor.Capture.Held {
		t.Error("a fifth of two listings is not held")
	}
}

// Before anything is deleted, a record that should exist has to answer.
func TestAWitnessIsAskedBeforeDeletes(t *testing.T) {
	t.Parallel()
	a := bare(t, &fakeVendor{})
	s := missingOf(a, "deal", 5, 1)
	s.gone[idOf(1)] = 0
	if err := a.witness(t.Context(), s); !errors.Is(err, errBlind) {
		t.Errorf("nobody answers: %v", err)
	}
	a.client = &fakeVendor{rows: map[int64]string{3: dealAt(3, "00:00", "")}}
	if err := a.witness(t.Context(), s); err != nil {
		t.Errorf("a record answers: %v", err)
	}
}

// A change of which no webhook tells in time is a hole; one that a webhook told of,
// or still may, is none.
func TestHolesAreCounted(t *testing.T) {
	t.Parallel()
	a := bare(t, &fakeVendor{})
	now := timeOf(ms("10:00"))
	a.now = func() time.Time { return now }
	s := a.streamOf("deal")
	s.cursor.Capture.SnapshotDone = true
	for id, stamp := range map[int64]string{1: "00:00", 2: "09:00", 3: "09:30"} {
		see(t, a, s, byReconcile, dealAt(id, stamp, ""))
		for i := range a.pending.changes {
			if c := &a.pending.changes[i]; c.unheard {
				a.noteUnheard(s, c)
			}
		}
	}
	s.heardOf(idOf(2), ms("09:00"))
	now = now.Add(a.times.Delivery)
	a.ripe(now)
	if a.holes[s] != 2 {
		t.Errorf("%d holes, want the old one and the one whose webhook did not come", a.holes[s])
	}
	a.tellHoles()
	if len(a.outbox.Waiting) != 1 || a.outbox.Waiting[0].Kind != schemas.NotifyEventsMissed || len(a.holes) != 0 {
		t.Errorf("told %+v", a.outbox.Waiting)
	}
}

func TestLostWebhooksAreReconciledAtOnce(t *testing.T) {
	t.Parallel()
	a := bare(t, &fakeVendor{})
	since := timeOf(ms("00:00"))
	for _, s := range a.streams {
		s.reconcileAt, s.cursor.Capture.Watermark = time.Now().Add(time.Hour), ms("05:00")
	}
	if err := a.tended(t.Context(), hooks.Report{Lost: true, Since: since, Done: []string{"made a webhook"}}); err != nil {
		t.Fatal(err)
	}
	for _, s := range a.streams {
		if s.reconcileAt.After(time.Now()) || s.cursor.Capture.Watermark != since.UnixMilli() {
			t.Errorf("%s is reconciled at %v from %v", s.Object, s.reconcileAt, timeOf(s.cursor.Capture.Watermark))
		}
	}
}

func TestATopicIsHeldToItsPin(t *testing.T) {
	t.Parallel()
	a := bare(t, &fakeVendor{})
	s := a.streamOf("deal")
	was := emit.Topic{ID: "x", Partitions: 3}
	if err := emit.Mismatch(s.topic, was, was, ""); err != nil {
		t.Error(err)
	}
	for _, have := range []emit.Topic{{ID: "y", Partitions: 3}, {ID: "x", Partitions: 4}} {
		if emit.Mismatch(s.topic, was, have, "") == nil {
			t.Errorf("%+v is taken for %+v", have, was)
		}
	}
}

// What left the topic before it was read is said to be lost; a topic that is read
// for the first time has lost nothing.
func TestReadersSayWhatIsLost(t *testing.T) {
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "w"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	client, err := kafka.Options{Brokers: cluster.ListenAddrs()}.NewClient(kgo.DefaultProduceTopic("w"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	for range 5 {
		if err := client.ProduceSync(t.Context(), kgo.StringRecord("x")).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	var gone kadm.Offsets
	gone.AddOffset("w", 0, 3, -1)
	if _, err := kadm.NewClient(client).DeleteRecords(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	infos, err := kafka.DescribeTopics(t.Context(), client, "w")
	if err != nil {
		t.Fatal(err)
	}
	id := infos["w"].ID.String()
	for _, c := range []struct {
		name string
		at   durable.Position
		lost bool
		next int64
	}{
		{"read for the first time", durable.Position{}, false, 3}, {"read to the end", durable.Position{TopicID: id, Next: []int64{5}}, false, 5},
		{"read in part", durable.Position{TopicID: id, Next: []int64{1}}, true, 3}, {"another topic", durable.Position{TopicID: "other", Next: []int64{5}}, true, 3},
		{"cut off", durable.Position{TopicID: id, Next: []int64{9}}, true, 3},
	} {
		r := &reader{topic: "w", at: c.at, batches: make(chan *batch, 1)}
		if err := r.place(t.Context(), client, id, 1); err != nil {
			t.Fatal(err)
		}
		if lost := len(r.batches) == 1; lost != c.lost || r.at.In(0) != c.next {
			t.Errorf("%s: lost %v, goes on at %d", c.name, lost, r.at.In(0))
		}
	}
}

func TestEverySignalHasAnOrder(t *testing.T) {
	t.Parallel()
	for _, name := range schemas.Signals() {
		if orders()[name].stream == nil {
			t.Errorf("%s is not obeyed", name)
		}
	}
}
