package planhat

import (
	"context"
	"net/http"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/rest"
)

// DefaultBaseURL is the host for all tenants; some need their cluster's own.
const DefaultBaseURL = "https://api.planhat.com"

// The defaults of a client.
const (
	DefaultCallDeadline = 30 * time.Second
	DefaultMaxBody      = 64 << 20
)

// TokenSource returns the token. It is asked before every attempt, so that a rotated
// token is used at once.
type TokenSource func() string

// Retry says how often and how fast a call is tried again.
type Retry struct {
	Attempts  int           // 0: until the context ends
	Failures  int           // of them such that end as KindUnavailable or KindMalformed; 0: no bound of their own
	Base, Max time.Duration // wait after the first attempt, and the longest; doubled in between, with jitter
}

// Call is one attempt of a call, as gate and observer see it.
type Call struct {
	Method   string
	Path     string // template, without ids: "/companies/{id}"
	Object   Object
	Attempt  int           // from 1
	Status   int           // 0: no answer
	Duration time.Duration // from sending to the end of the answer
	Waited   time.Duration // for budget and back-off, before this attempt
	Err      error         // cause of a failed attempt that the status does not tell
	Kind     Kind          // KindNone: the attempt succeeded
	Write    bool
	// Uncertain: an earlier attempt of this write may have taken effect.
	Uncertain bool
}

// Option changes a client.
type Option func(*settings)

type settings struct {
	config rest.Config
}

// WithHTTPClient sets the HTTP client. Its transport and time-out are used; redirects
// are never followed, cookies never kept. Its transport must not repeat requests on
// its own. Default: a clone of net/http's transport.
func WithHTTPClient(c *http.Client) Option {
	return func(s *settings) { s.config.HTTP = c }
}

// WithBudget spends the calls of a lane. Default: a budget of the client's own with
// Planhat's documented limits: 200 calls a minute, 150 a second, 50 at a time.
func WithBudget(l *Lane) Option {
	return func(s *settings) {
		if l != nil {
			s.config.Lane = l.lane
		}
	}
}

// WithObserver is told of every attempt that was sent, when it ended. It runs in the
// caller's goroutine and must not block.
func WithObserver(observe func(Call)) Option {
	return func(s *settings) {
		s.config.Observe = func(c rest.Call) { observe(callOf(c)) }
	}
}

// WithGate asks before every attempt of a write, after all waiting and right before
// it is sent; an error ends the call unsent and is found in its [Error] by errors.Is.
func WithGate(gate func(context.Context, Call) error) Option {
	return func(s *settings) {
		s.config.Gate = func(ctx context.Context, c rest.Call) error { return gate(ctx, callOf(c)) }
	}
}

// WithGuard asks right before each piece of a call, of reads too, is handed to the
// network; an error keeps it back, and the attempt fails as [KindUnavailable]. It is for
// callers that may lose the right to call at any moment: a gate is asked some time before
// the bytes leave, and a process that is stopped in between goes on as if nothing had
// happened. It is called by several goroutines and must be quick. Of an HTTP client whose
// transport is not net/http's it is asked once for an attempt.
func WithGuard(may func() error) Option {
	return func(s *settings) { s.config.Guard = may }
}

// WithRetry sets how often and how fast a call is tried again. Default: 5 attempts,
// waits from 1 s to 60 s; waits of 0 are these, attempts of 0 are not. A wait that Planhat asks for goes before these.
func WithRetry(r Retry) Option {
	return func(s *settings) { s.config.Retry = rest.Retry(r).WithDefaults() }
}

// WithCallDeadline bounds one attempt, from sending to the end of the answer; the
// context bounds the call with all its attempts and waits. Default: 30 s.
func WithCallDeadline(d time.Duration) Option {
	return func(s *settings) { s.config.CallDeadline = d }
}

// WithJitter sets the source of randomness of back-off, values in [0,1).
// Default: math/rand/v2.
func WithJitter(jitter func() float64) Option {
	return func(s *settings) { s.config.Jitter = jitter }
}

// WithUserAgent sets the User-Agent header. Default: planhat-bridge.
func WithUserAgent(agent string) Option {
	return func(s *settings) { s.config.UserAgent = agent }
}

// WithMaxBody bounds an answer in bytes; a larger one is malformed. Default: 64 MiB.
func WithMaxBody(n int64) Option {
	return func(s *settings) { s.config.MaxBody = n }
}

func callOf(c rest.Call) Call {
	return Call{
		Method: c.Method, Path: c.Path, Object: Object(c.Label), Attempt: c.Attempt, Status: c.Status,
		Duration: c.Duration, Waited: c.Waited, Err: c.Err, Kind: Kind(c.Kind), Write: c.Write,
		Uncertain: c.Uncertain,
	}
}
