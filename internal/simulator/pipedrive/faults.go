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

// answer lets a request meet its faults, and the API if they leave it.
func (s *Server) answer(w http.ResponseWriter, c *call) (fault string, status, items int) {
	wait, met := s.faults.ofRequest(c.Request)
	if wait > 0 {
		fault = "slow"
		s.sleep(c.Request, wait)
	}
	if met == nil {
		a := s.handle(c)
		return fault, write(w, a), a.items
	}
	return met.Kind, s.misanswer(w, c, *met), 0
}

// handle runs the API's own answer under the lock.
func (s *Server) handle(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.denied(c) {
		return forbidden()
	}
	return c.route.handle(s, c)
}

func (s *Server) misanswer(w http.ResponseWriter, c *call, f Fault) (status int) {
	switch f.Kind {
	case "429-burst":
		return write(w, tooMany(c, w.Header(), true))
	case "429-daily":
		return write(w, tooMany(c, w.Header(), false))
	case "plan-limit":
		return write(w, planLimit())
	case "403-html":
		return write(w, blocked())
	case "timeout-before":
		s.hold(c.Request)
	case "timeout-after":
		s.handle(c)
		s.hold(c.Request)
	case "reset":
		if f.Applied {
			s.handle(c)
		}
		simkit.Reset(w)
		return 0
	case "success-false":
		return write(w, ok(map[string]any{"success": false, "error": "Something went wrong", "error_info": info, "data": nil, "additional_data": nil}))
	case "stale":
		c.asOf = time.Now().Add(-time.Duration(f.Ms) * time.Millisecond)
		return write(w, s.handle(c))
	case "truncated":
		return truncate(w, s.handle(c))
	default:
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
		}
		return write(w, statusAnswer(w, f.status()))
	}
	panic(http.ErrAbortHandler) // held until the client gave up
}

// statusAnswer is the body that goes with a status.
func statusAnswer(w http.ResponseWriter, status int) answer {
	switch status {
	case http.StatusUnauthorized:
		w.Header().Set("X-401-By-Gw", "true")
		return unauthorized()
	case http.StatusPaymentRequired:
		return unpaid()
	case http.StatusForbidden:
		return forbidden()
	case http.StatusNotFound:
		return notFoundV2()
	case http.StatusInternalServerError:
		return internal()
	}
	return failure(status, http.StatusText(status), info)
}

// truncate breaks the answer off in its middle.
func truncate(w http.ResponseWriter, a answer) int {
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)+1))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body[:len(a.body)/2]) // less than was announced: net/http closes the connection
	return a.status
}

// sleep waits, but no longer than the client or the server.
func (s *Server) sleep(r *http.Request, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	case <-s.closing:
	}
}

func (s *Server) hold(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.closing:
	}
}
