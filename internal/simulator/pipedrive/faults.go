package pipedrivesim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
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

func (f Fault) rule() simkit.Rule {
	return simkit.Rule{Kind: f.Kind, Count: f.Count, Skip: f.Skip, Probability: f.Probability, Method: f.Method, Path: f.Path, Ms: f.Ms}
}

// aboutRequest tells whether the rule is about a request.
func (f Fault) aboutRequest(r *http.Request) bool {
	return !f.ofDelivery() && (f.Kind != "stale" || r.Method == http.MethodGet) && f.rule().About(r)
}

func (f Fault) ofDelivery() bool { return slices.Contains(deliveryFaults, f.Kind) }

func (f Fault) validate() error {
	switch {
	case !f.ofDelivery() && !slices.Contains(requestFaults, f.Kind) && f.rule().Status() == 0:
		return fmt.Errorf("add fault: no kind %q; there are statuses, %s, %s", f.Kind, strings.Join(requestFaults, ", "), strings.Join(deliveryFaults, ", "))
	case f.rule().Validate() != nil:
		return f.rule().Validate()
	case f.Mode != "" && (f.Kind != "delay" || f.Mode != "upto"):
		return fmt.Errorf("add fault %s: no mode %q", f.Kind, f.Mode)
	}
	return nil
}

// bends are the faults that a delivery meets.
type bends struct {
	kinds []string
	delay time.Duration
}

func (b bends) has(kind string) bool { return slices.Contains(b.kinds, kind) }
func (b bends) names() string        { return strings.Join(b.kinds, ",") }

// aboutDelivery tells whether the rule is about a delivery.
func (f Fault) aboutDelivery(ch change, h *hook) bool {
	return f.ofDelivery() && (f.Entity == "" || f.Entity == ch.object.name) && (f.Action == "" || f.Action == ch.action) &&
		(f.Hook == 0 || f.Hook == h.id) && (f.Kind != "create-change" || ch.action == "create")
}

func (s *Server) bend(ch change, h *hook) (met bends) {
	for f, rng := range s.faults.Met(func(f Fault) bool { return f.aboutDelivery(ch, h) }) {
		met.kinds = append(met.kinds, f.Kind)
		if f.Kind == "delay" {
			d := f.rule().Wait()
			if f.Mode == "upto" && d > 0 {
				d = time.Duration(rng.Int64N(int64(d)))
			}
			met.delay += d
		}
	}
	return met
}

// AddFault adds a rule behind those under way.
func (s *Server) AddFault(f Fault) error {
	if err := f.validate(); err != nil {
		return err
	}
	if f.Kind == "stale" {
		s.remember(f.rule().Wait())
	}
	s.faults.Add(f)
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
	s.faults.Clear()
}

// Injected counts the faults that happened, by kind.
func (s *Server) Injected() map[string]int64 { return s.faults.Injected() }

// Faults lists the rules under way.
func (s *Server) Faults() []Fault { return s.faults.Active() }
