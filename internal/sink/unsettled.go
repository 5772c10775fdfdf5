package sink

import (
	"maps"
	"sync"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/plan"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// unsettled remembers the records whose last write had an attempt without an
// answer: the attempt may take effect late, and would undo a later write. So
// the next write to such a record waits a while, and then reads it back.
type unsettled struct {
	mu    sync.Mutex
	until map[string]time.Time // by plan.Item.Names
}

const maxUnsettled = 10_000

// mark notes items whose write had an attempt without an answer.
func (u *unsettled) mark(settle time.Duration, items ...plan.Item) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.until == nil {
		u.until = map[string]time.Time{}
	}
	if len(u.until) >= maxUnsettled {
		// Nothing is known to take effect that late.
		maps.DeleteFunc(u.until, func(_ string, until time.Time) bool { return time.Since(until) > time.Minute })
	}
	until := time.Now().Add(settle)
	for _, i := range items {
		for _, name := range i.Names() {
			u.until[name] = until
		}
	}
}

// take returns how long the next write to an item's record has to wait, and
// whether it has to read it back. It forgets the record.
func (u *unsettled) take(i plan.Item) (time.Duration, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.until) == 0 {
		return 0, false
	}
	var wait time.Duration
	found := false
	for _, name := range i.Names() {
		if until, ok := u.until[name]; ok {
			wait, found = max(wait, time.Until(until)), true
			delete(u.until, name)
		}
	}
	return wait, found
}

// readBack waits for what earlier writes without an answer may still do to the
// records of items, and reads the records.
func (e *executor) readBack(items []plan.Item) error {
	var wait time.Duration
	var again []plan.Item
	for _, i := range items {
		if w, ok := e.unsettled.take(i); ok {
			wait = max(wait, w)
			again = append(again, i)
		}
	}
	if len(again) == 0 {
		return nil
	}
	if wait > 0 && sleep(e.w.ctx, wait) != nil {
		return errStopped
	}
	for _, i := range again {
		if i.Target.Key == "" {
			continue
		}
		if _, err := e.find(i, i.Spec, i.Target); err != nil && !gaveUp(err) && planhat.KindOf(err) != planhat.KindForbidden {
			return err
		}
	}
	return nil
}
