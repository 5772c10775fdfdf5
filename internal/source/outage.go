package source

import (
	"context"
	"time"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// How an outage of the vendor is told from trouble with one listing, and how
// often it is tried whether it is over.
const (
	outageAfter   = 2               // steps in a row that nobody answered
	probeEvery    = 4 * time.Second // between the beginnings of two tries
	probeDeadline = 5 * time.Second // of a try: one that hangs must not outlast the outage by much
	probePatience = time.Hour       // then one try in sixty may take as long as any call: the vendor may only be slow
)

// outage is what is known of a vendor that does not answer. While it is open,
// one cheap call every few seconds is all that the workspace asks for; when that
// is answered, all streams go on at once, instead of each when it dares to.
type outage struct {
	failures int       // steps in a row that nobody answered
	open     bool      //
	since    time.Time // when it was opened
	at       time.Time // of the next try
	vain     int       // tries
	last     int       // the stream whose listing was asked last
}

// silent are the kinds of errors that say nothing of the call: nobody has
// answered it, or something before the API has.
func silent(kind planhat.Kind) bool {
	return kind == planhat.KindUnavailable || kind == planhat.KindThrottled || kind == planhat.KindMalformed
}

// heardNothing notes a step that nobody answered. The second in a row opens the
// outage: whether it is one, or the trouble of one listing, the first try tells,
// at another listing.
func (w *workspace) heardNothing(s *stream, now time.Time) {
	o := &w.outage
	if o.failures++; o.open || o.failures < outageAfter {
		return
	}
	*o = outage{failures: o.failures, open: true, since: now, at: now}
	for i := range w.streams {
		if w.streams[i] == s {
			o.last = i
		}
	}
}

// answered notes that the vendor answered, whatever it said.
func (w *workspace) answered() { w.outage.failures = 0 }

// listen tries whether the outage is over, when it is time to, and says whether
// there is one, with the time until something is to be done.
func (w *workspace) listen(ctx context.Context) (wait time.Duration, open bool) {
	o := &w.outage
	if !o.open {
		return 0, false
	}
	begun := w.now()
	if wait := o.at.Sub(begun); wait > 0 {
		return wait, true
	}
	o.last = w.workingAfter(o.last)
	if kind := w.try(ctx, w.streams[o.last], begun); ctx.Err() != nil || silent(kind) {
		w.stillSilent(begun)
		return 0, true
	}
	w.answersAgain()
	return 0, true
}

// workingAfter is the next stream after one that is not paused; where all are,
// there is no call to make before one is resumed.
func (w *workspace) workingAfter(last int) int {
	for range w.streams {
		if last = (last + 1) % len(w.streams); w.streams[last].paused == nil {
			break
		}
	}
	return last
}

// try asks a listing for a moment; now and then as long as any call may take.
func (w *workspace) try(ctx context.Context, s *stream, now time.Time) planhat.Kind {
	patient := now.Sub(w.outage.since) > probePatience && w.outage.vain%60 == 0
	if !patient {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, probeDeadline)
		defer cancel()
	}
	return w.tryRow(ctx, s)
}

// tryRow asks for one row of a listing, once, and says of what kind the answer is.
func (w *workspace) tryRow(ctx context.Context, s *stream) planhat.Kind {
	_, err := w.prober.Page(ctx, s.objects[0].spec.Object, planhat.ListOptions{Limit: 1})
	return planhat.KindOf(err)
}

func (w *workspace) stillSilent(begun time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := &w.outage
	if o.vain++; o.vain == 1 {
		w.log.Warn("planhat does not answer: one call is tried every few seconds until it does", "workspace", w.cfg.Name)
		w.metrics.outage.WithLabelValues(w.cfg.Name).Set(1)
	}
	o.at = begun.Add(probeEvery)
}

// answersAgain ends the outage. Where the first try was answered there was none:
// the stream that nobody answered is in trouble of its own, and waits longer
// each time.
func (w *workspace) answersAgain() {
	w.mu.Lock()
	defer w.mu.Unlock()
	o, now := w.outage, w.now()
	w.outage = outage{last: o.last}
	if o.vain == 0 {
		return
	}
	w.metrics.outage.WithLabelValues(w.cfg.Name).Set(0)
	w.log.Info("planhat answers again: all streams go on", "workspace", w.cfg.Name, "silent_for", now.Sub(o.since).String())
	w.allGoOn(now)
}

// allGoOn lets the streams that wait after trouble with the vendor try again, in
// the order in which they were due before it.
func (w *workspace) allGoOn(now time.Time) {
	for _, s := range w.streams {
		if s.health.state == stateForbidden || s.health.held {
			continue
		}
		if s.health.failures > 0 {
			s.health.failures, s.schedule.due = 0, s.schedule.wasDue
		}
		if s.schedule.confirmFailures > 0 {
			s.schedule.confirmFailures, s.schedule.confirmAt = 0, now
			s.schedule.due = minTime(s.schedule.due, now)
		}
	}
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
