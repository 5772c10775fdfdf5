package schemas

import "time"

// SignalRelease is the signal that lets the held deletes of a stream go.
const SignalRelease = "release"

// Signal is an operator's word to a stream, as JSON on the signals topic.
type Signal struct {
	ID        string `json:"id"` // the answer repeats it
	Signal    string `json:"signal"`
	Workspace string `json:"workspace"`
	Stream    string `json:"stream"` // listing: companies, endusers, ...
}

// Events of which a stream tells without being asked.
const (
	EventHeld        = "deletes-held"       // too many records are gone at once
	EventHoldEnded   = "deletes-hold-ended" // they are there again
	EventWrongTenant = "wrong-tenant"       // the token is that of another tenant
	EventRightTenant = "right-tenant"       // it is not, any more
)

// Notification answers a signal, or tells of an event, as JSON on the
// notifications topic.
type Notification struct {
	ID        string    `json:"id"`              // of the signal; empty for an event
	Event     string    `json:"event,omitempty"` // empty for an answer
	Signal    string    `json:"signal"`
	Workspace string    `json:"workspace"`
	Stream    string    `json:"stream"`
	Done      bool      `json:"done"`
	Message   string    `json:"message"` // what was done, or why it was not
	At        time.Time `json:"at"`
}
