package pipedrivesim

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

// DefaultToken is the token of the first user, an admin, of a server whose Options name none.
const DefaultToken = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"

// FirstUser is the admin that DefaultToken belongs to; SecondUser is no admin.
const (
	FirstUser  int64 = 21577801
	SecondUser int64 = 21577844
)

// Token is an API token. It belongs to a user (0 = FirstUser). Deny refuses parts of the API with 403, by the first
// word of their path ("deals", "webhooks"), or its writes alone ("deals:write").
type Token struct {
	User int64           `json:"user,omitempty"`
	Deny map[string]bool `json:"deny,omitempty"`
}

// Options make a company. Counts: 0 is the default, less than 0 is none.
type Options struct {
	Seed int64 // same seed, counts and clock: same company

	Organizations int // 10
	Persons       int // 20
	Deals         int // 30
	Notes         int // 20

	CompanyDomain string           // "nordlicht-demo"
	Tokens        map[string]Token // nil = DefaultToken
	Switches      Switches         // a value that no switch has panics in New

	// Limits: 0 is the documented value of a Growth plan with three seats (40 a window of 2 s, 180,000 a day), less
	// than 0 is none. BlockAfter is how many 429s in a row make the HTML 403 of the proxy; 0 = never.
	RequestsPerWindow int
	DailyTokens       int64
	Window            time.Duration
	BlockAfter        int

	// Deliveries. Scale is how fast their clock runs (0 = 1): retries, bans and deletion of webhooks. The timeout of
	// 10 s is scaled as well, but never below MinTimeout (0 = 2 s). Workers is how many are under way at a time
	// (0 = 8; 1 keeps the order). Transport carries them; nil is a transport of its own.
	Scale      float64
	MinTimeout time.Duration
	Workers    int
	Transport  http.RoundTripper

	Now       func() time.Time    // the vendor's clock: stamps and the day of the budget; nil = time.Now
	OnRequest func(*http.Request) // called before each API request is answered, without locks held
}

// Server is the simulator. Close it when its clients are done.
type Server struct {
	now       func() time.Time
	api       *http.ServeMux
	mux       *http.ServeMux
	limits    *limits
	calls     simkit.CallLog
	faults    *simkit.FaultList[Fault]
	engine    *engine
	switches  simkit.Switchboard[Switches]
	tokens    atomic.Pointer[map[string]Token]
	onRequest atomic.Pointer[func(*http.Request)]
	closing   *simkit.Closing
	domain    string

	*simkit.LifeLoop

	mu      sync.Mutex // guards what follows: the company
	stores  map[*object]*store
	users   []*user
	hooks   *hookList
	journal []Entry
	rng     *rand.Rand // of the seed and of life
	ids     *rand.Rand // of UUIDs and hashes
}

// New seeds a company and serves it.
func New(o Options) *Server {
	s := &Server{
		now: o.Now, closing: simkit.NewClosing(), limits: newLimits(o), domain: cmp.Or(o.CompanyDomain, "nordlicht-demo"),
		rng: rand.New(rand.NewPCG(uint64(o.Seed), 1)), ids: rand.New(rand.NewPCG(uint64(o.Seed), 2)),
		stores: map[*object]*store{},
	}
	if err := s.switches.Set(o.Switches); err != nil {
		panic("pipedrivesim.New: " + err.Error())
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.limits.now = s.now
	s.hooks = newHookList()
	s.faults = simkit.NewFaultList(rand.New(rand.NewPCG(uint64(o.Seed), 3)), Fault.rule)
	s.engine = newEngine(s, o)
	if o.Tokens == nil {
		o.Tokens = map[string]Token{DefaultToken: {}}
	}
	s.tokens.Store(&o.Tokens)
	s.OnRequest(o.OnRequest)
	s.LifeLoop = simkit.NewLifeLoop(func(n int) (made int) {
		s.write("life", func(t *tx) { made = t.live(n) })
		return made
	})
	s.seed(o)
	s.api, s.mux = s.routes(), s.control()
	return s
}

// Close stops life and deliveries, and lets go of held connections.
func (s *Server) Close() {
	s.SetLife(0)
	s.closing.Close()
	s.engine.close()
}

// OnRequest replaces the hook that is called before each API request is answered; nil takes it away.
func (s *Server) OnRequest(hook func(*http.Request)) { s.onRequest.Store(&hook) }

// SetSwitches replaces all switches.
func (s *Server) SetSwitches(sw Switches) error { return s.switches.Set(sw) }

// ServeHTTP serves the vendor's API, and the control API below /_sim/.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_sim/") {
		if r.ContentLength == 0 { // an empty body is {}
			r.Body = io.NopCloser(strings.NewReader("{}"))
		}
		s.mux.ServeHTTP(w, r)
		return
	}
	s.api.ServeHTTP(w, r)
}

// call is one request of the API on its way.
type call struct {
	*http.Request
	route *route
	body  []byte
	token string
	user  *user
	sw    Switches
	n     int64
	asOf  time.Time // reads see the company as it was then; zero = as it is
}

// serve takes one request from arrival to answer: token, limits, faults, then the API itself.
func (s *Server) serve(rt *route, w http.ResponseWriter, r *http.Request) {
	c := &call{Request: r, route: rt, sw: *s.switches.Load()}
	entry := simkit.Call{At: s.now().UTC(), Method: r.Method, Path: r.URL.Path, Query: hideToken(r)}
	c.n = s.calls.Begin(r.Method, rt.path)
	entry.N = c.n
	defer func() { s.calls.End(entry) }()
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	w.Header().Set("X-Correlation-ID", s.uuidLocked())
	var err error
	if c.body, err = io.ReadAll(r.Body); err != nil {
		return // the client went away in the middle of its body
	}
	if hook := *s.onRequest.Load(); hook != nil {
		hook(r)
	}
	if !s.authenticate(c) {
		w.Header().Set("X-401-By-Gw", "true")
		entry.Status = unauthorized().Write(w)
		return
	}
	if refusal := s.limits.admit(c, w.Header()); refusal != nil {
		entry.Status = refusal.Write(w)
		return
	}
	entry.Fault, entry.Status, entry.Items = s.answer(w, c)
}

// hideToken gives the query without the token in it.
func hideToken(r *http.Request) string {
	if !r.URL.Query().Has("api_token") {
		return r.URL.RawQuery
	}
	q := r.URL.Query()
	q.Del("api_token")
	return q.Encode()
}

// uuidLocked makes a UUID; the lock must not be held.
func (s *Server) uuidLocked() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.uuid()
}
