package pipedrivesim

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
)

// control is the API below /_sim/: for tests and people, never for clients of Pipedrive.
func (s *Server) control() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sim/state/{object}", s.getState)
	mux.HandleFunc("GET /_sim/journal", s.getJournal)
	mux.Handle("GET /_sim/calls", &s.calls)
	mux.HandleFunc("GET /_sim/deliveries", s.getDeliveries)
	simkit.HandleSwitches(mux, &s.switches)
	simkit.HandleTokens(mux, s.SetTokens)
	mux.HandleFunc("PUT /_sim/users", simkit.Taking(s.putUsers))
	mux.HandleFunc("GET /_sim/budget", simkit.Saying(s.Budget))
	mux.HandleFunc("PUT /_sim/budget", s.putBudget)
	mux.HandleFunc("GET /_sim/clock", simkit.Saying(func() clockSetting { return clockSetting{s.Scale()} }))
	mux.HandleFunc("PUT /_sim/clock", simkit.Taking(s.putClock))
	mux.HandleFunc("GET /_sim/hooks", s.getHooks)
	mux.HandleFunc("PUT /_sim/hooks", s.putHooks)
	simkit.HandleFaults(mux, s)
	mux.HandleFunc("GET /_sim/life", s.GetLife)
	mux.HandleFunc("POST /_sim/life", s.postLife)
	mux.HandleFunc("POST /_sim/acts", simkit.Taking(s.postAct))
	mux.HandleFunc("POST /_sim/settle", simkit.Taking(s.postSettle))
	return mux
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
	simkit.Say(w, map[string]any{"records": rows})
}

func (s *Server) getJournal(w http.ResponseWriter, r *http.Request) {
	simkit.Say(w, simkit.Entries(r, "entries", s.Journal))
}

func (s *Server) getDeliveries(w http.ResponseWriter, r *http.Request) {
	told := simkit.Entries(r, "deliveries", s.Deliveries)
	told["pending"] = s.Pending()
	simkit.Say(w, told)
}

// Calls gives the last API calls, oldest first, and counts all by method and path.
func (s *Server) Calls() ([]simkit.Call, map[string]int64) { return s.calls.Snapshot() }

type usersSetting struct {
	Remove int64 `json:"remove"`
	Return int64 `json:"return"`
}

// putUsers removes a user, or returns one.
func (s *Server) putUsers(wanted usersSetting) (usersSetting, error) {
	var err error
	if wanted.Remove != 0 {
		err = s.RemoveUser(wanted.Remove)
	}
	if wanted.Return != 0 {
		err = errors.Join(err, s.ReturnUser(wanted.Return))
	}
	return wanted, err
}

// putBudget changes what the body names.
func (s *Server) putBudget(w http.ResponseWriter, r *http.Request) {
	b := s.Budget()
	if simkit.ReadJSON(w, r, &b) {
		s.SetBudget(b)
		simkit.Say(w, b)
	}
}

type clockSetting struct {
	Scale float64 `json:"scale"`
}

func (s *Server) putClock(wanted clockSetting) (clockSetting, error) {
	if wanted.Scale <= 0 {
		return wanted, errors.New("set clock: scale must be greater than 0")
	}
	s.SetScale(wanted.Scale)
	return wanted, nil
}

// postLife sets the rate, or makes changes at once.
func (s *Server) postLife(w http.ResponseWriter, r *http.Request) {
	wanted := struct {
		Rate    *float64 `json:"rate"`
		Changes int      `json:"changes"`
	}{}
	if !simkit.ReadJSON(w, r, &wanted) {
		return
	}
	if wanted.Changes > 0 {
		s.Live(wanted.Changes)
	}
	if wanted.Rate != nil {
		s.SetLife(*wanted.Rate)
	}
	s.GetLife(w, r)
}

func (s *Server) postAct(act Act) (map[string]int64, error) {
	id, err := s.Do(act)
	return map[string]int64{"id": id}, err
}

type settling struct {
	GiveUp bool `json:"give_up"`
	WaitMs int  `json:"wait_ms"`
}

// postSettle gives up what waits to be delivered, if asked to, and waits for what is pending as long as it is told.
// Writes that were answered are done in any case.
func (s *Server) postSettle(wanted settling) (map[string]any, error) {
	if wanted.GiveUp {
		s.GiveUp()
	}
	settled := s.Settle(time.Duration(wanted.WaitMs) * time.Millisecond)
	return map[string]any{"settled": settled, "pending": s.Pending()}, nil
}
