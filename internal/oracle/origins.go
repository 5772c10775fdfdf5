package oracle

import (
	"slices"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// origins tells which records exist without the commands' doing. Whatever the
// API created under a key that a command carries is the commands' doing.
func origins(e Evidence) map[binding]existence {
	ours := bindings{}
	for _, cmd := range e.Commands {
		name, value := cmd.Command.Target.Key()
		ours[binding{cmd.Command.Object, name, value}] = true
		for name, value := range keysIn(cmd.Command.Object, flatten(cmd.Command.Fields)) {
			ours[binding{cmd.Command.Object, name, value}] = true
		}
	}
	made := map[string]bool{} // ids that results say were created
	for _, r := range e.Results {
		if r.Err == nil && r.Result.Effect == schemas.EffectCreated {
			made[r.Result.RecordID] = true
		}
	}
	out := map[binding]existence{}
	for _, entry := range e.Journal {
		for _, object := range entry.objects() {
			origin(out, entry, object, made[entry.ID] || ours.any(object, entry.Keys))
		}
	}
	return out
}

// bindings is a set of keys.
type bindings map[binding]bool

func (b bindings) any(object string, keys map[string]string) bool {
	return slices.ContainsFunc(keyNames, func(name string) bool { return b[binding{object, name, keys[name]}] })
}

// origin notes what an entry says of a record as one of an object.
func origin(out map[binding]existence, entry Entry, object string, commanded bool) {
	at := binding{object, "_id", entry.ID}
	state, seen := out[at]
	if entry.Was != "" && object == entry.Object {
		out[binding{entry.Was, "_id", entry.ID}] = unsure
	}
	switch {
	case seen && entry.Op == "delete" && entry.Via != "api" && state == live:
		out[at] = unsure
	case seen:
	case entry.Op == "update": // it was another object's before
		out[at] = unsure
	case entry.Via != "api":
		out[at] = live
	case commanded:
		out[at] = gone
	default:
		out[at] = unsure
	}
}

func (m *model) bindOrigins(journal []Entry) {
	for _, entry := range journal {
		if r := m.byID[binding{entry.Object, "_id", entry.ID}]; r != nil {
			for name, value := range entry.Keys {
				m.bind(r, name, value, Place{})
			}
		}
	}
}

var keyNames = []string{"externalId", "sourceId", "email"}

// keysIn gives the keys among fields, which have the vendor's spelling.
func keysIn(object string, fields map[string]any) map[string]string {
	spec, _ := planhat.Lookup(planhat.Object(object))
	out := map[string]string{}
	for _, name := range keyNames {
		if value, ok := fields[spec.KeyField(planhat.Key(name))].(string); ok && value != "" {
			out[name] = value
		}
	}
	return out
}

// flatten gives a command's fields with custom fields as "custom.<name>".
func flatten(raw []byte) map[string]any {
	fields, err := parseRow(raw)
	if err != nil || fields == nil {
		return map[string]any{}
	}
	out := map[string]any{}
	for name, value := range fields {
		custom, ok := value.(Row)
		if name != "custom" || !ok {
			out[name] = value
			continue
		}
		for inner, v := range custom {
			out["custom."+inner] = v
		}
	}
	delete(out, "custom")
	return out
}

// refilled lists what the vendor computes anew from other fields where a
// command clears it or writes those without it.
var refilled = map[string]map[string][]string{
	"license": {"value": {"mrr"}, "toDate": {"mrr", "fixedPeriod"}, "fromDate": {"mrr"}},
	"task":    {"status": {"isArchived", "dateDone"}},
	"churn":   {"value": {"arr"}},
}

// neverEmpty lists the fields that the vendor fills again when they are cleared.
var neverEmpty = map[string][]string{"license": {"mrr", "fixedPeriod"}, "note": {"date", "type"}, "conversation": {"date", "type"}, "enduser": {"companyId"}}

func dependants(object string, fields map[string]any) []string {
	var out []string
	for name, others := range refilled[object] {
		if _, ok := fields[name]; ok {
			out = append(out, others...)
		}
	}
	return out
}

// isCustom tells a custom field's flattened name.
func isCustom(name string) bool { return strings.HasPrefix(name, "custom.") }
