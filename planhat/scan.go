package planhat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/planhat-bridge/planhat-bridge/internal/rest/walk"
)

// errNotJSON is a body that is not one whole JSON text.
var errNotJSON = errors.New("it is not JSON")

// checkJSON accepts exactly what encoding/json accepts, less texts that are not UTF-8.
// Everything else in this file relies on it having been asked; without, the answers
// are meaningless, but they come.
func checkJSON(body []byte) error {
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		return errors.New("it is empty")
	case validJSON(body):
		return nil
	case bytes.TrimSpace(body)[0] == '<':
		return errors.New("it is a page, not JSON")
	case json.Valid(body):
		return errors.New("it is not UTF-8")
	}
	return errNotJSON
}

// isText reports whether a value is a string that is not empty.
func isText(value []byte) bool { return len(value) > 2 && value[0] == '"' }

func isObject(value []byte) bool {
	i := walk.Space(value, 0)
	return i < len(value) && value[i] == '{'
}

// without returns an object without the members of that name.
func without(object []byte, name string) []byte {
	out := []byte{'{'}
	for key, value := range walk.Members(object) {
		if walk.IsName(key, name) {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, key...), ':'), value...)
	}
	return append(out, '}')
}

// splitRows takes a page apart. Everything about it is checked before a row is given
// out: one bad row, and there is no page. What is not plain is looked at closely:
// it is in another form, or wrong, and the error says how.
func splitRows(body []byte) ([]Row, error) {
	if rows, ok := plainRows(body); ok {
		return rows, nil
	}
	return otherRows(body)
}

func otherRows(body []byte) ([]Row, error) {
	if err := checkJSON(body); err != nil {
		return nil, err
	}
	list := bytes.TrimSpace(body)
	if isObject(list) {
		list = walk.Member(list, "data")
	}
	if len(list) == 0 || list[0] != '[' {
		return nil, errors.New("it is not an array of records")
	}
	rows := []Row{}
	for raw := range walk.Elements(list) {
		id, err := idOf(raw)
		if err != nil {
			return nil, fmt.Errorf("row %d %w", len(rows), err)
		}
		rows = append(rows, Row{ID: id, Raw: raw})
	}
	return rows, nil
}

// idOf returns the id of a record.
func idOf(record []byte) (string, error) {
	if !isObject(record) {
		return "", errors.New("is not an object")
	}
	var id []byte
	for key, value := range walk.Members(record) {
		if !walk.IsName(key, "_id") {
			continue
		}
		if id != nil {
			return "", errors.New("has two ids")
		}
		id = value
	}
	if id == nil {
		return "", errors.New("has no _id")
	}
	text := walk.Text(id)
	if !isID(text) {
		return "", errors.New("has an _id that is not 24 hex characters")
	}
	return text, nil
}
