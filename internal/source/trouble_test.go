package source

import (
	"net/http"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/source/durable"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// A stream in trouble asks again when it says that it will, however seldom it is
// looked at otherwise, and is not well before its listing has answered.
func TestAStreamInTroubleAsksAgain(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		listing string
		status  int
		body    string
		within  time.Duration // for five calls
	}{
		"a poll that is forbidden":   {"companies", http.StatusForbidden, `{}`, 21 * time.Minute},
		"a sweep that is forbidden":  {"licenses", http.StatusForbidden, `{}`, 21 * time.Minute},
		"a poll that is malformed":   {"companies", http.StatusOK, `[{`, 20 * time.Second},
		"a sweep that is malformed":  {"licenses", http.StatusOK, `[{`, 20 * time.Second},
		"a sweep with rows at sea":   {"licenses", http.StatusOK, `[{"_id":"nobody"}]`, 20 * time.Second},
		"a sweep without any answer": {"licenses", http.StatusBadGateway, ``, 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, calls := streamFor(t, tc.listing), 0
			w := asker(t, func(string) (int, string) { calls++; return tc.status, tc.body }, s)
			began := time.Unix(1_800_000_000, 0)
			now := began
			w.now, w.callsPerMinute = func() time.Time { return now }, 100
			s.cursor = cdc.Cursor{SnapshotDone: true, SnapshotRows: 3 * s.pageSize(), Watermark: 1}
			s.recorded, _ = s.cursor.MarshalJSON()
			s.schedule = schedule{target: 15 * time.Minute, due: now, deltaAt: now, sweepAt: now}
			if s.polls() {
				s.schedule.sweepAt = now.Add(time.Hour)
			}
			s.adapt(w.callsPerMinute)
			for range 20 {
				if now = s.schedule.due; calls == 5 {
					break
				}
				done, err := w.step(t.Context(), s)
				if err := w.settle(t.Context(), s, done, err); err != nil {
					t.Fatal(err)
				}
				if s.health.state == stateOK || !s.schedule.due.After(now) {
					t.Fatalf("after %d calls and %s: state %s, due %s later", calls, now.Sub(began), s.health.state, s.schedule.due.Sub(now))
				}
			}
			if took := now.Sub(began); calls < 5 || took > 20*time.Minute+tc.within {
				t.Errorf("%d calls in %s", calls, took)
			}
		})
	}
}

// A stream that is not polled is swept at once when it is resumed: only a sweep
// finds what was edited meanwhile.
func TestAResumedStreamIsLookedAt(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	for listing, within := range map[string]time.Duration{"companies": 15 * time.Minute, "licenses": 0} {
		s := streamFor(t, listing)
		w := asker(t, func(string) (int, string) { return http.StatusOK, "[]" }, s)
		w.now = func() time.Time { return now }
		s.cursor = cdc.Cursor{SnapshotDone: true, SnapshotRows: 3 * s.pageSize()}
		s.schedule = schedule{target: 15 * time.Minute, sweepAt: now.Add(time.Hour), deltaAt: now.Add(time.Hour)}
		if w.wake(s); s.sweepTime().After(now.Add(within)) || !s.sweepDue(now) && !s.deltaDue(now) {
			t.Errorf("%s: swept %s after it was resumed", listing, s.sweepTime().Sub(now))
		}
	}
}

// Of a snapshot that was paused while others ended it is told how far it is, and
// that it is complete.
func TestASnapshotThatGoesOnAfterAPause(t *testing.T) {
	t.Parallel()
	a, b := streamFor(t, "companies"), streamFor(t, "licenses")
	w := asker(t, func(string) (int, string) { return http.StatusOK, "[]" }, a, b)
	now := time.Unix(1_800_000_000, 0)
	w.now, w.callsPerMinute, w.reported = func() time.Time { return now }, 100, now
	report := func() (kinds []schemas.NotificationKind) {
		t.Helper()
		w.outbox.Waiting = nil
		now = now.Add(progressEvery)
		if err := w.report(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, n := range w.outbox.Waiting {
			kinds = append(kinds, n.Kind)
		}
		return kinds
	}
	for _, s := range w.streams {
		s.schedule.target = time.Minute
		s.reading = reading{active: true, planned: true, told: true, calls: 5}
	}
	a.paused = &durable.Pause{}
	b.reading.ends(5)
	if got := report(); len(got) != 0 {
		t.Errorf("%v while one is paused", got)
	}
	a.paused = nil
	report()
	if got := report(); len(got) != 1 || got[0] != schemas.NotifySnapshotProgress {
		t.Errorf("%v when it goes on", got)
	}
	a.reading.ends(5)
	if got := report(); len(got) != 1 || got[0] != schemas.NotifySnapshotCompleted || w.snapshotShown.Streams != 0 {
		t.Errorf("%v when it is complete; the status shows %+v", got, w.snapshotShown)
	}
}
