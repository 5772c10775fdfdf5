package schemas

import "slices"

// Status says how a command ended. The list is closed.
type Status string

// How a command can end.
const (
	StatusOK       Status = "OK"
	StatusRejected Status = "REJECTED"
	StatusConflict Status = "CONFLICT"
	StatusExpired  Status = "EXPIRED"
	StatusUnknown  Status = "UNKNOWN"
)

// Effect says what a command did at the vendor. The list is closed.
type Effect string

// What a command can do at the vendor.
const (
	EffectCreated   Effect = "CREATED"
	EffectUpdated   Effect = "UPDATED"
	EffectDeleted   Effect = "DELETED"
	EffectUnchanged Effect = "UNCHANGED"
	EffectRead      Effect = "READ"
	EffectNone      Effect = "NONE"
)

// Code names why a command was not done. The list is closed, and the same in results,
// dead-letter headers, metrics, logs and docs.
type Code string

// Why a command can fail to be done; [Code.Doc] explains each.
const (
	CodeUndecodable          Code = "UNDECODABLE"
	CodeUnknownSchema        Code = "UNKNOWN_SCHEMA"
	CodeTooLarge             Code = "TOO_LARGE"
	CodeInvalidCommand       Code = "INVALID_COMMAND"
	CodeUnknownObject        Code = "UNKNOWN_OBJECT"
	CodeUnknownOperation     Code = "UNKNOWN_OPERATION"
	CodeUnsupportedOperation Code = "UNSUPPORTED_OPERATION"
	CodeMissingTarget        Code = "MISSING_TARGET"
	CodeAmbiguousTarget      Code = "AMBIGUOUS_TARGET"
	CodeUnknownField         Code = "UNKNOWN_FIELD"
	CodeReadOnlyField        Code = "READ_ONLY_FIELD"
	CodeInvalidField         Code = "INVALID_FIELD"
	CodeMissingField         Code = "MISSING_FIELD"
	CodeNoUpsertKey          Code = "NO_UPSERT_KEY"
	CodeNotFound             Code = "NOT_FOUND"
	CodeAlreadyExists        Code = "ALREADY_EXISTS"
	CodeReferenceNotFound    Code = "REFERENCE_NOT_FOUND"
	CodePreconditionFailed   Code = "PRECONDITION_FAILED"
	CodeExpired              Code = "EXPIRED"
	CodeForbidden            Code = "FORBIDDEN"
	CodeVendorRejected       Code = "VENDOR_REJECTED"
	CodeOutcomeUnknown       Code = "OUTCOME_UNKNOWN"
)

// CodeDoc explains a code: the status it comes with, what it means and what to do.
type CodeDoc struct {
	Code    Code
	Status  Status
	Meaning string
	Remedy  string
}

// Codes lists every code, in the order in which a command meets them.
func Codes() []CodeDoc { return slices.Clone(codeDocs) }

// Doc explains a code; ok is false for one that is not on the list.
func (c Code) Doc() (doc CodeDoc, ok bool) {
	for _, d := range codeDocs {
		if d.Code == c {
			return d, true
		}
	}
	return CodeDoc{}, false
}

var codeDocs = []CodeDoc{
	{CodeUndecodable, StatusRejected, "The value is neither a JSON object nor a command in the Confluent wire format.",
		"Send a JSON object, or serialize with the schema registry. The dead letter holds the bytes as they came."},
	{CodeUnknownSchema, StatusRejected, "The schema registry does not know the schema id in the value.",
		"Check that producer and bridge use the same schema registry, then send the command again."},
	{CodeTooLarge, StatusRejected, "The command, or the call it would need, is larger than allowed.",
		"Send fewer or shorter fields; a command may have 1 MiB."},
	{CodeInvalidCommand, StatusRejected, "A part of the command is missing, misspelt or of a wrong type.",
		"Check the command against its JSON Schema."},
	{CodeUnknownObject, StatusRejected, "The bridge does not know the object.",
		"Use one of the objects listed in docs/contract.md."},
	{CodeUnknownOperation, StatusRejected, "The operation is none of create, update, upsert, delete, get.",
		"Use one of the five operations."},
	{CodeUnsupportedOperation, StatusRejected, "The object does not allow this operation.",
		"See which operations the object has."},
	{CodeMissingTarget, StatusRejected, "The operation needs a target and the command names none.",
		"Name the record by one key in target."},
	{CodeAmbiguousTarget, StatusRejected, "The target names several keys, or the key fits several records.",
		"Name exactly one key; use _id where another key is not unique."},
	{CodeUnknownField, StatusRejected, "The object has no such field, standard or custom. Sent on, it would be lost without a word.",
		"Correct the name, create the custom field, or set allowUnknownFields."},
	{CodeReadOnlyField, StatusRejected, "The vendor computes this field. Sent on, it would be lost without a word.",
		"Leave the field out."},
	{CodeInvalidField, StatusRejected, "The value of a field has a type that the field does not take, or the field is given twice.",
		"Correct the value."},
	{CodeMissingField, StatusRejected, "A field that this operation needs is missing.",
		"Add the field."},
	{CodeNoUpsertKey, StatusRejected, "The object has no key by which the vendor could find the record.",
		"Use create, or update with _id."},
	{CodeNotFound, StatusRejected, "There is no such record.",
		"Check the target; use upsert to create what is not there."},
	{CodeAlreadyExists, StatusConflict, "Another record has this key already. Nothing was overwritten.",
		"Use upsert or update."},
	{CodeReferenceNotFound, StatusRejected, "A record that the fields refer to does not exist, and did not appear in time.",
		"Create the referenced record first, with a command before this one, then send the command again."},
	{CodePreconditionFailed, StatusConflict, "The record changed after ifUnchangedSince. Nothing was written.",
		"Read the record, decide again, and send a command with the new time."},
	{CodeExpired, StatusExpired, "The command was reached after its notAfter. Nothing was written.",
		"Send it again if it is still wanted; if this is frequent, look at the lag of the sink."},
	{CodeForbidden, StatusRejected, "The vendor does not let the bridge's token do this.",
		"Give the token's user the permission, then drive the dead letter again."},
	{CodeVendorRejected, StatusRejected, "The vendor refused the call for a reason of its own, quoted in the message.",
		"Correct what the message names, then send the command again."},
	{CodeOutcomeUnknown, StatusUnknown, "The vendor may or may not have done it: the answer was lost and a look-up could not tell.",
		"Look the record up; drive the dead letter again if it is not there."},
}

type effectDoc struct {
	effect  Effect
	meaning string
}

var effectDocs = []effectDoc{
	{EffectCreated, "The record was made."},
	{EffectUpdated, "The record was changed."},
	{EffectDeleted, "The record was deleted."},
	{EffectUnchanged, "The record was already as asked, or already gone."},
	{EffectRead, "The record was read; it is in the result."},
	{EffectNone, "Nothing was done, or nobody knows (status UNKNOWN)."},
}

type statusDoc struct {
	status  Status
	meaning string
}

var statusDocs = []statusDoc{
	{StatusOK, "The command was done; effect says what that was."},
	{StatusRejected, "The command was not done and will not be: it, or what it needs, has to change first. A dead letter holds it."},
	{StatusConflict, "The command was not done, because the record is not as the command expects."},
	{StatusExpired, "The command was not done, because its time had passed."},
	{StatusUnknown, "The command may or may not have been done. A dead letter holds it; it is never repeated blindly."},
}
