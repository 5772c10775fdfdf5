package oracle

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// The vendors that Options.Vendor names.
const (
	Planhat   = "planhat"
	Pipedrive = "pipedrive"
)

// Form is what differs between the rows of one object and those of another.
type Form struct {
	Object  string
	Listing string // that shows them in the simulator's state
	IDField string // whose value is the key on the topic
	// OwnIDs: an id names a record only together with its object.
	OwnIDs   bool
	Volatile []string
	// Sparse: the vendor's state says null for what was never set as for what was
	// cleared, so that a null and nothing are one to the fold; in custom_fields, too.
	Sparse bool
	// Stamp is the field whose instant never goes back; "": there is none.
	Stamp string
	// Holds tells whether a row of the listing is one of the object's live records.
	Holds func(Row) bool
}

// pipedriveObjects are those whose changes are captured.
var pipedriveObjects = map[string][]string{ // object -> volatile fields
	"deal": nil, "organization": nil, "person": nil, "pipeline": nil,
	// The names of others, which change without the note's being written.
	"note": {"user", "deal", "person", "organization", "lead", "project", "task"},
}

func formOf(vendor, object string) (Form, error) {
	if vendor == Pipedrive {
		volatile, ok := pipedriveObjects[object]
		if !ok {
			return Form{}, fmt.Errorf("judge object %q of %s: it is not captured", object, vendor)
		}
		return Form{Object: object, Listing: object, IDField: "id", OwnIDs: true, Volatile: volatile, Sparse: true, Stamp: "update_time", Holds: notDeleted}, nil
	}
	spec, ok := planhat.Lookup(planhat.Object(object))
	if !ok {
		return Form{}, fmt.Errorf("judge object %q: not in the objects table", object)
	}
	return planhatForm(spec), nil
}

func planhatForm(spec planhat.Spec) Form {
	holds := func(row Row) bool {
		kind, _ := row["type"].(string)
		return spec.Holds(kind)
	}
	return Form{Object: string(spec.Object), Listing: spec.Listing, IDField: "_id", Volatile: spec.Volatile, Holds: holds}
}

// notDeleted: a deleted record is still there for a month, and says that it is.
func notDeleted(row Row) bool {
	return row["is_deleted"] != true && row["active_flag"] != false
}

// id is the row's, as the topic's key spells it; "" where it has none.
func (f Form) id(row Row) string {
	switch v := row[f.IDField].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// differs names the fields in which an image and the vendor's row differ.
func (f Form) differs(image, row Row) []string {
	if f.Sparse {
		image, row = filled(image), filled(row)
	}
	return differing(image, row, f.Volatile)
}

// customFields is the member that holds an account's own fields, by their codes.
const customFields = "custom_fields"

// filled is a row without its nulls.
func filled(row Row) Row {
	out := maps.Clone(row)
	maps.DeleteFunc(out, func(_ string, v any) bool { return v == nil })
	if custom, ok := out[customFields].(Row); ok {
		custom = maps.Clone(custom)
		maps.DeleteFunc(custom, func(_ string, v any) bool { return v == nil })
		out[customFields] = custom
		if len(custom) == 0 {
			delete(out, customFields)
		}
	}
	return out
}

// leaves are a row's fields, with those of custom_fields as "custom_fields.<code>".
func leaves(row Row) map[string]any {
	out := maps.Clone(row)
	custom, ok := row[customFields].(Row)
	if !ok {
		return out
	}
	delete(out, customFields)
	for code, v := range custom {
		out[customFields+"."+code] = v
	}
	return out
}

// stamp is the instant that a row was last changed at; false where it says none.
func (f Form) stamp(row Row) (time.Time, bool) {
	text, ok := row[f.Stamp].(string)
	if f.Stamp == "" || !ok {
		return time.Time{}, false
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateTime} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// stateOf picks an object's live records from its listing.
func stateOf(rows []Row, f Form) map[string]Row {
	out := map[string]Row{}
	for _, row := range rows {
		if id := f.id(row); id != "" && f.Holds(row) {
			out[id] = row
		}
	}
	return out
}

// concerns tells whether an entry of the journal may be about a record of the object.
func (f Form) concerns(e Entry) bool {
	return !f.OwnIDs || slices.Contains(e.objects(), f.Object)
}
