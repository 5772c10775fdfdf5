package pipedrivesim

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	deliveryTimeout = 10 * time.Second
	banAfter        = 10 // failed first attempts
	banFor          = 30 * time.Minute
	deleteAfter     = 72 * time.Hour // without a success
	maxAttempts     = 4
	usualWorkers    = 8
	usualMinTimeout = 2 * time.Second
)

// retryAfter is how long after a failed attempt the next is made.
var retryAfter = [maxAttempts]time.Duration{1: 3 * time.Second, 2: 30 * time.Second, 3: 150 * time.Second}

// delivery is one event on its way to one webhook.
type delivery struct {
	hook    *hook
	change  change
	version string
	payload payload
	attempt int
	fault   string

	check bool // no delivery: time to look whether the webhook is to be deleted
	due   time.Time
	order int64
}

// Delivery is one attempt to deliver, or the loss of an event, as it ended.
type Delivery struct {
	Seq        int64     `json:"seq"` // from 1, without gaps
	At         time.Time `json:"at"`  // the vendor's clock
	Event      string    `json:"event_id"`
	Hook       int64     `json:"webhook_id"`
	Entity     string    `json:"entity"`
	ID         int64     `json:"id,string"`
	Action     string    `json:"action"` // create, change, delete
	Version    string    `json:"version"`
	UpdateTime string    `json:"update_time,omitempty"` // of the record, at the event
	Attempt    int       `json:"attempt"`               // 0: none was made
	Status     int       `json:"status"`                // 0: no answer
	// Outcome: delivered; failed (tried again later); gave_up (the last attempt failed, or it was given up by Settle);
	// lost without an attempt: dropped (a fault), banned, removed (the webhook was).
	Outcome string `json:"outcome"`
	Fault   string `json:"fault,omitempty"`
	Error   string `json:"error,omitempty"`
}

// engine delivers events. Its clock runs Scale times as fast as the machine's.
type engine struct {
	s          *Server
	client     *http.Client
	workers    int
	minTimeout time.Duration
	ctx        context.Context //nolint:containedctx // the engine's life
	cancel     context.CancelFunc
	wake       chan struct{}
	running    sync.WaitGroup

	mu      sync.Mutex // taken after the server's
	scale   float64
	real    time.Time // when the scale was set,
	base    time.Time // and what the engine's clock showed then
	queue   deliveries
	orders  int64
	busy    int // attempts under way
	pending int // deliveries waiting or under way
	quiet   chan struct{}
	log     []Delivery
}

func newEngine(s *Server, o Options) *engine {
	ctx, cancel := context.WithCancel(context.Background()) //nolint:forbidigo // the server's life begins here
	e := &engine{
		s: s, workers: cmp.Or(o.Workers, usualWorkers), minTimeout: cmp.Or(o.MinTimeout, usualMinTimeout), ctx: ctx, cancel: cancel,
		wake: make(chan struct{}, 1), scale: cmp.Or(o.Scale, 1), real: time.Now(), base: time.Now(),
	}
	transport := o.Transport
	if transport == nil {
		transport = &http.Transport{MaxIdleConnsPerHost: e.workers}
	}
	e.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	e.running.Go(e.run)
	return e
}

func (e *engine) close() {
	e.cancel()
	e.running.Wait()
	if idle, ok := e.client.Transport.(*http.Transport); ok {
		idle.CloseIdleConnections()
	}
}

// clock is the engine's time; the lock must be held.
func (e *engine) clock() time.Time {
	return e.base.Add(time.Duration(float64(time.Since(e.real)) * e.scale))
}

// SetScale makes the clock of deliveries run scale times as fast as the machine's.
func (s *Server) SetScale(scale float64) {
	e := s.engine
	e.mu.Lock()
	e.base, e.real, e.scale = e.clock(), time.Now(), scale
	e.mu.Unlock()
	e.nudge()
}

// Scale is how fast the clock of deliveries runs.
func (s *Server) Scale() float64 {
	s.engine.mu.Lock()
	defer s.engine.mu.Unlock()
	return s.engine.scale
}

func (e *engine) nudge() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// push queues a delivery for a moment; the lock must be held.
func (e *engine) push(d *delivery, due time.Time) {
	e.orders++
	d.due, d.order = due, e.orders
	heap.Push(&e.queue, d)
	if !d.check {
		e.pending++
		if e.quiet == nil {
			e.quiet = make(chan struct{})
		}
	}
}

// done counts a delivery out; the lock must be held.
func (e *engine) done() {
	if e.pending--; e.pending == 0 {
		close(e.quiet)
		e.quiet = nil
	}
}

// run starts what is due, at most workers at a time, until the server is closed.
func (e *engine) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(e.start())
		select {
		case <-e.ctx.Done():
			return
		case <-e.wake:
		case <-timer.C:
		}
	}
}

// start begins what is due and tells how long to wait for the next.
func (e *engine) start() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.clock()
	for len(e.queue) > 0 && e.busy < e.workers && !e.queue[0].due.After(now) {
		d, ok := heap.Pop(&e.queue).(*delivery)
		if !ok {
			break
		}
		e.busy++
		e.running.Go(func() { e.send(d) })
	}
	if len(e.queue) == 0 || e.busy >= e.workers {
		return time.Hour // somebody nudges
	}
	return max(time.Duration(float64(e.queue[0].due.Sub(now))/e.scale), time.Microsecond)
}

// send makes one attempt.
func (e *engine) send(d *delivery) {
	var (
		status  int
		outcome string
		err     error
	)
	if d.check {
		outcome = "check"
	} else if outcome = e.lost(d); outcome == "" {
		d.attempt++
		sw := *e.s.switches.Load()
		body := e.s.bodyV2
		if d.version == "1.0" {
			body = e.s.bodyV1
		}
		ctx, cancel := context.WithTimeout(e.ctx, e.timeout())
		status, err = e.post(ctx, d.hook, body(sw, d), agent(sw))
		cancel()
	}
	e.finish(d, status, outcome, err)
	e.nudge()
}

func agent(sw Switches) string {
	if sw.DeliveryAgent == "none" {
		return ""
	}
	return "Pipedrive Webhooks"
}

func (e *engine) timeout() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return max(time.Duration(float64(deliveryTimeout)/e.scale), min(e.minTimeout, deliveryTimeout))
}

// lost tells why an event is not sent at all.
func (e *engine) lost(d *delivery) string {
	e.s.mu.Lock()
	defer e.s.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case d.hook.removed != "":
		return "removed"
	case e.clock().Before(d.hook.bannedUntil) && (d.attempt == 0 || e.s.switches.Load().BanRetries == "dropped"):
		return "banned"
	}
	return ""
}

// post sends a body to a webhook's URL; any answer is a status.
func (e *engine) post(ctx context.Context, h *hook, body []byte, userAgent string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", userAgent)
	user, hasUser := h.authUser.(string)
	pass, hasPass := h.authPass.(string)
	if hasUser || hasPass {
		req.SetBasicAuth(user, pass)
	}
	res, err := e.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, err
}

// lastOf gives when a webhook was last called and what it answered; the server's lock must be held.
func (e *engine) lastOf(h *hook) (at, status any) {
	if h.lastAt != "" {
		at = h.lastAt
	}
	return at, h.lastStatus
}

// banned tells whether a webhook gets nothing at the moment; the server's lock must be held.
func (e *engine) banned(h *hook) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.clock().Before(h.bannedUntil)
}
