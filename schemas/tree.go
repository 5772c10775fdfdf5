package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

type typ uint8

const (
	typNull typ = iota + 1
	typBool
	typInt
	typLong
	typFloat
	typDouble
	typString
	typBytes
	typFixed
	typEnum
	typArray
	typMap
	typUnion
	typRecord
)

var primitives = map[string]typ{
	"null": typNull, "boolean": typBool, "int": typInt, "long": typLong, "float": typFloat,
	"double": typDouble, "string": typString, "bytes": typBytes,
}

// node is a parsed Avro schema: as much of one as reading needs.
type node struct {
	typ      typ
	name     string // record
	logical  string // logicalType
	json     bool   // string that holds JSON text
	layout   string // planhatbridge.layout: as what text an instant or a day was sent
	size     int    // fixed
	fields   []nodeField
	branches []*node // union
	items    *node   // array, map
}

type nodeField struct {
	name string
	node *node
}

const (
	jsonConnectName = "io.debezium.data.Json"
	maxSchemaDepth  = 64
)

// parseTree reads Avro schema text. It is meant for the bridge's own schemas of any
// version and asks no more of them than reading needs.
func parseTree(text string) (*node, error) {
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return nil, fmt.Errorf("parse Avro schema: %w", err)
	}
	n, err := (&treeParser{named: map[string]*node{}}).parse(raw, "", 0)
	if err != nil {
		return nil, fmt.Errorf("parse Avro schema: %w", err)
	}
	return n, nil
}

type treeParser struct{ named map[string]*node }

type schemaObject struct {
	Type        json.RawMessage `json:"type"`
	Name        string          `json:"name"`
	Namespace   *string         `json:"namespace"`
	LogicalType string          `json:"logicalType"`
	ConnectName string          `json:"connect.name"`
	Layout      string          `json:"planhatbridge.layout"`
	Size        int             `json:"size"`
	Items       json.RawMessage `json:"items"`
	Values      json.RawMessage `json:"values"`
	Fields      []struct {
		Name string          `json:"name"`
		Type json.RawMessage `json:"type"`
	} `json:"fields"`
}

func (p *treeParser) parse(raw json.RawMessage, namespace string, depth int) (*node, error) {
	if depth > maxSchemaDepth {
		return nil, errors.New("types nested too deeply")
	}
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return nil, errors.New("a type is missing")
	}
	switch raw[0] {
	case '"':
		var name string
		if err := json.Unmarshal(raw, &name); err != nil {
			return nil, err
		}
		return p.reference(name, namespace)
	case '[':
		return p.union(raw, namespace, depth)
	default:
		var o schemaObject
		if err := json.Unmarshal(raw, &o); err != nil {
			return nil, err
		}
		return p.object(&o, namespace, depth)
	}
}

func (p *treeParser) reference(name, namespace string) (*node, error) {
	if t, ok := primitives[name]; ok {
		return &node{typ: t}, nil
	}
	if n, ok := p.named[fullName(name, namespace)]; ok {
		return n, nil
	}
	return nil, fmt.Errorf("unknown type %q", name)
}

func (p *treeParser) union(raw json.RawMessage, namespace string, depth int) (*node, error) {
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return nil, err
	}
	n := &node{typ: typUnion}
	for _, part := range parts {
		branch, err := p.parse(part, namespace, depth+1)
		if err != nil {
			return nil, err
		}
		n.branches = append(n.branches, branch)
	}
	return n, nil
}

func (p *treeParser) object(o *schemaObject, namespace string, depth int) (*node, error) {
	var kind string
	if json.Unmarshal(o.Type, &kind) != nil {
		return p.parse(o.Type, namespace, depth+1) // {"type": {"type": ...}}
	}
	if o.Namespace != nil {
		namespace = *o.Namespace
	}
	n := &node{logical: o.LogicalType, json: o.ConnectName == jsonConnectName, layout: o.Layout}
	var err error
	switch kind {
	case "array":
		n.typ = typArray
		n.items, err = p.parse(o.Items, namespace, depth+1)
	case "map":
		n.typ = typMap
		n.items, err = p.parse(o.Values, namespace, depth+1)
	case "fixed":
		n.typ, n.size = typFixed, o.Size
		p.named[fullName(o.Name, namespace)] = n
		if o.Size < 0 {
			err = fmt.Errorf("fixed %q has size %d", o.Name, o.Size)
		}
	case "enum":
		n.typ = typEnum
		p.named[fullName(o.Name, namespace)] = n
	case "record":
		err = p.record(n, o, namespace, depth)
	default:
		var base *node
		if base, err = p.reference(kind, namespace); err == nil && base.name == "" {
			n.typ = base.typ
		} else if err == nil {
			n = base
		}
	}
	return n, err
}

func (p *treeParser) record(n *node, o *schemaObject, namespace string, depth int) error {
	n.typ, n.name = typRecord, fullName(o.Name, namespace)
	p.named[n.name] = n
	if dot := lastDot(n.name); dot > 0 {
		namespace = n.name[:dot]
	}
	for _, f := range o.Fields {
		child, err := p.parse(f.Type, namespace, depth+1)
		if err != nil {
			return fmt.Errorf("field %q: %w", f.Name, err)
		}
		n.fields = append(n.fields, nodeField{f.Name, child})
	}
	return nil
}

func lastDot(s string) int {
	return strings.LastIndexByte(s, '.')
}

func fullName(name, namespace string) string {
	if namespace == "" || lastDot(name) >= 0 {
		return name
	}
	return namespace + "." + name
}
