package simkit

import (
	"net/http"
	"strconv"
)

// Answer is what an API says, before faults and the wire.
type Answer struct {
	Status int
	Kind   string // content type
	Body   []byte
	Items  int // rows of a listing, items of a bulk upsert
}

// Content types that both vendors spell alike.
const (
	TypeJSON = "application/json; charset=utf-8"
	TypeText = "text/plain; charset=utf-8"
)

// With gives the answer with its number of items.
func (a Answer) With(items int) Answer {
	a.Items = items
	return a
}

// Write sends an answer and gives its status.
func (a Answer) Write(w http.ResponseWriter) int {
	if a.Kind != "" {
		w.Header().Set("Content-Type", a.Kind)
	}
	if a.Status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.Body)))
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // a client that has gone away is not the vendor's trouble
	return a.Status
}

// Announce sends the head of an answer whose body is to be so long.
func (a Answer) Announce(w http.ResponseWriter, length int) {
	w.Header().Set("Content-Type", a.Kind)
	w.Header().Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(a.Status)
}

// Truncate breaks an answer off in its middle.
func (a Answer) Truncate(w http.ResponseWriter) int {
	a.Announce(w, len(a.Body)+1)
	_, _ = w.Write(a.Body[:len(a.Body)/2]) // less than was announced: net/http closes the connection
	return a.Status
}
