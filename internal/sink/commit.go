package sink

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
)

// commitEvery is how long the results of a slow batch wait for the rest of it. What
// was done since the last commit is done again after a crash.
const commitEvery = 100 * time.Millisecond

// progress commits the results that a batch has so far, every now and then,
// until it is told to stop. A failed commit ends the lease: stop gives its error,
// since there may be nothing left for the batch's last commit to fail with.
func (w *workspace) progress(batch []*command, guard sync.Locker) (stop func() error) {
	quit, done := make(chan struct{}), make(chan struct{})
	var failed error
	go func() {
		defer close(done)
		ticker := time.NewTicker(commitEvery)
		defer ticker.Stop()
		for {
			select {
			case <-quit:
				return
			case <-ticker.C:
				if failed = w.commit(batch, guard); failed != nil {
					return
				}
			}
		}
	}()
	return func() error {
		close(quit)
		<-done
		return failed
	}
}

// commit writes the results that the batch has and their dead letters, and the
// positions after them, in one transaction. Commands without a result stay
// where they are. guard protects the batch's results.
func (w *workspace) commit(batch []*command, guard sync.Locker) error {
	return w.write(batch, guard, (*positions).after)
}

// answerAhead is commit for those of some commands that were refused, while commands
// before them are not answered.
func (w *workspace) answerAhead(commands []*command) error {
	if !slices.ContainsFunc(commands, func(c *command) bool { return c.order == nil }) {
		return nil
	}
	refused := slices.DeleteFunc(slices.Clone(commands), func(c *command) bool { return c.order != nil })
	return w.write(refused, new(sync.Mutex), (*positions).ahead)
}

// position is how far the commands are answered.
func (w *workspace) position() positions {
	w.positionMu.Lock()
	defer w.positionMu.Unlock()
	return w.positions
}

// write commits the results of commands; move moves the positions.
func (w *workspace) write(commands []*command, guard sync.Locker, move func(*positions, []*command)) error {
	w.writing.Lock()
	defer w.writing.Unlock()
	ready, next, out, err := w.collect(commands, guard, move)
	if err != nil || len(ready) == 0 && maps.Equal(next.Next, w.positions.Next) {
		return err
	}
	for _, c := range ready {
		w.ledger.forget(c.place())
	}
	intents, due := w.ledger.unsaved()
	tenant, seen := w.access.unsaved()
	w.point(PointBeforeCommit)
	err = w.lease.Transact(w.ctx, func(tx *shard.Tx) error {
		if err := tx.Produce(out...); err != nil {
			return err
		}
		if len(out) > len(ready) {
			w.point(PointDeadLettered)
		}
		if due {
			tx.State(stateKey(w.cfg.Name, kindIntents), intents)
		}
		if seen {
			tx.State(stateKey(w.cfg.Name, kindTenant), tenant)
		}
		tx.State(stateKey(w.cfg.Name, kindPositions), next.json())
		return nil
	})
	if err != nil {
		w.end()
		return err
	}
	w.point(PointAfterCommit)
	w.positionMu.Lock()
	w.positions = next
	w.positionMu.Unlock()
	w.metrics.answered(w.cfg.Name, ready)
	w.show(ready)
	return nil
}

// collect takes the results that have not been written yet, with the records
// that say them and the positions after them.
func (w *workspace) collect(batch []*command, guard sync.Locker, move func(*positions, []*command)) (ready []*command, next positions, out []*kgo.Record, err error) {
	guard.Lock()
	defer guard.Unlock()
	next = w.positions.clone()
	next.barriers = w.barriers()
	move(&next, batch)
	for _, c := range batch {
		if c.result != nil && !c.answered {
			ready = append(ready, c)
		}
	}
	answers := answers{w: w, room: w.room(w.results), records: make([]kgo.Record, 0, len(ready))}
	out = make([]*kgo.Record, 0, len(ready))
	for _, c := range ready {
		c.answered = true
		r, err := answers.result(c)
		if err != nil {
			return nil, next, nil, fmt.Errorf("answer command %s: %w", c, err)
		}
		out = append(out, r)
		if d := w.deadLetter(c); d != nil {
			out = append(out, d)
		}
		c.result.record = nil // it is in the result now
	}
	return ready, next, out, nil
}
