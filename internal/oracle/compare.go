package oracle

import (
	"maps"
	"slices"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// comparison holds the model's records against the vendor's last state.
type comparison struct {
	model   *model
	objects map[string]ObjectEvidence
	listed  map[string]map[string]bool // object -> names that listings show
	found   []Mismatch
}

func (m *model) compare(e Evidence) []Mismatch {
	c := comparison{model: m, objects: map[string]ObjectEvidence{}, listed: map[string]map[string]bool{}}
	for _, o := range e.Objects {
		c.objects[string(o.Spec.Object)] = o
		c.listed[string(o.Spec.Object)] = listedNames(o.State)
	}
	for _, r := range m.records {
		if o, asked := c.objects[r.object]; asked && r.id != "" && len(r.finished) > 0 {
			c.record(r, o)
		}
	}
	return c.found
}

func listedNames(state map[string]Row) map[string]bool {
	out := map[string]bool{}
	for _, row := range state {
		for name := range row {
			out[name] = true
		}
	}
	return out
}

func (c *comparison) record(r *record, o ObjectEvidence) {
	row, present := o.State[r.id]
	switch {
	case present && r.exists == gone:
		c.found = append(c.found, mismatchAt(r.last, r.lastID, "record %s was deleted by command, but the vendor has it", r.id))
	case !present && r.exists == live && !c.excused(r) && !c.elsewhere(r):
		c.found = append(c.found, mismatchAt(r.last, r.lastID, "the vendor does not have record %s, which commands left live", r.id))
	case present:
		for _, name := range slices.Sorted(maps.Keys(r.cells)) {
			c.field(r, o.Spec, row, name)
		}
	}
}

// excused: someone else deleted the record, or it went with its company.
func (c *comparison) excused(r *record) bool {
	company := c.model.byID[binding{string(planhat.Company), "_id", r.company}]
	if company != nil && company.exists != live {
		return true
	}
	past := c.model.past(r.id)
	entries := past.entries
	return past.cascaded || len(entries) > 0 && entries[len(entries)-1].Op == "delete" && entries[len(entries)-1].Via != "api"
}

// elsewhere: the vendor has the record as one of another object. A conversation of a type
// that the tenant does not have is a note; a ticket may be no conversation.
func (c *comparison) elsewhere(r *record) bool {
	for object, o := range c.objects {
		if _, there := o.State[r.id]; there && object != r.object {
			return true
		}
	}
	return false
}

func (c *comparison) field(r *record, spec planhat.Spec, row Row, name string) {
	field, known := spec.Field(name)
	if isCustom(name) {
		field, known = planhat.Field{Writable: true}, true
	}
	cells := r.cells[name]
	if !known || !field.Writable || len(cells) == 0 || c.overwritten(r.id, name) {
		return
	}
	stored, visible := c.stored(r, row, name)
	if !visible {
		return
	}
	for _, cell := range cells {
		if cell.anything || c.shows(stored, cell.value, field, r.object) {
			return
		}
	}
	last := cells[len(cells)-1]
	c.found = append(c.found, mismatchAt(last.by, last.command, "%s of record %s is %s at the vendor, commands left it %s", name, r.id, show(stored), show(last.value)))
}

// overwritten: the last write of the field that the vendor took was not the
// API's.
func (c *comparison) overwritten(id, name string) bool {
	for _, entry := range slices.Backward(c.model.past(id).entries) {
		if _, ok := entry.value(name); ok {
			return entry.Via != "api"
		}
	}
	return false
}

// stored gives the field's value at the vendor. A field that listings never
// show is looked up in the journal: what the API last accepted for it.
func (c *comparison) stored(r *record, row Row, name string) (value any, visible bool) {
	top, inner, custom := strings.Cut(name, ".")
	if v, ok := row[top]; ok {
		if !custom {
			return v, true
		}
		values, _ := v.(Row)
		return values[inner], true
	}
	if c.listed[r.object][top] {
		return nil, true
	}
	for _, entry := range slices.Backward(c.model.past(r.id).entries) {
		if v, ok := entry.value(name); ok {
			return v, true
		}
	}
	return nil, name != "companyExternalId"
}

func (c *comparison) shows(stored, sent any, field planhat.Field, object string) bool {
	if sent == nil && slices.Contains(neverEmpty[object], field.Name) {
		return true
	}
	if holds(stored, sent, field) || c.refers(stored, sent, field) {
		return true
	}
	text, isText := sent.(string)
	have, _ := stored.(string)
	switch {
	case !isText:
		return false
	case object == string(planhat.Company) && field.Name == "name":
		return strings.EqualFold(have, text)
	case field.Name == "type" && (object == string(planhat.Note) || object == string(planhat.Conversation)):
		return true // a type that the tenant does not have becomes another
	}
	return false
}

// refers tells whether a stored value names the records that were sent. Either may have
// ids, or objects with ids; companies may be sent by a key.
func (c *comparison) refers(stored, sent any, field planhat.Field) bool {
	return slices.EqualFunc(elements(stored), elements(sent), func(stored, sent any) bool {
		have, named := idOf(stored)
		want, wanted := idOf(sent)
		return named && wanted && (have == want || field.Ref == planhat.Company && c.isCompany(have, want))
	}) && stored != nil && sent != nil
}

// elements are those of a list; anything else is its own only one.
func elements(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// idOf is the id that a value is, or has.
func idOf(v any) (string, bool) {
	if row, ok := v.(Row); ok {
		v = row["_id"]
		if v == nil {
			v = row["id"]
		}
	}
	id, ok := v.(string)
	return id, ok
}

// isCompany resolves the references that the vendor takes in place of an id.
func (c *comparison) isCompany(id, reference string) bool {
	row := c.objects[string(planhat.Company)].State[id]
	if external, ok := strings.CutPrefix(reference, "extid-"); ok {
		return row == nil || row["externalId"] == external
	}
	if source, ok := strings.CutPrefix(reference, "srcid-"); ok {
		return row == nil || row["sourceId"] == source
	}
	return false
}
