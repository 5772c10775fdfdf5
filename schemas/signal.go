package schemas

import "time"

// The signals.
const (
	SignalObject  = "object"  // write every record of a stream, or of one object of it, again
	SignalRecord  = "record"  // look at one record now, and write it again
	SignalPause   = "pause"   // no more calls for a stream, or for the workspace
	SignalResume  = "resume"  // the end of it
	SignalRelease = "release" // let the held deletes of a stream go
)

// Signals lists them all.
func Signals() []string {
	return []string{SignalObject, SignalRecord, SignalPause, SignalResume, SignalRelease}
}

// Signal is an operator's word to the source, as JSON on the signals topic.
type Signal struct {
	ID         string     `json:"id"` // the answer repeats it; empty: the answer names topic, partition and offset instead
	Signal     string     `json:"signal"`
	Workspace  string     `json:"workspace"`
	Stream     string     `json:"stream,omitempty"`     // listing: companies, endusers, ...
	Object     string     `json:"object,omitempty"`     // instead of the stream: company, note, ...
	Record     string     `json:"record,omitempty"`     // _id, of a record signal
	ExternalID string     `json:"externalId,omitempty"` // instead of it
	NotAfter   *time.Time `json:"notAfter,omitempty"`   // past it the signal is answered, but not obeyed
	Reason     string     `json:"reason,omitempty"`     // for people; the notifications and the status repeat it
}

// SignalCode says why a signal was refused: one closed list.
type SignalCode string

// The codes.
const (
	SignalUndecodable      SignalCode = "UNDECODABLE"
	SignalUnknown          SignalCode = "UNKNOWN_SIGNAL"
	SignalUnknownWorkspace SignalCode = "UNKNOWN_WORKSPACE"
	SignalUnknownStream    SignalCode = "UNKNOWN_STREAM"
	SignalUnknownRecord    SignalCode = "UNKNOWN_RECORD"
	SignalIncomplete       SignalCode = "INCOMPLETE" // a member is missing, or two exclude each other
	SignalExpired          SignalCode = "EXPIRED"
	SignalNotNow           SignalCode = "NOT_NOW" // the stream is not in a state for it
	SignalVendor           SignalCode = "VENDOR"  // Planhat did not answer as it must for it
)
