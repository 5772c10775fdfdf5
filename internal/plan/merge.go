package plan

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// merge joins neighbours of a chain that update, or upsert, one target. A value
// that a later neighbour replaces is never sent, so the vendor cannot refuse
// it; whoever wants every value sent sets coalesce to false.
func merge(chain []*Order, limits Limits) []Item {
	var out []Item
	for at, o := range chain {
		if n := len(out) - 1; n >= 0 && joins(out[n], o) {
			merged := out[n].Fields.Over(o.Fields)
			if merged.size() <= limits.Bytes && keepsOutcome(out[n], o, merged) {
				out[n].Orders = append(out[n].Orders, o)
				out[n].Fields = merged
				continue
			}
		}
		out = append(out, alone(chain[at:at+1:at+1]))
	}
	return out
}

// joins tells whether an order is about the target of an item. Targets that differ
// in case alone are spelled otherwise, and may be other records. One that changes the key
// which it goes by stays alone: whether it was carried out is known by that.
func joins(i Item, o *Order) bool {
	return i.Op == o.Op && i.Spec.Object == o.Spec.Object && i.Target == o.Target &&
		o.mergeable() && i.Orders[0].mergeable() && !i.Renames() && !itemOf(o).Renames()
}

// keepsOutcome tells whether the vendor's answer to the merged fields is that
// to one call each, as far as can be foreseen. It would not be if an upsert
// that is too little for a new record were completed by the next one, if it were
// matched within a company and the next one in all of them, or if a value that may
// be refused were replaced by one that is not. Nor may the record wait for one that
// only the next command refers to: others may wait for the record.
func keepsOutcome(i Item, o *Order, merged Fields) bool {
	if i.Op == Upsert && (!i.complete(i.Fields) && i.complete(merged) || i.scoped(i.Fields) != i.scoped(o.Fields)) {
		return false
	}
	now := o.Fields.values()
	for _, was := range i.Fields {
		later := now(was.Name)
		if later != nil && !bytes.Equal(was.Raw, later) && !harmless(i.Spec, was) {
			return false
		}
	}
	return !refersToMore(i, o)
}

// refersToMore tells whether an order refers by a key to a record that the item does not
// refer to.
func refersToMore(i Item, o *Order) bool {
	var known []Reference
	for n, ref := range References(o.Spec, o.Fields) {
		if n == 0 {
			known = References(i.Spec, i.Fields)
		}
		same := func(other Reference) bool { return other.Object == ref.Object && other.Target == ref.Target }
		if ref.Target.Key != planhat.KeyID && !slices.ContainsFunc(known, same) {
			return true
		}
	}
	return false
}

// scoped tells whether a bulk upsert with these fields is matched within a company:
// externalId is unique in a company only, but for companies.
func (i Item) scoped(fields Fields) bool {
	return i.Target.Key == planhat.KeyExternalID && i.Spec.Object != planhat.Company && fields.Has(i.Spec.CompanyField)
}

// harmless tells whether the vendor is known to take a value: it is no key, which may
// clash, no reference, which may lead nowhere, nothing that a record needs, and of
// the type of a field whose values are all taken.
func harmless(spec *planhat.Spec, f Field) bool {
	known, ok := tables[spec.Object].fields[f.Name]
	switch {
	case f.Name == customField:
		return true
	case !ok || isKeyField(spec, f.Name) || known.Ref != "" || slices.Contains(spec.Limited, f.Name):
		return false
	case isNull(f.Raw) || string(f.Raw) == `""`:
		return !slices.ContainsFunc(spec.Required, func(group []string) bool { return slices.Contains(group, f.Name) })
	}
	return fits(known.Type, f.Raw)
}

// fits tells whether a value is of a type.
func fits(t planhat.FieldType, raw json.RawMessage) bool {
	switch v := decode(raw).(type) {
	case string:
		if t == planhat.TimestampMillis {
			_, ok := parseTime(v)
			return ok
		}
		return t == planhat.String
	case json.Number:
		_, err := v.Int64()
		return t == planhat.Double || err == nil && (t == planhat.Long || t == planhat.Date)
	case bool:
		return t == planhat.Boolean
	case []any:
		return t == planhat.StringArray && !slices.ContainsFunc(v, func(e any) bool { _, ok := e.(string); return !ok })
	}
	return false
}
