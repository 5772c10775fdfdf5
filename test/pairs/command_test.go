package pairs_test

import (
	"maps"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// command is what a producer writes, and the answer that it has to get, in the
// words of outcome; "" leaves the answer to the oracle.
type command struct {
	ID     string            `json:"id"`
	Op     string            `json:"op"`
	Object string            `json:"object"`
	Target map[string]string `json:"target,omitempty"`
	Fields map[string]any    `json:"fields,omitempty"`

	key  string // Kafka key
	want string
}

// The answers that hold whatever the vendor answers.
const (
	created     = "OK CREATED -"
	updated     = "OK UPDATED -"
	unchanged   = "OK UNCHANGED -"
	deleted     = "OK DELETED -"
	read        = "OK READ -"
	notFound    = "REJECTED NONE NOT_FOUND"
	refused     = "REJECTED NONE VENDOR_REJECTED"
	dangling    = "REJECTED NONE REFERENCE_NOT_FOUND"
	exists      = "CONFLICT NONE ALREADY_EXISTS"
	unknown     = "REJECTED NONE UNKNOWN_FIELD"
	readOnly    = "REJECTED NONE READ_ONLY_FIELD"
	noKey       = "REJECTED NONE NO_UPSERT_KEY"
	invalid     = "REJECTED NONE INVALID_FIELD"
	unsupported = "REJECTED NONE UNSUPPORTED_OPERATION"
	forbidden   = "REJECTED NONE FORBIDDEN"
)

// nobody has the form of an id and is none.
const nobody = "0123456789abcdef01234567"

// The companies that records of commands belong to.
const (
	home = "cmd-home"
	away = "cmd-away"
)

// to gives a command its target.
func (c command) to(k planhat.Key, value string) command {
	c.Target = map[string]string{string(k): value}
	return c
}

// with gives a command its fields.
func (c command) with(fields map[string]any) command {
	c.Fields = fields
	return c
}

// as gives a command another id.
func (c command) as(suffix string) command {
	c.ID += "-" + suffix
	return c
}

// without leaves a field out.
func without(fields map[string]any, name string) map[string]any {
	out := maps.Clone(fields)
	delete(out, name)
	return out
}

// and adds a field.
func and(fields map[string]any, name string, value any) map[string]any {
	out := maps.Clone(fields)
	out[name] = value
	return out
}
