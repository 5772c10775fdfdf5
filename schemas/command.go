package schemas

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// The operations a command may ask for.
const (
	OpCreate = "create"
	OpUpdate = "update"
	OpUpsert = "upsert"
	OpDelete = "delete"
	OpGet    = "get"
)

// Operations lists the operations in the order of the documents.
func Operations() []string { return []string{OpCreate, OpUpdate, OpUpsert, OpDelete, OpGet} }

const (
	// MaxCommandBytes is the largest value that is read as a command.
	MaxCommandBytes = 1 << 20
	// MaxCommandDepth is how deep the JSON of a command may nest.
	MaxCommandDepth = 64
	// MaxCommandID is the longest id, in bytes of UTF-8.
	MaxCommandID = 256
)

// Command asks for one write or read at the vendor.
type Command struct {
	ID                 string // "" = none given
	Op                 string // one of Operations
	Object             string // as the producer spelt it: whether it exists is the caller's to decide
	Target             Target
	Fields             json.RawMessage // a JSON object whose keys are unique at every level; nil = none
	IfUnchangedSince   *time.Time
	NotAfter           *time.Time
	Coalesce           *bool // nil = the bridge decides
	AllowUnknownFields bool

	members []Member        // of Fields, taken apart: see Members
	split   json.RawMessage // what members are of
}

// Target names the record by at most one key.
type Target struct {
	ID         string `json:"_id,omitempty"`
	ExternalID string `json:"externalId,omitempty"`
	SourceID   string `json:"sourceId,omitempty"`
	Email      string `json:"email,omitempty"`
}

// IsZero tells whether no key is set.
func (t Target) IsZero() bool { return t == Target{} }

// Key gives the name and value of the key that is set; empty if there is none.
func (t Target) Key() (name, value string) {
	for _, k := range t.keys() {
		if *k.value != "" {
			return k.name, *k.value
		}
	}
	return "", ""
}

type targetKey struct {
	name  string
	value *string
}

func (t *Target) keys() []targetKey {
	return []targetKey{{"_id", &t.ID}, {"externalId", &t.ExternalID}, {"sourceId", &t.SourceID}, {"email", &t.Email}}
}

// CommandJSON prints a command the way producers write it in JSON.
func CommandJSON(c Command) ([]byte, error) {
	wire := struct {
		ID                 string          `json:"id,omitempty"`
		Op                 string          `json:"op"`
		Object             string          `json:"object"`
		Target             Target          `json:"target,omitzero"`
		Fields             json.RawMessage `json:"fields,omitempty"`
		IfUnchangedSince   *time.Time      `json:"ifUnchangedSince,omitempty"`
		NotAfter           *time.Time      `json:"notAfter,omitempty"`
		Coalesce           *bool           `json:"coalesce,omitempty"`
		AllowUnknownFields bool            `json:"allowUnknownFields,omitempty"`
	}{c.ID, c.Op, c.Object, c.Target, c.Fields, c.IfUnchangedSince, c.NotAfter, c.Coalesce, c.AllowUnknownFields}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(wire); err != nil {
		return nil, fmt.Errorf("encode command %q: %w", c.ID, err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
