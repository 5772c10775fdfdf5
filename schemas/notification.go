package schemas

import "time"

// NotificationKind says what a [Notification] tells.
type NotificationKind string

// The kinds of notifications: one closed list, the same in the JSON Schema and
// in docs/contract.md.
//
// Every signal is answered by exactly one of the first two.
const (
	NotifySignalDone    NotificationKind = "signal.done"
	NotifySignalRefused NotificationKind = "signal.refused"

	NotifySnapshotPlanned   NotificationKind = "snapshot.planned"
	NotifySnapshotStarted   NotificationKind = "snapshot.started"
	NotifySnapshotProgress  NotificationKind = "snapshot.progress"
	NotifySnapshotCompleted NotificationKind = "snapshot.completed"

	NotifyStreamPaused    NotificationKind = "stream.paused"
	NotifyStreamResumed   NotificationKind = "stream.resumed"
	NotifyStreamHeld      NotificationKind = "stream.held"
	NotifyStreamReleased  NotificationKind = "stream.released"
	NotifyStreamForbidden NotificationKind = "stream.forbidden"
	NotifyStreamAllowed   NotificationKind = "stream.allowed"

	NotifyDeletesHeld     NotificationKind = "deletes.held"
	NotifyDeletesReleased NotificationKind = "deletes.released"
	NotifyRecordSkipped   NotificationKind = "record.skipped"

	NotifyTokenRefused     NotificationKind = "token.refused"
	NotifyTokenAccepted    NotificationKind = "token.accepted"
	NotifyTenantWrong      NotificationKind = "tenant.wrong"
	NotifyTenantRight      NotificationKind = "tenant.right"
	NotifyTargetsStretched NotificationKind = "targets.stretched"
	NotifyTargetsMet       NotificationKind = "targets.met"

	NotifyEventsMissed    NotificationKind = "events.missed"
	NotifyEventsLost      NotificationKind = "events.lost"
	NotifyCallsStopped    NotificationKind = "calls.stopped"
	NotifyCallsResumed    NotificationKind = "calls.resumed"
	NotifyWebhooksChanged NotificationKind = "webhooks.changed"
	NotifyWebhooksFailed  NotificationKind = "webhooks.failed"
)

// NotificationDoc describes a kind for people.
type NotificationDoc struct {
	Kind NotificationKind
	Doc  string
}

var notificationDocs = []NotificationDoc{
	{NotifySignalDone, "a signal was obeyed, or is being obeyed: message says what was done"},
	{NotifySignalRefused, "a signal was not obeyed: code and message say why"},
	{NotifySnapshotPlanned, "how many calls and minutes the reading of a whole listing needs, before it starts"},
	{NotifySnapshotStarted, "the reading of a whole listing has begun; id is that of the signal that asked for it, if one did"},
	{NotifySnapshotProgress, "how far it is"},
	{NotifySnapshotCompleted, "every record of the listing (without stream: of every listing) has been read, and written where it had to be"},
	{NotifyStreamPaused, "an operator has paused a stream (or, without stream, the workspace): no calls are made for it"},
	{NotifyStreamResumed, "it goes on"},
	{NotifyStreamHeld, "a stream is held: its topics or its state are not what they have to be; message has the remedy"},
	{NotifyStreamReleased, "they are again, and the stream goes on"},
	{NotifyStreamForbidden, "the token may not see the listing of the stream"},
	{NotifyStreamAllowed, "it may again"},
	{NotifyDeletesHeld, "more records are gone at once than is plausible: their deletes wait for `planhatctl signal release`"},
	{NotifyDeletesReleased, "the deletes no longer wait: an operator let them go, or the records are there again"},
	{NotifyRecordSkipped, "a record cannot be written as an event; it is looked at again in every sweep, but told of once"},
	{NotifyTokenRefused, "the vendor refuses the token: the workspace or account waits until it is accepted"},
	{NotifyTokenAccepted, "the vendor accepts the token again"},
	{NotifyTenantWrong, "the token shows another tenant or company than the one that was captured: the workspace or account waits, and writes nothing"},
	{NotifyTenantRight, "it shows the right one again, or an operator has taken it for the right one"},
	{NotifyTargetsStretched, "the calls that may be spent do not suffice for the freshness targets: all are longer by factor"},
	{NotifyTargetsMet, "they suffice again"},
	{NotifyEventsMissed, "reconciliation found changes of an account that no webhook had told of, and wrote them"},
	{NotifyEventsLost, "webhooks of an account left their topic before they were read, or it was created anew: a reconciliation fills the gap"},
	{NotifyCallsStopped, "Pipedrive answers no calls of the account: its daily budget is spent, it is blocked, or it is unpaid; message says which, and when it is tried again"},
	{NotifyCallsResumed, "it answers again"},
	{NotifyWebhooksChanged, "webhooks were created, adopted, repaired or removed; message says which and why"},
	{NotifyWebhooksFailed, "webhooks are not as they have to be and cannot be mended: changes are found by reconciliation alone; message has the remedy"},
}

// NotificationKinds lists all kinds with what they mean.
func NotificationKinds() []NotificationDoc {
	return append([]NotificationDoc(nil), notificationDocs...)
}

// Notification is what the source tells operators and automations, as JSON on
// the notifications topic: the answer to a signal, or that something changed
// which somebody may want to react to. Kind, At and Message are always there.
type Notification struct {
	Kind      NotificationKind  `json:"kind"`
	At        time.Time         `json:"at"`
	Workspace string            `json:"workspace,omitempty"`
	Account   string            `json:"account,omitempty"`
	Stream    string            `json:"stream,omitempty"` // listing: companies, endusers, ...; empty: the whole workspace
	Object    string            `json:"object,omitempty"`
	Record    string            `json:"record,omitempty"` // _id
	ID        string            `json:"id,omitempty"`     // of the signal that is answered, or that this is due to
	Signal    string            `json:"signal,omitempty"`
	Code      SignalCode        `json:"code,omitempty"` // why a signal was refused
	Message   string            `json:"message"`        // for people: what was done or has happened, why, and what to do
	Snapshot  *SnapshotProgress `json:"snapshot,omitempty"`
	Factor    float64           `json:"factor,omitempty"` // of targets.stretched
}

// SnapshotProgress are the numbers of a snapshot; what is not known is 0.
type SnapshotProgress struct {
	Records         int     `json:"records"` // read so far
	RecordsExpected int     `json:"recordsExpected,omitempty"`
	Calls           int     `json:"calls"` // made so far
	CallsExpected   int     `json:"callsExpected,omitempty"`
	MinutesLeft     float64 `json:"minutesLeft,omitempty"`
}
