// Package script writes commands that a user's program might send, for every
// object of the table: fields with values of their types, and the operations
// that the object's keys allow. It knows the table and a few words that only
// the vendor's documentation tells; it does not know how commands travel.
package script

import (
	"fmt"
	"slices"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// Command is the JSON form that users write.
type Command struct {
	ID     string            `json:"id"`
	Op     string            `json:"op"`
	Object string            `json:"object"`
	Target map[string]string `json:"target,omitempty"`
	Fields map[string]any    `json:"fields,omitempty"`
}

// words are the values of fields that take only some.
var words = map[string]string{"mainType": "task", "type": "call", "currency": "EUR", "_currency": "EUR"}

// texts are the fields that an update writes, the first that an object has.
var texts = []string{"description", "comment", "subject", "product", "city", "position", "nickName", "salesStage", "status", "name"}

// Writable are the objects that take all operations, without companies, to which the others refer.
func Writable() []planhat.Spec {
	return slices.DeleteFunc(planhat.Objects(), func(s planhat.Spec) bool { return s.ReadOnly || s.Object == planhat.Company })
}

// Key is the key by which commands name a record of the object: "" where only its
// id will do.
func Key(spec planhat.Spec) planhat.Key {
	for _, k := range []planhat.Key{planhat.KeyExternalID, planhat.KeySourceID} {
		if slices.Contains(spec.Keys, k) {
			return k
		}
	}
	return ""
}

// Create makes the record of that name. company is a reference to a company.
func Create(spec planhat.Spec, name string, n int, company string) Command {
	c := Command{ID: name + "-create", Op: "create", Object: string(spec.Object), Fields: fields(spec, name, n, company)}
	if k := Key(spec); k != "" {
		c.Fields[spec.KeyField(k)] = name
	}
	// By its own id in a custom field the oracle tells a record that was made twice.
	if f, ok := spec.Field("custom"); ok && f.Writable {
		c.Fields["custom"] = map[string]any{"cmd": c.ID}
	}
	return c
}

// Upsert makes the record of that name or writes its text.
func Upsert(spec planhat.Spec, name string, n int, company string) Command {
	c := to(spec, "upsert", name, string(Key(spec)), name)
	c.Fields = fields(spec, name, n, company)
	return c
}

// Update writes the record's text. value is that of the key, or the id where key is "".
func Update(spec planhat.Spec, name, key, value string) Command {
	c := to(spec, "update", name, key, value)
	c.Fields = map[string]any{text(spec): "Told by " + name}
	return c
}

// Get and Delete take no fields.
func Get(spec planhat.Spec, name, key, value string) Command {
	return to(spec, "get", name, key, value)
}

// Delete removes the record.
func Delete(spec planhat.Spec, name, key, value string) Command {
	return to(spec, "delete", name, key, value)
}

func to(spec planhat.Spec, op, name, key, value string) Command {
	if key == "" {
		key = string(planhat.KeyID)
	}
	return Command{ID: name + "-" + op, Op: op, Object: string(spec.Object), Target: map[string]string{key: value}}
}

// fields are what a create has to name, and a text.
func fields(spec planhat.Spec, name string, n int, company string) map[string]any {
	out := map[string]any{}
	for _, group := range spec.Required {
		f, _ := spec.Field(group[0])
		out[f.Name] = value(f, name, n, company)
	}
	if f, ok := spec.Field(spec.CompanyField); ok && f.Writable && f.Type == planhat.String {
		out[f.Name] = company
	}
	if t := text(spec); t != "" {
		out[t] = "Made by " + name
	}
	return out
}

func text(spec planhat.Spec) string {
	for _, name := range texts {
		if f, ok := spec.Field(name); ok && f.Writable && f.Type == planhat.String {
			return name
		}
	}
	return ""
}

// value is one of the field's type.
func value(f planhat.Field, name string, n int, company string) any {
	switch {
	case f.Ref == planhat.Company:
		return company
	case words[f.Name] != "":
		return words[f.Name]
	case f.Name == "email":
		return name + "@command.example"
	case f.Name == "score":
		return n % 11
	}
	switch f.Type {
	case planhat.Long, planhat.Double:
		return n + 1
	case planhat.Boolean:
		return true
	case planhat.TimestampMillis:
		return "2026-01-01T00:00:00.000Z"
	case planhat.Date:
		return 20500 + n
	default:
		return fmt.Sprintf("%s of %s", f.Name, name)
	}
}
