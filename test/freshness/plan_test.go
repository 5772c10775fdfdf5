package freshness_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
	"github.com/planhat-bridge/planhat-bridge/test/rig/bubble"
)

// board keeps the notifications, and when the first change was written.
type board struct {
	mu     sync.Mutex
	notes  []schemas.Notification
	places []time.Time // when each was written
	first  time.Time   // change of any topic
}

func (w *world) board(objects ...string) (*board, func()) {
	w.t.Helper()
	topics := []string{w.Names.Notifications()}
	for _, o := range objects {
		topics = append(topics, w.Names.Changes("planhat", workspaceName, o))
	}
	client, err := w.Kafka().NewClient(kgo.ConsumeTopics(topics...), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(time.Second))
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	b, done := &board{}, make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			client.PollFetches(ctx).EachRecord(func(r *kgo.Record) { b.take(r) })
		}
	}()
	return b, func() {
		cancel()
		<-done
		client.Close()
	}
}

func (b *board) take(r *kgo.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var n schemas.Notification
	if json.Unmarshal(r.Value, &n) == nil && n.Kind != "" {
		b.notes, b.places = append(b.notes, n), append(b.places, r.Timestamp)
		return
	}
	if b.first.IsZero() || r.Timestamp.Before(b.first) {
		b.first = r.Timestamp
	}
}

// of are the notifications of a kind about the whole workspace.
func (b *board) of(kind schemas.NotificationKind) (out []schemas.Notification) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range b.notes {
		if n.Kind == kind && n.Stream == "" {
			out = append(out, n)
		}
	}
	return out
}

// pagesOfSweeps are the calls of sweeps: those that read, not those that ask
// whether a row is there.
func pagesOfSweeps(calls []bubble.Call) (n int) {
	for _, c := range calls {
		if strings.Contains(c.Query, "sort=_id") && !strings.Contains(c.Query, "limit=1&") {
			n++
		}
	}
	return n
}

// Before a snapshot reads anything it says how many calls and minutes it takes,
// in the log, as a notification, in the metrics and in the status; every ten
// seconds it says how far it is; and what it said was true.
func TestSnapshotSaysWhatItTakes(t *testing.T) {
	t.Parallel()
	objects := []string{"company", "enduser", "conversation", "note", "license", "user"}
	env := map[string]string{"PLANHAT_OBJECTS": strings.Join(objects, ","), "PLANHAT_CALLS_PER_MINUTE": "40"}
	sim := planhatsim.Options{Seed: 61, Companies: 2100, EndusersPerCompany: 4, CoreOnly: true, CallsPerMinute: -1}
	inBubble(t, sim, env, func(w *world) {
		b, stop := w.board(objects...)
		defer stop()
		w.await("the plan", 10*time.Minute, func() bool { return len(w.Log.Lines("snapshot is planned")) > 0 })
		planned := time.Now()
		line := w.Log.Lines("snapshot is planned")[0]
		calls, minutes := int(line["calls_planned"].(float64)), line["minutes"].(float64)
		if n := pagesOfSweeps(w.vendor.Calls(time.Time{})); n > 1 {
			t.Errorf("%d pages were read before the plan", n)
		}
		st := w.status().Snapshot
		if st == nil || st.Expected != calls || st.Left != 5 || st.Unknown != 0 {
			t.Errorf("the status says %+v of %d calls", st, calls)
		}
		if got := w.gauge("planhat_bridge_source_snapshot_calls_planned"); got != float64(calls) {
			t.Errorf("the metric says %v calls, the log %d", got, calls)
		}
		w.await("the snapshot", time.Hour, w.snapshotDone)
		took := time.Since(planned)
		made := pagesOfSweeps(w.vendor.Calls(time.Time{}))
		t.Logf("planned %d calls in %.2f minutes, made %d in %s, after %d questions", calls, minutes, made, took, len(w.vendor.Calls(time.Time{}))-made)
		// 2100 companies on a page, some 8400 endusers on 5 (some of them archived, on 1 with a list of all: 5 more), 6300 conversations on 4, 2100 licenses on 2, users on 1.
		if made != calls || calls < 15 || calls > 20 {
			t.Errorf("%d calls were planned and %d made", calls, made)
		}
		if ratio := took.Minutes() / minutes; ratio < 0.8 || ratio > 1.25 {
			t.Errorf("%.2f minutes were planned, it took %s", minutes, took)
		}
		sleep(5 * time.Second)
		b.holds(t, calls, minutes, took)
		lines := w.Log.Lines("snapshot goes on")
		if want := int(took.Seconds() / 13); len(lines) < want {
			t.Errorf("%d lines of progress in %s, want one every ten seconds or so", len(lines), took)
		}
		if w.status().Snapshot != nil || w.gauge("planhat_bridge_source_snapshot_calls_planned") != 0 || w.gauge("planhat_bridge_source_snapshot_minutes_left") != 0 {
			t.Errorf("a snapshot that is complete is still shown: %s", w.describe())
		}
	})
}

// holds compares the notifications of a snapshot with what the log said.
func (b *board) holds(t *testing.T, calls int, minutes float64, took time.Duration) {
	t.Helper()
	plans, goesOn, ends := b.of(schemas.NotifySnapshotPlanned), b.of(schemas.NotifySnapshotProgress), b.of(schemas.NotifySnapshotCompleted)
	if len(plans) != 1 || plans[0].Snapshot.CallsExpected != calls || plans[0].Snapshot.MinutesLeft != minutes || plans[0].Snapshot.Calls != 0 {
		t.Fatalf("plans: %+v", plans)
	}
	b.mu.Lock()
	if b.first.Before(b.places[0]) {
		t.Errorf("a change was written at %s, the plan at %s", b.first, b.places[0])
	}
	b.mu.Unlock()
	left, made := minutes, 0
	for _, n := range goesOn {
		if n.Snapshot.MinutesLeft > left+0.05 || n.Snapshot.Calls < made || n.Snapshot.CallsExpected != calls || !strings.Contains(n.Message, "minutes are left") {
			t.Errorf("after %.2f minutes and %d calls: %+v %+v", left, made, n, n.Snapshot)
		}
		left, made = n.Snapshot.MinutesLeft, n.Snapshot.Calls
	}
	if len(goesOn) < int(took.Seconds()/13) || len(ends) != 1 || ends[0].Snapshot.Calls != calls {
		t.Errorf("%d notifications of progress, at the end %+v", len(goesOn), ends)
	}
}

// A snapshot that another process goes on with is planned again: for what is left.
func TestSnapshotGoesOnWithAPlan(t *testing.T) {
	t.Parallel()
	env := map[string]string{"PLANHAT_OBJECTS": "enduser", "PLANHAT_CALLS_PER_MINUTE": "60"}
	sim := planhatsim.Options{Seed: 62, Companies: 6100, ConversationsPerCompany: -1, CoreOnly: true, CallsPerMinute: -1}
	inBubble(t, sim, env, func(w *world) {
		w.await("half of the snapshot", time.Hour, func() bool {
			st := w.status().Snapshot
			return st != nil && st.Calls >= 8
		})
		was := w.status().Snapshot
		w.stop()
		w.start()
		w.await("another plan", time.Hour, func() bool { return len(w.Log.Lines("snapshot is planned")) == 2 })
		line := w.Log.Lines("snapshot is planned")[1]
		if planned := int(line["calls_planned"].(float64)); planned != was.Expected {
			t.Errorf("%d calls are planned, %d before the restart", planned, was.Expected)
		}
		made := int(line["calls_made"].(float64))
		if made < was.Calls-2 || made > was.Calls+1 {
			t.Errorf("%d calls are made by the plan, %d before the restart", made, was.Calls)
		}
		from := time.Now()
		w.await("the snapshot", time.Hour, w.snapshotDone)
		if n := pagesOfSweeps(w.vendor.Calls(from)); n != was.Expected-made {
			t.Errorf("%d calls after the restart, planned were %d", n, was.Expected-made)
		}
		w.stop()
		w.start()
		sleep(time.Minute)
		if n := len(w.Log.Lines("snapshot is planned")); n != 2 {
			t.Errorf("%d plans: a snapshot that is complete was planned again", n)
		}
	})
}

// A listing that the token may not see, or that fails, keeps no other waiting.
func TestPlanWaitsForNobodyInTrouble(t *testing.T) {
	t.Parallel()
	env := map[string]string{"PLANHAT_OBJECTS": "company,user,license"}
	sim := planhatsim.Options{Seed: 63, Companies: 30, CoreOnly: true, CallsPerMinute: -1}
	for name, status := range map[string]int{"forbidden": 403, "failing": 500} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubbleBefore(t, sim, env, func(w *world) {
				w.vendor.Break(w.only("/users", answer(status, nil, "no")))
			}, func(w *world) {
				w.await("the others to be read", 5*time.Minute, func() bool {
					done := 0
					for _, s := range w.status().Streams {
						if s.SnapshotDone {
							done++
						}
					}
					return done == 2
				})
				w.vendor.Break(nil)
				w.await("the snapshot", time.Hour, w.snapshotDone)
				if n := len(w.Log.Lines("snapshot is planned")); n != 2 {
					t.Errorf("%d plans, want one for the others and one for the listing that came later", n)
				}
			})
		})
	}
}

// A listing that ignores offsets is of unknown length, and says so.
func TestPlanOfAListingWithoutAnEnd(t *testing.T) {
	t.Parallel()
	env := map[string]string{"PLANHAT_OBJECTS": "user,license"}
	sim := planhatsim.Options{Seed: 64, Companies: 30, CoreOnly: true, CallsPerMinute: -1}
	endless := answer(200, nil, `[{"_id":"6b01fcb5ff4ae39f6b000001"}]`)
	inBubbleBefore(t, sim, env, func(w *world) {
		w.vendor.Break(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/licenses" && r.URL.Query().Get("limit") == "1" {
				return endless(r)
			}
			return nil, nil //nolint:nilnil // no fault
		})
	}, func(w *world) {
		w.await("the snapshot", time.Hour, w.snapshotDone)
		line := w.Log.Lines("snapshot is planned")[0]
		if line["streams_of_unknown_length"] != 1.0 {
			t.Errorf("the plan says %v", line)
		}
		if n := len(w.vendor.Calls(time.Time{})); n > 25 {
			t.Errorf("%d calls: the questions have no end", n)
		}
	})
}
