package plan

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// Reference is a field of an item, or an element of it, that names another record.
type Reference struct {
	Field   string
	Object  planhat.Object
	Target  Target
	Spelled string // as the field has it
	// Prefixed tells that it is spelled "extid-..." or "srcid-...". ByKey tells
	// that Planhat documents that for the field, for creates and bulk upserts,
	// not for PUT /x/{id}.
	Prefixed, ByKey bool
}

// unsendable tells that Planhat takes the reference in no call as it is spelled.
func (r Reference) unsendable() bool { return r.Prefixed && !r.ByKey }

// References lists the references among fields, element by element where a field
// holds several.
func References(spec *planhat.Spec, fields Fields) []Reference {
	if !refers(spec, fields) {
		return nil
	}
	var out []Reference
	for _, f := range fields {
		known := tables[spec.Object].fields[f.Name]
		if known.Ref == "" {
			continue
		}
		for _, spelled := range spellings(f.Raw) {
			out = append(out, parseReference(known, spelled))
		}
	}
	return out
}

// Indirect tells whether the item has a reference that must become an _id before the
// item can be sent in any call.
func (i Item) Indirect() bool {
	if !refers(i.Spec, i.Fields) {
		return false
	}
	for _, f := range i.Fields {
		known := tables[i.Spec.Object].fields[f.Name]
		if known.Ref == "" || known.RefKey != "" || known.ByKey {
			continue
		}
		for _, spelled := range spellings(f.Raw) {
			if parseReference(known, spelled).unsendable() {
				return true
			}
		}
	}
	return false
}

// refers tells whether there is a field that names other records: most have none.
func refers(spec *planhat.Spec, fields Fields) bool {
	return slices.ContainsFunc(tables[spec.Object].refs, fields.Has)
}

func parseReference(f planhat.Field, spelled string) Reference {
	ref := Reference{
		Field: f.Name, Object: f.Ref, Spelled: spelled, Target: Target{planhat.KeyID, spelled}, ByKey: f.ByKey,
	}
	if f.RefKey != "" {
		ref.Target.Key = f.RefKey
		return ref
	}
	for prefix, key := range keyPrefixes {
		if value, ok := strings.CutPrefix(spelled, prefix); ok {
			ref.Target, ref.Prefixed = Target{key, value}, true
		}
	}
	return ref
}

var keyPrefixes = map[string]planhat.Key{"extid-": planhat.KeyExternalID, "srcid-": planhat.KeySourceID}

// spellings are the references that a value holds: a string, or an array of strings
// and of objects with id or _id.
func spellings(raw json.RawMessage) []string {
	if value, ok := text(raw); ok {
		return []string{value}
	}
	var out []string
	for _, element := range elements(raw) {
		if value, _ := spelling(element); value != "" {
			out = append(out, value)
		}
	}
	return out
}

// elements splits a JSON array; what is none has no elements.
func elements(raw json.RawMessage) []json.RawMessage {
	var list []json.RawMessage
	if len(raw) == 0 || raw[0] != '[' || json.Unmarshal(raw, &list) != nil {
		return nil
	}
	return list
}

// idNames are the members under which an object among references has its id.
var idNames = []string{"id", "_id"}

// spelling is the reference that an element holds, and the member that holds it, ""
// if the element is the reference itself.
func spelling(element json.RawMessage) (value, name string) {
	if value, ok := text(element); ok {
		return value, ""
	}
	inner, err := members(element)
	if err != nil {
		return "", ""
	}
	for _, name := range idNames {
		if value, ok := Fields(inner).Text(name); ok {
			return value, name
		}
	}
	return "", ""
}

// Refer returns the fields with a reference among them spelled as an _id.
func (f Fields) Refer(ref Reference, id string) Fields {
	list := elements(f.Get(ref.Field))
	if list == nil {
		return f.WithText(ref.Field, id)
	}
	for n, element := range list {
		switch value, name := spelling(element); {
		case value != ref.Spelled:
		case name == "":
			list[n] = quote(id)
		default:
			inner, _ := members(element)
			list[n] = Fields(inner).WithText(name, id).JSON()
		}
	}
	return f.With(ref.Field, joined(list))
}

func joined(list []json.RawMessage) json.RawMessage {
	out := []byte{'['}
	for n, element := range list {
		if n > 0 {
			out = append(out, ',')
		}
		out = append(out, element...)
	}
	return append(out, ']')
}
