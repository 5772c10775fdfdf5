package plan

import (
	"fmt"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// Rules are what a check depends on besides the command.
type Rules struct {
	// Now judges notAfter.
	Now time.Time
	// Custom gives the custom fields that an object has. Nil, or a false,
	// means that the catalogue is not known: then every name passes.
	Custom func(planhat.Object) (CustomFields, bool)
}

// CustomFields are the custom fields of an object by name. True marks one that
// the vendor computes by a formula: what is written to it is lost.
type CustomFields map[string]bool

// Check turns a command into an Order, or tells why it cannot be carried out.
// Seq and Chain are left to the caller. The command's fields are valid JSON, as
// whoever decodes it makes sure.
//
// A command that has expired is refused as EXPIRED only if nothing else is
// wrong with it, so that the answer to a faulty command does not depend on how
// late it was read.
func Check(c schemas.Command, rules Rules) (Order, *Refusal) {
	table, ok := tables[planhat.Object(c.Object)]
	if !ok {
		return Order{}, unknownObject(c.Object)
	}
	o := Order{
		Op: Op(c.Op), Spec: &table.spec, Since: c.IfUnchangedSince, NotAfter: c.NotAfter,
		Coalesce: c.Coalesce == nil || *c.Coalesce,
	}
	rule, ok := opRules[o.Op]
	if !ok {
		return Order{}, reject(schemas.CodeUnknownOperation, fmt.Sprintf("unknown operation %q", c.Op),
			"use create, update, upsert, delete or get")
	}
	if table.spec.ReadOnly && !rule.reads {
		return Order{}, reject(schemas.CodeUnsupportedOperation, fmt.Sprintf("%s can be read, not written: no %s", table.spec.Object.WithArticle(), o.Op),
			"use get; change the record in Planhat, or in the system that it comes from")
	}
	var refusal *Refusal
	if o.Target, refusal = checkTarget(c.Target, &o, rule); refusal != nil {
		return Order{}, refusal
	}
	if o.Fields, refusal = checkFields(c, &o, rule, rules); refusal != nil {
		return Order{}, refusal
	}
	if refusal := checkPrecondition(&o, rule); refusal != nil {
		return Order{}, refusal
	}
	if o.Expired(rules.Now) {
		return Order{}, Expire(*o.NotAfter)
	}
	return o, nil
}

// opRule is what differs between the operations.
type opRule struct {
	target   bool // needs one; otherwise must have none
	upsert   bool // the target must be an upsert key
	fields   bool // takes fields
	some     bool // needs at least one field
	required bool // needs the fields that a new record needs
	since    bool // takes ifUnchangedSince
	reads    bool // changes nothing
}

var opRules = map[Op]opRule{
	Create: {fields: true, some: true, required: true},
	Update: {target: true, fields: true, some: true, since: true},
	Upsert: {target: true, upsert: true, fields: true, since: true},
	Delete: {target: true, since: true},
	Get:    {target: true, reads: true},
}

func unknownObject(name string) *Refusal {
	var names []string
	for _, s := range planhat.Objects() {
		names = append(names, string(s.Object))
	}
	remedy := "use one of " + strings.Join(names, ", ")
	if best := suggest(name, names); best != "" {
		remedy = fmt.Sprintf("did you mean %q?", best)
	}
	return reject(schemas.CodeUnknownObject, fmt.Sprintf("unknown object %q", name), remedy)
}

func checkPrecondition(o *Order, rule opRule) *Refusal {
	switch {
	case o.Since == nil:
		return nil
	case !rule.since:
		return reject(schemas.CodeInvalidCommand, fmt.Sprintf("ifUnchangedSince has no meaning for a %s", o.Op),
			"leave ifUnchangedSince out")
	case o.Spec.Stamp == "":
		return reject(schemas.CodeUnsupportedOperation,
			fmt.Sprintf("ifUnchangedSince cannot be kept for %s: its records carry no time of change", o.Spec.Object.WithArticle()),
			"leave ifUnchangedSince out")
	}
	return nil
}
