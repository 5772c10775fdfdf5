package sink

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/planhat-bridge/planhat-bridge/internal/plan"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// errStopped ends work on an item because the lease is told to end. Its
// commands get no result now: the next owner of the shard answers them.
var errStopped = errors.New("the lease is told to end")

// errOverdue keeps a call from being made: the deadline of one of its commands
// has passed.
var errOverdue = errors.New("a deadline has passed")

// errSettled ends a call whose commands have got their results otherwise.
var errSettled = errors.New("the commands are settled")

// executor carries out the stages of one batch.
type executor struct {
	w *workspace

	mu    sync.Mutex // guards attempts, calls and result of the batch's commands
	batch []*command
	began time.Time

	sight sync.Mutex
	seen  map[planhat.Object]func() error // by object: asks whether the token may see its listing, once

	// calls is the context of API calls: it outlives the lease's by the drain
	// time, so that calls under way may be answered.
	calls  context.Context //nolint:containedctx // of the batch
	cancel context.CancelFunc
	detach func() bool

	references deadline
	resolved   sync.Map // the ids of references that were looked up in this stage
	awaited    sync.Map // the references that are, or were, waited for in this stage
	unsettled  *unsettled
}

func newExecutor(w *workspace, batch []*command) *executor {
	e := &executor{w: w, batch: batch, began: time.Now(), unsettled: &w.unsettled, seen: map[planhat.Object]func() error{}}
	e.references.limit = w.service.cfg.Sink.ReferenceWait
	e.calls, e.cancel = context.WithCancel(context.WithoutCancel(w.ctx))
	e.detach = context.AfterFunc(w.ctx, func() { time.AfterFunc(w.times.Drain, e.cancel) })
	return e
}

func (e *executor) close() {
	e.detach()
	e.cancel()
}

func (e *executor) stopping() bool { return e.w.ctx.Err() != nil }

// run carries out stages until they are done, the lease is told to end, or the
// lease has ended, which is the error.
func (e *executor) run(stages []plan.Stage) error {
	for _, stage := range stages {
		if err := e.stage(stage); err != nil {
			return err
		}
		if e.stopping() {
			return nil
		}
	}
	return nil
}

// stage carries out the calls of a stage: bulk calls one after the other,
// singles beside them. The error is that of the lease; items that were stopped
// have no result.
func (e *executor) stage(stage plan.Stage) error {
	e.resolved.Clear()
	e.awaited.Clear()
	if err := e.intend(stage); err != nil {
		return err
	}
	var bulks, singles, creates []plan.Call
	for _, c := range stage {
		switch c.Way {
		case plan.Bulk:
			bulks = append(bulks, c)
		case plan.Post:
			creates = append(creates, c)
		case plan.Resolve:
			if bare(c.Items[0]) {
				creates = append(creates, c)
			} else {
				singles = append(singles, c)
			}
		default:
			singles = append(singles, c)
		}
	}
	var g errgroup.Group
	g.Go(func() error { return e.each(bulks, 1) })
	g.Go(func() error { return e.each(singles, e.inFlight()) })
	g.Go(func() error { return e.creates(creates) })
	return g.Wait()
}

// intend writes what the state has to know of intents before the stage: what
// earlier creates have made, and the commands that would be answered wrongly
// if they were carried out, forgotten and seen anew: those with a deadline or
// a precondition, and those that change the key which they go by. Creates see
// to themselves.
func (e *executor) intend(stage plan.Stage) error {
	var places []place
	for _, c := range stage {
		for _, i := range c.Items {
			o := i.Orders[0]
			if c.Way == plan.Post || c.Way == plan.Read || o.Since == nil && o.NotAfter == nil && !i.Renames() {
				continue
			}
			if !e.overdue(i) {
				places = append(places, e.place(i))
			}
		}
	}
	e.w.ledger.begin(places)
	return e.w.flushLedger()
}

// overdue tells whether an item's deadline has passed before it was sent. What
// may have taken effect is not given up as if it had not.
func (e *executor) overdue(i plan.Item) bool {
	o := i.Orders[0] // a command with a deadline is never merged
	c := e.batch[o.Seq]
	return o.Expired(time.Now()) && !c.resumed && !c.sent
}

// each carries out independent calls, some at the same time.
func (e *executor) each(calls []plan.Call, limit int) error {
	return atOnce(calls, limit, e.carryOut)
}

// inFlight bounds the single calls that the workspace makes at the same time.
func (e *executor) inFlight() int { return max(e.w.service.cfg.Sink.InFlight, 1) }

// atOnce does something with each of some values, limit of them at the same time,
// and returns an error of one. Its goroutines live to the end of it: a goroutine
// for each value would grow its stack anew each time.
func atOnce[T any](values []T, limit int, do func(T) error) error {
	var (
		g    errgroup.Group
		next atomic.Int64
	)
	for range min(limit, len(values)) {
		g.Go(func() error {
			var first error
			for n := next.Add(1); n <= int64(len(values)); n = next.Add(1) {
				if err := do(values[n-1]); err != nil && first == nil {
					first = err
				}
			}
			return first
		})
	}
	return g.Wait()
}

// carryOut makes one call and ends its commands. Being stopped is no error.
func (e *executor) carryOut(c plan.Call) error {
	err := errOverdue
	for errors.Is(err, errOverdue) {
		c.Items = e.expire(c.Items)
		switch {
		case len(c.Items) == 0:
			return nil
		case c.Way == plan.Bulk:
			err = e.bulk(c)
		default:
			err = e.single(c.Way, c.Items[0])
		}
	}
	if errors.Is(err, errStopped) || errors.Is(err, errSettled) {
		return nil
	}
	return e.leave(c.Items, err)
}

// leave ends commands that a refused look-up kept from being carried out. Other
// errors are given back.
func (e *executor) leave(items []plan.Item, err error) error {
	if asError(err) == nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, i := range items {
		refusal := refusalOf(err, i)
		if first := e.batch[i.Orders[0].Seq]; gaveUp(err) && (first.sent || first.resumed) {
			refusal = rejection(schemas.CodeOutcomeUnknown, "%s; the command had been sent before", refusal.Message)
		}
		for _, o := range i.Orders {
			if c := e.batch[o.Seq]; c.result == nil {
				c.refuse(refusal)
			}
		}
	}
	return nil
}

// expire ends the commands that may not be sent any more.
func (e *executor) expire(items []plan.Item) []plan.Item {
	var kept []plan.Item
	for _, i := range items {
		if e.overdue(i) {
			e.refuse(i, plan.Expire(*i.Orders[0].NotAfter))
			continue
		}
		kept = append(kept, i)
	}
	return kept
}

// refuse ends an item's commands without an effect.
func (e *executor) refuse(i plan.Item, r *plan.Refusal) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, o := range i.Orders {
		e.batch[o.Seq].refuse(r)
	}
}

// end ends an item's commands with the effect of their call. Of commands that
// were merged the first has created the record, the others have updated it.
func (e *executor) end(i plan.Item, effect schemas.Effect, recordID string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for n, o := range i.Orders {
		own := effect
		if n > 0 && effect == schemas.EffectCreated {
			own = schemas.EffectUpdated
		}
		e.batch[o.Seq].end(own, recordID)
	}
}

// endRead ends a get with the record.
func (e *executor) endRead(i plan.Item, record []byte, recordID string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.batch[i.Orders[0].Seq]
	c.end(schemas.EffectRead, recordID)
	c.result.record = record
}

// tally counts a call for an item's commands.
func (e *executor) tally(i plan.Item, attempts int, answered bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, o := range i.Orders {
		c := e.batch[o.Seq]
		c.attempts += attempts
		if answered {
			c.calls++
		}
	}
}

// try makes a call and repeats it while the reason that it failed is not in
// the call: the token, or an answer that the client gave up on. The error is
// errStopped, or of a kind that says something about the call: KindUnavailable
// says that it is given up, and so does an answer that cannot be used.
func (e *executor) try(items []plan.Item, call func(context.Context) (attempts int, err error)) error {
	return e.tryUntil(items, call, nil)
}

// tryUntil is try for a write that may have been done although its answers cannot be
// used: settled looks whether it was, after each round, and ends its commands if so,
// which is errSettled.
func (e *executor) tryUntil(items []plan.Item, call func(context.Context) (attempts int, err error), settled func() (bool, error)) error {
	refusals, attempt := 0, trial{e: e, items: items}
	for pause := e.w.times.Retry; ; pause = min(2*pause, time.Minute) {
		token, err := e.w.access.enter(e.w.ctx)
		if err != nil || e.stopping() {
			return errStopped
		}
		attempts, err := call(e.calls)
		failed, kind := asError(err), planhat.KindOf(err)
		e.tallyAll(items, attempts, err)
		switch {
		case errors.Is(err, errOverdue):
			return errOverdue
		case errors.Is(err, errStopped) || err != nil && e.calls.Err() != nil && kind != planhat.KindAmbiguous:
			return errStopped
		case kind == planhat.KindUnauthorized || unpaid(err): // of the whole account, as a rule
			if err := e.unauthorized(failed, token, &refusals, pause); err != nil {
				return err
			}
			attempt.failing = time.Time{} // a pause may have been long
		case err != nil && (failed == nil || kind == planhat.KindThrottled || gaveUp(err)):
			if end := e.ends(&attempt, err, settled); end != nil {
				return end
			}
			if sleep(e.w.ctx, pause) != nil {
				return errStopped
			}
		default:
			return err
		}
	}
}

// tallyAll notes the attempts of a call, in which all items took part.
func (e *executor) tallyAll(items []plan.Item, attempts int, err error) {
	failed := asError(err)
	if failed != nil {
		attempts = failed.Attempts
	}
	for _, i := range items {
		e.tally(i, attempts, err == nil || failed != nil && failed.Status != 0)
	}
}

// ends gives the error that ends a call after a round of failures, nil if there is to be
// another. After answers that cannot be used it asks settled first, if there is one.
func (e *executor) ends(attempt *trial, err error, settled func() (bool, error)) error {
	if settled != nil && planhat.KindOf(err) == planhat.KindMalformed {
		switch done, lookup := settled(); {
		case lookup != nil:
			return lookup
		case done:
			return errSettled
		}
	}
	if attempt.over(err) {
		return err
	}
	return nil
}

// write is tryUntil for calls that write, with the points around them.
func (e *executor) write(items []plan.Item, call func(context.Context) (attempts int, err error), settled func() (bool, error)) error {
	e.w.point(PointBeforeCall)
	err := e.tryUntil(items, func(ctx context.Context) (int, error) {
		if slices.ContainsFunc(items, e.overdue) {
			return 0, errOverdue
		}
		attempts, err := call(e.inTime(ctx, items))
		e.sent(items, err)
		return attempts, err
	}, settled)
	if err == nil {
		e.w.written.note(items[0].Spec.Object)
	}
	e.w.point(PointAfterCall)
	return err
}

// sent notes that a call was made for items, unless it surely did nothing.
func (e *executor) sent(items []plan.Item, err error) {
	if failed := asError(err); errors.Is(err, errStopped) || failed != nil && !failed.Uncertain {
		return
	}
	for _, i := range items {
		for _, o := range i.Orders {
			e.batch[o.Seq].sent = true
		}
	}
}

// unauthorizedIsForbidden is how often a call must be answered 401, while the
// token is good for other calls, to be taken as forbidden. Nobody documents how
// Planhat answers a token that may not do something.
const unauthorizedIsForbidden = 3

// unauthorized has the token of a call that was answered 401 looked at. If it is
// good for other calls, that is waited after for a while. The error ends the call.
func (e *executor) unauthorized(failed *planhat.Error, token string, refusals *int, pause time.Duration) error {
	switch good, err := e.w.access.again(e.w.ctx, token); {
	case err != nil:
		return errStopped
	case !good:
		*refusals = 0
		return nil
	}
	if *refusals++; *refusals == unauthorizedIsForbidden {
		denied := *failed
		denied.Kind = planhat.KindForbidden
		return &denied
	}
	if sleep(e.w.ctx, pause) != nil {
		return errStopped
	}
	return nil
}

// accepted tells whether Planhat takes the token for some listing.
func (e *executor) accepted() bool {
	for _, spec := range planhat.Objects() {
		_, err := e.w.client.Page(e.calls, spec.Object, planhat.ListOptions{Sort: "_id", Limit: 1})
		if err == nil {
			return true
		}
		switch planhat.KindOf(err) {
		case planhat.KindUnauthorized, planhat.KindForbidden, planhat.KindNotFound: // it may not see this one
		default:
			return false
		}
	}
	return false
}

// deadline is a wait that the items of a batch share: it begins with the first
// that needs it.
type deadline struct {
	limit time.Duration
	once  sync.Once
	at    time.Time
}

func (d *deadline) left() time.Duration {
	d.once.Do(func() { d.at = time.Now().Add(d.limit) })
	return time.Until(d.at)
}
