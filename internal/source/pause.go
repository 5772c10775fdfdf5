package source

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/internal/source/durable"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// pauseStream ends the calls for a stream.
func (w *workspace) pauseStream(_ context.Context, s *stream, sig schemas.Signal) (outcome, error) {
	if s.paused != nil {
		return done(nil, "it was %s", s.paused), nil
	}
	w.restart(s) // what a scan has read and not written is read again
	s.scan = scan{}
	s.paused = durable.PausedBy(sig, w.now())
	w.turn(s, statePaused, nil)
	o := done(s, "no calls are made for %s (%s) before it is resumed", s.listing, strings.Join(s.captured(), ", "))
	o.notes = []schemas.Notification{{Kind: schemas.NotifyStreamPaused, Stream: s.listing, Message: s.paused.String()}}
	return o, nil
}

// resumeStream lets a stream go on from where it is.
func (w *workspace) resumeStream(_ context.Context, s *stream, _ schemas.Signal) (outcome, error) {
	if s.paused == nil {
		return w.resumeNothing("stream")
	}
	s.paused = nil
	w.wake(s)
	message := s.listing + " goes on from where it is"
	if w.orders.Paused != nil {
		message = "the stream is not paused any more, but the workspace is " + w.orders.Paused.String()
	}
	o := done(s, "%s", message)
	o.notes = []schemas.Notification{{Kind: schemas.NotifyStreamResumed, Stream: s.listing, Message: message}}
	return o, nil
}

func (w *workspace) resumeNothing(what string) (outcome, error) {
	if w.orders.Paused != nil {
		return notNow("the %s is not paused, but the workspace is %s: resume that", what, w.orders.Paused)
	}
	return notNow("the %s is not paused", what)
}

// wake makes a stream that has rested look at once for what was edited, and
// soon for what was deleted, meanwhile. Where there are no polls a sweep looks
// for both.
func (w *workspace) wake(s *stream) {
	now := w.now()
	s.schedule.due, s.schedule.deltaAt = now, now
	soon := now
	if s.polls() {
		soon = now.Add(s.schedule.target)
	}
	s.schedule.sweepAt = minTime(s.schedule.sweepAt, soon)
	if s.paused == nil && w.orders.Paused == nil {
		w.turn(s, stateStarting, nil)
	}
}

func (w *workspace) pauseAll(_ context.Context, sig schemas.Signal) (outcome, error) {
	if w.orders.Paused != nil {
		return done(nil, "it was %s", w.orders.Paused), nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.orders.Paused = durable.PausedBy(sig, w.now())
	for _, s := range w.streams {
		w.restart(s)
		s.scan = scan{}
		w.turn(s, statePaused, nil)
		w.show(s)
	}
	o := done(nil, "no calls are made for any of the %d streams of %s before it is resumed", len(w.streams), w.cfg.Name)
	o.notes = []schemas.Notification{{Kind: schemas.NotifyStreamPaused, Message: w.orders.Paused.String()}}
	return o, nil
}

func (w *workspace) resumeAll(context.Context, schemas.Signal) (outcome, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.orders.Paused == nil {
		return notNow("the workspace is not paused%s", w.stillPaused("; streams are: "))
	}
	w.orders.Paused = nil
	for _, s := range w.streams {
		if s.paused == nil {
			w.wake(s)
		}
		w.show(s)
	}
	o := done(nil, "%s goes on from where it is%s", w.cfg.Name, w.stillPaused("; still paused on their own: "))
	o.notes = []schemas.Notification{{Kind: schemas.NotifyStreamResumed, Message: o.answer.Message}}
	return o, nil
}

// working are the streams that cost calls.
func (w *workspace) working() []*stream {
	return slices.DeleteFunc(slices.Clone(w.streams), func(s *stream) bool { return s.paused != nil })
}

// pausedBy says who paused a stream, or the workspace, and how it is resumed.
func (w *workspace) pausedBy(s *stream) string {
	if w.orders.Paused != nil || s == nil {
		return fmt.Sprintf("%s; to go on: planhatctl signal resume --workspace %s", w.orders.Paused, w.cfg.Name)
	}
	return fmt.Sprintf("%s; to go on: planhatctl signal resume --workspace %s --stream %s", s.paused, w.cfg.Name, s.listing)
}

func (w *workspace) stillPaused(before string) string {
	var names []string
	for _, s := range w.streams {
		if s.paused != nil {
			names = append(names, s.listing)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return before + strings.Join(names, ", ")
}
