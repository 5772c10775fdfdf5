package planhatsim

// How stored documents look in answers: rows of listings, GET, and the answers to writes differ.

// row appends a record as the listing gives it.
func (tx *Tx) row(dst []byte, m *model, r *record, selected set) []byte {
	if selected == nil && tx.plainRows(m) {
		return append(append(dst, r.body[:r.thin]...), '}')
	}
	doc := splitObject(r.body)
	tx.reshape(m, &doc)
	shown := tx.shown(m)
	return doc.appendTo(dst, func(name string) bool {
		switch {
		case shown != nil && !shown[name]:
			return false
		case tx.sw.ListUpdatedAt == "absent" && name == "updatedAt":
			return false
		case selected != nil:
			return selected[name]
		case tx.sw.ListShape == "minimal" && m.minimal != nil:
			return m.minimal[name]
		}
		return tx.sw.ListShape == "full" || !m.detail[name]
	})
}

// plainRows tells whether rows are the stored text without its details.
func (tx *Tx) plainRows(m *model) bool {
	return tx.sw.ListShape == "thin" && tx.sw.ListUpdatedAt == "present" &&
		(m != companyModel || tx.sw.OwnerInList == "id") && m != userModel && tx.shown(m) == nil
}

// shown are the names that answers of a model are limited to; nil for no limit.
func (tx *Tx) shown(m *model) set {
	if m.variant != nil {
		return m.variant(tx.sw)
	}
	return m.shown
}

// got gives a record as GET does.
func (tx *Tx) got(m *model, r *record) []byte {
	shown := tx.shown(m)
	if shown == nil {
		return r.body
	}
	return splitObject(r.body).appendTo(nil, func(name string) bool { return shown[name] })
}

// reshape gives references the form that they have in listings only.
func (tx *Tx) reshape(m *model, doc *document) {
	switch {
	case m == companyModel && tx.sw.OwnerInList == "object":
		for _, name := range []string{"owner", "coOwner"} {
			if user := tx.s.store(userModel).byID[doc.text(name)]; user != nil {
				owner := document{{"_id", []byte(`"_id"`), quoted(user.id)}, {"nickName", []byte(`"nickName"`), memberOf(user.body, "nickName")}}
				doc.set(name, owner.appendTo(nil, nil))
			}
		}
	case m == userModel && tx.sw.RolesInList == "objects":
		out := []byte{'['}
		for i, id := range splitArray(doc.get("roles")) {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(append(append(out, `{"_id":`...), id...), `,"name":"Manager","description":"Whole portfolio"}`...)
		}
		doc.set("roles", append(out, ']'))
	}
}

// written gives a record as the answers to create and update do.
func (tx *Tx) written(m *model, r *record) []byte {
	if m.listOnly == nil {
		return tx.got(m, r)
	}
	return splitObject(r.body).appendTo(nil, func(name string) bool { return !m.listOnly[name] })
}

// leanRow appends a company as /leancompanies gives it: absent keys are left out.
func leanRow(dst []byte, r *record) []byte {
	return splitObject(r.body).appendTo(dst, func(name string) bool { return leanNames[name] && !isNull(memberOf(r.body, name)) })
}

var leanNames = names("_id name externalId sourceId slug")
