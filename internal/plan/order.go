package plan

import (
	"time"

	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// Op is what a command asks for.
type Op string

// The five operations.
const (
	Create Op = "create"
	Update Op = "update"
	Upsert Op = "upsert"
	Delete Op = "delete"
	Get    Op = "get"
)

// Target names one record. Key is empty for a create.
type Target struct {
	Key   planhat.Key
	Value string
}

// Order is a checked command: only what Build, the executor and Attribute need
// of it.
type Order struct {
	// Seq is the command's place in its batch. Orders of a batch have
	// different, ascending numbers.
	Seq int
	// Chain is the command's Kafka key with whatever tells it from the keys of
	// other topics; empty for a command without key. Commands of one chain take
	// effect in the order of Seq.
	Chain string

	Op     Op
	Spec   *planhat.Spec
	Target Target
	// Fields are what the command sets, normalised. For a create of an object
	// that shares its listing they include the field "type".
	Fields Fields

	Since    *time.Time // ifUnchangedSince
	NotAfter *time.Time
	Coalesce bool
}

// Expired tells whether the order may no longer be sent.
func (o *Order) Expired(now time.Time) bool { return o.NotAfter != nil && now.After(*o.NotAfter) }

// mergeable tells whether a neighbour may be merged with this order.
func (o *Order) mergeable() bool {
	return (o.Op == Update || o.Op == Upsert) && o.Coalesce && o.Since == nil && o.NotAfter == nil
}

// Refusal is why a command is not sent, or was not carried out.
type Refusal struct {
	Status  schemas.Status
	Code    schemas.Code
	Message string
	Remedy  string
}

// Expire is the refusal of an order whose notAfter has passed.
func Expire(notAfter time.Time) *Refusal {
	return &Refusal{
		Status: schemas.StatusExpired, Code: schemas.CodeExpired,
		Message: "notAfter " + notAfter.UTC().Format(time.RFC3339Nano) + " has passed",
		Remedy:  "send the command again with a later notAfter, or none",
	}
}

func reject(code schemas.Code, message, remedy string) *Refusal {
	return &Refusal{Status: schemas.StatusRejected, Code: code, Message: message, Remedy: remedy}
}
