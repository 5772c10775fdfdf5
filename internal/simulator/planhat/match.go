package planhatsim

import "strings"

const (
	extPrefix = "extid-"
	srcPrefix = "srcid-"
)

// lookup finds a record by a path id: _id, extid-<externalId> or srcid-<sourceId>.
func (tx *Tx) lookup(m *model, ref string) *record {
	st := tx.s.store(m)
	if external, ok := strings.CutPrefix(ref, extPrefix); ok {
		return tx.pick(tx.held(m, st.byExternal[external]))
	}
	if source, ok := strings.CutPrefix(ref, srcPrefix); ok {
		return tx.bySource(m, source)
	}
	if r := st.byID[ref]; r != nil && m.holds(tx.sw, r) {
		return r
	}
	return nil
}

// bySource finds a record by its sourceId, which is a ticket's conversation's externalId.
func (tx *Tx) bySource(m *model, source string) *record {
	st := tx.s.store(m)
	if m.within != nil {
		return tx.pick(tx.held(m, st.byExternal[source]))
	}
	if r := st.bySource[source]; r != nil && m.holds(tx.sw, r) {
		return r
	}
	return nil
}

func (tx *Tx) held(m *model, list []*record) []*record {
	var out []*record
	for _, r := range list {
		if m.holds(tx.sw, r) {
			out = append(out, r)
		}
	}
	return out
}

// pick chooses among records that share an externalId.
func (tx *Tx) pick(list []*record) *record {
	switch {
	case len(list) == 0:
		return nil
	case tx.sw.AmbiguousExternalID == "last":
		return list[len(list)-1]
	}
	return list[0]
}

// match finds the record that an item of a bulk upsert is about, by the first key that it carries.
// A nil record means an insert, under the returned id if there is one.
func (tx *Tx) match(m *model, item document) (r *record, key, id string, err *refusal) {
	st := tx.s.store(m)
	if id := item.text("_id"); id != "" {
		r := st.byID[id]
		switch {
		case !isObjectID(id):
			return nil, "_id", "", refuse(400, "Cast to ObjectId failed for value %q at path \"_id\"", id)
		case r == nil && tx.sw.BulkUnknownID == "error", r != nil && !m.holds(tx.sw, r):
			return nil, "_id", "", refuse(400, "no record with _id %s", id)
		}
		return r, "_id", id, nil
	}
	for _, key := range m.keys {
		value := keyText(item.get(key))
		if value == "" || !tx.known(m, key) || key == "email" && m == userModel && tx.sw.UserBulkEmail == "ignored" {
			continue
		}
		r, err := tx.matchers(m)[key](st, value, item)
		return r, key, "", err
	}
	return nil, "", "", nil
}

func keyText(raw []byte) string {
	if isNull(raw) {
		return ""
	}
	val, ok := castText(raw)
	if !ok {
		return ""
	}
	s, _ := textOf(val)
	return s
}

type matcher func(st *store, value string, item document) (*record, *refusal)

func (tx *Tx) matchers(m *model) map[string]matcher {
	return map[string]matcher{
		"sourceId": func(_ *store, value string, _ document) (*record, *refusal) { return tx.bySource(m, value), nil },
		m.externalName(): func(st *store, value string, item document) (*record, *refusal) {
			return tx.matchExternal(m, st, value, item), nil
		},
		"email": tx.matchEmail,
	}
}

func (tx *Tx) matchExternal(m *model, st *store, value string, item document) *record {
	var company string
	if ref := item.text(m.company); ref != "" && tx.sw.BulkExternalIDScope == "company" {
		company = ref
		if c := tx.lookup(companyModel, ref); c != nil {
			company = c.id
		}
	}
	var candidates []*record
	for _, r := range st.byExternal[value] {
		isNote := m == conversationModel && r.kind == "note" && tx.sw.NoteExternalID == "ignored"
		if !isNote && m.holds(tx.sw, r) && (company == "" || r.company == company) {
			candidates = append(candidates, r)
		}
	}
	return tx.pick(candidates)
}

func (tx *Tx) matchEmail(st *store, value string, _ document) (*record, *refusal) {
	list := st.byEmail[value]
	switch {
	case len(list) == 0:
		return nil, nil
	case len(list) == 1 || tx.sw.AmbiguousEmail == "first":
		return list[0], nil
	case tx.sw.AmbiguousEmail == "insert":
		return nil, nil
	}
	return nil, refuse(400, "email %s is not unique", value)
}
