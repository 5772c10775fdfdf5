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

// Notification answers a signal, as JSON on the notifications topic.
type Notification struct {
	ID        string    `json:"id"`
	Signal    string    `json:"signal"`
	Workspace string    `json:"workspace"`
	Stream    string    `json:"stream"`
	Done      bool      `json:"done"`
	Message   string    `json:"message"` // what was done, or why it was not
	At        time.Time `json:"at"`
}
