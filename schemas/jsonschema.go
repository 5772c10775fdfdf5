package schemas

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// CommandJSONSchema prints the JSON Schema (draft 2020-12) of the commands for one
// object, from its record schema. The files in json/ hold its output.
func CommandJSONSchema(vendor, object string) ([]byte, error) {
	fields, err := RecordFields(vendor, object)
	if err != nil {
		return nil, err
	}
	docs, err := commandDocs()
	if err != nil {
		return nil, err
	}
	doc := ordered{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"$id", "urn:planhat-bridge:command:" + vendor + ":" + object},
		{"title", "Command for a " + vendor + " " + object},
		{"type", "object"},
		{"required", []string{"op", "object"}},
		{"properties", commandProperties(object, operationsOn(fields), docs)},
		{"additionalProperties", false},
		{"allOf", commandRules(fields)},
		{"$defs", ordered{{"fields", fieldsSchema(fields)}}},
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return nil, fmt.Errorf("print JSON Schema of %s commands: %w", object, err)
	}
	return out.Bytes(), nil
}

// ordered is a JSON object whose members keep their order.
type ordered []pairOf

type pairOf struct {
	name  string
	value any
}

// MarshalJSON prints the members in their order.
func (o ordered) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	sep := byte('{')
	if len(o) == 0 {
		out.WriteByte('{')
	}
	for _, p := range o {
		out.WriteByte(sep)
		if err := enc.Encode(p.name); err != nil {
			return nil, err
		}
		out.WriteByte(':')
		if err := enc.Encode(p.value); err != nil {
			return nil, err
		}
		sep = ','
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// commandDocs gives what command.avsc says of each member.
func commandDocs() (map[string]string, error) {
	rec, err := loadRecord("command.avsc")
	if err != nil {
		return nil, err
	}
	docs := map[string]string{}
	for _, f := range rec.Fields {
		docs[f.Name] = f.Doc
	}
	return docs, nil
}

// operationsOn lists the operations on an object: one without a field that can be
// written is only read.
func operationsOn(fields []RecordField) []string {
	if slices.ContainsFunc(fields, func(f RecordField) bool { return f.Writable }) {
		return Operations()
	}
	return []string{OpGet}
}

func commandProperties(object string, operations []string, docs map[string]string) ordered {
	key := ordered{{"type", []string{"string", "null"}}, {"minLength", 1}}
	target := ordered{
		{"type", []string{"object", "null"}},
		{"properties", ordered{{"_id", key}, {"externalId", key}, {"sourceId", key}, {"email", key}}},
		{"additionalProperties", false},
		{"minProperties", 1},
	}
	instant := ordered{{"type", []string{"string", "null"}}, {"format", "date-time"}}
	flag := ordered{{"type", []string{"boolean", "null"}}}
	types := ordered{
		{"id", ordered{{"type", []string{"string", "null"}}, {"minLength", 1}, {"maxLength", MaxCommandID}}},
		{"op", ordered{{"enum", operations}}},
		{"object", ordered{{"const", object}}},
		{"target", target},
		{"fields", ordered{{"type", []string{"object", "null"}}}},
		{"ifUnchangedSince", instant},
		{"notAfter", instant},
		{"coalesce", flag},
		{"allowUnknownFields", flag},
	}
	for i, p := range types {
		if o, ok := p.value.(ordered); ok {
			types[i].value = append(ordered{{"description", docs[p.name]}}, o...)
		}
	}
	return types
}

// commandRules are the conditions between members.
func commandRules(fields []RecordField) []ordered {
	when := func(member string, value any) ordered {
		return ordered{{"properties", ordered{{member, value}}}, {"required", []string{member}}}
	}
	rules := []ordered{{
		{"if", when("allowUnknownFields", ordered{{"const", true}})},
		{"else", ordered{{"properties", ordered{{"fields", ordered{{"$ref", "#/$defs/fields"}}}}}}},
	}, {
		{"if", when("op", ordered{{"enum", []string{OpUpdate, OpDelete, OpGet}}})},
		{"then", ordered{{"required", []string{"target"}}}},
	}}
	groups := RequiredGroups(fields)
	if len(groups) == 0 {
		return rules
	}
	var all []ordered
	for _, group := range groups {
		var one []ordered
		for _, name := range group {
			one = append(one, ordered{{"required", []string{name}}})
		}
		all = append(all, ordered{{"anyOf", one}})
	}
	return append(rules, ordered{
		{"if", when("op", ordered{{"const", OpCreate}})},
		{"then", ordered{
			{"properties", ordered{{"fields", ordered{{"allOf", all}}}}},
			{"required", []string{"fields"}},
		}},
	})
}

// fieldsSchema allows the writable fields, and where there are custom fields, these in
// both spellings.
func fieldsSchema(fields []RecordField) ordered {
	var properties ordered
	for _, f := range fields {
		if !f.Writable {
			continue
		}
		properties = append(properties, pairOf{f.Name, append(ordered{{"description", f.Doc}}, jsonType(f)...)})
	}
	schema := ordered{
		{"type", []string{"object", "null"}},
		{"properties", properties},
		{"additionalProperties", false},
	}
	if slices.ContainsFunc(properties, func(p pairOf) bool { return p.name == "custom" }) {
		schema = slices.Insert(schema, 2, pairOf{"patternProperties", ordered{{`^custom\.`, true}}})
	}
	return schema
}

// jsonType is the JSON Schema of a field's value; null clears the field.
func jsonType(f RecordField) ordered {
	if f.Name == "custom" {
		return ordered{{"type", []string{"object", "null"}}}
	}
	switch f.Type {
	case TypeString:
		return ordered{{"type", []string{"string", "null"}}}
	case TypeLong, TypeDate:
		return ordered{{"type", []string{"integer", "null"}}}
	case TypeDouble:
		return ordered{{"type", []string{"number", "null"}}}
	case TypeBoolean:
		return ordered{{"type", []string{"boolean", "null"}}}
	case TypeMillis, TypeSeconds, TypeSpaced:
		return ordered{{"type", []string{"string", "null"}}, {"format", "date-time"}}
	case TypeDay:
		return ordered{{"type", []string{"string", "null"}}, {"format", "date"}}
	case TypeStrings:
		return ordered{{"type", []string{"array", "null"}}, {"items", ordered{{"type", "string"}}}}
	default: // TypeJSON
		return nil
	}
}
