package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// checkTarget picks the one target of a command and holds it to the object's
// keys.
func checkTarget(t schemas.Target, o *Order, rule opRule) (Target, *Refusal) {
	given := targets(t)
	if len(given) > 1 {
		return Target{}, reject(schemas.CodeAmbiguousTarget, "the command names more than one target",
			"name the record by one of _id, externalId, sourceId, email")
	}
	if !rule.target {
		if len(given) > 0 {
			return Target{}, reject(schemas.CodeInvalidCommand, fmt.Sprintf("a %s has no target", o.Op),
				fmt.Sprintf("put %s among the fields, or use upsert", given[0].Key))
		}
		return Target{}, nil
	}
	keys := o.Spec.Keys
	if rule.upsert {
		keys = tables[o.Spec.Object].upsert
		if len(keys) == 0 {
			return Target{}, reject(schemas.CodeNoUpsertKey,
				fmt.Sprintf("%s cannot be upserted: the vendor matches it by _id only", o.Spec.Object.WithArticle()),
				"use create for a new record and update by _id for a known one")
		}
	}
	if len(given) == 0 {
		return Target{}, reject(schemas.CodeMissingTarget, fmt.Sprintf("the %s names no record", o.Op),
			"set target to "+oneOf(keys))
	}
	target := given[0]
	if !slices.Contains(keys, target.Key) {
		code := schemas.CodeInvalidCommand
		if rule.upsert {
			code = schemas.CodeNoUpsertKey
		}
		return Target{}, reject(code, fmt.Sprintf("the %s of %s does not go by %s", o.Op, o.Spec.Object.WithArticle(), target.Key),
			"set target to "+oneOf(keys))
	}
	if target.Key == planhat.KeyID && !isID(target.Value) {
		return Target{}, reject(schemas.CodeInvalidCommand, fmt.Sprintf("%q is not an _id", target.Value),
			"an _id has 24 hexadecimal digits; name the record by externalId or sourceId if that is what it is")
	}
	return target, nil
}

func targets(t schemas.Target) []Target {
	var out []Target
	for _, c := range []Target{
		{planhat.KeyID, t.ID}, {planhat.KeySourceID, t.SourceID}, {planhat.KeyExternalID, t.ExternalID}, {planhat.KeyEmail, t.Email},
	} {
		if c.Value != "" {
			out = append(out, c)
		}
	}
	return out
}

func oneOf(keys []planhat.Key) string {
	if len(keys) == 1 {
		return string(keys[0])
	}
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = string(k)
	}
	return "one of " + strings.Join(names, ", ")
}

func isID(s string) bool {
	if len(s) != 24 {
		return false
	}
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
