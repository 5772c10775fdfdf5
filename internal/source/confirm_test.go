package source

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// tickets is a stream with one ticket that is a deletion candidate.
func tickets(t *testing.T) (*stream, cdc.ID) {
	t.Helper()
	s := newStreams(func(o planhat.Object) string { return string(o) }, map[string]bool{"ticket": true})[0]
	s.cursor.SnapshotDone = true
	id := cdc.ID{5: 1}
	s.index.Put(id, cdc.Entry{Fingerprint: 1, Stamp: 1})
	s.cursor.AddCandidates(id)
	return s, id
}

// Where nobody can be asked, two sweeps are needed: a candidate that comes back
// from the log within one is the same witness.
func TestACandidateThatComesBackIsNoSecondWitness(t *testing.T) {
	t.Parallel()
	s, id := tickets(t)
	start := time.Unix(1_800_000_000, 0)
	for _, step := range []struct {
		swept  time.Time
		listed bool
		gone   bool
	}{{time.Time{}, false, false}, {start, true, false}, {start, false, false}, {start, false, false}, {start.Add(time.Minute), false, true}} {
		s.schedule.swept = step.swept
		if step.listed {
			s.listed([]cdc.Sighting{{ID: id}})
		}
		if gone := s.unseenTwice(id); gone != step.gone {
			t.Fatalf("gone: %v after %+v", gone, step)
		}
	}
}

// What stands at the twin's address and cannot be read is no proof that the
// record is gone.
func TestATwinThatCannotBeReadIsNoDelete(t *testing.T) {
	t.Parallel()
	s, id := tickets(t)
	c := &s.scan.confirm
	known, _ := s.index.Get(id)
	for body, deletes := range map[string]int{
		`{"_id":"` + id.String() + `","type":{"name":"ticket"}}`: 0,
		`{"_id":"` + id.String() + `","type":"ticket"}`:          0,
		`{"_id":"` + id.String() + `","type":"note"}`:            1,
	} {
		w := workspaceAt(t, http.StatusOK, body)
		*c = confirmation{missing: answer{planhat.KindNotFound, http.StatusNotFound}, proved: 1, twin: true}
		if err := w.settleCandidate(t.Context(), s, id, known); err != nil && w.unanswered(s, id, err) != nil {
			t.Errorf("%s: trouble for the other candidates: %v", body, err)
		}
		if n := len(c.gone); n != deletes {
			t.Errorf("%s: %d deletes, want %d", body, n, deletes)
		}
	}
}

// A stream is blind only as long as no address tells what exists.
func TestAStreamSeesAgain(t *testing.T) {
	t.Parallel()
	s, _ := tickets(t)
	other := cdc.ID{5: 2}
	s.index.Put(other, cdc.Entry{Fingerprint: 1, Stamp: 1})
	s.blind = true
	var proved objectSet
	if err := workspaceAt(t, http.StatusOK, `{"_id":"`+other.String()+`"}`).proveExisting(t.Context(), s, 0, &proved); err != nil || s.blind || !proved.has(0) {
		t.Errorf("blind %v after a record answered, %v", s.blind, err)
	}
}

// workspaceAt is one whose vendor answers everything alike.
func workspaceAt(t *testing.T, status int, body string) *workspace {
	t.Helper()
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(vendor.Close)
	client, err := planhat.New(vendor.URL, func() string { return "token" }, planhat.WithRetry(planhat.Retry{Attempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	return &workspace{client: client, now: time.Now, log: slog.New(slog.DiscardHandler), metrics: newMetrics(prometheus.NewRegistry())}
}

// A token that may list records but not ask for one of them is told so with a
// 401: no delete is confirmed, and the listing is read all the same.
func TestA401ToAQuestionDoesNotStopTheListing(t *testing.T) {
	t.Parallel()
	s, _ := tickets(t)
	s.schedule.target = time.Minute
	s.health.state, s.health.denied = stateOK, unauthorizedIsForbidden
	w := workspaceAt(t, http.StatusOK, `[]`)
	refused := confirmError{&planhat.Error{Kind: planhat.KindUnauthorized, Status: http.StatusUnauthorized}}
	now := time.Unix(1_800_000_000, 0)
	s.schedule.deltaAt, s.schedule.sweepAt = now.Add(time.Second), now.Add(time.Hour)
	w.failed(s, w.inOtherWords(t.Context(), s, refused), now)
	if s.health.state != "retrying" || w.pause.token != "" || s.schedule.due.After(now.Add(time.Second)) || len(s.cursor.Candidates) != 1 {
		t.Errorf("%s %q, due in %s", s.health.state, s.health.cause, s.schedule.due.Sub(now))
	}
}

// Only a listing that is answered 401 again and again is forbidden: one such
// answer at the end of an outage is not.
func TestAnOutageThatEndsWithA401IsNotForbidden(t *testing.T) {
	t.Parallel()
	s, _ := tickets(t)
	w := workspaceAt(t, http.StatusOK, `[]`)
	now := time.Unix(1_800_000_000, 0)
	fails := func(kind planhat.Kind) string {
		w.failed(s, w.inOtherWords(t.Context(), s, &planhat.Error{Kind: kind}), now)
		return s.health.state
	}
	for range 2 * unauthorizedIsForbidden {
		fails(planhat.KindUnavailable)
	}
	for i := range unauthorizedIsForbidden + 1 {
		want := "retrying"
		if i+1 >= unauthorizedIsForbidden {
			want = stateForbidden
		}
		if got := fails(planhat.KindUnauthorized); got != want {
			t.Errorf("after %d answers of 401 in a row the stream is %q, want %q", i+1, got, want)
		}
	}
}
