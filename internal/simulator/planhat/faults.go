package planhatsim

import (
	"fmt"
	"net/http"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
)

// Fault is a rule that makes requests go wrong. Kinds:
//
//	400 to 599       that status; RetryAfter is told as Mode says: seconds (default) or date in Retry-After, or until
//	                 the quota's reset, reset (x-ratelimit-reset), epoch (the same since 1970), dashed (X-Rate-Limit-Reset)
//	latency          handled and answered Ms later, even if the client is gone by then; further rules still apply
//	timeout-before   never applied, never answered
//	timeout-after    applied at once, never answered
//	timeout-late     applied Ms after it arrived, never answered
//	reset            the connection is reset (RST)
//	truncated        the answer breaks off: Mode length (default), chunked, or json (complete for HTTP, cut for JSON)
//	html             200 with a proxy's page
//	empty-body       200 with nothing
//	stall            half of the answer, then nothing
//	drip             the whole answer in fifty pieces, Ms (default 100) apart
//	shifted          a page as if Rows rows (default 1) before it were gone; offset 0 is left alone
//	short            a page without its last Rows rows (default all); offset 0 is left alone, but for Mode any
//	garbled          JSON that is no page: Mode object (default), null, strings, no-id, bad-id, two-ids, nested,
//	                 or a page that has its first row twice
//	unsorted         a page in another order than asked for: Mode shuffled (default, anew each time), reversed, ignored (by id)
//	stale            a page as the tenant was Ms ago, but not before the rule was added; Mode all: a record by its id, too
//	late             the same, where Ms is the longest: each record has an age of its own, so that writes appear out of order
//
// Requests without an answer are held until the client gives up (or Ms passed, but for timeout-late);
// with Close the connection is closed at once instead.
type Fault struct {
	Kind        string  `json:"kind"`
	Count       int     `json:"count,omitempty"`       // how many requests; 0 = no end
	Skip        int     `json:"skip,omitempty"`        // matching requests to let pass first
	Probability float64 `json:"probability,omitempty"` // 0 = 1
	Method      string  `json:"method,omitempty"`      // "" = any
	Path        string  `json:"path,omitempty"`        // prefix
	Ms          int     `json:"ms,omitempty"`
	RetryAfter  int     `json:"retry_after,omitempty"` // seconds
	Applied     *bool   `json:"applied,omitempty"`     // whether the request takes effect; default by kind: statuses, reset and html no, the others yes
	Close       bool    `json:"close,omitempty"`
	Mode        string  `json:"mode,omitempty"`
	Rows        int     `json:"rows,omitempty"`
}

// faultKind is one kind that answers in its own way.
type faultKind struct {
	applied bool // whether the request takes effect by default
	reply   func(*Server, http.ResponseWriter, *request, Fault, answer) int
	about   func(Fault, *request) bool // nil: all requests
	modes   string                     // that it has beside ""
}

var faultKinds = map[string]faultKind{
	"timeout-before": {reply: hold},
	"timeout-after":  {applied: true, reply: hold},
	"timeout-late":   {reply: holdLate},
	"reset":          {reply: reset},
	"truncated":      {applied: true, reply: truncate, modes: "length chunked json"},
	"html":           {reply: page502},
	"empty-body":     {applied: true, reply: emptyBody},
	"stall":          {applied: true, reply: stall},
	"drip":           {applied: true, reply: drip},
	"shifted":        {applied: true, reply: reply, about: Fault.laterPage},
	"short":          {applied: true, reply: shorten, about: Fault.laterPage, modes: "any"},
	"garbled":        {applied: true, reply: garble, about: Fault.page, modes: "object null strings no-id bad-id two-ids nested twice"},
	"unsorted":       {applied: true, reply: reply, about: Fault.page, modes: "shuffled reversed ignored"},
	"stale":          {applied: true, reply: reply, about: Fault.look, modes: "all"},
	"late":           {applied: true, reply: reply, about: Fault.look, modes: "all"},
}

// statusModes are those of kinds that are a status.
const statusModes = "seconds date reset epoch dashed"

// page: the request is for a page of a listing.
func (f Fault) page(r *request) bool { return r.Method == http.MethodGet && r.id == "" && !r.lean }

func (f Fault) laterPage(r *request) bool {
	return f.page(r) && (f.Mode == "any" || simkit.Natural(r.URL.Query().Get("offset")) > 0)
}

// look: the request reads what may be old.
func (f Fault) look(r *request) bool {
	return f.page(r) || f.Mode == "all" && r.Method == http.MethodGet && !r.lean
}

func (f Fault) rule() simkit.Rule {
	return simkit.Rule{Kind: f.Kind, Count: f.Count, Skip: f.Skip, Probability: f.Probability, Method: f.Method, Path: f.Path, Ms: f.Ms}
}

func (f Fault) validate() error {
	kind, known := faultKinds[f.Kind]
	if f.rule().Status() != 0 {
		kind.modes = statusModes
	}
	switch {
	case !known && f.Kind != "latency" && f.rule().Status() == 0:
		return fmt.Errorf("add fault: no kind %q", f.Kind)
	case f.rule().Validate() != nil:
		return f.rule().Validate()
	case f.Mode != "" && !names(kind.modes)[f.Mode]:
		return fmt.Errorf("add fault %s: no mode %q", f.Kind, f.Mode)
	}
	return nil
}

func (f Fault) applied() bool {
	if f.Applied != nil {
		return *f.Applied
	}
	return faultKinds[f.Kind].applied
}

// matches tells whether the rule is about a request.
func (f Fault) matches(r *request) bool {
	if about := faultKinds[f.Kind].about; about != nil && !about(f, r) {
		return false
	}
	return f.rule().About(r.Request)
}

// AddFault adds a rule behind those under way.
func (s *Server) AddFault(f Fault) error {
	if err := f.validate(); err != nil {
		return err
	}
	if f.age() != nil {
		s.mu.Lock()
		s.past.remember(f.rule().Wait())
		s.mu.Unlock()
	}
	s.faults.Add(f)
	return nil
}

// ClearFaults ends all rules; requests that are held go on being held.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	s.past.forget()
	s.mu.Unlock()
	s.faults.Clear()
}

// Injected counts the faults that happened, by kind.
func (s *Server) Injected() map[string]int64 { return s.faults.Injected() }

// Faults lists the rules under way.
func (s *Server) Faults() []Fault { return s.faults.Active() }
