package pipedrivesim

import (
	"fmt"
	"maps"
	"time"
)

// tx is a change of the company under way; the lock is held.
type tx struct {
	s      *Server
	sw     Switches
	via    string // api, app, life, seed
	by     *user
	call   int64
	bulk   bool
	at     time.Time
	silent bool // no events: the seed
}

// change is one event as receivers are told of it.
type change struct {
	object      *object
	id          int64
	action      string // create, change, delete
	before      doc    // nil on create
	after       doc    // the last state on delete
	at          time.Time
	by          int64
	source      string // app, api
	bulk        bool
	mergedTo    int64
	mergedFrom  int64
	event       string // UUID
	correlation string
	permitted   []int64
}

func (s *Server) begin(via string, by *user, call int64) *tx {
	return &tx{s: s, sw: *s.switches.Load(), via: via, by: by, call: call, at: s.now().UTC()}
}

// write runs a change of the company for one caller.
func (s *Server) write(via string, do func(*tx)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do(s.begin(via, s.users[0], 0))
}

func (t *tx) store(o *object) *store { return t.s.stores[o] }

func (t *tx) stamp() string { return stamp(t.at) }

// problem is a refusal of a change: what is wrong, in the words of the field.
type problem struct{ path, message string }

func (p *problem) Error() string { return p.path + ": " + p.message }

// create stores a new record from checked values.
func (t *tx) create(o *object, values map[string]any) (*record, *problem) {
	st := t.store(o)
	d := blank(o)
	d["id"] = st.last + 1
	if _, has := d["owner_id"]; has {
		d["owner_id"] = t.by.id
	}
	if _, has := d["user_id"]; has {
		d["user_id"] = t.by.id
	}
	d["add_time"], d["update_time"] = t.stamp(), t.stamp()
	apply(d, values)
	if p := t.prepare(o, nil, d, values); p != nil {
		return nil, p
	}
	r := st.put(d)
	t.emit(change{object: o, id: r.id, action: "create", after: d}, "create")
	return r, nil
}

// blank is a record before anybody said anything.
func blank(o *object) doc {
	d := doc{}
	for _, c := range o.columns {
		d[c.name] = zeroOf(c)
	}
	if o.custom {
		d["custom_fields"] = map[string]any{}
	}
	switch o {
	case notes:
		d["active_flag"] = true
	case deals:
		d["status"], d["currency"], d["origin"] = "open", "EUR", "API"
	case products:
		d["currency"], d["discount_type"], d["tax_method"], d["billing_frequency"], d["is_enabled"] = "EUR", "percentage", "none", "one-time", true
	case stages:
		d["deal_probability"] = int64(100)
	}
	return d
}

func zeroOf(c column) any {
	if c.null {
		return nil
	}
	switch c.kind {
	case kText, kDate, kTime, kTimeV1, kCurrency, kStatus, kFrequency:
		return ""
	case kBool, kFlag:
		return false
	case kInts, kContacts:
		return []any{}
	case kVisible:
		return int64(3)
	default: // numbers
		return int64(0)
	}
}

// apply puts values into a doc that nobody else holds; custom values of nil are taken out.
func apply(d doc, values map[string]any) {
	for name, v := range values {
		if name != "custom_fields" {
			d[name] = v
			continue
		}
		given, _ := v.(map[string]any)
		custom := maps.Clone(d.custom())
		for code, value := range given {
			if value == nil {
				delete(custom, code)
			} else {
				custom[code] = value
			}
		}
		d["custom_fields"] = custom
	}
}

// update changes a record; nothing happens where nothing differs and the switch says so.
func (t *tx) update(r *record, values map[string]any) *problem {
	before := r.doc
	d := maps.Clone(before)
	apply(d, values)
	if p := t.prepare(r.object, before, d, values); p != nil {
		return p
	}
	if same(map[string]any(before), map[string]any(d)) && t.sw.SameValue == "ignored" {
		t.log(change{object: r.object, id: r.id, action: "change"}, "unchanged")
		return nil
	}
	t.keep(r, d)
	return nil
}

// keep stores a changed record with a new stamp and tells of it as its switch says.
func (t *tx) keep(r *record, d doc) {
	before := r.doc
	d["update_time"] = t.stamp()
	t.store(r.object).put(d)
	action := "change"
	switch {
	case before.flag("is_deleted") && !d.flag("is_deleted"):
		action = t.sw.RestoredEvent
	case before.flag("is_archived") != d.flag("is_archived"):
		action = t.sw.ArchivedEvent
	}
	if action == "none" {
		t.log(change{object: r.object, id: r.id, action: "change"}, "unannounced")
		return
	}
	ch := change{object: r.object, id: r.id, action: action, before: before, after: d}
	if action == "create" {
		ch.before = nil
	}
	t.emit(ch, "change")
}

// remove marks a record as deleted; its other fields stay.
func (t *tx) remove(r *record, mergedTo int64, correlation string) {
	d := maps.Clone(r.doc)
	name, value := r.object.deletedName()
	d[name] = value
	d["update_time"] = t.stamp()
	before := r.doc
	t.store(r.object).put(d)
	t.emit(change{object: r.object, id: r.id, action: "delete", before: before, after: d, mergedTo: mergedTo, correlation: correlation}, "delete")
}

// restore takes the mark of a deleted record away.
func (t *tx) restore(r *record) {
	d := maps.Clone(r.doc)
	name, value := r.object.deletedName()
	d[name] = !value
	t.keep(r, d)
}

// emit journals a change and hands it to the webhooks.
func (t *tx) emit(ch change, op string) {
	if t.silent {
		t.log(ch, op)
		return
	}
	ch.at, ch.by, ch.bulk, ch.source = t.at, t.by.id, t.bulk, "app"
	if t.via == "api" {
		ch.source = "api"
	}
	ch.event = t.s.uuid()
	if ch.correlation == "" {
		ch.correlation = t.s.uuid()
	}
	ch.permitted = t.s.permitted(ch.after)
	t.log(ch, op)
	t.s.announce(t.sw, ch)
}

// uuid makes a UUID of version 4; the lock must be held.
func (s *Server) uuid() string {
	a, b := s.ids.Uint64(), s.ids.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, 0x8000|b>>48&0x3fff, b&0xffffffffffff)
}
