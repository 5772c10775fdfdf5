package plan

import "github.com/planhat-bridge/planhat-bridge/planhat"

// Names are the names under which other items may be about the same record: its
// keys and the Kafka keys of the commands, behind which it may be spelled in
// another way.
func (i Item) Names() []string {
	var out []string
	for _, o := range i.Orders {
		if o.Chain != "" {
			out = append(out, "\x00"+o.Chain)
		}
		for _, id := range o.identities() {
			out = append(out, string(id.object)+"\x00"+string(id.key)+"\x00"+id.value)
		}
	}
	return out
}

// Guards are the keys among an item's fields that Planhat keeps unique, in its
// matching order: a record that the item creates is found by them, and a create
// sent twice has no effect twice. They are sourceId, and externalId, which is
// unique for companies and, for other objects, within a company, which a
// repeated create does not change. An email is none.
func (i Item) Guards() []Target {
	var out []Target
	for _, k := range i.Spec.UpsertKeys() {
		if v, ok := i.Fields.Text(i.Spec.KeyField(k)); ok && k != planhat.KeyEmail {
			out = append(out, Target{k, v})
		}
	}
	return out
}
