package source_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/test/rig/metric"
)

// mutate edits the tenant as its users would.
func (r *rig) mutate(fn func(tx *planhatsim.Tx) error) {
	r.t.Helper()
	r.stage.Simulator.Mutate(func(tx *planhatsim.Tx) {
		if err := fn(tx); err != nil {
			r.t.Errorf("mutate: %v", err)
		}
	})
}

// An archived enduser leaves the default listing, as a deleted one does.
func TestArchivingIsNotADelete(t *testing.T) {
	t.Parallel()
	for _, archived := range planhatsim.SwitchValues()["archived_true"] {
		t.Run(archived, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, planhatsim.Options{Seed: 5, Companies: 10, Switches: planhatsim.Switches{ArchivedTrue: archived}}, nil)
			svc, _ := r.start()
			r.judge()
			for batch := range 2 {
				r.mutate(func(tx *planhatsim.Tx) error {
					for _, id := range tx.IDs("endusers")[5*batch : 5*batch+5] {
						if err := tx.Update("endusers", id, `{"archived":true,"position":"gone"}`); err != nil {
							return err
						}
					}
					return nil
				})
				until(t, "the archived records to be seen", func() bool {
					return r.total("planhat_bridge_source_changes_total", "op=u") >= float64(5*batch+5) && r.candidates(svc) == 0
				})
			}
			r.judge()
			if n := r.total("planhat_bridge_source_changes_total", "op=d"); n != 0 {
				t.Errorf("%v deletes were written for archived records", n)
			}
		})
	}
}

func TestDeletesAreFoundAndConfirmed(t *testing.T) {
	t.Parallel()
	for _, missing := range planhatsim.SwitchValues()["missing_get"] {
		t.Run(missing, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, planhatsim.Options{Seed: 6, Companies: 12, Switches: planhatsim.Switches{MissingGet: missing}}, nil)
			r.start()
			r.judge()
			r.mutate(func(tx *planhatsim.Tx) error {
				for _, listing := range []string{"licenses", "endusers", "companies"} {
					for _, id := range tx.IDs(listing)[2:5] {
						if err := tx.Delete(listing, id); err != nil {
							return err
						}
					}
				}
				return nil
			})
			r.judge()
			if n := r.total("planhat_bridge_source_changes_total", "op=d"); n < 9 {
				t.Errorf("%v deletes, want the nine that were made", n)
			}
		})
	}
}

// A listing that leaves rows out although they exist (a vendor's replica, a
// fault) makes them candidates; asking for each finds that none is gone.
func TestAMissingRowIsNotADelete(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 8, Companies: 20}, nil)
	svc, _ := r.start()
	first := r.judge()
	hidden := r.leaveOut("licenses", 12)
	until(t, "the candidates to be asked for", func() bool {
		_, paths := r.stage.Simulator.Calls()
		return hidden() && paths["GET /licenses/{id}"] >= 12 && r.candidates(svc) == 0
	})
	second := r.judge()
	if n := r.total("planhat_bridge_source_changes_total", "op=d"); n != 0 || second.Changes != first.Changes {
		t.Errorf("%v deletes, %d events after %d: nothing has changed", n, second.Changes, first.Changes)
	}
}

// leaveOut lets one sweep of a listing show all but its first rows, and reports
// when that has happened.
func (r *rig) leaveOut(listing string, rows int) (done func() bool) {
	var once atomic.Bool
	instead := func(w http.ResponseWriter, req *http.Request) bool {
		q := req.URL.Query()
		if req.URL.Path != "/"+listing || q.Get("sort") != "_id" || q.Get("offset") != "0" || q.Get("limit") == "100" || once.Swap(true) {
			return false
		}
		_, _ = w.Write(encode(r.t, r.rowsOf(req)[rows:]))
		return true
	}
	r.proxy.instead.Store(&instead)
	return once.Load
}

// rowsOf is what the vendor answers a listing's request with.
func (r *rig) rowsOf(req *http.Request) (rows []json.RawMessage) {
	answer := httptest.NewRecorder()
	r.proxy.vendor.ServeHTTP(answer, req)
	if err := json.Unmarshal(answer.Body.Bytes(), &rows); err != nil {
		r.t.Errorf("%s: %v", req.URL, err)
	}
	return rows
}

func encode(t *testing.T, rows []json.RawMessage) []byte {
	t.Helper()
	text, err := json.Marshal(rows)
	if err != nil {
		t.Error(err)
	}
	return text
}

// hideOnce answers one sweep of a listing with an empty page and reports when
// that has happened.
func (r *rig) hideOnce(listing string) (done func() bool) {
	r.proxy.hide.Store(&listing)
	return func() bool { return r.proxy.hide.Load() == nil }
}

func TestATypeChangeIsADeleteOnTheNotesTopic(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 9, Companies: 10}, nil)
	r.start()
	r.judge()
	r.mutate(func(tx *planhatsim.Tx) error {
		id, err := tx.Create("conversations", `{"type":"note","companyId":"`+tx.IDs("companies")[0]+`","subject":"a note for now"}`)
		if err != nil {
			return err
		}
		for _, other := range tx.IDs("conversations") {
			if other != id {
				return tx.Update("conversations", id, `{"type":"call"}`)
			}
		}
		return nil
	})
	r.judge()
}

// A token that may not see an object stops that stream and no other.
func TestAForbiddenObjectStopsOnlyItself(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 10, Companies: 10}, nil)
	svc, _ := r.start()
	r.judge()
	r.stage.Simulator.SetTokens(map[string]planhatsim.Token{r.env["PLANHAT_TOKEN"]: {Deny: map[string]bool{"license": true, "licenses": true}}})
	until(t, "the stream to be forbidden", func() bool { return streamState(svc, "licenses") == "forbidden" })
	r.stage.Simulator.Live(5)
	until(t, "the companies to go on", func() bool { return streamState(svc, "companies") == "ok" })
	if s := state(svc); s != "ok" {
		t.Errorf("the workspace is %s", s)
	}
}

// candidates counts what is not yet confirmed.
func (r *rig) candidates(svc *source.Service) int {
	st, _ := svc.Status().(source.Status)
	n := 0
	for _, w := range st.Workspaces {
		for _, s := range w.Streams {
			n += s.Candidates
		}
	}
	return n
}

func streamState(svc *source.Service, name string) string {
	st, _ := svc.Status().(source.Status)
	for _, w := range st.Workspaces {
		for _, s := range w.Streams {
			if s.Name == name {
				return s.State
			}
		}
	}
	return ""
}

// total adds up the series of a metric that have the labels.
func (r *rig) total(name string, labels ...string) float64 {
	r.t.Helper()
	return metric.Sum(r.t, r.reg, name, labels...)
}
