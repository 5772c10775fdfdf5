package planhatsim

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is a rule that makes requests go wrong. Kinds:
//
//	400 to 599       that status, with Retry-After where set
//	latency          handled and answered Ms later, even if the client is gone by then; further rules still apply
//	timeout-before   never applied, never answered
//	timeout-after    applied at once, never answered
//	timeout-late     applied Ms after it arrived, never answered
//	reset            the connection is reset (RST)
//	truncated        the answer breaks off: Mode length (default), chunked, or json (complete for HTTP, cut for JSON)
//	html             200 with a proxy's page
//	empty-body       200 with nothing
//	shifted          a page as if Rows rows (default 1) before it were gone; offset 0 is left alone
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

// faultReplies are the kinds that answer in their own way; applied is whether they take effect by default.
var faultReplies = map[string]struct {
	applied bool
	reply   func(*Server, http.ResponseWriter, *request, Fault, answer) int
}{
	"timeout-before": {false, hold},
	"timeout-after":  {true, hold},
	"timeout-late":   {false, holdLate},
	"reset":          {false, reset},
	"truncated":      {true, truncate},
	"html":           {false, page502},
	"empty-body":     {true, emptyBody},
	"shifted":        {true, reply},
}

func (f Fault) status() int {
	code, err := strconv.Atoi(f.Kind)
	if err != nil || code < 400 || code > 599 {
		return 0
	}
	return code
}

func (f Fault) validate() error {
	_, known := faultReplies[f.Kind]
	switch {
	case !known && f.Kind != "latency" && f.status() == 0:
		return fmt.Errorf("add fault: no kind %q", f.Kind)
	case f.Count < 0 || f.Skip < 0 || f.Ms < 0 || f.Probability < 0 || f.Probability > 1:
		return fmt.Errorf("add fault %s: count, skip, ms and probability must be in range", f.Kind)
	case f.Mode != "" && f.Mode != "length" && f.Mode != "chunked" && f.Mode != "json":
		return fmt.Errorf("add fault %s: no mode %q", f.Kind, f.Mode)
	}
	return nil
}

func (f Fault) applied() bool {
	if f.Applied != nil {
		return *f.Applied
	}
	return faultReplies[f.Kind].applied
}

// matches tells whether the rule is about a request.
func (f Fault) matches(r *request) bool {
	if f.Kind == "shifted" && (r.Method != http.MethodGet || r.id != "" || natural(r.URL.Query().Get("offset")) == 0) {
		return false
	}
	return (f.Method == "" || strings.EqualFold(f.Method, r.Method)) && strings.HasPrefix(r.URL.Path, f.Path)
}

// faultList is the rules under way, asked in order, and how often each kind happened.
type faultList struct {
	mu       sync.Mutex
	rng      *rand.Rand
	rules    []*faultRule
	injected map[string]int64
}

type faultRule struct {
	Fault
	passed, used int
}

func newFaultList(rng *rand.Rand) *faultList {
	return &faultList{rng: rng, injected: map[string]int64{}}
}

// pick gives the latency of a request and the first other fault that it meets.
func (l *faultList) pick(r *request) (wait time.Duration, fault *Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, rule := range l.rules {
		if !rule.matches(r) || fault != nil && rule.Kind != "latency" || !l.strikes(rule) {
			continue
		}
		l.injected[rule.Kind]++
		if rule.Kind == "latency" {
			wait += time.Duration(rule.Ms) * time.Millisecond
			continue
		}
		chosen := rule.Fault
		fault = &chosen
	}
	l.rules = slices.DeleteFunc(l.rules, func(rule *faultRule) bool { return rule.Count > 0 && rule.used >= rule.Count })
	return wait, fault
}

func (l *faultList) strikes(rule *faultRule) bool {
	if rule.passed < rule.Skip {
		rule.passed++
		return false
	}
	if rule.Probability > 0 && l.rng.Float64() >= rule.Probability {
		return false
	}
	rule.used++
	return true
}

// AddFault adds a rule behind those under way.
func (s *Server) AddFault(f Fault) error {
	if err := f.validate(); err != nil {
		return err
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.rules = append(s.faults.rules, &faultRule{Fault: f})
	return nil
}

// ClearFaults ends all rules; requests that are held go on being held.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.rules = nil
}

// Injected counts the faults that happened, by kind.
func (s *Server) Injected() map[string]int64 {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	return maps.Clone(s.faults.injected)
}

// Faults lists the rules under way.
func (s *Server) Faults() []Fault {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	out := []Fault{}
	for _, rule := range s.faults.rules {
		out = append(out, rule.Fault)
	}
	return out
}
