package source

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/internal/source/emit"
	"github.com/planhat-bridge/planhat-bridge/internal/source/tell"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// A signal is obeyed exactly once by the owner of its workspace: its position
// moves in the transaction of what it changes and of its answer, and what it
// changes is in memory alone until then.

// heard is where the next signal comes from: from nowhere while it could not be
// answered.
func (w *workspace) heard(ctx context.Context) <-chan heardSignal {
	if w.lease.Writable(ctx, w.outbox.Topic) != nil {
		return nil
	}
	return w.signals
}

// outcome is what obeying a signal has come to.
type outcome struct {
	stream *stream // whose orders, cursor or pending changes are to be written, too
	pins   *pins   // of the stream, where they were checked
	answer schemas.Notification
	notes  []schemas.Notification // that go out with the answer
}

// obey carries a signal out and answers it. The error ends the lease.
func (w *workspace) obey(ctx context.Context, h heardSignal) error {
	w.passed(PointSignalHeard)
	o, err := w.carryOut(ctx, h)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // told to stop: whoever takes over hears the signal again, and obeys it
	}
	if err != nil {
		return err
	}
	a := &o.answer
	a.ID, a.Signal, a.Stream, a.Object = h.sig.ID, h.sig.Signal, h.sig.Stream, h.sig.Object
	if o.stream != nil {
		a.Stream = o.stream.listing
	}
	w.log.Info("signal", "workspace", w.cfg.Name, "stream", a.Stream, "signal", a.Signal, "id", a.ID, "outcome", string(a.Kind), "answer", a.Message)
	w.orders.Position = h.after
	notes := []schemas.Notification{w.stamped(*a)}
	for _, n := range o.notes {
		n.ID, n.Signal = a.ID, a.Signal
		notes = append(notes, w.stamped(n))
	}
	if err := w.writeObeyed(ctx, o, notes); err != nil {
		return err
	}
	w.passed(PointSignalObeyed)
	return nil
}

// writeObeyed writes what a signal has changed.
func (w *workspace) writeObeyed(ctx context.Context, o outcome, notes []schemas.Notification) error {
	if err := w.lease.Writable(ctx, w.outbox.Topic); err != nil {
		return emit.LeaseError{Err: err} // it was, when the signal was read; whoever takes over reads it again
	}
	s := o.stream
	position := func(tx *shard.Tx) {
		tx.State(ordersKey(workspaceName(w.cfg.Name)), w.orders.encode())
		w.passed(PointSignalWritten)
	}
	if s == nil {
		return w.transact(ctx, notes, func(tx *shard.Tx) error { position(tx); return nil })
	}
	s.pending.notes = append(s.pending.notes, notes...)
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.show(s)
	}()
	pinned := s.pins
	if o.pins != nil {
		pinned = *o.pins
	}
	return w.write(ctx, s, pinned, position)
}

// orders tells how each signal is obeyed.
var signalOrders = map[string]struct {
	obey      func(*workspace, context.Context, *stream, schemas.Signal) (outcome, error)
	workspace func(*workspace, context.Context, schemas.Signal) (outcome, error) // without a stream; nil: it needs one
	record    bool                                                               // it needs a record, and no other may name one
}{
	schemas.SignalObject:  {obey: (*workspace).rereadStream},
	schemas.SignalRecord:  {obey: (*workspace).refreshRecord, record: true},
	schemas.SignalPause:   {obey: (*workspace).pauseStream, workspace: (*workspace).pauseAll},
	schemas.SignalResume:  {obey: (*workspace).resumeStream, workspace: (*workspace).resumeAll},
	schemas.SignalRelease: {obey: (*workspace).releaseStream, workspace: (*workspace).releaseAll},
}

func (w *workspace) carryOut(ctx context.Context, h heardSignal) (outcome, error) {
	sig := h.sig
	if answer, unfit := tell.Unfit(sig, h.err, w.now()); unfit {
		return outcome{answer: answer}, nil
	}
	order := signalOrders[sig.Signal]
	named := sig.Record != "" || sig.ExternalID != ""
	switch {
	case order.record && (sig.Record == "") == (sig.ExternalID == ""):
		return refused(schemas.SignalIncomplete, "%s needs record (an _id) or externalId", sig.Signal)
	case !order.record && named:
		return refused(schemas.SignalIncomplete, "%s is not for one record: leave record and externalId out", sig.Signal)
	case sig.Stream == "" && sig.Object == "" && order.workspace != nil:
		return order.workspace(w, ctx, sig)
	}
	s, code, err := w.addressed(sig)
	if err != nil {
		return refused(code, "%v", err)
	}
	return order.obey(w, ctx, s, sig)
}

// addressed is the stream that a signal names, or that of the object which it names.
func (w *workspace) addressed(sig schemas.Signal) (*stream, schemas.SignalCode, error) {
	if sig.Stream == "" && sig.Object == "" {
		return nil, schemas.SignalIncomplete, fmt.Errorf("%s needs a stream or an object: there are %s", sig.Signal, w.whatIsThere())
	}
	for _, s := range w.streams {
		if sig.Stream != "" && sig.Stream != s.listing {
			continue
		}
		if sig.Object == "" {
			return s, "", nil
		}
		if i := s.indexOf(sig.Object); i >= 0 && s.objects[i].capture {
			return s, "", nil
		}
	}
	if sig.Object != "" {
		return nil, schemas.SignalUnknownStream, fmt.Errorf("object %q is not captured%s: there are %s", sig.Object, inStream(sig.Stream), w.whatIsThere())
	}
	return nil, schemas.SignalUnknownStream, fmt.Errorf("there is no stream %q: there are %s", sig.Stream, w.whatIsThere())
}

func inStream(stream string) string {
	if stream == "" {
		return ""
	}
	return fmt.Sprintf(" in stream %q", stream)
}

// whatIsThere lists the streams with their objects.
func (w *workspace) whatIsThere() string {
	var out []string
	for _, s := range w.streams {
		out = append(out, s.listing+" ("+strings.Join(s.captured(), ", ")+")")
	}
	return strings.Join(out, ", ")
}

// captured are the names of the objects that are captured from the listing.
func (s *stream) captured() (names []string) {
	for _, o := range s.objects {
		if o.capture {
			names = append(names, string(o.spec.Object))
		}
	}
	return names
}

func (s *stream) indexOf(name string) int {
	return slices.IndexFunc(s.objects, func(o object) bool { return string(o.spec.Object) == name })
}

// chosen are the objects that a signal is about: one, or all of the stream.
func (s *stream) chosen(sig schemas.Signal) []string {
	if sig.Object != "" {
		return []string{sig.Object}
	}
	return s.captured()
}

func done(s *stream, format string, args ...any) outcome {
	return outcome{stream: s, answer: tell.Done(format, args...)}
}

func refused(code schemas.SignalCode, format string, args ...any) (outcome, error) {
	return outcome{answer: tell.Refuse(code, format, args...)}, nil
}

// notNow refuses a signal that the state of its stream does not allow.
func notNow(format string, args ...any) (outcome, error) {
	return refused(schemas.SignalNotNow, format, args...)
}

// asksInVain says why no call can be made for a stream, or nothing.
func (w *workspace) asksInVain(s *stream) string {
	switch {
	case w.orders.Paused != nil:
		return "the workspace is " + w.orders.Paused.String() + "; resume it first"
	case s.paused != nil:
		return "the stream is " + s.paused.String() + "; resume it first"
	case w.pause.state != "":
		return w.pause.cause
	case s.health.state == stateForbidden:
		return "the token may not see the listing: " + s.health.cause
	}
	return ""
}
