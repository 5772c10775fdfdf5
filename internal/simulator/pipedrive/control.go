package pipedrivesim

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
)

// control is the API below /_sim/: for tests and people, never for clients of Pipedrive.
func (s *Server) control() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sim/state/{object}", s.getState)
	mux.HandleFunc("GET /_sim/journal", s.getJournal)
	mux.HandleFunc("GET /_sim/calls", s.getCalls)
	mux.HandleFunc("GET /_sim/deliveries", s.getDeliveries)
	mux.HandleFunc("GET /_sim/switches", s.getSwitches)
	mux.HandleFunc("PUT /_sim/switches", s.putSwitches)
	mux.HandleFunc("PUT /_sim/tokens", s.putTokens)
	mux.HandleFunc("PUT /_sim/users", s.putUsers)
	mux.HandleFunc("GET /_sim/budget", s.getBudget)
	mux.HandleFunc("PUT /_sim/budget", s.putBudget)
	mux.HandleFunc("GET /_sim/clock", s.getClock)
	mux.HandleFunc("PUT /_sim/clock", s.putClock)
	mux.HandleFunc("GET /_sim/hooks", s.getHooks)
	mux.HandleFunc("PUT /_sim/hooks", s.putHooks)
	mux.HandleFunc("GET /_sim/faults", s.getFaults)
	mux.HandleFunc("POST /_sim/faults", s.postFault)
	mux.HandleFunc("DELETE /_sim/faults", s.deleteFaults)
	mux.HandleFunc("GET /_sim/life", s.getLife)
	mux.HandleFunc("POST /_sim/life", s.postLife)
	mux.HandleFunc("POST /_sim/acts", s.postAct)
	mux.HandleFunc("POST /_sim/settle", s.postSettle)
	return mux
}

func say(w http.ResponseWriter, v any) { write(w, ok(v)) }

func complain(w http.ResponseWriter, err error) {
	write(w, said(http.StatusBadRequest, map[string]string{"error": err.Error()}))
}

// readJSON reads a body of the control API; an empty one is {}.
func readJSON(w http.ResponseWriter, r *http.Request, into any) bool {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		complain(w, err)
		return false
	}
	return true
}

// State gives all records of an object as REST answers them, the archived and the deleted ones too (is_deleted
// true, active_flag false), by id; nil where there is no such object. What depends on
// the caller is as for the first user.
func (s *Server) State(name string) []json.RawMessage {
	o := objectsByName[name]
	if o == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := []json.RawMessage{}
	for _, r := range s.stores[o].sortedBy("id") {
		if !s.purged(r) {
			rows = append(rows, json.RawMessage(s.row(*s.switches.Load(), r, rowOptions{})))
		}
	}
	return rows
}

func (s *Server) getState(w http.ResponseWriter, r *http.Request) {
	rows := s.State(r.PathValue("object"))
	if rows == nil {
		http.NotFound(w, r)
		return
	}
	say(w, map[string]any{"records": rows})
}

// span reads after and limit.
func span[T any](r *http.Request, rows []T) []T {
	if limit, err := strconv.Atoi(r.URL.Query().Get("limit")); err == nil && limit > 0 && limit < len(rows) {
		rows = rows[:limit]
	}
	if rows == nil {
		rows = []T{}
	}
	return rows
}

func (s *Server) getJournal(w http.ResponseWriter, r *http.Request) {
	entries, last := s.Journal(natural(r.URL.Query().Get("after")))
	say(w, map[string]any{"entries": span(r, entries), "last": last})
}

func (s *Server) getDeliveries(w http.ResponseWriter, r *http.Request) {
	entries, last := s.Deliveries(natural(r.URL.Query().Get("after")))
	say(w, map[string]any{"deliveries": span(r, entries), "last": last, "pending": s.Pending()})
}

// Calls gives the last API calls, oldest first, and counts all by method and path.
func (s *Server) Calls() ([]simkit.Call, map[string]int64) { return s.calls.Snapshot() }

func (s *Server) getCalls(w http.ResponseWriter, _ *http.Request) {
	calls, perPath := s.Calls()
	say(w, map[string]any{"calls": calls, "per_path": perPath})
}

func (s *Server) getSwitches(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("values") {
		say(w, SwitchValues())
		return
	}
	say(w, *s.switches.Load())
}

// putSwitches sets the switches that the body names and leaves the others.
func (s *Server) putSwitches(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		var merged Switches
		if merged, err = simkit.Merged(*s.switches.Load(), body); err == nil {
			s.switches.Store(&merged)
			say(w, merged)
			return
		}
	}
	complain(w, err)
}

func (s *Server) putTokens(w http.ResponseWriter, r *http.Request) {
	tokens := map[string]Token{}
	if readJSON(w, r, &tokens) {
		s.SetTokens(tokens)
		say(w, map[string]int{"tokens": len(tokens)})
	}
}

// putUsers removes a user, or returns one.
func (s *Server) putUsers(w http.ResponseWriter, r *http.Request) {
	var wanted struct {
		Remove int64 `json:"remove"`
		Return int64 `json:"return"`
	}
	if !readJSON(w, r, &wanted) {
		return
	}
	var err error
	if wanted.Remove != 0 {
		err = s.RemoveUser(wanted.Remove)
	}
	if wanted.Return != 0 {
		err = errors.Join(err, s.ReturnUser(wanted.Return))
	}
	if err != nil {
		complain(w, err)
		return
	}
	say(w, wanted)
}

func (s *Server) getBudget(w http.ResponseWriter, _ *http.Request) { say(w, s.Budget()) }

// putBudget changes what the body names.
func (s *Server) putBudget(w http.ResponseWriter, r *http.Request) {
	b := s.Budget()
	if readJSON(w, r, &b) {
		s.SetBudget(b)
		say(w, b)
	}
}

type clockSetting struct {
	Scale float64 `json:"scale"`
}

func (s *Server) getClock(w http.ResponseWriter, _ *http.Request) { say(w, clockSetting{s.Scale()}) }

func (s *Server) putClock(w http.ResponseWriter, r *http.Request) {
	var wanted clockSetting
	if !readJSON(w, r, &wanted) {
		return
	}
	if wanted.Scale <= 0 {
		complain(w, errors.New("set clock: scale must be greater than 0"))
		return
	}
	s.SetScale(wanted.Scale)
	say(w, wanted)
}

func (s *Server) getFaults(w http.ResponseWriter, _ *http.Request) {
	say(w, map[string]any{"injected": s.Injected(), "active": s.Faults()})
}

func (s *Server) postFault(w http.ResponseWriter, r *http.Request) {
	var f Fault
	if !readJSON(w, r, &f) {
		return
	}
	if err := s.AddFault(f); err != nil {
		complain(w, err)
		return
	}
	s.getFaults(w, r)
}

func (s *Server) deleteFaults(w http.ResponseWriter, r *http.Request) {
	s.ClearFaults()
	s.getFaults(w, r)
}

func (s *Server) getLife(w http.ResponseWriter, _ *http.Request) {
	rate, changes := s.Life()
	say(w, map[string]any{"rate": rate, "changes": changes})
}

// postLife sets the rate, or makes changes at once.
func (s *Server) postLife(w http.ResponseWriter, r *http.Request) {
	wanted := struct {
		Rate    *float64 `json:"rate"`
		Changes int      `json:"changes"`
	}{}
	if !readJSON(w, r, &wanted) {
		return
	}
	if wanted.Changes > 0 {
		s.Live(wanted.Changes)
	}
	if wanted.Rate != nil {
		s.SetLife(*wanted.Rate)
	}
	s.getLife(w, r)
}

func (s *Server) postAct(w http.ResponseWriter, r *http.Request) {
	var act Act
	if !readJSON(w, r, &act) {
		return
	}
	id, err := s.Do(act)
	if err != nil {
		complain(w, err)
		return
	}
	say(w, map[string]int64{"id": id})
}

// postSettle gives up what waits to be delivered, if asked to, and waits for what is pending as long as it is told.
// Writes that were answered are done in any case.
func (s *Server) postSettle(w http.ResponseWriter, r *http.Request) {
	var wanted struct {
		GiveUp bool `json:"give_up"`
		WaitMs int  `json:"wait_ms"`
	}
	if !readJSON(w, r, &wanted) {
		return
	}
	if wanted.GiveUp {
		s.GiveUp()
	}
	settled := s.Settle(time.Duration(wanted.WaitMs) * time.Millisecond)
	say(w, map[string]any{"settled": settled, "pending": s.Pending()})
}
