package rest

import "time"

// window keeps the times of the last calls, so that no span of its length ever holds
// more than its size. A thousandth of the span is added, for calls that travel at
// different speeds.
type window struct {
	span  time.Duration
	size  int
	times []time.Time // ring, oldest at next once full
	next  int
}

func newWindow(size int, span time.Duration) *window {
	if size <= 0 {
		return nil
	}
	return &window{span: span + span/1000, size: size}
}

// free returns the first moment at which another call fits; zero: any.
func (w *window) free() time.Time {
	if w == nil || len(w.times) < w.size {
		return time.Time{}
	}
	return w.times[w.next].Add(w.span)
}

func (w *window) note(now time.Time) {
	switch {
	case w == nil:
	case len(w.times) < w.size:
		w.times = append(w.times, now)
	default:
		w.times[w.next] = now
		w.next = (w.next + 1) % w.size
	}
}
