package planhatsim

import (
	"net/http"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
)

// control is the API below /_sim/: for tests and people, never for clients of Planhat.
func (s *Server) control() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sim/state/{listing}", s.getState)
	mux.HandleFunc("GET /_sim/journal", s.getJournal)
	mux.Handle("GET /_sim/calls", &s.calls)
	simkit.HandleSwitches(mux, &s.switches)
	simkit.HandleTokens(mux, s.SetTokens)
	simkit.HandleFaults(mux, s)
	mux.HandleFunc("GET /_sim/life", s.GetLife)
	mux.HandleFunc("POST /_sim/life", s.postLife)
	mux.HandleFunc("POST /_sim/settle", s.postSettle)
	mux.HandleFunc("POST /_sim/derive", s.postDerive)
	return mux
}

func (s *Server) getState(w http.ResponseWriter, r *http.Request) {
	body := s.State(r.PathValue("listing"))
	if body == nil {
		http.NotFound(w, r)
		return
	}
	jsonAnswer(http.StatusOK, body).Write(w)
}

func (s *Server) getJournal(w http.ResponseWriter, r *http.Request) {
	simkit.Say(w, simkit.Entries(r, "entries", s.Journal))
}

func (s *Server) postLife(w http.ResponseWriter, r *http.Request) {
	var wanted struct {
		Rate float64 `json:"rate"`
	}
	if simkit.ReadJSON(w, r, &wanted) {
		s.SetLife(wanted.Rate)
		s.GetLife(w, r)
	}
}

func (s *Server) postSettle(w http.ResponseWriter, _ *http.Request) {
	s.Settle()
	simkit.Say(w, map[string]bool{"settled": true})
}

func (s *Server) postDerive(w http.ResponseWriter, r *http.Request) {
	wanted := struct {
		Days int `json:"days"`
	}{Days: 1}
	if simkit.ReadJSON(w, r, &wanted) {
		s.Derive(wanted.Days)
		simkit.Say(w, map[string]int{"days": wanted.Days})
	}
}
