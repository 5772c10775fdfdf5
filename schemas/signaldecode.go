package schemas

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Bounds of a signal: its answer quotes it and has to fit into a record.
const (
	MaxSignal     = 16 << 10 // bytes of the whole
	MaxSignalText = 256      // bytes of a member
)

// SignalError is a record of the signals topic that is not a signal. ID, Workspace
// and Account are what could be read of it nevertheless.
type SignalError struct {
	ID, Workspace, Account string
	Err                    error
}

func (e *SignalError) Error() string { return e.Err.Error() }
func (e *SignalError) Unwrap() error { return e.Err }

// SignalWorkspace reads of a signal only for whom it is, "" where it does not
// say: enough to know who has to answer.
func SignalWorkspace(value []byte) string { return addressOf(value).Workspace }

// SignalAccount is the same for an account. A signal that names both is for the
// workspace, whose owner refuses it.
func SignalAccount(value []byte) string { return addressOf(value).Account }

type address struct{ ID, Workspace, Account string }

func addressOf(value []byte) address {
	var loose struct {
		ID        json.RawMessage `json:"id"`
		Workspace json.RawMessage `json:"workspace"`
		Account   json.RawMessage `json:"account"`
	}
	if len(value) > MaxSignal || json.Unmarshal(value, &loose) != nil {
		return address{}
	}
	at := address{ID: short(loose.ID), Workspace: short(loose.Workspace)}
	if at.Workspace == "" {
		at.Account = short(loose.Account)
	}
	return at
}

// short is a member's text, "" if it is none or too long.
func short(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) != nil || len(text) > MaxSignalText {
		return ""
	}
	return text
}

// DecodeSignal reads a record of the signals topic. An order that is understood
// by half must not be obeyed: a member that is not known is an error. Whether
// its members fit together and name what exists is for others to say. Errors
// are *SignalError.
func DecodeSignal(value []byte) (Signal, error) {
	at := addressOf(value)
	refuse := func(format string, args ...any) (Signal, error) {
		return Signal{}, &SignalError{ID: at.ID, Workspace: at.Workspace, Account: at.Account, Err: fmt.Errorf(format, args...)}
	}
	if len(value) > MaxSignal {
		return refuse("the signal has %d bytes, more than %d", len(value), MaxSignal)
	}
	if !utf8.Valid(value) {
		return refuse("the signal is not UTF-8")
	}
	if err := json.Unmarshal(value, new(struct{})); err != nil { // also: nothing may stand behind it
		return refuse("the signal is not a JSON object: %w", err)
	}
	var sig Signal
	dec := json.NewDecoder(bytes.NewReader(value))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&sig); err != nil {
		return refuse("the signal cannot be read: %w", err)
	}
	for name, text := range map[string]string{
		"id": sig.ID, "signal": sig.Signal, "workspace": sig.Workspace, "account": sig.Account, "stream": sig.Stream, "object": sig.Object,
		"record": sig.Record, "externalId": sig.ExternalID, "reason": sig.Reason,
	} {
		if len(text) > MaxSignalText {
			return refuse("%s has %d bytes, more than %d", name, len(text), MaxSignalText)
		}
	}
	if sig.Workspace != "" && sig.Account != "" {
		return refuse("the signal names a workspace and an account: it is for one of them")
	}
	return sig, nil
}
