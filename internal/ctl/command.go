package ctl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// outgoing is a command that is ready to be sent.
type outgoing struct {
	id, key string
	op      string // for what is printed; "" where a line of JSON does not say
	object  string
	value   []byte // JSON
}

// members are the fields of a command while it is put together.
type members map[string]json.RawMessage

// set puts a field; "custom.<name>" goes into the custom fields.
func (m members) set(name string, value json.RawMessage) error {
	inner, custom := strings.CutPrefix(name, "custom.")
	if !custom {
		m[name] = value
		return nil
	}
	nested := members{}
	if m["custom"] != nil {
		if err := json.Unmarshal(m["custom"], &nested); err != nil || nested == nil {
			return usage("custom is set as a whole and %s by name: do one of them", name)
		}
	}
	nested[inner] = value
	raw, err := encode(nested)
	m["custom"] = raw
	return err
}

// valueOf reads what stands behind name= on a command line or in a cell of a
// CSV file. Text fields take it as it is; elsewhere JSON is JSON and anything
// else is text.
func valueOf(object, name, text string) json.RawMessage {
	spec, _ := planhat.Lookup(planhat.Object(object))
	field, known := spec.Field(name)
	isText := known && (field.Type == planhat.String || field.Type == planhat.TimestampMillis)
	trimmed := strings.TrimSpace(text)
	if trimmed == "null" || !isText && json.Valid([]byte(trimmed)) {
		return json.RawMessage(trimmed)
	}
	raw, err := encode(text)
	if err != nil {
		return json.RawMessage("null") // a string is always encodable
	}
	return raw
}

func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// finish prints a command and gives it its key.
func finish(c schemas.Command, fields members, key string) (outgoing, error) {
	if len(fields) > 0 {
		raw, err := encode(fields)
		if err != nil {
			return outgoing{}, err
		}
		c.Fields = raw
	}
	if key == "" {
		key = defaultKey(c, fields)
	}
	value, err := schemas.CommandJSON(c)
	return outgoing{id: c.ID, key: key, op: c.Op, object: c.Object, value: value}, err
}

// keyOrder is the order in which a command's keys name its record: the spelling
// that most commands of a record have in common first.
var keyOrder = []string{"externalId", "_id", "sourceId", "email"}

// defaultKey is <object>/<id>, so that commands of one record keep their order.
func defaultKey(c schemas.Command, fields members) string {
	if _, value := c.Target.Key(); value != "" {
		return c.Object + "/" + value
	}
	for _, name := range keyOrder {
		var value string
		if json.Unmarshal(fields[name], &value) == nil && value != "" {
			return c.Object + "/" + value
		}
	}
	return c.Object + "/" + c.ID
}

// aim sets the target's key of a name.
func aim(t *schemas.Target, name, value string) {
	switch name {
	case "_id":
		t.ID = value
	case "externalId":
		t.ExternalID = value
	case "sourceId":
		t.SourceID = value
	case "email":
		t.Email = value
	}
}

func checkOp(op string) error {
	if !slices.Contains(schemas.Operations(), op) {
		return usage("--op %q: write one of %s", op, strings.Join(schemas.Operations(), ", "))
	}
	return nil
}

func instant(flag, text string) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return nil, usage("--%s %q: write a time such as 2026-03-04T15:21:10Z", flag, text)
	}
	return &at, nil
}
