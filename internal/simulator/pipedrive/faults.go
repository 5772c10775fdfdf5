package pipedrivesim

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

// Fault is a rule that makes requests or deliveries go wrong. Kinds about requests:
//
//	400 to 599       that status, with the body that the vendor gives it; RetryAfter in seconds
//	429-burst        429 of the window of 2 s
//	429-daily        429 of the daily budget
//	plan-limit       403 with the code of a plan's limit
//	403-html         the page of the proxy that blocks who ignores 429s
//	slow             handled and answered Ms later; further rules still apply
//	timeout-before   never applied, never answered
//	timeout-after    applied, never answered
//	reset            the connection is reset (RST); Applied says whether the request took effect
//	truncated        the answer breaks off
//	success-false    200 with success false
//	stale            a GET of records sees them as they were Ms ago, but not before the rule was added
//
// Kinds about deliveries; several may meet one event:
//
//	drop             never delivered
//	duplicate        delivered twice
//	reorder          held for 2 s of the engine's clock, so that later events overtake it
//	delay            held for Ms of the engine's clock; with Mode upto at random up to that
//	create-change    a create is followed by a change of the same record at once
//	v1-payload       payload version 1.0 to a webhook of version 2.0
//	bulk-edit        marked as part of a bulk edit
type Fault struct {
	Kind        string  `json:"kind"`
	Count       int     `json:"count,omitempty"`       // how often; 0 = no end
	Skip        int     `json:"skip,omitempty"`        // matching requests or deliveries to let pass first
	Probability float64 `json:"probability,omitempty"` // 0 = 1
	Method      string  `json:"method,omitempty"`      // of requests; "" = any
	Path        string  `json:"path,omitempty"`        // of requests, a prefix
	Entity      string  `json:"entity,omitempty"`      // of deliveries; "" = any
	Action      string  `json:"action,omitempty"`      // of deliveries: create, change, delete
	Hook        int64   `json:"hook,omitempty"`        // of deliveries; 0 = any
	Ms          int     `json:"ms,omitempty"`
	RetryAfter  int     `json:"retry_after,omitempty"`
	Applied     bool    `json:"applied,omitempty"`
	Mode        string  `json:"mode,omitempty"`
}

var (
	deliveryFaults = []string{"drop", "duplicate", "reorder", "delay", "create-change", "v1-payload", "bulk-edit"}
	requestFaults  = []string{"429-burst", "429-daily", "plan-limit", "403-html", "slow", "timeout-before", "timeout-after", "reset", "truncated", "success-false", "stale"}
)

func (f Fault) status() int {
	code, err := strconv.Atoi(f.Kind)
	if err != nil || code < 400 || code > 599 {
		return 0
	}
	return code
}

func (f Fault) ofDelivery() bool { return slices.Contains(deliveryFaults, f.Kind) }

func (f Fault) validate() error {
	switch {
	case !f.ofDelivery() && !slices.Contains(requestFaults, f.Kind) && f.status() == 0:
		return fmt.Errorf("add fault: no kind %q; there are statuses, %s, %s", f.Kind, strings.Join(requestFaults, ", "), strings.Join(deliveryFaults, ", "))
	case f.Count < 0 || f.Skip < 0 || f.Ms < 0 || f.Probability < 0 || f.Probability > 1:
		return fmt.Errorf("add fault %s: count, skip, ms and probability must be in range", f.Kind)
	case f.Mode != "" && (f.Kind != "delay" || f.Mode != "upto"):
		return fmt.Errorf("add fault %s: no mode %q", f.Kind, f.Mode)
	}
	return nil
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

func (l *faultList) strikes(rule *faultRule) bool {
	if rule.passed < rule.Skip {
		rule.passed++
		return false
	}
	if rule.Probability > 0 && l.rng.Float64() >= rule.Probability {
		return false
	}
	rule.used++
	l.injected[rule.Kind]++
	return true
}

func (l *faultList) forget() {
	l.rules = slices.DeleteFunc(l.rules, func(rule *faultRule) bool { return rule.Count > 0 && rule.used >= rule.Count })
}

// ofRequest gives how long a request is slowed down, and the first other fault that it meets.
func (l *faultList) ofRequest(r *http.Request) (wait time.Duration, fault *Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, rule := range l.rules {
		fits := !rule.ofDelivery() && (rule.Method == "" || strings.EqualFold(rule.Method, r.Method)) && (rule.Kind != "stale" || r.Method == http.MethodGet) && strings.HasPrefix(r.URL.Path, rule.Path)
		if !fits || fault != nil && rule.Kind != "slow" || !l.strikes(rule) {
			continue
		}
		if rule.Kind == "slow" {
			wait += time.Duration(rule.Ms) * time.Millisecond
			continue
		}
		chosen := rule.Fault
		fault = &chosen
	}
	l.forget()
	return wait, fault
}

// bends are the faults that a delivery meets.
type bends struct {
	kinds []string
	delay time.Duration
}

func (b bends) has(kind string) bool { return slices.Contains(b.kinds, kind) }
func (b bends) names() string        { return strings.Join(b.kinds, ",") }

func (l *faultList) ofDelivery(ch change, h *hook) (met bends) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, rule := range l.rules {
		fits := rule.ofDelivery() && (rule.Entity == "" || rule.Entity == ch.object.name) && (rule.Action == "" || rule.Action == ch.action) && (rule.Hook == 0 || rule.Hook == h.id)
		if !fits || rule.Kind == "create-change" && ch.action != "create" || !l.strikes(rule) {
			continue
		}
		met.kinds = append(met.kinds, rule.Kind)
		if rule.Kind == "delay" {
			d := time.Duration(rule.Ms) * time.Millisecond
			if rule.Mode == "upto" && d > 0 {
				d = time.Duration(l.rng.Int64N(int64(d)))
			}
			met.delay += d
		}
	}
	l.forget()
	return met
}

// AddFault adds a rule behind those under way.
func (s *Server) AddFault(f Fault) error {
	if err := f.validate(); err != nil {
		return err
	}
	if f.Kind == "stale" {
		s.remember(time.Duration(f.Ms) * time.Millisecond)
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.rules = append(s.faults.rules, &faultRule{Fault: f})
	return nil
}

// remember keeps what is replaced from now on; 0 forgets it.
func (s *Server) remember(lag time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.stores {
		st.lag = max(st.lag, lag)
		if lag > 0 {
			continue
		}
		st.lag = 0
		for _, r := range st.byID {
			r.past = nil
		}
	}
}

// ClearFaults ends all rules; requests that are held go on being held.
func (s *Server) ClearFaults() {
	s.remember(0)
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
