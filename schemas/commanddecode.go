package schemas

import (
	"context"
	"errors"
	"slices"
	"unicode/utf8"
)

// DecodeCommand reads a command from bytes that others made, in any of three forms:
// JSON text; JSON in the Confluent wire format (JSON_SR); Avro in the Confluent wire
// format, written with any schema that the Command schema can read.
//
// It checks what does not depend on the vendor: the form, that the operation exists,
// that an object is named, that at most one target is given (at least one for update,
// delete and get), and that fields is an object without repeated keys. Whether the
// object, the target's key and the fields exist is the caller's to check.
//
// With a Problem, the Command holds what could be read, so that the answer can carry
// its id. Its fields may be a part of the value, which must not be changed then. Memory
// is bounded by the size of the value, which may be MaxCommandBytes; nesting by
// MaxCommandDepth. r may be nil if only plain JSON is expected.
func DecodeCommand(ctx context.Context, value []byte, r Resolver) (Command, *Problem) {
	switch {
	case len(value) == 0:
		return Command{}, problem(CodeUndecodable, "the value is empty")
	case len(value) > MaxCommandBytes:
		return Command{}, problem(CodeTooLarge, "the command has %d bytes, more than %d", len(value), MaxCommandBytes)
	case value[0] != wireMagic:
		return decodeCommandJSON(value)
	}
	id, ok := WireID(value)
	if !ok {
		return Command{}, problem(CodeUndecodable, "the value starts with a zero byte, but no schema id follows")
	}
	if r == nil {
		return Command{}, problem(CodeUnknownSchema, "schema %d: no schema registry is in use", id)
	}
	kind, text, err := r.SchemaByID(ctx, id)
	if err != nil {
		p := problem(CodeUnknownSchema, "schema %d is not in the schema registry", id)
		if p.Err = err; !errors.Is(err, ErrSchemaNotFound) {
			p.Message = "the schema registry could not be asked for the schema"
			p.Wait = true
		}
		return Command{}, p
	}
	switch kind {
	case kindJSON:
		return decodeCommandJSON(value[wireHeader:])
	case kindAvro:
		return decodeCommandAvro(value[wireHeader:], id, text, r)
	default:
		return Command{}, problem(CodeUndecodable, "schema %d is of type %.20q; commands are JSON or Avro", id, kind)
	}
}

// check checks a command that was read from either form, but for its fields.
func (c *Command) check() *Problem {
	if p := c.checkID(); p != nil {
		return p
	}
	switch {
	case c.Op == "":
		return problem(CodeInvalidCommand, "op is missing")
	case !isOperation(c.Op):
		return problem(CodeUnknownOperation, "there is no operation %q%s", clip(c.Op), didYouMean(c.Op, Operations()))
	case c.Object == "":
		return problem(CodeInvalidCommand, "object is missing")
	case c.Target.IsZero() && c.Op != OpCreate && c.Op != OpUpsert:
		return problem(CodeMissingTarget, "%s needs a target", c.Op)
	}
	return nil
}

func (c *Command) checkID() *Problem {
	id := c.ID
	switch {
	case len(id) > MaxCommandID:
		c.ID = ""
		return problem(CodeInvalidCommand, "id has %d bytes, more than %d", len(id), MaxCommandID)
	case !utf8.ValidString(id):
		c.ID = ""
		return problem(CodeInvalidCommand, "id is not UTF-8")
	default:
		return nil
	}
}

func isOperation(name string) bool {
	switch name {
	case OpCreate, OpUpdate, OpUpsert, OpDelete, OpGet:
		return true
	}
	return false
}

func known(name string, names []string) bool {
	return slices.Contains(names, name)
}

// oneTarget checks that a target names exactly one key, and none emptily.
func oneTarget(t *Target, given []string) *Problem {
	switch {
	case len(given) == 0:
		return problem(CodeMissingTarget, "target is empty: it needs one of _id, externalId, sourceId, email")
	case len(given) > 1:
		return problem(CodeAmbiguousTarget, "target names %s and %s", given[0], given[1])
	case t.IsZero():
		return problem(CodeInvalidCommand, "target: %s is empty", given[0])
	default:
		return nil
	}
}

// readFields reads fields that came as text of their own.
func (c *Command) readFields() *Problem {
	if c.Fields == nil {
		return nil
	}
	fields := fieldScan{b: c.Fields}
	t, err := fields.read(skipSpace(c.Fields, 0), MaxCommandDepth)
	if err == nil {
		err = onlySpace(c.Fields, t.end)
	}
	if err != nil {
		return problem(CodeInvalidCommand, "fields: %v", err)
	}
	return c.take(&fields, t)
}

// take wants an object in which no key comes twice, at any level.
func (c *Command) take(fields *fieldScan, t token) *Problem {
	if t.kind != '{' {
		return problem(CodeInvalidCommand, "fields must be an object, got %s", kindName(t.kind))
	}
	if fields.doubled {
		return problem(CodeInvalidField, "fields names %q twice", clip(fields.twice))
	}
	c.members, c.split = fields.members, c.Fields
	return nil
}

func kindName(kind byte) string {
	switch kind {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 'n':
		return "null"
	case '0':
		return "a number"
	default:
		return "a boolean"
	}
}
