package foresight

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/internal/plan"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// Mirror holds the records that somebody asks for, by the ways in which they are
// named. Fill it with every change of the wanted objects, in the order of each
// record's topic; what nobody asks for is not kept. The zero Mirror is not
// usable: see NewMirror.
type Mirror struct {
	objects map[planhat.Object]*shelf
	made    int // records that only foretold commands have made
}

// shelf is what is known of one object.
type shelf struct {
	spec   planhat.Spec
	asked  bool // a command names the object
	known  bool
	wanted map[plan.Target]bool
	rows   map[string]json.RawMessage // by _id
	named  map[plan.Target][]string   // the wanted names -> _id
}

// NewMirror returns an empty mirror.
func NewMirror() *Mirror { return &Mirror{objects: map[planhat.Object]*shelf{}} }

func (m *Mirror) shelf(o planhat.Object) *shelf {
	if m.objects[o] == nil {
		spec, _ := planhat.Lookup(o)
		m.objects[o] = &shelf{spec: spec, wanted: map[plan.Target]bool{}, rows: map[string]json.RawMessage{}, named: map[plan.Target][]string{}}
	}
	return m.objects[o]
}

// normal is a target as it is compared: the case of ids and addresses says
// nothing.
func normal(t plan.Target) plan.Target {
	if t.Key == planhat.KeyID || t.Key == planhat.KeyEmail {
		t.Value = strings.ToLower(t.Value)
	}
	return t
}

// Want asks for everything that must be known of an order.
func (m *Mirror) Want(o *plan.Order) {
	s := m.shelf(o.Spec.Object)
	s.asked = true
	if o.Target.Key != "" {
		s.wanted[normal(o.Target)] = true
	}
	for _, t := range itemOf(o).Guards() {
		s.wanted[normal(t)] = true
	}
	for _, ref := range plan.References(o.Spec, o.Fields) {
		m.shelf(ref.Object).wanted[normal(ref.Target)] = true
	}
}

// itemOf is the item that the order is by itself.
func itemOf(o *plan.Order) plan.Item {
	return plan.Item{Orders: []*plan.Order{o}, Op: o.Op, Spec: o.Spec, Target: o.Target, Fields: o.Fields}
}

// Wanted lists the objects of which something is asked for, be it only whether
// there are changes of it.
func (m *Mirror) Wanted() []planhat.Object {
	var out []planhat.Object
	for o, s := range m.objects {
		if s.asked || len(s.wanted) > 0 {
			out = append(out, o)
		}
	}
	slices.Sort(out)
	return out
}

// Known notes that an object has changes to be read: who is not among them does
// not exist. Of other objects nothing is foretold.
func (m *Mirror) Known(o planhat.Object) { m.shelf(o).known = true }

func (m *Mirror) knows(o planhat.Object) bool { return m.objects[o] != nil && m.objects[o].known }

// Set notes the state of a record; a nil row says that it is gone. The row is a
// JSON object, which the mirror keeps.
func (m *Mirror) Set(o planhat.Object, id string, row json.RawMessage) {
	s := m.shelf(o)
	id = strings.ToLower(id)
	for _, t := range s.names(id, s.rows[id]) {
		s.named[t] = slices.DeleteFunc(s.named[t], func(other string) bool { return other == id })
	}
	delete(s.rows, id)
	if row == nil {
		return
	}
	for _, t := range s.names(id, row) {
		s.named[t] = append(s.named[t], id)
		s.rows[id] = row
	}
}

// names are the wanted names that a row has.
func (s *shelf) names(id string, row json.RawMessage) []plan.Target {
	if row == nil {
		return nil
	}
	var out []plan.Target
	fields := membersOf(row)
	for _, k := range s.spec.Keys {
		t := plan.Target{Key: k, Value: id}
		if k != planhat.KeyID && json.Unmarshal(fields[s.spec.KeyField(k)], &t.Value) != nil {
			continue
		}
		if t = normal(t); s.wanted[t] && t.Value != "" {
			out = append(out, t)
		}
	}
	return out
}

func membersOf(row json.RawMessage) map[string]json.RawMessage {
	var out map[string]json.RawMessage
	if json.Unmarshal(row, &out) != nil {
		return nil
	}
	return out
}

// found is a record of the mirror.
type found struct {
	id  string
	row json.RawMessage
}

// find lists the records that have a name.
func (m *Mirror) find(o planhat.Object, t plan.Target) []found {
	s := m.shelf(o)
	var out []found
	for _, id := range s.named[normal(t)] {
		out = append(out, found{id, s.rows[id]})
	}
	return out
}

// add notes a record that a foretold command makes.
func (m *Mirror) add(o planhat.Object, row json.RawMessage) {
	m.made++
	m.Set(o, "new-"+strconv.Itoa(m.made), row)
}

// isNew tells whether a record is one that Planhat has not got yet.
func isNew(id string) bool { return strings.HasPrefix(id, "new-") }
