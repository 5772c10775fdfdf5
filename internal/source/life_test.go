package source_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

const changesTotal = "planhat_bridge_source_changes_total"

// ofObject counts the events of an object with an op.
func (r *rig) ofObject(object, op string) float64 {
	r.t.Helper()
	return r.total(changesTotal, "object="+object, "op="+op)
}

// Where the calls do not suffice for all targets, every listing gets its share
// of polls, sweeps and questions, and the status says how much later all is.
func TestAShortBudgetStarvesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 21, Companies: 24}, map[string]string{"PLANHAT_CALLS_PER_MINUTE": "900"})
	svc, _ := r.start()
	r.judge()
	r.mutate(func(tx *planhatsim.Tx) error {
		for _, listing := range []string{"endusers", "tasks", "campaigns", "sales", "tickets"} {
			if err := tx.Delete(listing, tx.IDs(listing)[1]); err != nil {
				return err
			}
		}
		return nil
	})
	r.judge()
	st, _ := svc.Status().(source.Status)
	if by := st.Workspaces[0].Stretch; by < 2 || by > 10 {
		t.Errorf("the targets are stretched by %v: 20 listings want some 20 calls a second of 7", by)
	}
}

// Tickets may have no GET of their own, and may not be conversations either.
func TestDeletesOfTickets(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		switches planhatsim.Switches
		asked    string // where the answer comes from
	}{
		"a GET of their own":    {planhatsim.Switches{}, "GET /tickets/{id}"},
		"as conversations":      {planhatsim.Switches{TicketGet: "no-route"}, "GET /conversations/{id}"},
		"only here":             {planhatsim.Switches{TicketsAsConversations: "hidden"}, "GET /tickets/{id}"},
		"nowhere to be asked":   {planhatsim.Switches{TicketGet: "no-route", TicketsAsConversations: "hidden"}, ""},
		"nowhere, and 200 null": {planhatsim.Switches{TicketGet: "no-route", TicketsAsConversations: "hidden", MissingGet: "200-null"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, planhatsim.Options{Seed: 22, Companies: 30, Switches: tc.switches}, map[string]string{"PLANHAT_OBJECTS": "ticket"})
			svc, _ := r.start()
			before := r.judge()
			hide := r.hideOnce("tickets")
			until(t, "the listing to be read without its rows", hide)
			until(t, "the tickets to be there again", func() bool { return streamOf(svc, "tickets").Candidates == 0 && heldStreams(svc) == 0 })
			if after := r.judge(); after.Changes != before.Changes {
				t.Fatalf("%d events: one sweep without the tickets deleted some", after.Changes-before.Changes)
			}
			r.mutate(func(tx *planhatsim.Tx) error {
				ids := tx.IDs("tickets")
				if err := tx.Delete("tickets", ids[1]); err != nil {
					return err
				}
				if tc.switches.TicketsAsConversations == "hidden" { // then nobody turns a ticket into a note
					return tx.Delete("tickets", ids[3])
				}
				return tx.Update("conversations", ids[3], `{"type":"note"}`)
			})
			r.judge()
			if n := r.ofObject("ticket", "d"); n != 2 {
				t.Errorf("%v deletes, want two: one of them may have become a note", n)
			}
			_, paths := r.stage.Simulator.Calls()
			if tc.asked != "" && paths[tc.asked] < 4 {
				t.Errorf("%d calls of %s: %v", paths[tc.asked], tc.asked, paths)
			}
		})
	}
}

// A task that is done is archived and leaves the default listing; the note that
// tells of it is a create.
func TestADoneTaskIsNoDelete(t *testing.T) {
	t.Parallel()
	for _, archived := range planhatsim.SwitchValues()["archived_true"] {
		t.Run(archived, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, planhatsim.Options{Seed: 23, Companies: 10, Switches: planhatsim.Switches{ArchivedTrue: archived}},
				map[string]string{"PLANHAT_OBJECTS": "task,note"})
			svc, _ := r.start()
			r.judge()
			done := 0
			r.mutate(func(tx *planhatsim.Tx) error {
				for _, id := range tx.IDs("tasks")[:4] {
					if err := tx.Update("tasks", id, `{"status":"Done","action":"finished"}`); err != nil {
						return err
					}
					done++
				}
				return nil
			})
			sweeps := r.proxy.sweeps.Load()
			until(t, "sweeps after it", func() bool { return r.proxy.sweeps.Load() >= sweeps+6 && r.candidates(svc) == 0 })
			r.judge()
			if d, u := r.ofObject("task", "d"), r.ofObject("task", "u"); d != 0 || u < float64(done) {
				t.Errorf("%v deletes and %v updates of tasks for %d that were done", d, u, done)
			}
		})
	}
}

// What was there before an object was captured is read, not created.
func TestAWiderSelectionReadsWhatWasThere(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 24, Companies: 10}, map[string]string{"PLANHAT_OBJECTS": "note"})
	_, stop := r.start()
	r.judge()
	stop()
	r.cfg.Planhat[0].Objects = []string{"note", "conversation"}
	_, stop = r.start()
	r.judge()
	if read, made := r.ofObject("conversation", "r"), r.ofObject("conversation", "c"); read < 10 || made != 0 {
		t.Errorf("%v conversations were read and %v created", read, made)
	}
	if n := r.ofObject("note", "r") + r.ofObject("note", "c"); n != 0 {
		t.Errorf("%v notes were written again", n)
	}
	r.mutate(func(tx *planhatsim.Tx) error {
		_, err := tx.Create("conversations", `{"type":"call","companyId":"`+tx.IDs("companies")[0]+`","subject":"after it"}`)
		return err
	})
	r.judge()
	if n := r.ofObject("conversation", "c"); n != 1 {
		t.Errorf("%v creates after one", n)
	}
	stop()
	r.start()
	r.judge()
	if n := r.total(changesTotal, "workspace="+r.cfg.Planhat[0].Name); n != 0 {
		t.Errorf("a restart wrote %v events", n)
	}
}

// A token that may not see one listing: its stream says which object and what
// to do, costs next to no calls, and all others go on. When the right comes, so
// does the snapshot.
//
//nolint:tparallel // one proxy forbids one listing at a time
func TestATokenWithoutARight(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 25, Companies: 4}, nil)
	asked := map[string]int{}
	for _, spec := range planhat.Objects() {
		if spec.Object == planhat.Note {
			continue // the listing is that of conversations
		}
		t.Run(string(spec.Object), func(t *testing.T) {
			r.t = t
			path := spec.Path
			r.proxy.forbid.Store(&path)
			svc, stop := r.start()
			defer stop()
			until(t, "the stream to be forbidden and all others to be read", func() bool {
				st, _ := svc.Status().(source.Status)
				fit := 0
				for _, s := range st.Workspaces[0].Streams {
					if (s.Name == spec.Listing) == (s.State == "forbidden") && (s.State == "forbidden" || s.State == "ok" && s.SnapshotDone) {
						fit++
					}
				}
				return fit == len(st.Workspaces[0].Streams) && fit > 0
			})
			got := streamOf(svc, spec.Listing)
			if !strings.Contains(got.Cause, string(spec.Object)) || !strings.Contains(got.Cause, "to repair: ") {
				t.Errorf("the status says %q", got.Cause)
			}
			if n := r.total("planhat_bridge_source_stream_forbidden"); n != 1 {
				t.Errorf("the metric shows %v forbidden streams", n)
			}
			asked[spec.Listing] = int(r.proxy.refused.Swap(0))
			if asked[spec.Listing] > 2 {
				t.Errorf("%d calls for a listing that is forbidden", asked[spec.Listing])
			}
		})
	}
	if len(asked) != 20 {
		t.Errorf("%d listings were refused, want all 20", len(asked))
	}
}

// Planhat may say 401 where the token lacks a right for one object only: that
// stops the listing, not the workspace.
func TestA401ForOneListing(t *testing.T) {
	t.Parallel()
	r := newRig(t, planhatsim.Options{Seed: 26, Companies: 4, Switches: planhatsim.Switches{Forbidden: fmt.Sprint(http.StatusUnauthorized)}},
		map[string]string{"PLANHAT_OBJECTS": "company,license"})
	r.stage.Simulator.SetTokens(map[string]planhatsim.Token{r.env["PLANHAT_TOKEN"]: {Deny: map[string]bool{"license": true}}})
	svc, _ := r.start()
	until(t, "the listing to be forbidden", func() bool { return streamState(svc, "licenses") == "forbidden" })
	until(t, "the workspace to go on", func() bool { return state(svc) == "ok" && streamState(svc, "companies") == "ok" })
}
