package planhatsim

import (
	"cmp"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
)

// DefaultToken is the token of a server whose Options name none.
const DefaultToken = "sim-token"

// Token is a Private App's token. Deny refuses models by name ("license", "note"), or one verb of a model
// ("company:create"; verbs are read, create, update, delete).
type Token struct {
	Deny map[string]bool `json:"deny,omitempty"`
}

// Options make a tenant. Counts: 0 is the default, less than 0 is none.
type Options struct {
	Seed int64 // same seed, counts and clock: same tenant

	Companies               int // 20
	EndusersPerCompany      int // 3
	ConversationsPerCompany int // 3
	LicensesPerCompany      int // 1
	// CoreOnly leaves it at those, their users and their custom fields; life keeps to them as well. Without it
	// companies have some records of every other model, about five each.
	CoreOnly bool

	Tokens   map[string]Token // nil = DefaultToken
	Switches Switches         // a value that no switch has panics in New

	// Limits: 0 is documented value (200, 150, 50), less than 0 is none.
	CallsPerMinute, PerSecond, InFlight int
	Minute                              time.Duration // how long the quota's minute is; 0 = a minute

	Now         func() time.Time    // the vendor's clock: stamps and the Date header; nil = time.Now
	OnRequest   func(*http.Request) // called before each API request is answered, without locks held
	JournalRows bool                // journal entries carry the row after the write
}

// Server is the simulator. Close it when its clients are done.
type Server struct {
	now         func() time.Time
	mux         *http.ServeMux
	limits      *limiter
	calls       simkit.CallLog
	faults      *simkit.FaultList[Fault]
	late        *pending
	switches    simkit.Switchboard[Switches]
	tokens      atomic.Pointer[map[string]Token]
	onRequest   atomic.Pointer[func(*http.Request)]
	journalRows bool
	closing     *simkit.Closing

	*simkit.LifeLoop

	mu          sync.Mutex // guards what follows: the tenant
	stores      map[*model]*store
	past        *past
	ids         idMaker
	journal     []Entry
	rng         *rand.Rand
	invoices    int // the last invoice's number
	coreOnly    bool
	derivedDays int
}

// New seeds a tenant and serves it.
func New(o Options) *Server {
	s := &Server{
		now: o.Now, closing: simkit.NewClosing(), journalRows: o.JournalRows, coreOnly: o.CoreOnly, late: newPending(),
		limits: &limiter{now: time.Now, minute: cmp.Or(o.Minute, time.Minute), perMinute: cmp.Or(o.CallsPerMinute, 200), perSecond: cmp.Or(o.PerSecond, 150), inFlight: cmp.Or(o.InFlight, 50)},
		rng:    rand.New(rand.NewPCG(uint64(o.Seed), 1)),
		stores: map[*model]*store{}, past: &past{now: time.Now},
	}
	if err := s.switches.Set(o.Switches); err != nil {
		panic("planhatsim.New: " + err.Error())
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.faults = simkit.NewFaultList(rand.New(rand.NewPCG(uint64(o.Seed), 2)), Fault.rule)
	if o.Tokens == nil {
		o.Tokens = map[string]Token{DefaultToken: {}}
	}
	s.SetTokens(o.Tokens)
	s.OnRequest(o.OnRequest)
	s.LifeLoop = simkit.NewLifeLoop(func(n int) (made int) {
		s.Mutate(func(tx *Tx) { made = tx.live(n) })
		return made
	})
	for _, m := range modelRows {
		if m.within == nil {
			s.stores[m] = newStore(m)
			s.stores[m].past = s.past
		}
	}
	s.seed(o)
	s.mux = s.control()
	return s
}

// Close stops life, lets go of held connections and waits for late effects.
func (s *Server) Close() {
	s.SetLife(0)
	s.closing.Close()
	s.late.wait()
}

// SetTokens replaces the tokens that the API accepts.
func (s *Server) SetTokens(tokens map[string]Token) { s.tokens.Store(&tokens) }

// OnRequest replaces the hook that is called before each API request is answered; nil takes it away.
func (s *Server) OnRequest(hook func(*http.Request)) { s.onRequest.Store(&hook) }

// SetSwitches replaces all switches.
func (s *Server) SetSwitches(sw Switches) error { return s.switches.Set(sw) }

func (s *Server) store(m *model) *store { return s.stores[m.stored()] }

// begin gives a transaction; the lock must be held.
func (s *Server) begin(via string, call int64) *Tx {
	return &Tx{s: s, sw: *s.switches.Load(), via: via, call: call, at: s.now().UTC().Truncate(time.Millisecond)}
}

// derivedNow is the moment that computed fields count from.
func (s *Server) derivedNow(at time.Time) time.Time { return at.AddDate(0, 0, s.derivedDays) }

// ServeHTTP serves the vendor's API, and the control API below /_sim/.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_sim/") {
		s.mux.ServeHTTP(w, r)
		return
	}
	s.vendor(w, r)
}

// request is one call of the API on its way.
type request struct {
	*http.Request
	route
	body  []byte
	token Token
	sw    Switches
	call  int64
}

// vendor takes one request from arrival to answer: token, limits, faults, then the API itself.
func (s *Server) vendor(w http.ResponseWriter, r *http.Request) {
	req := &request{Request: r, route: parseRoute(r), sw: *s.switches.Load()}
	call := Call{At: s.now().UTC(), Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery}
	call.N = s.calls.Begin(r.Method, req.template)
	req.call = call.N
	defer func() { s.calls.End(call) }()
	s.dateHeader(w.Header(), req.sw)
	var err error
	if req.body, err = io.ReadAll(r.Body); err != nil {
		return // the client went away in the middle of its body
	}
	if hook := *s.onRequest.Load(); hook != nil {
		hook(r)
	}
	var known bool
	if req.token, known = s.authenticate(r); !known {
		call.Status = unauthorized(req.sw).Write(w)
		return
	}
	admitted := s.limits.admit(req.sw, w.Header())
	defer s.limits.release()
	if !admitted {
		call.Status = plain(http.StatusTooManyRequests, "Too many requests").Write(w)
		return
	}
	call.Fault, call.Status, call.Items = s.answer(w, req)
}

func (s *Server) dateHeader(h http.Header, sw Switches) {
	h["Date"] = nil
	if sw.DateHeader == "present" {
		h.Set("Date", s.now().UTC().Format(http.TimeFormat))
	}
}

// authenticate accepts Bearer, and Basic with the token as user and no password.
func (s *Server) authenticate(r *http.Request) (Token, bool) {
	name, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		user, password, basic := r.BasicAuth()
		if !basic || password != "" {
			return Token{}, false
		}
		name = user
	}
	token, known := (*s.tokens.Load())[name]
	return token, known && name != ""
}

// may tells whether the token is allowed a verb (read, create, update, delete) on a model.
func (t Token) may(m *model, verb string) bool {
	for _, name := range append([]string{m.object}, m.aliases...) {
		if t.Deny[name] || t.Deny[name+":"+verb] {
			return false
		}
	}
	return true
}
