package planhatsim

import (
	"slices"
	"strings"
)

// record is one stored document and what lookups need of it. body is replaced, never changed in place,
// so that it may be read without the lock once it was fetched under it.
type record struct {
	id       string
	body     []byte // the whole document, names of thin listings first
	thin     int    // body[:thin] and a brace are the row of a thin listing
	company  string // its company, or its companies with commas between
	source   string
	external string
	email    string
	kind     string // conversations: type
	archived bool
	guarded  bool // belongs to commands under test: life leaves it alone
	deleted  bool
	position int // in store.all
	mark     uint64
}

// store holds the records of one model.
type store struct {
	model      *model
	byID       map[string]*record
	bySource   map[string]*record
	byExternal map[string][]*record // oldest first
	byEmail    map[string][]*record
	domains    map[string]string // companies: e-mail domain to _id
	all        []*record         // no order; for picking at random
	views      map[string]*view
	marks      uint64
	past       *past
}

func newStore(m *model) *store {
	return &store{
		model: m, byID: map[string]*record{}, bySource: map[string]*record{}, byExternal: map[string][]*record{},
		byEmail: map[string][]*record{}, domains: map[string]string{}, views: map[string]*view{},
	}
}

// put stores a document under its _id, new or not.
func (st *store) put(doc document) *record {
	id := doc.text("_id")
	r := st.byID[id]
	st.past.note(st, id, r)
	if r == nil {
		r = &record{id: id, position: len(st.all)}
		st.byID[id] = r
		st.all = append(st.all, r)
	} else {
		st.unindex(r)
	}
	st.fill(r, doc)
	st.index(r)
	for _, v := range st.views {
		v.touch(r)
	}
	return r
}

func (st *store) fill(r *record, doc document) {
	r.body, r.thin = encode(doc, st.model.detail)
	r.company, r.source, r.external, r.email = companiesOf(st.model, doc), doc.text("sourceId"), doc.text(st.model.externalName()), doc.text("email")
	r.kind = doc.text("type")
	r.archived = st.model.archivedField != "" && string(doc.get(st.model.archivedField)) == "true"
	r.guarded = st.model.noCustom && r.guarded || strings.HasPrefix(r.source, guardPrefix) || strings.HasPrefix(r.external, guardPrefix) || hasGuard(doc.get("custom")) || st.model == customFieldModel && strings.HasPrefix(doc.text("name"), guardField)
}

// companiesOf reads a document's reference to its company; ids of several are joined by commas.
func companiesOf(m *model, doc document) string {
	if m.company == "" {
		return ""
	}
	raw := doc.get(m.company)
	if len(raw) == 0 || raw[0] != '[' {
		id, _ := textOf(raw)
		return id
	}
	var ids []string
	for _, item := range splitArray(raw) {
		if id, ok := textOf(item); ok {
			ids = append(ids, id)
		}
	}
	return strings.Join(ids, ",")
}

// guardPrefix starts the externalId or sourceId of records that belong to commands under test; a custom
// field named guardField marks them as well. A custom field whose own name
// begins with it is guarded too. Records that can carry none of these are guarded where the API made them.
const (
	guardPrefix = "cmd-"
	guardField  = "cmd"
)

func hasGuard(custom []byte) bool {
	return len(custom) > 2 && custom[0] == '{' && splitObject(custom).index(guardField) >= 0
}

// encode writes the names that thin listings show before those that they leave out.
func encode(doc document, detail set) (body []byte, thin int) {
	size := 2
	for _, m := range doc {
		size += len(m.key) + len(m.val) + 2
	}
	body = doc.appendTo(make([]byte, 0, size), func(name string) bool { return !detail[name] })
	thin = len(body) - 1
	rest := doc.appendTo(nil, func(name string) bool { return detail[name] })
	if len(rest) == 2 {
		return body, thin
	}
	body = append(body[:thin], ',')
	return append(body, rest[1:]...), thin
}

func (st *store) remove(r *record) {
	st.past.note(st, r.id, r)
	st.unindex(r)
	delete(st.byID, r.id)
	last := st.all[len(st.all)-1]
	st.all[r.position], last.position = last, r.position
	st.all = st.all[:len(st.all)-1]
	r.deleted = true
	for _, v := range st.views {
		v.touch(r)
	}
}

func (st *store) index(r *record) {
	if r.source != "" {
		st.bySource[r.source] = r
	}
	if r.external != "" {
		st.byExternal[r.external] = insertByID(st.byExternal[r.external], r)
	}
	if r.email != "" {
		st.byEmail[r.email] = insertByID(st.byEmail[r.email], r)
	}
	for _, domain := range st.domainsOf(r) {
		if st.domains[domain] == "" {
			st.domains[domain] = r.id
		}
	}
}

func (st *store) unindex(r *record) {
	if st.bySource[r.source] == r {
		delete(st.bySource, r.source)
	}
	without(st.byExternal, r.external, r)
	without(st.byEmail, r.email, r)
	for _, domain := range st.domainsOf(r) {
		if st.domains[domain] == r.id {
			delete(st.domains, domain)
		}
	}
}

func (st *store) domainsOf(r *record) []string {
	if st.model != companyModel {
		return nil
	}
	var out []string
	if list := splitObject(r.body).get("domains"); len(list) > 2 && list[0] == '[' {
		for _, item := range splitArray(list) {
			if domain, ok := textOf(item); ok {
				out = append(out, strings.ToLower(domain))
			}
		}
	}
	return out
}

func insertByID(list []*record, r *record) []*record {
	at, _ := slices.BinarySearchFunc(list, r, func(a, b *record) int { return strings.Compare(a.id, b.id) })
	return slices.Insert(list, at, r)
}

func without(index map[string][]*record, key string, r *record) {
	list := index[key]
	at := slices.Index(list, r)
	switch {
	case at < 0:
	case len(list) == 1:
		delete(index, key)
	default:
		index[key] = slices.Delete(slices.Clone(list), at, at+1)
	}
}

// view gives the records sorted by a property, up to date.
func (st *store) view(property string) *view {
	v := st.views[property]
	if v == nil {
		if len(st.views) >= maxViews {
			st.dropView()
		}
		v = newView(property, st.all)
		st.views[property] = v
	}
	st.marks++
	v.refresh(st.marks)
	v.used = st.marks
	return v
}

// dropView forgets the view that was not asked for the longest.
func (st *store) dropView() {
	oldest := ""
	for property, v := range st.views {
		if oldest == "" || v.used < st.views[oldest].used {
			oldest = property
		}
	}
	delete(st.views, oldest)
}
