package plan

import (
	"strings"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// identity is one way in which a record is named. Two orders that share one
// are about the same record, or may become so.
type identity struct {
	object planhat.Object
	key    planhat.Key
	value  string
}

func identityOf(object planhat.Object, t Target) identity {
	value := t.Value
	if t.Key == planhat.KeyEmail || t.Key == planhat.KeyID {
		value = strings.ToLower(value)
	}
	return identity{object, t.Key, value}
}

// uniqueKeys are the keys whose values a command may set and that name one
// record. Many records may share an email: it names one only as a target.
var uniqueKeys = []planhat.Key{planhat.KeySourceID, planhat.KeyExternalID}

// identities lists how an order names its record: by its target and by the
// keys that it sets.
func (o *Order) identities() []identity { return o.appendIdentities(make([]identity, 0, 3)) }

func (o *Order) appendIdentities(out []identity) []identity {
	if o.Target.Key != "" {
		out = append(out, identityOf(o.Spec.Object, o.Target))
	}
	for _, k := range uniqueKeys {
		if v, ok := o.Fields.Text(o.Spec.KeyField(k)); ok {
			out = append(out, identityOf(o.Spec.Object, Target{k, v}))
		}
	}
	return out
}

// targetEmails are the emails that orders of a batch use as targets.
func targetEmails(orders []*Order) map[identity]bool {
	out := map[identity]bool{}
	for _, o := range orders {
		if o.Target.Key == planhat.KeyEmail {
			out[identityOf(o.Spec.Object, o.Target)] = true
		}
	}
	return out
}

// names appends the order's identities, with an email that it sets if other orders
// of the batch use it as a target.
func (o *Order) names(out []identity, emails map[identity]bool) []identity {
	out = o.appendIdentities(out)
	if len(emails) == 0 {
		return out
	}
	if v, ok := o.Fields.Text(o.Spec.KeyField(planhat.KeyEmail)); ok {
		if id := identityOf(o.Spec.Object, Target{planhat.KeyEmail, v}); emails[id] {
			out = append(out, id)
		}
	}
	return out
}
