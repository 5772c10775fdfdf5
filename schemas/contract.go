package schemas

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// WriteContract writes what users may rely on, as Markdown from the second heading
// level on: the envelope of changes, the fields of every object, commands, results,
// statuses, effects, error codes, signals and notifications.
func WriteContract(w io.Writer) error {
	var md markdown
	for _, part := range []func(*markdown) error{
		contractChanges, contractRecords, contractCommands, contractResults, contractCodes, contractSignals,
	} {
		if err := part(&md); err != nil {
			return fmt.Errorf("write contract: %w", err)
		}
	}
	if _, err := io.WriteString(w, md.String()); err != nil {
		return fmt.Errorf("write contract: %w", err)
	}
	return nil
}

// markdown collects text; cells are escaped where a table would break.
type markdown struct{ strings.Builder }

func (m *markdown) heading(level int, text string) {
	if m.Len() > 0 && !strings.HasSuffix(m.String(), "\n\n") {
		m.WriteByte('\n')
	}
	fmt.Fprintf(m, "%s %s\n\n", strings.Repeat("#", level), text)
}

func (m *markdown) text(text string) { m.WriteString(text + "\n\n") }

func (m *markdown) table(head ...string) {
	m.row(head...)
	m.row(slices.Repeat([]string{"---"}, len(head))...)
}

func (m *markdown) row(cells ...string) {
	for _, c := range cells {
		m.WriteString("| " + strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(c) + " ")
	}
	m.WriteString("|\n")
}

func code(s string) string { return "`" + s + "`" }

func contractChanges(m *markdown) error {
	m.heading(2, "Changes")
	m.text("A change is an Avro record `Envelope` in Debezium's shape. The topic's key is the record's `_id`, or its `id` at Pipedrive, as plain text. " +
		"A delete is an envelope with `op` `d`, followed by a tombstone.")
	return m.avroTable("envelope.avsc")
}

func contractRecords(m *markdown) error {
	m.heading(2, "Records")
	m.text("`before` and `after` are rows of the vendor's listing. A value stands in its typed field if it comes back from there as " +
		"the same text; otherwise it is in `extra`, exactly as it was sent. A field that is null in Avro was sent as null if `nulls` " +
		"names it, was of another type if `extra` has it, and was absent otherwise. Fields of type json hold JSON text. " +
		"\"on create\" marks what a create needs; of fields with the same word one is enough.")
	for _, object := range Objects("planhat") {
		fields, err := RecordFields("planhat", object)
		if err != nil {
			return err
		}
		m.heading(3, "planhat "+object)
		m.table("field", "type", "access", "on create", "meaning")
		for _, f := range fields {
			access := "read only"
			if f.Writable {
				access = "read, write"
			}
			m.row(code(f.Name), string(f.Type), access, strings.Join(f.Required, ", "), f.Doc)
		}
	}
	return contractPipedrive(m)
}

func contractPipedrive(m *markdown) error {
	m.text("\nRows of Pipedrive are those of its REST API (deals, organizations, persons and pipelines of version 2, notes of version 1), never a webhook's " +
		"payload. REST sends null for what was never set and for what was cleared alike; the bridge tells the two apart. A field, or a code within `custom_fields`, " +
		"that the record's last change had and that is empty now was cleared: it is named in `nulls`, or null in `custom_fields`. What is in neither place was never " +
		"set, as far as is known; a record that is restored after its delete begins anew. In `changed`, custom fields are `custom_fields.<code>`. Instants and days keep the spelling of the API in the attribute " +
		"`planhatbridge.layout` of their type.")
	for _, object := range Objects("pipedrive") {
		fields, err := RecordFields("pipedrive", object)
		if err != nil {
			return err
		}
		m.heading(3, "pipedrive "+object)
		m.table("field", "type", "meaning")
		for _, f := range fields {
			m.row(code(f.Name), string(f.Type), f.Doc)
		}
	}
	return nil
}

func contractCommands(m *markdown) error {
	m.heading(2, "Commands")
	m.text("A command is a JSON object, or the Avro record `Command`, or JSON in the registry's wire format. " +
		"In JSON, `fields` is an object; in Avro, its JSON text. A member that is null counts as absent. " +
		fmt.Sprintf("A command has at most %d bytes and nests at most %d levels. ", MaxCommandBytes, MaxCommandDepth) +
		"Unknown members, and a key given twice, are refused.")
	if err := m.avroTable("command.avsc"); err != nil {
		return err
	}
	m.text("\n`target` names exactly one of " + code(strings.Join(targetNames, "`, `")) +
		"; update, delete and get need one. There is a JSON Schema for the commands of each object.")
	return nil
}

func contractResults(m *markdown) error {
	m.heading(2, "Results")
	m.text("Each command gets exactly one result, the Avro record `Result`; the topic's key is the command's id.")
	if err := m.avroTable("result.avsc"); err != nil {
		return err
	}
	m.heading(3, "Statuses")
	m.table("status", "meaning")
	for _, d := range statusDocs {
		m.row(code(string(d.status)), d.meaning)
	}
	m.heading(3, "Effects")
	m.table("effect", "meaning")
	for _, d := range effectDocs {
		m.row(code(string(d.effect)), d.meaning)
	}
	return nil
}

func contractCodes(m *markdown) error {
	m.heading(2, "Error codes")
	m.text("The list is closed: results, dead letters, metrics and logs use these and no others.")
	m.table("code", "status", "meaning", "remedy")
	for _, d := range codeDocs {
		m.row(code(string(d.Code)), code(string(d.Status)), d.Meaning, d.Remedy)
	}
	return nil
}

// avroTable prints the fields of a schema file, nested records below their field.
func (m *markdown) avroTable(name string) error {
	rec, err := loadRecord(name)
	if err != nil {
		return err
	}
	m.table("field", "type", "default", "meaning")
	return m.avroRows("", rec.Fields)
}

func (m *markdown) avroRows(prefix string, fields []avscField) error {
	for _, f := range fields {
		name, nested := typeName(f.Type)
		m.row(code(prefix+f.Name), name, string(f.Default), f.Doc)
		if nested != nil {
			if err := m.avroRows(prefix+f.Name+".", nested.Fields); err != nil {
				return err
			}
		}
	}
	return nil
}

// typeName prints an Avro type in few words; nested is the record inside, if any.
func typeName(raw json.RawMessage) (name string, nested *avscRecord) {
	var union []json.RawMessage
	if json.Unmarshal(raw, &union) == nil {
		var parts []string
		for _, part := range union {
			name, rec := typeName(part)
			parts = append(parts, name)
			if rec != nil {
				nested = rec
			}
		}
		return strings.Join(parts, " or "), nested
	}
	if json.Unmarshal(raw, &name) == nil {
		return name, nil
	}
	var o struct {
		Type    string `json:"type"`
		Name    string `json:"name"`
		Logical string `json:"logicalType"`
		Connect string `json:"connect.name"`
		Items   string `json:"items"`
	}
	if json.Unmarshal(raw, &o) != nil {
		return "", nil
	}
	switch {
	case o.Type == "record":
		var rec avscRecord
		if json.Unmarshal(raw, &rec) == nil {
			nested = &rec
		}
		return o.Name, nested
	case o.Logical != "":
		return o.Logical, nil
	case o.Connect == jsonConnectName:
		return "JSON text", nil
	case o.Type == "array":
		return "array of " + o.Items, nil
	default:
		return o.Type, nil
	}
}
