package plan

import (
	"strings"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// Reference is a field of an item that names another record.
type Reference struct {
	Field  string
	Object planhat.Object
	Target Target
	// Prefixed tells that the value is spelled "extid-..." or "srcid-...".
	// Planhat documents that for creates and bulk upserts, not for PUT /x/{id}.
	Prefixed bool
}

// companyExternalID is a note's other way to name its company.
const companyExternalID = "companyExternalId"

// References lists the references among fields. Arrays of references are not
// looked into.
func References(spec *planhat.Spec, fields Fields) []Reference {
	var out []Reference
	for _, f := range fields {
		value, ok := text(f.Raw)
		if !ok {
			continue
		}
		if f.Name == companyExternalID {
			out = append(out, Reference{Field: f.Name, Object: planhat.Company, Target: Target{planhat.KeyExternalID, value}})
			continue
		}
		known := tables[spec.Object].fields[f.Name]
		if known.Ref == "" {
			continue
		}
		target, prefixed := parseReference(value)
		out = append(out, Reference{Field: f.Name, Object: known.Ref, Target: target, Prefixed: prefixed})
	}
	return out
}

func parseReference(value string) (Target, bool) {
	if v, ok := strings.CutPrefix(value, "extid-"); ok {
		return Target{planhat.KeyExternalID, v}, true
	}
	if v, ok := strings.CutPrefix(value, "srcid-"); ok {
		return Target{planhat.KeySourceID, v}, true
	}
	return Target{planhat.KeyID, value}, false
}
