package pipedrivesim

import (
	"slices"
	"time"
)

// matches tells whether a webhook wants an event.
func (h *hook) matches(s *Server, ch change) bool {
	if h.removed != "" || h.object != "*" && h.object != ch.object.name {
		return false
	}
	if u := s.user(h.user); u == nil || !u.sees(ch.after) {
		return false
	}
	return h.action == "*" || h.version == "2.0" && h.action == ch.action || h.version == "1.0" && h.action == ch.actionV1()
}

// announce queues an event for the webhooks that want it, through the faults of deliveries. The server's lock is held.
func (s *Server) announce(sw Switches, ch change) {
	var v1, v2 *payload
	e := s.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.nudge()
	for _, h := range s.hooks.all {
		if !h.matches(s, ch) {
			continue
		}
		bent := s.bend(ch, h)
		d := &delivery{hook: h, change: ch, version: h.version, fault: bent.names()}
		if bent.has("v1-payload") {
			d.version = "1.0"
		}
		d.change.bulk = ch.bulk || bent.has("bulk-edit")
		if d.version == "1.0" {
			if v1 == nil {
				p := s.payloadV1(ch)
				v1 = &p
			}
			d.payload = *v1
		} else {
			if v2 == nil {
				p := s.payloadV2(sw, ch)
				v2 = &p
			}
			d.payload = *v2
		}
		e.enqueue(s, sw, d, bent)
	}
}

// enqueue queues a delivery as its faults say.
func (e *engine) enqueue(s *Server, sw Switches, d *delivery, bent bends) {
	now := e.clock()
	if now.Before(d.hook.bannedUntil) {
		e.note(d, 0, "banned", nil)
		return
	}
	if bent.has("drop") {
		e.note(d, 0, "dropped", nil)
		return
	}
	due := now.Add(bent.delay)
	if bent.has("reorder") {
		due = due.Add(reorderFor)
	}
	e.push(d, due)
	if bent.has("duplicate") {
		again := *d
		e.push(&again, due)
	}
	if bent.has("create-change") && d.change.action == "create" {
		e.push(s.changeAfterCreate(sw, d), due)
	}
}

// reorderFor is how long an event is held so that later ones overtake it.
const reorderFor = 2 * time.Second

// changeAfterCreate is the change that some records send at once after their create.
func (s *Server) changeAfterCreate(sw Switches, d *delivery) *delivery {
	again := *d
	ch := &again.change
	ch.action, ch.before, ch.event = "change", ch.after, s.uuid()
	if d.version == "1.0" {
		again.payload = s.payloadV1(*ch)
	} else {
		again.payload = s.payloadV2(sw, *ch)
	}
	return &again
}

// Deliveries gives the attempts behind a number, and the number of the last one.
func (s *Server) Deliveries(after int64) ([]Delivery, int64) {
	s.engine.mu.Lock()
	defer s.engine.mu.Unlock()
	last := int64(len(s.engine.log))
	if after >= last || after < 0 {
		return nil, last
	}
	return slices.Clone(s.engine.log[after:]), last
}

// Pending counts the deliveries that wait or are under way.
func (s *Server) Pending() int {
	s.engine.mu.Lock()
	defer s.engine.mu.Unlock()
	return s.engine.pending
}

// Settle waits until no delivery is pending; false where that took longer than allowed.
func (s *Server) Settle(within time.Duration) bool {
	s.engine.mu.Lock()
	quiet := s.engine.quiet
	s.engine.mu.Unlock()
	if quiet == nil {
		return true
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-quiet:
		return true
	case <-timer.C:
	case <-s.closing.Done():
	}
	return false
}

// GiveUp drops what waits to be delivered, retries too; attempts under way end by themselves.
func (s *Server) GiveUp() {
	e := s.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	var checks deliveries
	for _, d := range e.queue {
		if d.check {
			checks = append(checks, d)
			continue
		}
		e.note(d, 0, "gave_up", nil)
		e.done()
	}
	e.queue = checks
	slices.SortFunc(e.queue, func(a, b *delivery) int { return a.due.Compare(b.due) })
}
