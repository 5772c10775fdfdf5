package schemas

import (
	"errors"
	"fmt"
)

// maxWireDepth is how deep the data of a foreign schema version may nest.
const maxWireDepth = 64

// branch reads which branch of a union follows; another type is its own only branch.
func (r *wireReader) branch(n *node) (*node, error) {
	if n.typ != typUnion {
		return n, nil
	}
	i, err := r.long()
	if err != nil {
		return nil, err
	}
	if i < 0 || i >= int64(len(n.branches)) {
		return nil, fmt.Errorf("union branch %d does not exist", i)
	}
	return n.branches[i], nil
}

// DecodeEnvelope reads a change that was written with this codec's schema. Rows come
// back as JSON objects with sorted keys and nothing lost. For a change written by
// another version of the bridge, use Decoder.
func (c *Codec) DecodeEnvelope(value []byte) (Envelope, error) {
	if _, ok := WireID(value); !ok {
		return Envelope{}, errors.New("decode change: the value does not start with a zero byte and a schema id")
	}
	var e Envelope
	r := &wireReader{b: value, pos: wireHeader}
	for i := range c.root.fields {
		f := &c.root.fields[i]
		if err := c.readEnvelopeField(r, f, &e); err != nil {
			return Envelope{}, fmt.Errorf("decode change: field %q: %w at byte %d", f.name, err, r.pos)
		}
	}
	if r.left() > 0 {
		return Envelope{}, fmt.Errorf("decode change: %d bytes follow the data", r.left())
	}
	return e, nil
}

func (c *Codec) readEnvelopeField(r *wireReader, f *nodeField, e *Envelope) (err error) {
	switch f.name {
	case "before":
		e.Before, err = c.readNullableRow(r, f.node)
	case "after":
		e.After, err = c.readNullableRow(r, f.node)
	case "source":
		err = readSource(r, f.node, &e.Source)
	case "op":
		if e.Op, err = r.textOf(f.node); err == nil && !validOp(e.Op) {
			err = fmt.Errorf("op %q is none of r, c, u, d", e.Op)
		}
	case "ts_ms":
		e.TsMs, err = r.longOf(f.node)
	case "changed":
		e.Changed, err = r.textsOf(f.node)
	default:
		err = r.skip(f.node, maxWireDepth)
	}
	return err
}

func readSource(r *wireReader, n *node, s *Source) error {
	if n.typ != typRecord {
		return errors.New("not a record")
	}
	texts := map[string]*string{
		"version": &s.Version, "connector": &s.Connector, "name": &s.Name, "snapshot": &s.Snapshot,
		"db": &s.DB, "table": &s.Table, "stream": &s.Stream,
	}
	longs := map[string]*int64{"ts_ms": &s.TsMs, "sequence": &s.Sequence}
	for i := range n.fields {
		f := &n.fields[i]
		var err error
		if p, ok := texts[f.name]; ok {
			*p, err = r.textOf(f.node)
		} else if p, ok := longs[f.name]; ok {
			*p, err = r.longOf(f.node)
		} else {
			err = r.skip(f.node, maxWireDepth)
		}
		if err != nil {
			return fmt.Errorf("field %q: %w", f.name, err)
		}
	}
	return nil
}

// textOf reads a string, or "" for null.
func (r *wireReader) textOf(n *node) (string, error) {
	b, err := r.branch(n)
	if err != nil || b.typ == typNull {
		return "", err
	}
	if b.typ != typString {
		return "", errors.New("not a string")
	}
	s, err := r.text()
	return string(s), err
}

// longOf reads an int or long, or 0 for null.
func (r *wireReader) longOf(n *node) (int64, error) {
	b, err := r.branch(n)
	if err != nil || b.typ == typNull {
		return 0, err
	}
	if b.typ != typLong && b.typ != typInt {
		return 0, errors.New("not a whole number")
	}
	return r.long()
}

func (r *wireReader) textsOf(n *node) ([]string, error) {
	if n.typ != typArray || n.items.typ != typString {
		return nil, errors.New("not an array of strings")
	}
	var list []string
	for {
		n, err := r.block()
		if err != nil || n == 0 {
			return list, err
		}
		for range n {
			s, err := r.text()
			if err != nil {
				return nil, err
			}
			list = append(list, string(s))
		}
	}
}

// skip reads past a value of any type.
func (r *wireReader) skip(n *node, depth int) error {
	// Records of records may cost more than their bytes: the steps are bounded too.
	r.steps++
	if depth == 0 || r.steps > 1000+8*len(r.b) {
		return errors.New("the data nests too deeply or takes too many steps")
	}
	var err error
	switch n.typ {
	case typNull: // no bytes
	case typBool:
		_, err = r.take(1)
	case typInt, typLong, typEnum:
		_, err = r.long()
	case typFloat:
		_, err = r.take(4)
	case typDouble:
		_, err = r.take(8)
	case typString, typBytes:
		_, err = r.bytes()
	case typFixed:
		_, err = r.take(int64(n.size))
	case typArray, typMap:
		err = r.skipBlocks(n, depth)
	case typUnion:
		var b *node
		if b, err = r.branch(n); err == nil {
			err = r.skip(b, depth-1)
		}
	case typRecord:
		for i := range n.fields {
			if err = r.skip(n.fields[i].node, depth-1); err != nil {
				return err
			}
		}
	}
	return err
}

func (r *wireReader) skipBlocks(n *node, depth int) error {
	for {
		count, err := r.block()
		if err != nil || count == 0 {
			return err
		}
		for range count {
			if n.typ == typMap {
				if _, err := r.bytes(); err != nil {
					return err
				}
			}
			if err := r.skip(n.items, depth-1); err != nil {
				return err
			}
		}
	}
}
