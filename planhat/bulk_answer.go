package planhat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/planhat-bridge/planhat-bridge/internal/rest"
	"github.com/planhat-bridge/planhat-bridge/internal/rest/walk"
)

// BulkAnswer is what Planhat says about a bulk upsert.
type BulkAnswer struct {
	Status     int
	Created    int // inserted
	Updated    int // changed
	Nonupdates int // found, nothing differed

	InsertsKeys []KeySet // of the records inserted
	UpdatesKeys []KeySet // of the records changed
	Modified    []string // ids of the records changed
	UpsertedIDs []string // ids of the records inserted

	CreatedErrors, UpdatedErrors, PermissionErrors, ValidationErrors []BulkError

	Attempts int
	Repeated bool // an earlier attempt had an unknown outcome: its doing is not counted here
}

func (a BulkAnswer) of(answer rest.Answer) BulkAnswer {
	a.Status, a.Attempts, a.Repeated = answer.Status, answer.Attempts, answer.Repeated
	return a
}

// KeySet holds keys of one record under Planhat's names: _id, externalId, sourceId,
// email. Keys that are not strings, or empty, are not in it.
type KeySet map[string]string

// BulkError is an element of an error array. Planhat documents no shape for it.
type BulkError struct {
	Message string
	Keys    KeySet // of the item refused; empty: the element names none
	Raw     json.RawMessage
}

// The names under which elements of error arrays keep the item they are about, and
// the keys that it may carry.
var (
	itemNames = []string{"item", "keys", "document", "doc", "data"}
	keyNames  = []string{"_id", "sourceId", "externalId", "extId", "email"}
)

// parseBulk reads the answer. It takes missing arrays and null as empty, and refuses
// an object that has none of the documented names.
func parseBulk(body []byte) (BulkAnswer, error) {
	if err := checkJSON(body); err != nil {
		return BulkAnswer{}, err
	}
	if !isObject(body) {
		return BulkAnswer{}, errors.New("it is not an object")
	}
	r := newBulkReader(body)
	answer := BulkAnswer{
		Created: r.count("created"), Updated: r.count("updated"), Nonupdates: r.count("nonupdates"),
		InsertsKeys: r.keys("insertsKeys"), UpdatesKeys: r.keys("updatesKeys"),
		Modified: r.ids("modified"), UpsertedIDs: r.ids("upsertedIds"),
		CreatedErrors: r.errors("createdErrors"), UpdatedErrors: r.errors("updatedErrors"),
		PermissionErrors: r.errors("permissionErrors"), ValidationErrors: r.errors("validationErrors"),
	}
	if r.err == nil && !r.known {
		r.err = errors.New("it has none of the counts and arrays of a bulk upsert")
	}
	return answer, r.err
}

// bulkReader reads members of the answer and keeps the first error.
type bulkReader struct {
	members map[string][]byte
	known   bool
	err     error
}

func newBulkReader(body []byte) *bulkReader {
	r := &bulkReader{members: map[string][]byte{}}
	for name, value := range walk.Members(body) {
		r.members[walk.Text(name)] = value // the last one of a name counts
	}
	return r
}

func (r *bulkReader) member(name string) []byte {
	value := r.members[name]
	if value == nil || string(value) == "null" {
		return nil
	}
	r.known = true
	return value
}

func (r *bulkReader) count(name string) int {
	var n int
	if value := r.member(name); value != nil {
		if err := json.Unmarshal(value, &n); err != nil || n < 0 {
			r.fail(name, "is not a count")
		}
	}
	return n
}

func (r *bulkReader) list(name string) [][]byte {
	value := r.member(name)
	if value == nil {
		return nil
	}
	if value[0] != '[' {
		r.fail(name, "is not an array")
		return nil
	}
	var list [][]byte
	for element := range walk.Elements(value) {
		list = append(list, element)
	}
	return list
}

func (r *bulkReader) keys(name string) []KeySet {
	var sets []KeySet
	for _, element := range r.list(name) {
		if !isObject(element) {
			r.fail(name, "holds something that is not an object")
		}
		sets = append(sets, keySet(element))
	}
	return sets
}

func (r *bulkReader) ids(name string) []string {
	var ids []string
	for _, element := range r.list(name) {
		id := walk.Text(element)
		if id == "" {
			id = walk.Text(walk.Member(element, "_id"))
		}
		if id == "" {
			r.fail(name, "holds something that is not an id")
		}
		ids = append(ids, id)
	}
	return ids
}

func (r *bulkReader) errors(name string) []BulkError {
	var found []BulkError
	for _, element := range r.list(name) {
		found = append(found, BulkError{
			Message: rest.Message(nil, element, ""), Keys: errorKeys(element), Raw: bytes.Clone(element),
		})
	}
	return found
}

func (r *bulkReader) fail(name, what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s %s", name, what)
	}
}

// errorKeys finds the keys of an error's element, at its top or in the item it echoes.
func errorKeys(element []byte) KeySet {
	set := keySet(element)
	for _, name := range itemNames {
		if len(set) > 0 {
			break
		}
		set = keySet(walk.Member(element, name))
	}
	return set
}

func keySet(object []byte) KeySet {
	set := KeySet{}
	for quoted, value := range walk.Members(object) {
		for _, name := range keyNames {
			if !walk.IsName(quoted, name) {
				continue
			}
			if text := walk.Text(value); text != "" {
				set[name] = text
			} else {
				delete(set, name) // the last one of a name counts
			}
		}
	}
	return set
}
