package rest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config is all that a client needs; [New] fills in no defaults but those named here.
type Config struct {
	Base         *url.URL
	HTTP         *http.Client // used without its redirect policy and cookies; nil: NewHTTPClient()
	Lane         *Lane
	Retry        Retry
	CallDeadline time.Duration // of one attempt, from sending to the end of the answer
	MaxBody      int64         // bytes of an answer; more make it malformed
	UserAgent    string
	Jitter       func() float64 // in [0,1)

	// Authorize sets the credentials of an attempt and returns the secret in them,
	// which is then kept out of every error. An empty secret is no credential.
	Authorize func(http.Header) (secret string)

	Gate     func(context.Context, Call) error // asked before every attempt of a write; nil: open
	Guard    func() error                      // asked right before each piece of a call is handed to the network; nil: open
	Observe  func(Call)                        // told of every attempt that was begun; nil: nobody
	Meter    func(Call, http.Header)           // told likewise, with the headers of the answer, nil where there was none; nil: nobody
	Classify func(*Answer, string) Kind        // answer and its message to kind; nil: by status alone
	Say      func(body []byte) string          // what the body of a refusal says; "" or nil: what [Message] finds in it

	// Window is the length of the spans in which the vendor counts calls, where headers do
	// not say it in a unit that is documented: a 429 waits for one at least. 0: they do.
	Window time.Duration
}

// Client sends calls. It is safe for concurrent use.
type Client struct {
	cfg  Config
	base string // Config.Base without a slash at its end
	late error  // of an attempt that takes longer than Config.CallDeadline
}

// New returns a client.
func New(cfg Config) *Client {
	client := http.Client{}
	if cfg.HTTP == nil {
		cfg.HTTP = NewHTTPClient()
	}
	client.Transport, client.Timeout = cfg.HTTP.Transport, cfg.HTTP.Timeout
	if cfg.Guard != nil {
		client = *guarded(&client, cfg.Guard)
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	cfg.HTTP = &client
	if cfg.Lane == nil {
		cfg.Lane = NewBudget(Limits{}).Lane("default", 1)
	}
	if cfg.Classify == nil {
		cfg.Classify = func(a *Answer, _ string) Kind { return Classify(a.Status, IsHTML(a.Header, a.Body)) }
	}
	return &Client{
		cfg: cfg, base: strings.TrimSuffix(cfg.Base.String(), "/"),
		late: fmt.Errorf("no whole answer within %s: %w", cfg.CallDeadline, context.DeadlineExceeded),
	}
}

// exchange makes one exchange: without redirects, cookies and a time-out of its own a
// client adds nothing to its transport.
func exchange(client *http.Client, req *http.Request) (*http.Response, error) {
	switch {
	case client.Timeout > 0:
		return client.Do(req)
	case client.Transport == nil:
		return http.DefaultTransport.RoundTrip(req)
	}
	return client.Transport.RoundTrip(req)
}

// NewHTTPClient returns the client used by default: idle connections are given up
// before load balancers usually do (a write into a connection that is being closed
// leaves its effect unknown), and HTTP/2 connections that are checked while quiet.
func NewHTTPClient() *http.Client {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	if base, ok := http.DefaultTransport.(*http.Transport); ok { // a program may have wrapped it
		transport = base.Clone()
	}
	transport.MaxIdleConnsPerHost = 50 // as many calls as Planhat takes at once: a connection is not dialled for each
	transport.IdleConnTimeout = 30 * time.Second
	transport.HTTP2 = &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second}
	return &http.Client{Transport: transport}
}

// CloseIdle closes the connections on which no call is under way.
func (c *Client) CloseIdle() { c.cfg.HTTP.CloseIdleConnections() }

// Do sends a call until it is answered for good, may not be repeated, runs out of
// attempts, or the context ends. Its error is an [*Error]; the answer returned with
// it is the last one received, for vendors that say more in the body of a refusal.
func (c *Client) Do(ctx context.Context, req Request) (Answer, error) {
	waiting := time.Now()
	uncertain, failures := false, 0
	for attempt := 1; ; attempt++ {
		o := c.attempt(ctx, &req, Call{Attempt: attempt, Waited: time.Since(waiting), Uncertain: uncertain})
		waiting = time.Now()
		o.answer.Attempts, o.answer.Repeated = attempt, uncertain
		if o.kind == KindNone {
			return o.answer, nil
		}
		c.heed(&o, attempt)
		uncertain = uncertain || (req.Write && o.effectUnknown())
		if o.kind == KindUnavailable || o.kind == KindMalformed {
			failures++
		}
		stop := c.giveUp(ctx, &req, &o, c.cfg.Retry.spent(attempt, failures))
		if stop == nil {
			stop = c.pause(ctx, &o)
		}
		if stop != nil {
			if o.ended {
				o.answer.Attempts--
			}
			stop.Attempts, stop.Uncertain = o.answer.Attempts, uncertain
			return o.answer, stop
		}
	}
}

// giveUp returns the error that ends the call after an attempt, which was the last if
// its attempts are spent; nil: try again.
func (c *Client) giveUp(ctx context.Context, req *Request, o *outcome, spent bool) *Error {
	err := o.error()
	if req.Once && o.effectUnknown() {
		err.Kind = KindAmbiguous
		return err
	}
	if !o.again() || spent {
		return err
	}
	if ended := ctx.Err(); ended != nil {
		err.Err = joinCause(ended, err.Err)
		return err
	}
	return nil
}

// heed settles how long to wait after an attempt that failed. The wait that a 429 asks
// for, or in its stead the back-off, stops the whole budget: also when the call is given
// up, as others would spend the calls that the vendor does not have.
func (c *Client) heed(o *outcome, attempt int) {
	if o.ended {
		return
	}
	o.rest = o.wait
	if o.rest <= 0 {
		o.rest = c.cfg.Retry.Delay(attempt, c.cfg.Jitter())
	}
	if o.kind == KindThrottled {
		c.cfg.Lane.budget.Stop(o.at.Add(o.rest))
	}
}

// pause waits before the next attempt; an error ends the call.
func (c *Client) pause(ctx context.Context, o *outcome) *Error {
	if err := sleepUntil(ctx, o.at.Add(o.rest)); err != nil {
		failed := o.error()
		failed.Err = joinCause(err, failed.Err)
		return failed
	}
	return nil
}
