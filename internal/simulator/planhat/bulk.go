package planhatsim

import (
	"bytes"
	"encoding/json"
)

// bulkMax is the documented number of items of a bulk upsert.
const bulkMax = 5000

// bulkAnswer is the documented answer of every bulk upsert.
type bulkAnswer struct {
	Created          int         `json:"created"`
	CreatedErrors    []any       `json:"createdErrors"`
	InsertsKeys      []keyFields `json:"insertsKeys"`
	Updated          int         `json:"updated"`
	UpdatedErrors    []any       `json:"updatedErrors"`
	UpdatesKeys      []keyFields `json:"updatesKeys"`
	Nonupdates       int         `json:"nonupdates"`
	Modified         []string    `json:"modified"`
	UpsertedIDs      []string    `json:"upsertedIds"`
	PermissionErrors []any       `json:"permissionErrors"`
	ValidationErrors []any       `json:"validationErrors"`
}

type keyFields struct {
	ID         string `json:"_id,omitempty"`
	ExternalID string `json:"externalId,omitempty"`
	ExtID      string `json:"extId,omitempty"`
	SourceID   string `json:"sourceId,omitempty"`
}

// keysOf gives a record's keys in the spelling of its model.
func (m *model) keysOf(r *record) keyFields {
	switch {
	case m.within != nil:
		return keyFields{ID: r.id, SourceID: r.external}
	case m.externalName() == "extId":
		return keyFields{ID: r.id, ExtID: r.external, SourceID: r.source}
	}
	return keyFields{ID: r.id, ExternalID: r.external, SourceID: r.source}
}

// bulk is one PUT of a collection.
type bulk struct {
	tx     *Tx
	m      *model
	may    func(verb string) bool
	answer bulkAnswer
	seen   map[string]bool
}

// upsert applies items in their order, each on its own, and tells the status of the whole.
func (b *bulk) upsert(items [][]byte) int {
	b.answer = bulkAnswer{
		CreatedErrors: []any{}, InsertsKeys: []keyFields{}, UpdatedErrors: []any{}, UpdatesKeys: []keyFields{},
		Modified: []string{}, UpsertedIDs: []string{}, PermissionErrors: []any{}, ValidationErrors: []any{},
	}
	b.seen = map[string]bool{}
	b.tx.bulk, b.tx.op = true, "upsert"
	for _, item := range items {
		b.item(item)
	}
	a := b.answer
	failed := len(a.CreatedErrors) + len(a.UpdatedErrors) + len(a.ValidationErrors)
	switch {
	case len(a.PermissionErrors) > 0:
		return 403
	case failed == 0:
		return 200
	case a.Created+a.Updated+a.Nonupdates > 0:
		return 206
	}
	return 400
}

func (b *bulk) item(raw []byte) {
	doc, err := parseObject(raw)
	if err != nil {
		b.fail(&b.answer.CreatedErrors, refuse(400, "item: %v", err), nil)
		return
	}
	r, key, id, refused := b.tx.match(b.m, doc)
	switch {
	case refused != nil:
		b.fail(&b.answer.UpdatedErrors, refused, doc)
	case b.repeated(key, doc):
		b.fail(&b.answer.UpdatedErrors, refuse(400, "duplicate key %s in request", key), doc)
	case r == nil:
		b.create(id, doc)
	default:
		b.update(r, doc)
	}
}

func (b *bulk) repeated(key string, doc document) bool {
	if key == "" || b.tx.sw.BulkDuplicateKeys != "error" {
		return false
	}
	mark := key + "=" + keyText(doc.get(key))
	before := b.seen[mark]
	b.seen[mark] = true
	return before
}

func (b *bulk) create(id string, doc document) {
	if !b.may("create") {
		b.fail(&b.answer.PermissionErrors, refuse(403, "No permission to create %s", b.m.object), doc)
		return
	}
	r, err := b.tx.create(b.m, id, doc)
	switch {
	case err == nil:
		b.answer.Created++
		b.answer.InsertsKeys = append(b.answer.InsertsKeys, b.m.keysOf(r))
		b.answer.UpsertedIDs = append(b.answer.UpsertedIDs, r.id)
	case !err.silent:
		b.fail(&b.answer.CreatedErrors, err, doc)
	}
}

func (b *bulk) update(r *record, doc document) {
	if !b.may("update") {
		b.fail(&b.answer.PermissionErrors, refuse(403, "No permission to update %s", b.m.object), doc)
		return
	}
	changed, err := b.tx.update(b.m, r, doc)
	switch {
	case err != nil && err.silent:
	case err != nil:
		b.fail(&b.answer.UpdatedErrors, err, doc)
	case changed:
		b.answer.Updated++
		b.answer.UpdatesKeys = append(b.answer.UpdatesKeys, b.m.keysOf(r))
		b.answer.Modified = append(b.answer.Modified, r.id)
	default:
		b.answer.Nonupdates++
	}
}

func (b *bulk) fail(list *[]any, err *refusal, doc document) {
	if err.validation && b.tx.sw.BulkValidation == "validation" {
		list = &b.answer.ValidationErrors
	}
	*list = append(*list, errorElement(b.tx.sw.ErrorElements, err.message, doc))
}

// errorElement shapes an element of the error arrays: nobody documents how it looks.
func errorElement(shape, message string, doc document) any {
	keys := map[string]json.RawMessage{}
	for _, name := range []string{"_id", "sourceId", "externalId", "extId", "email"} {
		if val := doc.get(name); val != nil {
			keys[name] = bytes.Clone(val)
		}
	}
	switch shape {
	case "string":
		return message
	case "bare":
		return map[string]any{"message": message}
	case "flat":
		flat := map[string]any{"message": message}
		for name, val := range keys {
			flat[name] = val
		}
		return flat
	}
	return map[string]any{"message": message, "item": keys}
}

// bulkItems takes the body of a bulk upsert apart; one says that a bare object is documented.
func bulkItems(body []byte, sw Switches, one bool) ([][]byte, *refusal) {
	text, err := compacted(body)
	if err != nil {
		return nil, refuse(400, "body: %v", err)
	}
	if text[0] == '{' && (one || sw.BulkSingleObject == "accept") {
		return [][]byte{text}, nil
	}
	if text[0] != '[' {
		return nil, refuse(400, "expected an array of records")
	}
	items := splitArray(text)
	if len(items) > bulkMax && sw.BulkOverLimit == "reject" {
		return nil, refuse(400, "too many items: %d, maximum %d", len(items), bulkMax)
	}
	return items, nil
}
