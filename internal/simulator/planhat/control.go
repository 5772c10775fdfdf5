package planhatsim

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
)

// control is the API below /_sim/: for tests and people, never for clients of Planhat.
func (s *Server) control() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sim/state/{listing}", s.getState)
	mux.HandleFunc("GET /_sim/journal", s.getJournal)
	mux.HandleFunc("GET /_sim/calls", s.getCalls)
	mux.HandleFunc("GET /_sim/switches", s.getSwitches)
	mux.HandleFunc("PUT /_sim/switches", s.putSwitches)
	mux.HandleFunc("PUT /_sim/tokens", s.putTokens)
	mux.HandleFunc("GET /_sim/faults", s.getFaults)
	mux.HandleFunc("POST /_sim/faults", s.postFault)
	mux.HandleFunc("DELETE /_sim/faults", s.deleteFaults)
	mux.HandleFunc("GET /_sim/life", s.getLife)
	mux.HandleFunc("POST /_sim/life", s.postLife)
	mux.HandleFunc("POST /_sim/settle", s.postSettle)
	mux.HandleFunc("POST /_sim/derive", s.postDerive)
	return mux
}

func say(w http.ResponseWriter, v any) { write(w, encoded(http.StatusOK, v)) }

func complain(w http.ResponseWriter, err error) {
	write(w, encoded(http.StatusBadRequest, map[string]string{"error": err.Error()}))
}

func readJSON(w http.ResponseWriter, r *http.Request, into any) bool {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		complain(w, err)
		return false
	}
	return true
}

func (s *Server) getState(w http.ResponseWriter, r *http.Request) {
	body := s.State(r.PathValue("listing"))
	if body == nil {
		http.NotFound(w, r)
		return
	}
	write(w, jsonAnswer(http.StatusOK, body))
}

func (s *Server) getJournal(w http.ResponseWriter, r *http.Request) {
	entries, last := s.Journal(int64(natural(r.URL.Query().Get("after"))))
	if limit, err := strconv.Atoi(r.URL.Query().Get("limit")); err == nil && limit > 0 && limit < len(entries) {
		entries = entries[:limit]
	}
	if entries == nil {
		entries = []Entry{}
	}
	say(w, map[string]any{"entries": entries, "last": last})
}

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
	if err != nil {
		complain(w, err)
		return
	}
	merged, err := simkit.Merged(*s.switches.Load(), body)
	if err != nil {
		complain(w, err)
		return
	}
	s.switches.Store(&merged)
	say(w, merged)
}

func (s *Server) putTokens(w http.ResponseWriter, r *http.Request) {
	tokens := map[string]Token{}
	if readJSON(w, r, &tokens) {
		s.SetTokens(tokens)
		say(w, map[string]int{"tokens": len(tokens)})
	}
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

func (s *Server) postLife(w http.ResponseWriter, r *http.Request) {
	var wanted struct {
		Rate float64 `json:"rate"`
	}
	if readJSON(w, r, &wanted) {
		s.SetLife(wanted.Rate)
		s.getLife(w, r)
	}
}

func (s *Server) postSettle(w http.ResponseWriter, _ *http.Request) {
	s.Settle()
	say(w, map[string]bool{"settled": true})
}

func (s *Server) postDerive(w http.ResponseWriter, r *http.Request) {
	wanted := struct {
		Days int `json:"days"`
	}{Days: 1}
	if readJSON(w, r, &wanted) {
		s.Derive(wanted.Days)
		say(w, map[string]int{"days": wanted.Days})
	}
}
