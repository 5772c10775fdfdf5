package schemas

import (
	"encoding/json"
	"fmt"
	"sync"
)

// Codec turns changes of one object into Avro and back. It is safe for concurrent use.
//
// Encoding takes the row's JSON bytes straight to Avro. A value goes into its typed
// field when it comes back from there as the same text; otherwise it goes, as it is,
// into the field extra. Nothing is lost:
//
//   - numbers keep their text: 1.0, 1e2, -0 and integers of twenty digits are in extra
//     where a long or double would print them differently;
//   - instants not spelled like 2026-03-04T15:21:10.001Z, and values of a wrong type,
//     are in extra;
//   - null is told from absent by the field nulls, which lists the names;
//   - strings come back equal, with the escapes that JSON needs; an escaped surrogate
//     without its partner, which UTF-8 cannot hold, stays an escape: in extra, or
//     inside the JSON text of a nested value;
//   - nested values and custom fields keep their bytes.
//
// A row that is refused (RowError) is one that is no JSON object by RFC 8259 and UTF-8,
// names a top-level key twice, or nests deeper than 512 levels.
type Codec struct {
	schema string
	root   *node
	fields []rowField
	index  map[string]int
	states sync.Pool // *rowState
}

type rowField struct {
	name string
	typ  FieldType
}

// NewCodec builds the codec of an object; an unknown vendor or object is an error.
func NewCodec(vendor, object string) (*Codec, error) {
	text, err := composeEnvelope(vendor, object)
	if err != nil {
		return nil, fmt.Errorf("build codec of %s %s: %w", vendor, object, err)
	}
	return newCodec(text)
}

// newCodec builds a codec from the text of an Envelope schema of any version.
func newCodec(envelopeSchema string) (*Codec, error) {
	root, err := parseTree(envelopeSchema)
	if err != nil {
		return nil, err
	}
	value, err := valueRecord(root)
	if err != nil {
		return nil, fmt.Errorf("build codec: %w", err)
	}
	c := &Codec{schema: envelopeSchema, root: root, index: map[string]int{}}
	for i, f := range value.fields {
		t, err := carriedType(f.node)
		if err != nil {
			return nil, fmt.Errorf("build codec: field %q: %w", f.name, err)
		}
		switch f.name {
		case fieldExtra, fieldNulls:
			if t != TypeJSON {
				return nil, fmt.Errorf("build codec: field %q must hold JSON text", f.name)
			}
		default:
			c.index[f.name] = i
		}
		c.fields = append(c.fields, rowField{f.name, t})
	}
	c.states.New = func() any { return newRowState(len(c.fields)) }
	return c, nil
}

// valueRecord finds the record of rows inside an Envelope.
func valueRecord(root *node) (*node, error) {
	if root.typ != typRecord {
		return nil, fmt.Errorf("schema is not of a record")
	}
	for _, f := range root.fields {
		if f.name == "after" && f.node.typ == typUnion && len(f.node.branches) == 2 && f.node.branches[1].typ == typRecord {
			return f.node.branches[1], nil
		}
	}
	return nil, fmt.Errorf("schema %q has no row in a field named after", root.name)
}

// EnvelopeSchema is the Avro schema of the changes, as JSON text on one line.
func (c *Codec) EnvelopeSchema() string { return c.schema }

// AppendEnvelope appends e in the Confluent wire format: a zero byte, the schema's id
// in four bytes, Avro. On error dst is returned as it was.
func (c *Codec) AppendEnvelope(dst []byte, schemaID int, e *Envelope) ([]byte, error) {
	if !validOp(e.Op) {
		return dst, fmt.Errorf("encode change: op %q is none of r, c, u, d", e.Op)
	}
	out, err := appendHeader(dst, schemaID)
	if err != nil {
		return dst, fmt.Errorf("encode change: %w", err)
	}
	if out, err = c.appendNullableRow(out, e.Before); err != nil {
		return dst, &RowError{Row: "before", Err: err}
	}
	if out, err = c.appendNullableRow(out, e.After); err != nil {
		return dst, &RowError{Row: "after", Err: err}
	}
	out = appendSource(out, &e.Source)
	out = appendText(out, e.Op)
	out = appendLong(out, e.TsMs)
	return appendTexts(out, e.Changed), nil
}

func (c *Codec) appendNullableRow(dst []byte, row json.RawMessage) ([]byte, error) {
	if row == nil {
		return append(dst, branchNull), nil
	}
	st, _ := c.states.Get().(*rowState)
	defer c.states.Put(st)
	if err := c.collect(st, row); err != nil {
		return dst, err
	}
	return c.appendRow(append(dst, branchValue), st, row), nil
}

func appendSource(dst []byte, s *Source) []byte {
	snapshot := s.Snapshot
	if snapshot == "" {
		snapshot = "false"
	}
	dst = appendText(dst, s.Version)
	dst = appendText(dst, s.Connector)
	dst = appendText(dst, s.Name)
	dst = appendLong(dst, s.TsMs)
	dst = appendText(dst, snapshot)
	dst = appendText(dst, s.DB)
	dst = appendText(dst, s.Table)
	dst = appendLong(dst, s.Sequence)
	return appendText(dst, s.Stream)
}
