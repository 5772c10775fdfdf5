package oracle

import (
	"cmp"
	"slices"

	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// checkEffects applies the commands, in key order and as their results say, to a
// model, and holds every result and the vendor's last state against it. What
// nothing decides (an UNKNOWN, writers that nothing orders, a field that
// someone else wrote later) is accepted either way.
func checkEffects(e Evidence) []Mismatch {
	m := &model{byID: map[binding]*record{}, byKey: map[binding][]*record{}, origin: origins(e), pasts: pasts(e.Journal)}
	for id, exists := range m.origin {
		if exists != gone {
			m.newRecord(id.object, id.value, exists)
		}
	}
	m.bindOrigins(e.Journal)
	for _, s := range steps(e) {
		if rules, ok := opRules[s.op()]; ok {
			rules(m, s)
		}
	}
	m.nameAll(e)
	return append(m.found, m.compare(e)...)
}

var opRules = map[string]func(*model, step){
	schemas.OpCreate: (*model).create,
	schemas.OpUpdate: (*model).update,
	schemas.OpUpsert: (*model).upsert,
	schemas.OpDelete: (*model).remove,
	schemas.OpGet:    (*model).get,
}

func sortedCommands(commands []Command) []Command {
	return slices.SortedStableFunc(slices.Values(commands), func(a, b Command) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
}

func (m *model) apply(r *record, s step, surely bool) {
	fields := flatten(s.cmd.Command.Fields)
	r.assign(s, fields, surely)
	for name, value := range keysIn(s.object(), fields) {
		m.bind(r, name, value, s.cmd.Place)
	}
	if name, value := s.cmd.Command.Target.Key(); name != "_id" && name != "" {
		m.bind(r, name, value, s.cmd.Place)
	}
	if company, ok := fields[companyField(s.object())].(string); ok {
		r.company = company
	}
	r.touched(s)
}

// companyField is the field that names a record's company; "" for none.
func companyField(object string) string {
	spec, _ := planhat.Lookup(planhat.Object(object))
	return spec.CompanyField
}

func notFound(s step) bool {
	return s.status() == schemas.StatusRejected && errorCode(s.res.Result) == schemas.CodeNotFound
}
