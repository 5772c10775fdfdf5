package planhatsim

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
)

// route is a path taken apart. A path that the API does not have has neither model nor lean.
type route struct {
	model    *model
	lean     bool
	id       string // decoded; "" is the collection
	template string // for counters: no ids in it
}

// parseRoute reads a path. An empty id falls through to the collection.
func parseRoute(r *http.Request) route {
	first, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	unknown := route{template: "/{unknown}"}
	if first == "leancompanies" && rest == "" {
		return route{lean: true, template: "/leancompanies"}
	}
	m := modelByPath[first]
	if m == nil || strings.Contains(rest, "/") {
		return unknown
	}
	id, err := url.PathUnescape(rest)
	if err != nil {
		return unknown
	}
	if id == "" {
		return route{model: m, template: m.path}
	}
	if id == duplicateAction && m.can('X') {
		return route{model: m, id: id, template: m.path + "/" + id}
	}
	return route{model: m, id: id, template: m.path + "/{id}"}
}

// duplicateAction stands in the place of an id where a model can copy records.
const duplicateAction = "duplicate"

// verb says what a request asks of its model: a letter of model.verbs, 0 for nothing.
func (r *request) verb() byte {
	method := r.Method
	if method == http.MethodPatch && r.sw.Patch == "allowed" && r.id != "" {
		method = http.MethodPut
	}
	if r.id == "" {
		return map[string]byte{http.MethodGet: 'L', http.MethodPost: 'C', http.MethodPut: 'B'}[method]
	}
	if r.id == duplicateAction && method == http.MethodPost {
		return 'X'
	}
	if r.model.within != nil && method == http.MethodGet && r.sw.TicketGet == "no-route" {
		return 0
	}
	return map[string]byte{http.MethodGet: 'G', http.MethodPut: 'U', http.MethodDelete: 'D'}[method]
}

var permissions = map[byte]string{'L': "read", 'G': "read", 'C': "create", 'X': "create", 'U': "update", 'D': "delete"}

// handle answers a request with the tenant locked; the fault may be one that changes what is read.
func (s *Server) handle(r *request, f Fault) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	tx := s.begin("api", r.call)
	if r.lean && r.Method == http.MethodGet {
		return tx.lean(r)
	}
	verb := byte(0)
	if r.model != nil {
		verb = r.verb()
	}
	if verb == 0 || !r.model.can(verb) {
		return plain(http.StatusNotFound, "Not Found")
	}
	if permission := permissions[verb]; permission != "" && !r.token.may(r.model, permission) {
		return forbidden(r.sw, permission, r.model)
	}
	switch verb {
	case 'L':
		return tx.list(r, f)
	case 'B':
		return tx.bulkUpsert(r)
	case 'C':
		return tx.createOne(r)
	case 'X':
		return tx.duplicate(r)
	case 'G':
		return tx.getOne(r, f)
	case 'U':
		return tx.updateOne(r)
	}
	return tx.deleteOne(r)
}

func (tx *Tx) lean(r *request) answer {
	if !r.token.may(companyModel, "read") {
		return forbidden(tx.sw, "read", companyModel)
	}
	q := r.URL.Query()
	var conditions []func(*record) bool
	for name, text := range map[string]func(*record) string{
		"externalId": func(r *record) string { return r.external },
		"sourceId":   func(r *record) string { return r.source },
		"status":     func(r *record) string { s, _ := textOf(memberOf(r.body, "status")); return s },
	} {
		if value := q.Get(name); value != "" {
			wanted := commaSet(value)
			conditions = append(conditions, func(r *record) bool { return wanted[text(r)] })
		}
	}
	all := listing{conditions: conditions}
	body, items := []byte{'['}, 0
	for _, e := range tx.s.store(companyModel).view("_id").entries {
		if all.admits(e.rec) {
			body = leanRow(comma(body), e.rec)
			items++
		}
	}
	return answer{Status: http.StatusOK, Kind: simkit.TypeJSON, Body: append(body, ']'), Items: items}
}

func comma(list []byte) []byte {
	if len(list) > 1 {
		return append(list, ',')
	}
	return list
}

func (tx *Tx) list(r *request, f Fault) answer {
	l, err := readListing(r.model, r.URL.Query(), tx.sw)
	if err != nil {
		return refused(tx.sw, err)
	}
	if l.offset > 0 {
		l.offset = max(0, l.offset+f.shift())
	}
	l.sorted(f)
	records := l.page(tx, tx.seen(r, f))
	size := 2
	for _, rec := range records {
		size += len(rec.body) + 1
	}
	body := append(make([]byte, 0, size), '[')
	for _, rec := range records {
		body = tx.row(comma(body), r.model, rec, l.selected)
	}
	body = append(body, ']')
	if tx.sw.PageEnvelope == "data" {
		body = append(append([]byte(`{"data":`), body...), '}')
	}
	return answer{Status: http.StatusOK, Kind: simkit.TypeJSON, Body: body, Items: len(records)}
}

func (tx *Tx) bulkUpsert(r *request) answer {
	items, err := bulkItems(r.body, tx.sw, r.model.bulkOne)
	if err != nil {
		return refused(tx.sw, err)
	}
	b := &bulk{tx: tx, m: r.model, may: func(verb string) bool { return r.token.may(r.model, verb) }}
	status := b.upsert(items)
	a := encoded(status, b.answer)
	a.Items = len(items)
	return a
}

func (tx *Tx) createOne(r *request) answer {
	doc, err := parseObject(r.body)
	if err != nil {
		return failure(tx.sw, http.StatusBadRequest, "body: "+err.Error())
	}
	rec, refusal := tx.create(r.model, "", doc)
	if refusal != nil {
		return refused(tx.sw, refusal)
	}
	status := http.StatusOK
	if tx.sw.CreateStatus == "201" {
		status = http.StatusCreated
	}
	return jsonAnswer(status, tx.written(r.model, rec))
}

func (tx *Tx) getOne(r *request, f Fault) answer {
	rec := tx.lookup(r.model, r.id)
	if f.age() != nil {
		rec = tx.seen(r, f).byID[r.id]
	}
	if rec == nil {
		return missing(tx.sw.MissingGet)
	}
	return jsonAnswer(http.StatusOK, tx.got(r.model, rec))
}

func (tx *Tx) updateOne(r *request) answer {
	doc, err := parseObject(r.body)
	if err != nil {
		return failure(tx.sw, http.StatusBadRequest, "body: "+err.Error())
	}
	if doc.get("_id") != nil && tx.sw.PutBodyID == "refused" {
		return failure(tx.sw, http.StatusBadRequest, "_id must not be in the body")
	}
	rec := tx.lookup(r.model, r.id)
	if rec == nil {
		return missing(tx.sw.MissingPut)
	}
	if _, refusal := tx.update(r.model, rec, doc); refusal != nil {
		return refused(tx.sw, refusal)
	}
	return jsonAnswer(http.StatusOK, tx.written(r.model, rec))
}

func (tx *Tx) deleteOne(r *request) answer {
	prefixed := strings.HasPrefix(r.id, extPrefix) || strings.HasPrefix(r.id, srcPrefix)
	rec := tx.lookup(r.model, r.id)
	switch {
	case prefixed && tx.sw.DeleteByPrefix == "refused":
		return failure(tx.sw, http.StatusBadRequest, "Cast to ObjectId failed")
	case rec == nil, prefixed && tx.sw.DeleteByPrefix == "missing":
		return missing(tx.sw.MissingDelete)
	}
	tx.remove(r.model, rec)
	switch {
	case r.model.deleteAnswer == "document" && tx.sw.DeleteConversation == "document":
		return jsonAnswer(http.StatusOK, tx.written(r.model, rec))
	case tx.sw.DeleteAnswer == "empty":
		return answer{Status: http.StatusOK}
	}
	return jsonAnswer(http.StatusOK, []byte(`{"n":1,"ok":1,"deletedCount":1}`))
}
