package simkit

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
)

// What follows is for the control APIs below /_sim/: for tests and people, never for clients of a vendor.

// Say answers with a value as JSON, without escaping what HTML would need.
func Say(w http.ResponseWriter, v any) { say(w, http.StatusOK, v) }

// Complain answers 400 with an error.
func Complain(w http.ResponseWriter, err error) {
	say(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
}

func say(w http.ResponseWriter, status int, v any) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	Answer{Status: status, Kind: TypeJSON, Body: bytes.TrimRight(body.Bytes(), "\n")}.Write(w)
}

// Saying is a handler that says a value.
func Saying[T any](value func() T) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { Say(w, value()) }
}

// ReadJSON reads a body; names that the value does not have are errors. Where it gives false, it has complained.
func ReadJSON(w http.ResponseWriter, r *http.Request, into any) bool {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		Complain(w, err)
		return false
	}
	return true
}

// Taking is a handler that reads a T, does something with it and says what came of it.
func Taking[T, U any](do func(T) (U, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var given T
		if !ReadJSON(w, r, &given) {
			return
		}
		came, err := do(given)
		if err != nil {
			Complain(w, err)
			return
		}
		Say(w, came)
	}
}

// Natural reads a number that is not negative; 0 for anything else.
func Natural(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// Entries gives the entries of a log behind the number "after" of a request, at most "limit" of them, under a name, and
// the number of the last one.
func Entries[E any](r *http.Request, name string, behind func(after int64) (entries []E, last int64)) map[string]any {
	q := r.URL.Query()
	entries, last := behind(Natural(q.Get("after")))
	if limit := Natural(q.Get("limit")); limit > 0 && limit < int64(len(entries)) {
		entries = entries[:limit]
	}
	if entries == nil {
		entries = []E{}
	}
	return map[string]any{name: entries, "last": last}
}

// ServeHTTP says the calls to the control API.
func (c *CallLog) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	calls, counts := c.Snapshot()
	Say(w, map[string]any{"calls": calls, "per_path": counts})
}

// Faulty is a server that can be made to go wrong.
type Faulty[F any] interface {
	AddFault(f F) error
	ClearFaults()
	Faults() []F
	Injected() map[string]int64
}

// HandleFaults adds the handlers of a server's faults.
func HandleFaults[F any](mux *http.ServeMux, s Faulty[F]) {
	told := func() map[string]any { return map[string]any{"injected": s.Injected(), "active": s.Faults()} }
	mux.HandleFunc("GET /_sim/faults", Saying(told))
	mux.HandleFunc("POST /_sim/faults", Taking(func(f F) (map[string]any, error) {
		err := s.AddFault(f)
		return told(), err
	}))
	mux.HandleFunc("DELETE /_sim/faults", Saying(func() map[string]any { s.ClearFaults(); return told() }))
}

// HandleSwitches adds the handlers of a server's switches; PUT sets those that the body names and leaves the others.
func HandleSwitches[S any](mux *http.ServeMux, board *Switchboard[S]) {
	mux.HandleFunc("GET /_sim/switches", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("values") {
			Say(w, Values[S]())
			return
		}
		Say(w, *board.Load())
	})
	mux.HandleFunc("PUT /_sim/switches", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = board.Merge(body)
		}
		if err != nil {
			Complain(w, err)
			return
		}
		Say(w, *board.Load())
	})
}

// HandleTokens adds the handler that replaces the tokens of a server.
func HandleTokens[T any](mux *http.ServeMux, set func(map[string]T)) {
	mux.HandleFunc("PUT /_sim/tokens", Taking(func(tokens map[string]T) (map[string]int, error) {
		set(tokens)
		return map[string]int{"tokens": len(tokens)}, nil
	}))
}
