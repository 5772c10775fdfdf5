package schemas

import "time"

// The signals.
const (
	SignalObject  = "object"  // write every record of a stream, or of one object of it, again
	SignalRecord  = "record"  // look at one record now, and write it again
	SignalPause   = "pause"   // no more calls for a stream, or for the workspace
	SignalResume  = "resume"  // the end of it
	SignalRelease = "release" // let the held deletes of a stream, or of the workspace, go
)

// SignalDoc describes a signal for people.
type SignalDoc struct{ Signal, Doc string }

var signalDocs = []SignalDoc{
	{SignalObject, "read every record of a stream, or of one object of it, and write it again as `r`; it goes on after the answer, and `snapshot.completed` " +
		"with the signal's id is its end. A change topic that is gone or was created anew is made and filled from the beginning"},
	{SignalRecord, "read one record now and write it again as `r`, as `u` or `c` if it has changed, or as `d` if it is gone"},
	{SignalPause, "make no more calls for a stream, or for the workspace, until resume; restarts and other owners keep to it"},
	{SignalResume, "the end of a pause"},
	{SignalRelease, "let the deletes of a stream go that the mass-delete guard holds, or of the workspace all that is held, also a tenant " +
		"or a company that is another one than it was; each delete is still confirmed"},
}

// Signals lists them all.
func Signals() []string {
	var out []string
	for _, d := range signalDocs {
		out = append(out, d.Signal)
	}
	return out
}

// Signal is an operator's word to the source, as JSON on the signals topic.
type Signal struct {
	ID         string     `json:"id"` // the answer repeats it; empty: the answer names topic, partition and offset instead
	Signal     string     `json:"signal"`
	Workspace  string     `json:"workspace,omitempty"`  // of Planhat
	Account    string     `json:"account,omitempty"`    // of Pipedrive, instead of the workspace
	Stream     string     `json:"stream,omitempty"`     // listing: companies, endusers, ...
	Object     string     `json:"object,omitempty"`     // instead of the stream: company, note, ...; of an account: deal, person, ...
	Record     string     `json:"record,omitempty"`     // _id or, of an account, id; of a record signal
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
	SignalIncomplete       SignalCode = "INCOMPLETE"
	SignalExpired          SignalCode = "EXPIRED"
	SignalNotNow           SignalCode = "NOT_NOW"
	SignalVendor           SignalCode = "VENDOR"
)

// SignalCodeDoc describes a code for people.
type SignalCodeDoc struct {
	Code SignalCode
	Doc  string
}

var signalCodeDocs = []SignalCodeDoc{
	{SignalUndecodable, "it is no JSON object, has a member that is not known, or one that is too long: see the schema"},
	{SignalUnknown, "there is no such signal"},
	{SignalUnknownWorkspace, "no process of this bridge is configured with the workspace or account"},
	{SignalUnknownStream, "the workspace or account captures no such stream or object"},
	{SignalUnknownRecord, "neither the vendor nor the topic has such a record"},
	{SignalIncomplete, "a member is missing, or does not belong to this signal"},
	{SignalExpired, "it was read after notAfter"},
	{SignalNotNow, "the stream is in no state for it, such as paused; the message says which"},
	{SignalVendor, "the vendor did not answer as it must for it: send it again"},
}
