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
// the next write to such a record waits a while, and then reads back.
type unsettled struct {
	mu     sync.Mutex
	writes map[string]*lateWrite // by plan.Item.Names
}

// lateWrite is a call that may yet take effect. One record of it that is read
// back stands for all: nobody documents more of the order of things at Planhat
// than that a call is carried out item by item.
type lateWrite struct {
	until time.Time
	probe plan.Item // the last of its items that can be looked up; no target: none

	mu      sync.Mutex
	settled bool
}

const maxUnsettled = 10_000

// mark notes a call whose write to items had an attempt without an answer.
func (u *unsettled) mark(settle time.Duration, items ...plan.Item) {
	late := &lateWrite{until: time.Now().Add(settle)}
	for _, i := range items {
		if guards := i.Guards(); i.Target.Key == "" && len(guards) > 0 {
			i.Target = guards[0]
		}
		if i.Target.Key != "" {
			late.probe = i
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.writes == nil {
		u.writes = map[string]*lateWrite{}
	}
	if len(u.writes) >= maxUnsettled {
		// Nothing is known to take effect that late.
		maps.DeleteFunc(u.writes, func(_ string, l *lateWrite) bool { return time.Since(l.until) > time.Minute })
	}
	for _, i := range items {
		for _, name := range i.Names() {
			u.writes[name] = late
		}
	}
}

// of forgets and returns the late writes to the records of items.
func (u *unsettled) of(items []plan.Item) []*lateWrite {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.writes) == 0 {
		return nil
	}
	seen := map[*lateWrite]bool{}
	var out []*lateWrite
	for _, i := range items {
		for _, name := range i.Names() {
			if l := u.writes[name]; l != nil {
				delete(u.writes, name)
				if !seen[l] {
					seen[l] = true
					out = append(out, l)
				}
			}
		}
	}
	return out
}

// readBack waits for what earlier writes without an answer may still do to the
// records of items, and reads a record of each such write.
func (e *executor) readBack(items []plan.Item) error {
	return atOnce(e.unsettled.of(items), e.inFlight(), e.settleLate)
}

// settleLate does so for one write. Items of other calls that share it wait here.
func (e *executor) settleLate(l *lateWrite) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.settled {
		return nil
	}
	if wait := time.Until(l.until); wait > 0 && sleep(e.w.ctx, wait) != nil {
		return errStopped
	}
	if l.probe.Target.Key != "" {
		_, err := e.find(l.probe, l.probe.Spec, l.probe.Target)
		if err != nil && !gaveUp(err) && planhat.KindOf(err) != planhat.KindForbidden {
			return err
		}
	}
	l.settled = true
	return nil
}
