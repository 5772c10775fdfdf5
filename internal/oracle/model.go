package oracle

import (
	"slices"
	"time"

	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// existence is what the model knows of whether a record is at the vendor.
type existence int

const (
	gone existence = iota
	live
	unsure // an unknown outcome, or writers that nothing orders
)

// record is what the commands say of one vendor record.
type record struct {
	object, id string // id "" while no result has named it
	exists     existence
	company    string                      // companyId, as far as commands said it
	cells      map[string][]cell           // by field; "custom.<name>" for custom fields
	finished   map[string]time.Time        // last result of each Kafka key
	last       Place                       // of the last command applied
	lastID     string                      // and its id
	keys       map[string]map[string]Place // key name -> values ever bound
}

// cell is one value that a field may have: several where outcomes are unknown
// or writers are not ordered.
type cell struct {
	writer   string // Kafka key of the command
	finished time.Time
	value    any
	anything bool // the outcome is unknown and so is what stood there before
	by       Place
	command  string
}

// binding is a key by which commands address records.
type binding struct{ object, key, value string }

// model applies commands to records.
type model struct {
	records []*record
	// nameless records came from unknown outcomes; no result has named their id.
	nameless []*record
	byID     map[binding]*record
	byKey    map[binding][]*record
	origin   map[binding]existence // by _id: records that no command created
	pasts    map[string]*vendorPast
	found    []Mismatch
}

// step is a command with its result.
type step struct {
	cmd Command
	res Result
}

func (s step) op() string             { return s.cmd.Command.Op }
func (s step) object() string         { return s.cmd.Command.Object }
func (s step) status() schemas.Status { return s.res.Result.Status }
func (s step) effect() schemas.Effect { return s.res.Result.Effect }

// steps pairs commands with results in an order that keeps each Kafka key's
// order and otherwise follows the time at which outcomes were known.
func steps(e Evidence) []step {
	type dated struct {
		step
		at time.Time
	}
	answers := resultsByCommand(e.Results)
	latest := map[string]time.Time{}
	var all []dated
	for _, cmd := range sortedCommands(e.Commands) {
		given := answers[cmd.Place]
		if len(given) == 0 || cmd.Problem != "" {
			continue
		}
		at := given[0].Result.FinishedAt
		if latest[cmd.Key].After(at) {
			at = latest[cmd.Key]
		}
		latest[cmd.Key] = at
		all = append(all, dated{step{cmd, given[0]}, at})
	}
	slices.SortStableFunc(all, func(a, b dated) int { return a.at.Compare(b.at) })
	out := make([]step, len(all))
	for i, d := range all {
		out[i] = d.step
	}
	return out
}

func (m *model) reportf(s step, format string, args ...any) {
	m.found = append(m.found, mismatchAt(s.res.Place, s.res.Result.CommandID, format, args...))
}

// concurrent: a command of another Kafka key touched the record and nothing
// tells that it was done before this one was read.
func (r *record) concurrent(s step) bool {
	for writer, finished := range r.finished {
		if writer != s.cmd.Key && !before(finished, s) {
			return true
		}
	}
	return false
}

func before(finished time.Time, s step) bool {
	received := s.res.Result.ReceivedAt
	return !received.IsZero() && !finished.IsZero() && !finished.After(received)
}

func (m *model) newRecord(object, id string, e existence) *record {
	r := &record{object: object, id: id, exists: e, cells: map[string][]cell{}, finished: map[string]time.Time{}, keys: map[string]map[string]Place{}}
	m.records = append(m.records, r)
	if id == "" {
		m.nameless = append(m.nameless, r)
	} else {
		m.byID[binding{object, "_id", id}] = r
	}
	return r
}

// resolve finds the record that a command was about: by the id that its result
// names, else by its target or, for a create, by nothing.
func (m *model) resolve(s step) *record {
	id := s.res.Result.RecordID
	if id == "" {
		id = s.cmd.Command.Target.ID
	}
	if id != "" {
		at := binding{s.object(), "_id", id}
		if r := m.byID[at]; r != nil {
			return r
		}
		return m.known(s.object(), id)
	}
	name, value := s.cmd.Command.Target.Key()
	return m.only(binding{s.object(), name, value})
}

// known makes the record of an id that the model meets for the first time. It
// may be what a command with an unknown outcome made.
func (m *model) known(object, id string) *record {
	keys := m.past(id).keys
	exists := m.origin[binding{object, "_id", id}]
	for i, r := range m.nameless {
		if r.object != object {
			continue
		}
		for name, value := range keys {
			if _, shared := r.keys[name][value]; shared {
				r.id = id
				m.nameless = slices.Delete(m.nameless, i, i+1)
				m.byID[binding{object, "_id", id}] = r
				return r
			}
		}
		if len(r.keys) == 0 && exists == gone {
			exists = unsure
		}
	}
	return m.newRecord(object, id, exists)
}

// nameAll finds the ids of records that no result has named by their keys in
// the vendor's state.
func (m *model) nameAll(e Evidence) {
	for _, o := range e.Objects {
		for id, row := range o.State {
			for _, r := range m.nameless {
				if r.object == string(o.Spec.Object) && r.id == "" && m.byID[binding{r.object, "_id", id}] == nil && r.hasKeyOf(o.Spec, row) {
					r.id = id
				}
			}
		}
	}
}

func (r *record) hasKeyOf(spec planhat.Spec, row Row) bool {
	for name, values := range r.keys {
		if value, isText := row[spec.KeyField(planhat.Key(name))].(string); isText {
			if _, ok := values[value]; ok {
				return true
			}
		}
	}
	return false
}

// surelyLive: the record is at the vendor, as far as commands go, when s is
// carried out.
func (m *model) surelyLive(r *record, s step) bool {
	return r != nil && r.exists == live && !r.concurrent(s) && !m.past(r.id).cascaded && !m.past(r.id).elsewhere(r.object)
}

// surelyGone is the opposite.
func (r *record) surelyGone(s step) bool { return r.exists == gone && !r.concurrent(s) }

// only gives the one record that a key can mean; nil where it may mean several
// or none.
func (m *model) only(key binding) *record {
	var found *record
	for _, r := range m.byKey[key] {
		if r.exists == gone {
			continue
		}
		if found != nil {
			return nil
		}
		found = r
	}
	return found
}

func (m *model) bind(r *record, name, value string, by Place) {
	if value == "" {
		return
	}
	if r.keys[name] == nil {
		r.keys[name] = map[string]Place{}
	}
	if _, ok := r.keys[name][value]; ok {
		return
	}
	r.keys[name][value] = by
	at := binding{r.object, name, value}
	m.byKey[at] = append(m.byKey[at], r)
}

// assign sets a record's fields as the command's status says: surely, or
// perhaps.
func (r *record) assign(s step, fields map[string]any, surely bool) {
	for _, name := range dependants(s.object(), fields) {
		delete(r.cells, name)
	}
	for name, value := range fields {
		c := cell{s.cmd.Key, s.res.Result.FinishedAt, value, false, s.cmd.Place, s.cmd.Command.ID}
		kept := r.cells[name]
		switch {
		case surely:
			kept = slices.DeleteFunc(slices.Clone(kept), func(old cell) bool { return old.writer == c.writer || before(old.finished, s) })
		case len(kept) == 0:
			c.anything = true
		}
		r.cells[name] = append(kept, c)
	}
}

func (r *record) touched(s step) {
	r.finished[s.cmd.Key] = s.res.Result.FinishedAt
	r.last, r.lastID = s.cmd.Place, s.cmd.Command.ID
}
