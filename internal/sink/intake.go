package sink

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// intake reads and decodes commands while the batch before them is carried out: the next
// batch grows as long as that takes. What it may hold is bounded by number and by bytes.
type intake struct {
	w      *workspace
	r      *reader
	most   int           // commands in a batch
	bytes  int           // of a batch
	linger time.Duration // how long a batch grows while nothing is under way

	mu      sync.Mutex
	pending []*command
	size    int       // bytes of pending
	oldest  time.Time // when the first of pending came
	latest  time.Time // when the last did
	reading bool      // more commands are at hand and will be here in a moment
	err     error     // why there will be no more

	grown chan struct{} // something of the above has changed
	taken chan struct{} // there is room again
	done  chan struct{}
}

const (
	// quiet is the part of the linger after which a batch starts, if no command comes.
	quiet = 5
	// backlogLinger is how long a batch is filled from commands that are at hand.
	backlogLinger = 500 * time.Millisecond
	// decodeAtOnce is how many commands are decoded before others may see them.
	decodeAtOnce = 64
)

// newIntake starts reading. It is ended by ctx, and has ended when stop returns.
func newIntake(ctx context.Context, w *workspace, r *reader) *intake {
	sink := w.service.cfg.Sink
	in := &intake{
		w: w, r: r, most: max(sink.MaxBatch, 1), bytes: max(sink.BufferBytes/quarters, 1), linger: sink.Linger,
		grown: make(chan struct{}, 1), taken: make(chan struct{}, 1), done: make(chan struct{}),
	}
	go in.run(ctx)
	return in
}

// stop waits for the end of reading, which the end of the context has brought about.
func (in *intake) stop() { <-in.done }

func (in *intake) run(ctx context.Context) {
	defer close(in.done)
	for {
		most, bytes, err := in.room(ctx)
		if err == nil {
			err = in.release(ctx)
		}
		var records []*kgo.Record
		if err == nil {
			records, err = in.fetch(ctx, most, bytes)
		}
		if err == nil {
			in.note(func() { in.reading = true })
			err = in.w.read(ctx, records, in.add)
		}
		in.note(func() { in.reading, in.err = err == nil && in.r.more(), err })
		if err != nil {
			return
		}
	}
}

// release takes what waited for the schema registry and need not any more. While too much
// waits, nothing else is read.
func (in *intake) release(ctx context.Context) error {
	for {
		commands, err := in.w.fetched(ctx)
		if err == nil && len(commands) > 0 {
			err = in.add(commands)
		}
		if err != nil || !in.w.aside.full(in.w.position()) {
			return err
		}
		if err := sleep(ctx, in.w.times.Retry); err != nil {
			return err
		}
	}
}

// fetch reads commands; while some wait for the registry, it gives up after a while.
func (in *intake) fetch(ctx context.Context, most, bytes int) ([]*kgo.Record, error) {
	if len(in.w.aside.waiting) == 0 {
		return in.r.next(ctx, most, bytes)
	}
	short, cancel := context.WithTimeout(ctx, in.w.times.Retry)
	defer cancel()
	records, err := in.r.next(short, most, bytes)
	if err != nil && short.Err() != nil && ctx.Err() == nil {
		return nil, nil
	}
	return records, err
}

// room waits until another command may be held, and tells how much more may.
func (in *intake) room(ctx context.Context) (most, bytes int, err error) {
	for {
		in.mu.Lock()
		most, bytes = in.most-len(in.pending), in.bytes-in.size
		in.mu.Unlock()
		if most > 0 && bytes > 0 {
			return most, bytes, nil
		}
		select {
		case <-in.taken:
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		}
	}
}

// add takes decoded commands. While a batch is under way, those that were refused are
// answered beside it.
func (in *intake) add(commands []*command) error {
	now := time.Now()
	in.note(func() {
		if len(in.pending) == 0 {
			in.oldest = now
		}
		if len(commands) > 0 {
			in.latest = now
		}
		in.pending, in.reading = append(in.pending, commands...), true
		for _, c := range commands {
			in.size += size(c.record)
		}
	})
	if !in.w.busy.Load() {
		return nil
	}
	return in.w.answerAhead(commands)
}

// note changes something that next looks at.
func (in *intake) note(change func()) {
	in.mu.Lock()
	change()
	in.mu.Unlock()
	signal(in.grown)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// next waits for a batch. The error is that of ctx, or of reading.
func (in *intake) next(ctx context.Context) ([]*command, error) {
	for {
		batch, wait, err := in.take(time.Now())
		if len(batch) > 0 || err != nil {
			return batch, err
		}
		var later <-chan time.Time
		if wait > 0 {
			later = time.After(wait)
		}
		select {
		case <-in.grown:
		case <-later:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// take gives the pending batch if it is due. If not, it tells when it will be; 0: once
// a command has come.
func (in *intake) take(now time.Time) ([]*command, time.Duration, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.pending) == 0 {
		return nil, 0, in.err
	}
	if wait := in.due().Sub(now); wait > 0 {
		return nil, wait, nil
	}
	batch := in.pending
	in.pending, in.size = nil, 0
	in.w.busy.Store(true) // what comes from now on comes beside it
	signal(in.taken)
	return batch, 0, nil
}

// due is when the pending batch starts: at once if it is full; when it is as full as can
// be while more is at hand; else after the linger, or once it is quiet. A batch that has
// grown beside another is mostly older than that.
func (in *intake) due() time.Time {
	switch {
	case len(in.pending) >= in.most || in.size >= in.bytes || in.err != nil:
		return in.oldest
	case in.reading:
		return in.oldest.Add(max(in.linger, backlogLinger))
	}
	due := in.oldest.Add(in.linger)
	if still := in.latest.Add(in.linger / quiet); still.Before(due) {
		due = still
	}
	return due
}
