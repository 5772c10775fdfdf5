package pipedrivesim

import "time"

// finish draws the consequences of an attempt: retry, ban, deletion.
func (e *engine) finish(d *delivery, status int, outcome string, err error) {
	e.s.mu.Lock()
	defer e.s.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.busy--
	if d.check {
		e.look(d)
		return
	}
	if e.ctx.Err() != nil {
		e.done()
		return
	}
	if outcome == "" {
		outcome = e.judge(d, status, err)
	}
	e.note(d, status, outcome, err)
	if outcome == "failed" {
		e.push(d, e.clock().Add(retryAfter[d.attempt]))
	}
	e.done()
}

// judge is the outcome of an attempt that was made.
func (e *engine) judge(d *delivery, status int, err error) string {
	h, now, sw := d.hook, e.clock(), e.s.switches.Load()
	h.lastAt, h.lastStatus = e.s.now().UTC().Format("2006-01-02T15:04:05.000Z"), nil
	if status != 0 {
		h.lastStatus = status
	}
	if err == nil && status >= 200 && status < 300 {
		h.failing = time.Time{}
		if sw.BanCounter == "consecutive" {
			h.failures = 0
		}
		return "delivered"
	}
	if h.failing.IsZero() {
		h.failing = now
	}
	if d.attempt == 1 && !now.Before(h.bannedUntil) {
		if h.failures++; h.failures >= banAfter {
			h.failures, h.bannedUntil = 0, now.Add(banFor)
		}
	}
	if d.attempt == maxAttempts {
		return "gave_up"
	}
	return "failed"
}

// watch begins to look after a webhook that may have to be deleted.
func (e *engine) watch(h *hook) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.push(&delivery{hook: h, check: true}, e.clock().Add(deleteAfter))
	e.nudge()
}

// look deletes a webhook that had no success for three days, or looks again later.
func (e *engine) look(d *delivery) {
	h, now := d.hook, e.clock()
	since := h.failing
	if since.IsZero() && e.s.switches.Load().IdleHooks == "deleted" && h.lastAt == "" {
		since = now.Add(-deleteAfter)
	}
	switch {
	case h.removed != "":
	case !since.IsZero() && now.Sub(since) >= deleteAfter:
		h.remove("no successful delivery on 3 consecutive days", stamp(e.s.now()))
	case since.IsZero():
		e.push(d, now.Add(deleteAfter))
	default:
		e.push(d, since.Add(deleteAfter))
	}
}

func (e *engine) note(d *delivery, status int, outcome string, err error) {
	ch := d.change
	entry := Delivery{
		Seq: int64(len(e.log)) + 1, At: e.s.now().UTC(), Event: ch.event, Hook: d.hook.id, Entity: ch.object.name, ID: ch.id, Action: ch.action,
		Version: d.version, UpdateTime: ch.after.text("update_time"), Attempt: d.attempt, Status: status, Outcome: outcome, Fault: d.fault,
	}
	if err != nil {
		entry.Error = err.Error()
	}
	e.log = append(e.log, entry)
}
