package oracle

import "slices"

// checkCleared holds the nulls of records whose vendor says null for what was never
// set as for what was cleared. In an event null means cleared: a field is null where
// an event of the record before had the field, or the vendor told that it had a value;
// a field that an event had does not disappear from the next.
func checkCleared(e Evidence) []Mismatch {
	var out []Mismatch
	for _, o := range e.Objects {
		if !o.Sparse {
			continue
		}
		c := clearing{object: o, known: map[string]names{}, had: map[string]names{}}
		c.learn(e.Webhooks)
		for _, change := range o.Changes {
			c.event(change)
		}
		out = append(out, append(c.found, c.owed(e.Webhooks, livesOf(o, e.Journal))...)...)
	}
	return out
}

type names map[string]bool

type clearing struct {
	object ObjectEvidence
	known  map[string]names // by record: fields that were ever seen with a value
	had    map[string]names // by record: those of its last event; nil: it is not live
	found  []Mismatch
}

// lives tells which of the vendor's events are of the life that a record has now: one
// that was deleted and comes back begins anew, whether or not its delete was seen.
type lives struct {
	made  map[string]int64 // by event: when it was made
	ended map[string]int64 // by record: when it was last deleted
}

func livesOf(o ObjectEvidence, journal []Entry) lives {
	l := lives{made: map[string]int64{}, ended: map[string]int64{}}
	for _, entry := range journal {
		if entry.Event != "" {
			l.made[entry.Event] = entry.Seq
		}
		if entry.Op == "delete" && o.concerns(entry) {
			l.ended[entry.ID] = entry.Seq
		}
	}
	return l
}

func (l lives) past(w Webhook) bool { return l.made[w.Event] < l.ended[w.ID] }

// learn notes which fields had values, as the webhooks tell.
func (c *clearing) learn(webhooks []Webhook) {
	for _, w := range webhooks {
		if w.Err != nil || w.Entity != c.object.Object {
			continue
		}
		for _, image := range []Row{w.Data, w.Previous} {
			for name, v := range leaves(image) {
				if v != nil {
					c.know(w.ID, name)
				}
			}
		}
	}
}

func (c *clearing) know(id, name string) {
	if c.known[id] == nil {
		c.known[id] = names{}
	}
	c.known[id][name] = true
}

func (c *clearing) event(change Change) {
	switch {
	case change.Err != nil:
		return
	case change.Tombstone || change.Op == "d":
		c.had[change.Key] = nil
		return
	}
	now := leaves(change.After)
	for name := range c.had[change.Key] {
		if _, still := now[name]; !still && !slices.Contains(c.object.Volatile, name) {
			c.found = append(c.found, mismatchAt(change.Place, change.Key, "%s has disappeared: what was cleared has to be null", name))
		}
	}
	has := names{}
	for name, v := range now {
		if v == nil && !c.known[change.Key][name] && !slices.Contains(c.object.Volatile, name) {
			c.found = append(c.found, mismatchAt(change.Place, change.Key, "%s is null, as if it had been cleared, but never had a value", name))
		}
		has[name] = true
		if v != nil {
			c.know(change.Key, name)
		}
	}
	c.had[change.Key] = has
}

// owed: where a webhook said that a field had a value, the record's last event has the
// field.
func (c *clearing) owed(webhooks []Webhook, l lives) []Mismatch {
	var out []Mismatch
	told := map[string]names{}
	for _, w := range webhooks {
		has, row := c.had[w.ID], c.object.State[w.ID]
		if w.Err != nil || w.Entity != c.object.Object || w.Old || w.Data == nil || has == nil || row == nil || l.past(w) {
			continue
		}
		shown := leaves(row)
		for name, v := range leaves(w.Previous) {
			if _, listed := shown[name]; !listed || empty(v) || has[name] || told[w.ID][name] {
				continue
			}
			if told[w.ID] == nil {
				told[w.ID] = names{}
			}
			told[w.ID][name] = true
			out = append(out, mismatchAt(w.Place, w.ID, "%s had a value, but the record's last event has neither a value nor null there", name))
		}
	}
	return out
}

// empty values may stand for none.
func empty(v any) bool {
	list, isList := v.([]any)
	return v == nil || v == "" || isList && len(list) == 0
}
