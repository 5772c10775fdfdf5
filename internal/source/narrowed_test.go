package source_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// A token that loses a right while candidates are asked for is answered "not
// found" for all of them, after it was proved that a record which exists
// answers: the proof is made again before a delete is written.
func TestATokenThatIsNarrowedWhileItAsks(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 41, Companies: 30}, map[string]string{"PLANHAT_OBJECTS": "company,license"})
	svc, _ := r.start()
	first := r.judge()
	hidden := r.leaveOut("licenses", 8)
	leave := *r.proxy.instead.Load()
	var asked atomic.Int64
	instead := func(w http.ResponseWriter, req *http.Request) bool {
		// The first two questions are for an id that never was and for a proof.
		if strings.HasPrefix(req.URL.Path, "/licenses/") && asked.Add(1) > 2 {
			http.NotFound(w, req)
			return true
		}
		return leave(w, req)
	}
	r.proxy.instead.Store(&instead)
	until(t, "the candidates and a proof to be asked for", func() bool { return hidden() && asked.Load() >= 2+8+3 && r.candidates(svc) == 0 })
	if second := r.judge(); second.Changes != first.Changes {
		t.Errorf("%d events after %d: nothing has changed", second.Changes, first.Changes)
	}
}

// A token that is narrowed to a part of the companies loses some of every
// listing, of each less than its own limit: together they are too many.
func TestATokenNarrowedToAPortfolio(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 42, Companies: 60, CoreOnly: true}, map[string]string{"PLANHAT_OBJECTS": "company,enduser,conversation,note,license"})
	svc, _ := r.start()
	r.judge()
	var lost []string
	r.mutate(func(tx *planhatsim.Tx) error { lost = tx.IDs("companies")[:15]; return nil })
	var narrowed atomic.Bool
	narrowed.Store(true)
	hides := func(row []byte) bool {
		return slices.ContainsFunc(lost, func(id string) bool { return bytes.Contains(row, []byte(id)) })
	}
	instead := func(w http.ResponseWriter, req *http.Request) bool {
		if !narrowed.Load() {
			return false
		}
		if listing, id, single := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/"); single {
			var row []byte
			r.stage.Simulator.Mutate(func(tx *planhatsim.Tx) { row = tx.Get(listing, id) })
			if hides(row) {
				http.NotFound(w, req)
			}
			return hides(row)
		}
		all := req.Clone(req.Context())
		q := all.URL.Query()
		offset, limit := q.Get("offset"), q.Get("limit")
		if offset != "" && offset != "0" || len(limit) < 3 {
			return false
		}
		rows := slices.DeleteFunc(r.rowsOf(all), func(row json.RawMessage) bool { return hides(row) })
		_, _ = w.Write(encode(t, rows))
		return true
	}
	r.proxy.instead.Store(&instead)
	until(t, "the deletes to be held", func() bool { return heldStreams(svc) >= 2 })
	if n := r.total(changesTotal, "op=d"); n > 60 {
		t.Errorf("%v records were deleted that a narrowed token does not see", n)
	}
	until(t, "the status to say which limit holds the deletes, and what ends it", func() bool {
		st, _ := svc.Status().(source.Status)
		return slices.ContainsFunc(st.Workspaces[0].Streams, func(s source.StreamStatus) bool {
			return strings.Contains(s.HeldFor, "all listings together") && strings.Contains(s.HeldFor, "signal release")
		})
	})
	narrowed.Store(false)
	until(t, "the holds to end by themselves", func() bool { return heldStreams(svc) == 0 && r.candidates(svc) == 0 })
	r.judgeBut("a delete that the vendor never made") // the few that pass the guard: it hid them in every way
}

// A hold stands over a restart, and one word releases all of a workspace.
func TestAHoldOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 43, Companies: 40, EndusersPerCompany: -1, ConversationsPerCompany: -1, CoreOnly: true}, map[string]string{"PLANHAT_OBJECTS": "company,license"})
	svc, stop := r.start()
	r.judge()
	r.mutate(func(tx *planhatsim.Tx) error {
		for _, id := range tx.IDs("licenses")[:30] {
			if err := tx.Delete("licenses", id); err != nil {
				return err
			}
		}
		return nil
	})
	until(t, "the deletes to be held", func() bool { return heldStreams(svc) == 1 })
	for range 2 {
		stop()
		svc, stop = r.start()
		sweeps := r.proxy.sweeps.Load()
		until(t, "some sweeps of the next owner", func() bool { return r.proxy.sweeps.Load() >= sweeps+6 })
		if n := r.total(changesTotal, "op=d"); n != 0 || heldStreams(svc) != 1 {
			t.Fatalf("%v deletes, %d streams are held after a restart", n, heldStreams(svc))
		}
		if n := r.told(schemas.NotifyDeletesHeld, "licenses"); n != 1 {
			t.Fatalf("the operator was told %d times of one hold", n)
		}
	}
	if code, out := r.release(""); code != 0 {
		t.Fatalf("release: exit code %d, %s", code, out)
	}
	r.judge()
	if n := r.total(changesTotal, "op=d"); n != 30 {
		t.Errorf("%v deletes, want 30", n)
	}
	if code, out := r.release(""); code != 1 || !bytes.Contains(out, []byte("nothing")) {
		t.Errorf("release of nothing: exit code %d, %s", code, out)
	}
}
