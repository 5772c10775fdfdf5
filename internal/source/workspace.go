package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/internal/source/emit"
	"github.com/planhat-bridge/planhat-bridge/internal/source/tell"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// workspace runs the streams of one Planhat tenant during one lease, one
// request at a time.
type workspace struct {
	cfg            config.Workspace
	bridge         string
	version        string
	callsPerMinute float64 // that the source may spend
	client         *planhat.Client
	prober         *planhat.Client // as client, with one attempt a call
	codecs         map[planhat.Object]emit.Codec
	resolver       schemas.Resolver
	streams        []*stream
	lease          *shard.Lease
	reader         *kgo.Client
	changeTopics   []kafka.TopicSpec
	createTopics   bool
	metrics        *metrics
	log            *slog.Logger
	now            func() time.Time
	point          func(string)
	vendor         service.Vendor

	room    room   // of the last page of a sweep
	encoded []byte // scratch: the event that is being written

	mu      sync.Mutex // guards what status reads: the streams' shown, stretch and pause
	pause   refusal
	stretch float64 // how many times longer than wanted the freshness targets are; 0 and 1: as wanted

	identity identity

	signals chan heardSignal
	orders  workspaceOrders
	outbox  tell.Outbox

	outage        outage
	reported      time.Time      // when it was last told how far the snapshots are; zero: none is under way
	snapshotShown SnapshotStatus // guarded by mu
	targetsShown  *TargetStatus  // guarded by mu
	targetsTold   *TargetStatus  // the last that was told of
}

func (w *workspace) streamName(s *stream) string { return streamName(w.cfg.Name, s.listing) }

// run works the streams until ctx ends or the lease does.
func (w *workspace) run(ctx context.Context) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	for ctx.Err() == nil {
		select {
		case heard := <-w.heard(ctx):
			if err := w.obey(ctx, heard); err != nil {
				return err
			}
		default:
		}
		if err := w.report(ctx); err != nil {
			return err
		}
		if err := w.outbox.Deliver(ctx, w.lease); err != nil {
			return err
		}
		s, wait := w.turnOf(ctx)
		if s == nil {
			if err := w.idle(ctx, wait); err != nil {
				return err
			}
			continue
		}
		done, err := w.step(ctx, s)
		err = w.inOtherWords(ctx, s, err)
		if err := w.settle(ctx, s, done, err); err != nil {
			return err
		}
	}
	return nil
}

// begin makes every stream ready, and holds those whose topics are not what
// their state says they are.
func (w *workspace) begin(ctx context.Context) error {
	start := w.now()
	if s := w.streams[0]; len(s.companies) > 0 && s.filter == nil {
		w.log.Info("the companies selected are too many for a request: listings are read whole, and the records of others left out",
			"workspace", w.cfg.Name, "companies", len(s.companies))
	}
	for _, s := range w.streams {
		s.schedule.due, s.schedule.deltaAt = start, start
		s.schedule.sweepAt = start
		if s.polls() {
			s.schedule.sweepAt = start.Add(s.schedule.target) // what was deleted meanwhile; changes come first
		}
		_, err := w.checkPins(ctx, s)
		if s.widen() {
			s.schedule.sweepAt = start
			s.plan()
			w.log.Info("an object is captured for the first time: its records are read", "workspace", w.cfg.Name, "stream", s.listing)
		}
		if err := w.settleStart(s, err, start); err != nil {
			return err
		}
	}
	return nil
}

func (w *workspace) settleStart(s *stream, err error, now time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.show(s)
	if !s.cursor.SnapshotDone {
		s.plan()
	}
	if refusal, ok := errors.AsType[*shard.Refusal](err); ok {
		w.hold(s, refusal, now)
		err = nil
	}
	if s.paused != nil || w.orders.Paused != nil {
		w.turn(s, statePaused, nil)
	}
	return err
}

// turnOf is the stream whose turn it is, or nil and for how long there is
// nothing to do. While the vendor answers nobody, or refuses the token, it is
// nobody's turn.
func (w *workspace) turnOf(ctx context.Context) (*stream, time.Duration) {
	if w.orders.Paused != nil || len(w.working()) == 0 {
		return nil, time.Minute
	}
	if wait, open := w.listen(ctx); open {
		return nil, wait
	}
	if wait, paused := w.tryToken(ctx); paused {
		return nil, wait
	}
	return w.next()
}

// next is the most overdue stream, or nil and how long until one is due.
func (w *workspace) next() (*stream, time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	var most *stream
	wait := time.Minute
	planning := w.planning()
	for _, s := range w.streams {
		if s.paused != nil || s.waits(planning) {
			continue
		}
		if late := s.schedule.due.Sub(now); late > 0 {
			wait = min(wait, late)
			continue
		}
		if most == nil || s.schedule.overdue(now) > most.schedule.overdue(now) {
			most = s
		}
	}
	return most, wait
}

// idle waits for a while or for a signal.
func (w *workspace) idle(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(w.outbox.Soon(d))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case heard := <-w.heard(ctx):
		return w.obey(ctx, heard)
	}
	return nil
}

// settle decides what a step's outcome means for the stream. The error is that
// of a lease that is over.
func (w *workspace) settle(ctx context.Context, s *stream, done bool, err error) error {
	if over, ok := errors.AsType[emit.LeaseError](err); ok {
		return over.Err
	}
	if ctx.Err() != nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.show(s)
	now := w.now()
	if err == nil && s.schedule.rests && s.health.failures > 0 { // nobody was asked: the trouble stands
		s.schedule.due = s.nextDue()
		return nil
	}
	if err == nil {
		w.answered()
		w.accepted()
		if s.schedule.confirmFailures == 0 {
			w.turn(s, stateOK, nil)
		}
		s.health.failures = 0
		s.schedule.due = s.schedule.dueAgain(now, w.callsPerMinute)
		if done {
			w.pace()
			s.adapt(w.callsPerMinute)
			s.schedule.due = s.nextDue()
			w.metrics.lastScan.WithLabelValues(w.cfg.Name, s.listing).Set(float64(now.UnixMilli()) / 1000)
		}
		return nil
	}
	w.failed(s, err, now)
	return nil
}

// pace stretches the targets of all streams alike where they cannot be met
// within the calls that the source may spend, and says so.
func (w *workspace) pace() {
	polls, sweeps := stretchOf(w.working(), w.callsPerMinute)
	w.stretch = polls
	w.metrics.stretch.WithLabelValues(w.cfg.Name).Set(polls)
	for _, s := range w.streams {
		s.schedule.stretch, s.schedule.sweepStretch = polls, sweeps
	}
	w.tellTargets()
}

// failed sets the stream aside for a while. What a scan has read so far is kept
// where the vendor is merely unreachable; an answer that cannot be used makes
// the scan start again.
func (w *workspace) failed(s *stream, err error, now time.Time) {
	if refusal, ok := errors.AsType[*shard.Refusal](err); ok {
		w.hold(s, refusal, now)
		return
	}
	w.metrics.failures.WithLabelValues(w.cfg.Name, s.listing).Inc()
	if errors.Is(err, errWrongTenant) {
		w.restart(s)
		w.stranger(s, now)
		return
	}
	if kind := planhat.KindOf(err); silent(kind) {
		w.heardNothing(s, now)
	} else if kind != planhat.KindNone {
		w.answered()
	}
	if _, ok := errors.AsType[confirmError](err); ok && (planhat.KindOf(err) != planhat.KindUnauthorized || errors.Is(err, errElsewhere)) {
		s.schedule.confirmFailures++
		s.schedule.confirmAt = now.Add(retryAfter(s.schedule.confirmFailures))
		s.schedule.due = s.nextDue()
		s.scan.confirm = confirmation{}
		w.turn(s, "retrying", err)
		return
	}
	if s.health.failures++; s.health.failures == 1 {
		s.schedule.wasDue = s.schedule.due
	}
	s.schedule.due = now.Add(retryAfter(s.health.failures))
	var apiErr *planhat.Error
	if !errors.As(err, &apiErr) {
		w.restart(s)
		if errors.Is(err, cdc.ErrStalled) {
			s.cursor.Sweep, s.schedule.broken = nil, false // to go on from there, or at once, would stall again
		}
		w.turn(s, "retrying", err)
		return
	}
	switch apiErr.Kind {
	case planhat.KindUnauthorized:
		if errors.Is(err, errElsewhere) {
			w.restart(s)
			w.turn(s, "retrying", err)
			return
		}
		w.refused(s, err, now)
	case planhat.KindForbidden:
		w.forbid(s, err, now)
	case planhat.KindMalformed, planhat.KindInvalid, planhat.KindNotFound:
		w.restart(s)
		w.turn(s, "retrying", err)
	default:
		w.turn(s, "retrying", err)
	}
}

// forbid sets a listing aside that the token may not see.
func (w *workspace) forbid(s *stream, err error, now time.Time) {
	w.restart(s)
	s.schedule.due = now.Add(min(forbiddenRetry, sweepTargets*s.schedule.target))
	w.turn(s, stateForbidden, fmt.Errorf("%w; to repair: let the token read %s, or leave it out of PLANHAT_OBJECTS", err, strings.Join(s.captured(), " and ")))
}

// stateUnauthorized is that of a workspace whose token the vendor does not accept.
const stateUnauthorized = "unauthorized"

// stateOK is that of a stream whose last step succeeded.
const stateOK = "ok"

// stateForbidden is that of a stream whose listing the token may not see.
const stateForbidden = "forbidden"

// stateStarting is that of a stream that has not been looked at yet.
const stateStarting = "starting"

// statePaused is that of a stream for which an operator wants no calls.
const statePaused = "paused"

// stateHeld is that of a stream whose topics or state are not what they have to be.
const stateHeld = "held"

// hold keeps a stream from going on with a state that does not hold; the
// others of the workspace go on.
func (w *workspace) hold(s *stream, refusal *shard.Refusal, now time.Time) {
	if !s.health.held {
		w.log.Error("stream is held", "workspace", w.cfg.Name, "stream", s.listing, "error", refusal.Error())
	}
	w.metrics.failures.WithLabelValues(w.cfg.Name, s.listing).Inc()
	s.scan.delta = nil // with it a restart would leave a sweep alone
	w.restart(s)
	s.health.held = true
	s.schedule.deltaAt, s.schedule.broken = now, true // what was read and is not written is read again then
	s.schedule.due = now.Add(heldRetry)
	w.turn(s, stateHeld, refusal)
}

// restart drops what a stream has read and not written. The scan that read it
// begins again when the stream is looked at next, not an interval later.
func (w *workspace) restart(s *stream) {
	if s.scan.delta != nil {
		s.schedule.deltaAt = w.now()
	} else if s.scan.sweep != nil {
		s.schedule.broken = true
	}
	if err := s.abandon(); err != nil {
		w.log.Error("cursor cannot be read back", "stream", s.listing, "error", err.Error())
	}
}

// turn changes the state that /status shows and logs the change.
func (w *workspace) turn(s *stream, state string, err error) {
	if s.health.state != state {
		attrs := []any{"workspace", w.cfg.Name, "stream", s.listing, "state", state}
		if err != nil {
			attrs = append(attrs, "error", err.Error())
		}
		w.log.Info("stream changes state", attrs...)
	}
	s.health.state, s.health.cause = state, ""
	if err != nil {
		s.health.cause = err.Error()
	}
	if state == statePaused {
		s.health.cause = w.pausedBy(s)
	}
	w.tellTurn(s)
}

// show copies what /status tells of a stream, which others read.
func (w *workspace) show(s *stream) {
	w.metrics.records.WithLabelValues(w.cfg.Name, s.listing).Set(float64(s.index.Len()))
	w.metrics.candidates.WithLabelValues(w.cfg.Name, s.listing).Set(float64(len(s.cursor.Candidates)))
	w.metrics.held.WithLabelValues(w.cfg.Name, s.listing).Set(tell.OneIf(s.cursor.Held))
	w.metrics.forbidden.WithLabelValues(w.cfg.Name, s.listing).Set(tell.OneIf(s.health.state == stateForbidden))
	w.metrics.streamPaused.WithLabelValues(w.cfg.Name, s.listing).Set(tell.OneIf(s.paused != nil || w.orders.Paused != nil))
	w.metrics.snapshotCalls.WithLabelValues(w.cfg.Name, s.listing).Set(float64(s.reading.calls))
	made := s.reading.made
	if s.reading.active {
		made = s.callsMade()
	}
	w.metrics.snapshotMade.WithLabelValues(w.cfg.Name, s.listing).Set(float64(made))
	s.shown = StreamStatus{
		CallsPlanned: s.reading.calls, CallsMade: made,
		Name: s.listing, State: s.health.state, Cause: s.health.cause, Records: s.index.Len(),
		SnapshotDone: s.cursor.SnapshotDone, Candidates: len(s.cursor.Candidates), SweepReason: string(s.cursor.SweepDue),
		Held:     s.cursor.Held,
		HeldFor:  w.heldFor(s),
		LastScan: s.health.lastScan, LastFlush: s.health.lastFlush,
	}
}
