package foresight

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/plan"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// Difference is a field that a command changes; an absent value is nil.
type Difference struct {
	Field    string // "custom.<name>" for a custom one
	From, To json.RawMessage
}

// Forecast is what one command would do.
type Forecast struct {
	Status   schemas.Status // empty: it cannot be told
	Effect   schemas.Effect
	Refusal  *plan.Refusal
	RecordID string // empty for a record that does not exist yet
	Changes  []Difference
	Notes    []string
	Batch    int // from 1
	Call     int // within the batch, from 1; 0 for a command that is refused unsent
	Merged   int // how many commands its item stands for
}

func refused(code schemas.Code, format string, args ...any) Forecast {
	doc, _ := code.Doc()
	return Forecast{Status: doc.Status, Effect: schemas.EffectNone, Refusal: &plan.Refusal{
		Status: doc.Status, Code: code, Message: fmt.Sprintf(format, args...), Remedy: doc.Remedy,
	}}
}

// seer foretells the orders of an item and keeps the mirror up.
type seer struct {
	mirror *Mirror
	now    time.Time
}

// foretell is what one order does after those before it.
func (s seer) foretell(i plan.Item) Forecast {
	object := i.Spec.Object
	if !s.mirror.knows(object) {
		return Forecast{Notes: []string{fmt.Sprintf("there are no changes of %s to tell by", object)}}
	}
	if missing := s.dangling(i); missing != nil && i.Op != plan.Delete {
		return refused(schemas.CodeReferenceNotFound, "%s names the %s with %s %q, which does not exist",
			missing.Field, missing.Object, missing.Target.Key, missing.Target.Value)
	}
	if i.Op == plan.Create {
		return s.create(i)
	}
	rows := s.meant(i)
	switch {
	case len(rows) > 1:
		return refused(schemas.CodeAmbiguousTarget, "%d records of object %s have this %s", len(rows), object, i.Target.Key)
	case len(rows) == 0 && i.Op == plan.Delete:
		return Forecast{Status: schemas.StatusOK, Effect: schemas.EffectUnchanged}
	case len(rows) == 0 && i.Op == plan.Upsert:
		return s.insert(i)
	case len(rows) == 0:
		return refused(schemas.CodeNotFound, "there is no %s with %s %q", object, i.Target.Key, i.Target.Value)
	}
	return s.change(i, rows[0])
}

// dangling is a reference by key that names no record. Of a reference by _id the
// vendor judges.
func (s seer) dangling(i plan.Item) *plan.Reference {
	for _, ref := range plan.References(i.Spec, i.Fields) {
		if ref.Target.Key != planhat.KeyID && s.mirror.knows(ref.Object) && len(s.mirror.find(ref.Object, ref.Target)) == 0 {
			return &ref
		}
	}
	return nil
}

// meant lists the records that an item's target names: for an upsert within the
// company that it names, as the vendor matches it.
func (s seer) meant(i plan.Item) []found {
	rows := s.mirror.find(i.Spec.Object, i.Target)
	if i.Op == plan.Upsert && i.Target.Key == planhat.KeyExternalID {
		rows = s.ofCompany(i, rows)
	}
	return rows
}

// ofCompany keeps the records of the company that an item names, if it names one
// by an _id.
func (s seer) ofCompany(i plan.Item, rows []found) []found {
	for _, ref := range plan.References(i.Spec, i.Fields) {
		if ref.Field != i.Spec.CompanyField || ref.Target.Key != planhat.KeyID {
			continue
		}
		return slices.DeleteFunc(slices.Clone(rows), func(r found) bool {
			companies := i.Spec.Companies(r.row)
			return len(companies) > 0 && !slices.Contains(companies, ref.Target.Value)
		})
	}
	return rows
}

func (s seer) create(i plan.Item) Forecast {
	for _, t := range i.Guards() {
		rivals := s.mirror.find(i.Spec.Object, t)
		if t.Key == planhat.KeyExternalID {
			rivals = s.ofCompany(i, rivals)
		}
		if len(rivals) > 0 {
			return refused(schemas.CodeAlreadyExists, "the %s %s has the %s %q already", i.Spec.Object, rivals[0].id, t.Key, t.Value)
		}
	}
	return s.insert(i)
}

// insert makes a record. An upsert may have too little for that: a command does
// not say which of the two it will be.
func (s seer) insert(i plan.Item) Forecast {
	body := i.CreateBody()
	has := membersOf(body)
	for _, group := range i.Spec.Required {
		if !slices.ContainsFunc(group, func(name string) bool { return has[name] != nil && string(has[name]) != "null" }) {
			return refused(schemas.CodeVendorRejected, "there is no such %s, and a new one needs %s", i.Spec.Object, strings.Join(group, " or "))
		}
	}
	s.mirror.add(i.Spec.Object, body)
	return Forecast{Status: schemas.StatusOK, Effect: schemas.EffectCreated, Changes: differences(nil, has, allNames(has))}
}

// change is what an item does to a record that exists.
func (s seer) change(i plan.Item, r found) Forecast {
	out := Forecast{Status: schemas.StatusOK, RecordID: r.id}
	if isNew(r.id) {
		out.RecordID = ""
	}
	has := membersOf(r.row)
	if since := i.Orders[0].Since; since != nil {
		stamp, ok := stampOf(has[i.Spec.Stamp])
		if !ok {
			out.Notes = append(out.Notes, "the record carries no "+i.Spec.Stamp+" here: whether ifUnchangedSince is kept cannot be told")
		} else if stamp.After(*since) {
			return refused(schemas.CodePreconditionFailed, "the record was changed at %s, after %s",
				stamp.UTC().Format(time.RFC3339Nano), since.UTC().Format(time.RFC3339Nano))
		}
	}
	switch i.Op {
	case plan.Get:
		out.Effect = schemas.EffectRead
	case plan.Delete:
		out.Effect = schemas.EffectDeleted
		s.mirror.Set(i.Spec.Object, r.id, nil)
	case plan.Create, plan.Update, plan.Upsert:
		out.Effect, out.Changes = s.write(i, r, has)
	}
	return out
}

// write notes an item's fields in the mirror and says what they change.
func (s seer) write(i plan.Item, r found, has map[string]json.RawMessage) (schemas.Effect, []Difference) {
	names, err := plan.Differences(r.row, i)
	if err != nil || len(names) == 0 {
		return schemas.EffectUnchanged, nil
	}
	after := fieldsOf(has).Over(i.Fields)
	if i.Spec.Stamp != "" {
		after = after.WithText(i.Spec.Stamp, s.now.UTC().Format(time.RFC3339Nano))
	}
	s.mirror.Set(i.Spec.Object, r.id, after.JSON())
	return schemas.EffectUpdated, differences(has, membersOf(i.Fields.JSON()), names)
}

func fieldsOf(has map[string]json.RawMessage) plan.Fields {
	out := make(plan.Fields, 0, len(has))
	for _, name := range sortedNames(has) {
		out = append(out, plan.Field{Name: name, Raw: has[name]})
	}
	return out
}

func sortedNames(m map[string]json.RawMessage) []string {
	out := make([]string, 0, len(m))
	for name := range m {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// allNames are the fields of a new record, custom ones by name.
func allNames(has map[string]json.RawMessage) []string {
	var out []string
	for _, name := range sortedNames(has) {
		if custom := membersOf(has[name]); name == "custom" && custom != nil {
			for _, inner := range sortedNames(custom) {
				out = append(out, "custom."+inner)
			}
			continue
		}
		out = append(out, name)
	}
	return out
}

func differences(before, after map[string]json.RawMessage, names []string) []Difference {
	was, is := membersOf(before["custom"]), membersOf(after["custom"])
	var out []Difference
	for _, name := range names {
		if inner, custom := strings.CutPrefix(name, "custom."); custom {
			out = append(out, Difference{name, was[inner], is[inner]})
			continue
		}
		out = append(out, Difference{name, before[name], after[name]})
	}
	return out
}

// stampOf reads a time of change as the vendor spells them.
func stampOf(raw json.RawMessage) (time.Time, bool) {
	if ms, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return time.UnixMilli(ms), true
	}
	var t time.Time
	err := json.Unmarshal(raw, &t)
	return t, err == nil && !t.IsZero()
}
