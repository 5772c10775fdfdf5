package pipedrive

import (
	"encoding/json"
	"errors"

	"github.com/planhat-bridge/planhat-bridge/internal/rest/walk"
)

// checkJSON says where a text stops being JSON, and nothing of what it holds, which may
// be somebody's record.
func checkJSON(text []byte) error {
	if json.Valid(text) {
		return nil
	}
	var whole json.RawMessage
	return withoutText(json.Unmarshal(text, &whole))
}

// members are the members of an object; of several with one name the last one counts.
func members(object []byte) map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	for name, value := range walk.Members(object) {
		all[walk.Text(name)] = value
	}
	return all
}

// elements are the elements of a list; of null there are none, of another value an error.
func elements(list []byte) ([]json.RawMessage, error) {
	if isNull(list) {
		return nil, nil
	}
	if i := walk.Space(list, 0); list[i] != '[' {
		return nil, errors.New("no list")
	}
	var all []json.RawMessage
	for element := range walk.Elements(list) {
		all = append(all, element)
	}
	return all, nil
}
