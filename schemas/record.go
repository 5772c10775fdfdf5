package schemas

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

//go:embed planhat/*.avsc pipedrive/*.avsc envelope.avsc command.avsc result.avsc
var files embed.FS

// FieldType names how a field of a row is carried.
type FieldType string

// How a field can be carried.
const (
	TypeString  FieldType = "string"
	TypeLong    FieldType = "long"                                         // whole number of at most 64 bits
	TypeDouble  FieldType = "double"                                       // number
	TypeBoolean FieldType = "boolean"                                      // true, false
	TypeMillis  FieldType = "timestamp-millis"                             // instant as text, "2026-03-04T15:21:10.001Z"
	TypeDate    FieldType = "date"                                         // day as a whole number, 0 is 1970-01-01
	TypeSeconds FieldType = "timestamp-millis of \"2026-03-04T15:21:10Z\"" // instant as text
	TypeSpaced  FieldType = "timestamp-millis of \"2026-03-04 15:21:10\""  // instant as text, in UTC
	TypeDay     FieldType = "date of \"2026-03-04\""                       // day as text
	TypeStrings FieldType = "string-array"                                 // array whose elements are all strings
	TypeJSON    FieldType = "json"                                         // any value, as JSON text
)

// RecordField is a documented field of an object, in the order of its schema.
type RecordField struct {
	Name     string
	Type     FieldType
	Writable bool     // false: the vendor sets it
	Required []string // groups: a create needs at least one field of each group; nil = optional
	Doc      string
}

// RequiredGroups lists, for a create, groups of names of which at least one is needed:
// groups in the order of their first field, names in the order of the fields.
func RequiredGroups(fields []RecordField) [][]string {
	var groups [][]string
	place := map[string]int{}
	for _, f := range fields {
		for _, group := range f.Required {
			i, ok := place[group]
			if !ok {
				i = len(groups)
				place[group] = i
				groups = append(groups, nil)
			}
			groups[i] = append(groups[i], f.Name)
		}
	}
	return groups
}

// The fields of every record that are the bridge's, not the vendor's.
const (
	fieldExtra = "extra"
	fieldNulls = "nulls"
)

// Objects lists the objects of a vendor that have a record schema, sorted; none for
// a vendor that is not known.
func Objects(vendor string) []string {
	entries, err := files.ReadDir(vendor)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".avsc"))
	}
	slices.Sort(names)
	return names
}

// RecordFields lists the vendor's fields of an object, without the bridge's own
// (extra and nulls).
func RecordFields(vendor, object string) ([]RecordField, error) {
	rec, err := loadRecord(path.Join(vendor, object+".avsc"))
	if err != nil {
		return nil, err
	}
	var fields []RecordField
	for _, f := range rec.Fields {
		if f.Name == fieldExtra || f.Name == fieldNulls {
			continue
		}
		t, err := f.fieldType()
		if err != nil {
			return nil, fmt.Errorf("read schema of %s %s: field %q: %w", vendor, object, f.Name, err)
		}
		fields = append(fields, RecordField{
			Name: f.Name, Type: t, Writable: f.Access != "read-only",
			Required: f.Required, Doc: f.Doc,
		})
	}
	return fields, nil
}

// avscRecord is a schema file, with attributes in the order in which they are printed.
type avscRecord struct {
	Type        string      `json:"type"`
	Name        string      `json:"name"`
	Namespace   string      `json:"namespace,omitempty"`
	Doc         string      `json:"doc,omitempty"`
	Fields      []avscField `json:"fields"`
	ConnectName string      `json:"connect.name,omitempty"`
}

type avscField struct {
	Name     string          `json:"name"`
	Type     json.RawMessage `json:"type"`
	Default  json.RawMessage `json:"default,omitempty"`
	Doc      string          `json:"doc,omitempty"`
	Access   string          `json:"planhat.access,omitempty"`
	Required []string        `json:"planhat.required,omitempty"`
}

func loadRecord(name string) (*avscRecord, error) {
	text, err := files.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("no schema %q: have %s", name, strings.Join(Objects(path.Dir(name)), ", "))
	}
	var rec avscRecord
	if err := json.Unmarshal(text, &rec); err != nil {
		return nil, fmt.Errorf("parse schema %q: %w", name, err)
	}
	return &rec, nil
}

func (f *avscField) fieldType() (FieldType, error) {
	n, err := parseTree(string(f.Type))
	if err != nil {
		return "", err
	}
	return carriedType(n)
}

// carriedType tells how a field of a record schema is carried: the one place that
// maps Avro types to field types.
func carriedType(n *node) (FieldType, error) {
	if n.typ != typUnion || len(n.branches) != 2 || n.branches[0].typ != typNull {
		return "", errors.New("type must be a union of null and one other")
	}
	switch b := n.branches[1]; {
	case b.typ == typString && b.json:
		return TypeJSON, nil
	case b.typ == typString:
		return TypeString, nil
	case b.typ == typLong && b.logical == "timestamp-millis" || b.typ == typInt && b.logical == "date":
		return stampType(b)
	case b.typ == typLong && b.logical == "":
		return TypeLong, nil
	case b.typ == typDouble:
		return TypeDouble, nil
	case b.typ == typBool:
		return TypeBoolean, nil
	case b.typ == typArray && b.items.typ == typString:
		return TypeStrings, nil
	default:
		return "", errors.New("type is none that a row's field may have")
	}
}

// The layouts of instants and days, as the attribute planhatbridge.layout of their
// type names them; without one they are those of Planhat.
const (
	layoutSeconds = "YYYY-MM-DDTHH:MM:SSZ"
	layoutSpaced  = "YYYY-MM-DD HH:MM:SS"
	layoutDay     = "YYYY-MM-DD"
)

// stampType tells by its layout as what text an instant or a day was sent.
func stampType(n *node) (FieldType, error) {
	day := n.typ == typInt
	switch {
	case n.layout == "" && day:
		return TypeDate, nil
	case n.layout == "":
		return TypeMillis, nil
	case n.layout == layoutDay && day:
		return TypeDay, nil
	case n.layout == layoutSeconds && !day:
		return TypeSeconds, nil
	case n.layout == layoutSpaced && !day:
		return TypeSpaced, nil
	default:
		return "", fmt.Errorf("planhatbridge.layout is %q, which this release does not know", n.layout)
	}
}
