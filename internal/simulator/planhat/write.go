package planhatsim

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Tx is the tenant under its lock, at one moment. All writes, of the API, of life and of tests, go
// through it.
type Tx struct {
	s    *Server
	sw   Switches
	via  string // "api", "life", "seed", or "vendor" for what a write brings about elsewhere
	call int64  // number of the call that writes, 0 for none
	op   string // journal op; "" = create, update or delete by what happened
	at   time.Time
	bulk bool
}

// refusal is why the vendor does not do what it was asked.
type refusal struct {
	status     int
	message    string
	validation bool // a value of the wrong type, as opposed to a record in the way
	silent     bool // dropped without a word in bulk answers
	text       bool // said in plain text, whatever the other refusals look like
}

func refuse(status int, format string, args ...any) *refusal {
	return &refusal{status: status, message: fmt.Sprintf(format, args...)}
}

func (tx *Tx) create(m *model, id string, sent document) (*record, *refusal) {
	p, err := tx.prepare(m, sent, true)
	if err != nil {
		return nil, err
	}
	if m.requires != nil {
		for _, group := range m.requires(tx.sw) {
			if !hasAny(p.fields, group) { // a default does not stand for what was not sent
				return nil, refuse(400, "%s is required", strings.Join(group, " or "))
			}
		}
	}
	if id == "" {
		id = tx.s.ids.next(tx.at)
	}
	doc := document{{name: "_id", key: []byte(`"_id"`), val: quoted(id)}}
	doc = append(doc, splitObject([]byte(m.defaults))...)
	doc = tx.merge(m, doc, p)
	if err := tx.check(m, nil, doc); err != nil {
		return nil, err
	}
	tx.derive(m, &doc, nil)
	for _, name := range m.createStamps {
		doc.setText(name, stamp(tx.at))
	}
	tx.bump(m, &doc)
	doc.set("__v", []byte("0"))
	r := tx.s.store(m).put(doc)
	r.guarded = r.guarded || m.noCustom && tx.via == "api"
	tx.log(m, r, "create", "created", sent)
	if m.after != nil {
		m.after(tx, r, nil, doc)
	}
	return r, nil
}

func (tx *Tx) derive(m *model, doc *document, before document) {
	if m.derive != nil {
		m.derive(tx, doc, before)
	}
	copyCompanyName(tx, m, doc, before)
}

// asVendor is the same moment for what a write brings about at other records.
func (tx *Tx) asVendor() *Tx {
	other := *tx
	other.via, other.op, other.bulk = "vendor", "", false
	return &other
}

// update reports whether anything but stamps differs after it.
func (tx *Tx) update(m *model, r *record, sent document) (bool, *refusal) {
	p, err := tx.prepare(m, sent, false)
	if err != nil {
		return false, err
	}
	before := splitObject(r.body)
	doc := tx.merge(m, before, p)
	if err := tx.check(m, r, doc); err != nil {
		return false, err
	}
	tx.derive(m, &doc, before)
	changed := !sameDocument(before, doc)
	effect := "unchanged"
	if changed || !tx.bulk && tx.sw.IdenticalPut == "bump" {
		tx.bump(m, &doc)
		was := r.kind
		tx.s.store(m).put(doc)
		tx.renamed(m, r, before, doc)
		effect = "updated"
		tx.logAs(m, r, was, "update", effect, sent)
		if m.after != nil {
			m.after(tx, r, before, doc)
		}
		return changed, nil
	}
	tx.log(m, r, "update", effect, sent)
	return false, nil
}

func sameDocument(a, b document) bool {
	if len(a) != len(b) {
		return false
	}
	for _, f := range a {
		if other := b.get(f.name); other == nil || !sameJSON(f.val, other) {
			return false
		}
	}
	return true
}

// bump sets the change stamps to the moment of the transaction.
func (tx *Tx) bump(m *model, doc *document) {
	for _, name := range m.updateStamps {
		doc.setText(name, stamp(tx.at))
	}
	if m.stamps != nil {
		m.stamps(tx, doc)
	}
}

// check holds a merged document to the required fields and to uniqueness; r is nil for a create.
func (tx *Tx) check(m *model, r *record, doc document) *refusal {
	for _, group := range m.required {
		if !hasAny(doc, group) {
			missing := refuse(400, "%s is required", strings.Join(group, " or "))
			missing.silent = m == enduserModel && group[0] == "companyId" && tx.sw.EnduserWithoutCompany == "skip"
			return missing
		}
	}
	st := tx.s.store(m)
	status := 400
	if tx.sw.ConflictStatus == "409" {
		status = 409
	}
	if source := doc.text("sourceId"); source != "" && taken(st.bySource[source], r) {
		return refuse(status, "sourceId %s already exists", source)
	}
	external := doc.text(m.externalName())
	if m == conversationModel && doc.text("type") == "note" && tx.sw.NoteExternalID == "ignored" {
		return nil // not a key of notes
	}
	for _, other := range st.byExternal[external] {
		if taken(other, r) && m.holds(tx.sw, other) && (m.globalExternalID || other.company == companiesOf(m, doc)) {
			return refuse(status, "%s %s already exists", m.externalName(), external)
		}
	}
	return nil
}

func taken(other, r *record) bool { return other != nil && other != r }

func hasAny(doc document, group []string) bool {
	for _, name := range group {
		if raw := doc.get(name); !isNull(raw) && !bytes.Equal(raw, []byte(`""`)) {
			return true
		}
	}
	return false
}

func (tx *Tx) remove(m *model, r *record) {
	tx.s.store(m).remove(r)
	tx.log(m, r, "delete", "deleted", nil)
	if m.after != nil {
		m.after(tx, r, splitObject(r.body), nil)
	}
	if m != companyModel || tx.sw.CompanyDelete != "cascade" {
		return
	}
	for _, child := range childModels() {
		for _, c := range tx.s.store(child).ofCompany(r.id) {
			if c.company != r.id {
				tx.leave(child, c, r.id)
				continue
			}
			tx.s.store(child).remove(c)
			tx.log(child, c, "delete", "deleted", nil)
		}
	}
}

// childModels are the models whose records belong to companies.
func childModels() []*model {
	return slices.DeleteFunc(slices.Clone(modelRows), func(m *model) bool { return m.company == "" || m.within != nil })
}

// renamed carries a company's new name to its records, without stamps, where the switch says so.
func (tx *Tx) renamed(m *model, r *record, before, after document) {
	if m != companyModel || tx.sw.CompanyRename != "propagate" || bytes.Equal(before.get("name"), after.get("name")) {
		return
	}
	for _, child := range childModels() {
		if child.companyName == "" {
			continue
		}
		st := tx.s.store(child)
		for _, c := range st.ofCompany(r.id) {
			doc := splitObject(c.body).clone()
			doc.set(child.companyName, after.get("name"))
			st.put(doc)
			tx.log(child, c, "update", "updated", document{{name: child.companyName, key: quoted(child.companyName), val: after.get("name")}})
		}
	}
}

// ofCompany lists a company's records, oldest first.
func (st *store) ofCompany(id string) []*record {
	var out []*record
	for _, e := range st.view("_id").entries {
		if strings.Contains(e.rec.company, id) {
			out = append(out, e.rec)
		}
	}
	return out
}
