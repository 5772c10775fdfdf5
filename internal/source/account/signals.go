package account

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/internal/source/durable"
	"github.com/planhat-bridge/planhat-bridge/internal/source/emit"
	"github.com/planhat-bridge/planhat-bridge/internal/source/tell"
	"github.com/planhat-bridge/planhat-bridge/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// A signal is obeyed exactly once by the owner of its account: its position moves
// in the transaction of what it changes and of its answer.

// Heard is a signal for the account.
type Heard struct {
	Signal schemas.Signal
	Err    error           // it is not a signal
	Settle func(*shard.Tx) // writes the position behind it
}

// Hear hands a signal over, and waits until its turn has come.
func (a *Account) Hear(ctx context.Context, h Heard) error {
	select {
	case a.signals <- h:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// hearing is where the next signal comes from: from nowhere while it could not be
// answered.
func (a *Account) hearing(ctx context.Context) <-chan Heard {
	if a.lease.Writable(ctx, a.outbox.Topic) != nil {
		return nil
	}
	return a.signals
}

// outcome is what obeying a signal has come to.
type outcome struct {
	answer schemas.Notification
	notes  []schemas.Notification
	facts  *facts
	more   func(*shard.Tx)
}

// order is how a signal is obeyed: for one stream, or for the account.
type order struct {
	stream  func(*Account, context.Context, *stream, schemas.Signal) (outcome, error)
	account func(*Account, schemas.Signal) outcome // nil: it needs an object
	record  bool                                   // it needs a record, and no other may name one
}

// orders is not a variable: its functions would refer to it.
func orders() map[string]order {
	return map[string]order{
		schemas.SignalObject:  {stream: (*Account).rereadStream},
		schemas.SignalRecord:  {stream: (*Account).refreshRecord, record: true},
		schemas.SignalPause:   {stream: (*Account).pauseStream, account: (*Account).pauseAll},
		schemas.SignalResume:  {stream: (*Account).resumeStream, account: (*Account).resumeAll},
		schemas.SignalRelease: {stream: (*Account).releaseStream, account: (*Account).releaseAll},
	}
}

// obey carries a signal out and answers it. The error ends the lease.
func (a *Account) obey(ctx context.Context, h Heard) error {
	a.passed(PointSignalHeard)
	o, err := a.carryOut(ctx, h)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // told to stop: whoever takes over hears the signal again, and obeys it
	}
	if err != nil {
		return err
	}
	sig := h.Signal
	notes := append([]schemas.Notification{o.answer}, o.notes...)
	for i := range notes {
		n := &notes[i]
		n.ID, n.Signal, n.Account, n.At = sig.ID, sig.Signal, a.cfg.Name, a.now().UTC()
		if n.Object == "" {
			n.Object = sig.Object
		}
		if n.Stream == "" {
			n.Stream = n.Object
		}
	}
	a.log.Info("signal", "account", a.cfg.Name, "object", sig.Object, "signal", sig.Signal, "id", sig.ID, "outcome", string(notes[0].Kind), "answer", notes[0].Message)
	err = a.flush(ctx, writes{facts: o.facts, notes: notes, more: func(tx *shard.Tx) {
		h.Settle(tx)
		if o.more != nil {
			o.more(tx)
		}
	}})
	if err != nil {
		return emit.LeaseError{Err: err}
	}
	a.passed(PointSignalObeyed)
	return nil
}

func (a *Account) carryOut(ctx context.Context, h Heard) (outcome, error) {
	sig := h.Signal
	if answer, unfit := tell.Unfit(sig, h.Err, a.now()); unfit {
		return outcome{answer: answer}, nil
	}
	order, name := orders()[sig.Signal], sig.Object
	if name == "" {
		name = sig.Stream
	}
	switch {
	case sig.ExternalID != "":
		return refuse(schemas.SignalIncomplete, "records of an account have no external id: name the record by its id"), nil
	case order.record != (sig.Record != ""):
		return refuse(schemas.SignalIncomplete, "record names the id of one record, for the signal record and no other"), nil
	case a.refused != nil:
		return refuse(schemas.SignalNotNow, "the account is held: %v", a.refused), nil //nolint:nilerr // it is the answer
	case name == "" && order.account != nil:
		return order.account(a, sig), nil
	case name == "":
		return refuse(schemas.SignalIncomplete, "%s needs an object: there are %s", sig.Signal, a.whatIsThere()), nil
	}
	s := a.streamOf(name)
	if s == nil || sig.Stream != "" && sig.Object != "" && sig.Stream != sig.Object {
		return refuse(schemas.SignalUnknownStream, "object %q is not captured: there are %s", name, a.whatIsThere()), nil
	}
	return order.stream(a, ctx, s, sig)
}

func (a *Account) whatIsThere() string {
	var out []string
	for _, s := range a.streams {
		out = append(out, string(s.Object))
	}
	return strings.Join(out, ", ")
}

func done(format string, args ...any) outcome {
	return outcome{answer: tell.Done(format, args...)}
}

func refuse(code schemas.SignalCode, format string, args ...any) outcome {
	return outcome{answer: tell.Refuse(code, format, args...)}
}

func (a *Account) pauseAll(sig schemas.Signal) outcome {
	o, known := done("no calls are made for the account; webhooks wait in their topic, which keeps them for seven days"), a.facts
	known.Paused = durable.PausedBy(sig, a.now())
	o.facts = &known
	o.notes = []schemas.Notification{{Kind: schemas.NotifyStreamPaused, Message: known.Paused.String()}}
	return o
}

func (a *Account) resumeAll(schemas.Signal) outcome {
	if a.facts.Paused == nil {
		return refuse(schemas.SignalNotNow, "the account is not paused")
	}
	o, known := done("the account goes on"), a.facts
	known.Paused = nil
	o.facts = &known
	o.notes = []schemas.Notification{{Kind: schemas.NotifyStreamResumed, Message: "the account goes on"}}
	a.reconcileNow(time.Time{})
	return o
}

func (a *Account) pauseStream(_ context.Context, s *stream, sig schemas.Signal) (outcome, error) {
	s.cursor.Paused = durable.PausedBy(sig, a.now())
	s.recent = nil
	o := done("no calls are made for %s", s.Listing)
	o.notes = []schemas.Notification{{Kind: schemas.NotifyStreamPaused, Message: s.cursor.Paused.String()}}
	return o, nil
}

func (a *Account) resumeStream(_ context.Context, s *stream, _ schemas.Signal) (outcome, error) {
	if s.cursor.Paused == nil {
		return refuse(schemas.SignalNotNow, "the object is not paused"), nil
	}
	s.cursor.Paused = nil
	s.reconcileAt, s.sweepAt, s.cursor.Swept = a.now(), a.now(), 0 // its webhooks were passed over, deletes too
	o := done("%s go on", s.Listing)
	o.notes = []schemas.Notification{{Kind: schemas.NotifyStreamResumed, Message: "the stream goes on"}}
	return o, nil
}

func (a *Account) releaseStream(_ context.Context, s *stream, _ schemas.Signal) (outcome, error) {
	if !s.cursor.Capture.Held {
		return refuse(schemas.SignalNotNow, "the deletes of %s are not held", s.Listing), nil
	}
	o := done("%s", a.release(s))
	o.notes = []schemas.Notification{{Kind: schemas.NotifyDeletesReleased, Message: "an operator let the deletes go"}}
	return o, nil
}

// releaseAll lets all go that is held of the account.
func (a *Account) releaseAll(schemas.Signal) outcome {
	var words []string
	o := outcome{}
	if me := a.identity.me; a.halt.state == stateWrongCompany && me.CompanyID != 0 && me.CompanyID != a.facts.CompanyID {
		known := a.facts
		known.CompanyID = me.CompanyID
		o.facts = &known
		a.halt.until = a.now()
		words = append(words, fmt.Sprintf("the company %s is taken for the right one", me.CompanyDomain))
	}
	for _, s := range a.streams {
		if s.cursor.Capture.Held {
			words = append(words, string(s.Object)+": "+a.release(s))
		}
	}
	if words == nil {
		return refuse(schemas.SignalNotNow, "nothing of the account is held")
	}
	o.answer = done("%s", strings.Join(words, "; ")).answer
	return o
}

// asksInVain says why no call can be made for a stream, or nothing.
func (a *Account) asksInVain(s *stream) string {
	switch {
	case a.facts.Paused != nil:
		return "the account is " + a.facts.Paused.String() + "; resume it first"
	case s.cursor.Paused != nil:
		return "the object is " + s.cursor.Paused.String() + "; resume it first"
	case a.halt.state != "":
		return "no calls are made for the account: " + a.halt.cause
	case s.state == stateHeld:
		return "the object is held: " + s.cause
	}
	return ""
}

// refreshRecord writes one record again as Pipedrive has it, or its delete.
func (a *Account) refreshRecord(ctx context.Context, s *stream, sig schemas.Signal) (outcome, error) {
	if why := a.asksInVain(s); why != "" {
		return refuse(schemas.SignalNotNow, "%s", why), nil
	}
	n, err := parseNumber(sig.Record)
	if err != nil {
		return refuse(schemas.SignalUnknownRecord, "%v", err), nil
	}
	if err := a.identify(ctx); err != nil {
		return a.unrefreshed(err)
	}
	id := idOf(n)
	_, known := s.index.Get(id)
	row, err := a.get(ctx, s, n)
	switch {
	case pipedrive.IsNotFound(err) && !known:
		return refuse(schemas.SignalUnknownRecord, "neither Pipedrive nor the topic has %s %d", s.Object, n), nil
	case pipedrive.IsNotFound(err):
		if err := a.witnessFor(ctx, s, n); err != nil {
			return a.unrefreshed(err)
		}
		a.bury(s, id, 0, false)
	case err != nil:
		return a.unrefreshed(err)
	default:
		s.again = id
		shown, err := a.admit(s, look{row: row, by: bySignal})
		s.again = idOf(0)
		if err != nil || shown == stale {
			return refuse(schemas.SignalVendor, "the record was not written: what Pipedrive answered with cannot be used, or is older than what is on the topic (%v)", err), nil
		}
		if shown == gone {
			a.bury(s, id, rowStamp(row), false)
		}
	}
	o := done("%s %d is as it was", s.Object, n)
	if a.pending.has(s, id) {
		o = done("%s %d is written, as %s", s.Object, n, a.pending.changes[len(a.pending.changes)-1].op)
	}
	o.answer.Record = sig.Record
	return o, nil
}

// witnessFor makes sure that another record answers before one is deleted.
func (a *Account) witnessFor(ctx context.Context, s *stream, n int64) error {
	if _, asked := s.gone[idOf(n)]; !asked {
		s.gone[idOf(n)] = 0
		defer delete(s.gone, idOf(n))
	}
	return a.witness(ctx, s)
}

// unrefreshed answers a signal that the vendor did not answer for.
func (a *Account) unrefreshed(err error) (outcome, error) {
	if over, ok := err.(emit.LeaseError); ok { //nolint:errorlint // it is never wrapped
		return outcome{}, over
	}
	a.fail(err)
	return refuse(schemas.SignalVendor, "%v", err), nil
}
