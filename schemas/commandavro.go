package schemas

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/twmb/avro"
)

// avroCommand is a command as twmb/avro reads and writes it.
type avroCommand struct {
	ID                 *string     `avro:"id"`
	Op                 string      `avro:"op"`
	Object             string      `avro:"object"`
	Target             *avroTarget `avro:"target"`
	Fields             *string     `avro:"fields"`
	IfUnchangedSince   *time.Time  `avro:"ifUnchangedSince"`
	NotAfter           *time.Time  `avro:"notAfter"`
	Coalesce           *bool       `avro:"coalesce"`
	AllowUnknownFields bool        `avro:"allowUnknownFields"`
}

type avroTarget struct {
	ID         *string `avro:"_id"`
	ExternalID *string `avro:"externalId"`
	SourceID   *string `avro:"sourceId"`
	Email      *string `avro:"email"`
}

var (
	commandText = sync.OnceValue(func() string { return mustSchemaText("command.avsc") })
	commandAvro = sync.OnceValue(func() *avro.Schema { return avro.MustParse(commandText()) })
)

// mustSchemaText reads a schema that is part of the program.
func mustSchemaText(name string) string {
	text, err := schemaText(name)
	if err != nil {
		panic(err)
	}
	return text
}

// CommandSchema is the Avro schema of commands, as JSON text on one line.
func CommandSchema() string { return commandText() }

// EncodeCommandAvro appends a command in the Confluent wire format. On error dst is
// returned as it was.
func EncodeCommandAvro(dst []byte, schemaID int, c *Command) ([]byte, error) {
	out, err := appendHeader(dst, schemaID)
	if err != nil {
		return dst, fmt.Errorf("encode command %q: %w", c.ID, err)
	}
	w := avroCommand{
		ID: optional(c.ID), Op: c.Op, Object: c.Object, IfUnchangedSince: c.IfUnchangedSince,
		NotAfter: c.NotAfter, Coalesce: c.Coalesce, AllowUnknownFields: c.AllowUnknownFields,
	}
	if c.Fields != nil {
		fields := string(c.Fields)
		w.Fields = &fields
	}
	if t := c.Target; !t.IsZero() {
		w.Target = &avroTarget{optional(t.ID), optional(t.ExternalID), optional(t.SourceID), optional(t.Email)}
	}
	if out, err = commandAvro().AppendEncode(out, &w); err != nil {
		return dst, fmt.Errorf("encode command %q: %w", c.ID, err)
	}
	return out, nil
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func decodeCommandAvro(data []byte, id int, text string, r Resolver) (Command, *Problem) {
	reader, err := memoized(r, id, "command", func() (*avroReader, error) { return newAvroReader(text, commandAvro()) })
	if err != nil {
		p := problem(CodeUndecodable, "schema %d cannot be read as a Command: %s", id, clip(err.Error()))
		p.Remedy = "Write commands with the bridge's Command schema, or one that it can read."
		p.Err = err
		return Command{}, p
	}
	var w avroCommand
	if err := reader.decode(data, &w); err != nil {
		p := problem(CodeUndecodable, "the data does not match schema %d: %s", id, clip(err.Error()))
		p.Err = err
		return Command{}, p
	}
	return w.command()
}

func (w *avroCommand) command() (Command, *Problem) {
	c := Command{
		Op: w.Op, Object: w.Object, IfUnchangedSince: w.IfUnchangedSince, NotAfter: w.NotAfter,
		Coalesce: w.Coalesce, AllowUnknownFields: w.AllowUnknownFields,
	}
	if w.ID != nil {
		c.ID = *w.ID
		if p := c.checkID(); p != nil {
			return c, p
		}
		if c.ID == "" {
			return c, problem(CodeInvalidCommand, "id is empty; leave it out to have one made")
		}
	}
	if !utf8.ValidString(w.Op) || !utf8.ValidString(w.Object) {
		return Command{ID: c.ID}, problem(CodeInvalidCommand, "op or object is not UTF-8")
	}
	if w.Fields != nil {
		c.Fields = json.RawMessage(*w.Fields)
	}
	if p := w.Target.target(&c.Target); p != nil {
		return c, p
	}
	p := c.check()
	if p == nil {
		p = c.readFields()
	}
	return c, p
}

func (w *avroTarget) target(t *Target) *Problem {
	if w == nil {
		return nil
	}
	var given []string
	values := []*string{w.ID, w.ExternalID, w.SourceID, w.Email}
	for i, k := range t.keys() {
		if values[i] == nil {
			continue
		}
		if !utf8.ValidString(*values[i]) {
			return problem(CodeInvalidCommand, "target: %s is not UTF-8", k.name)
		}
		given = append(given, k.name)
		*k.value = *values[i]
	}
	return oneTarget(t, given)
}
