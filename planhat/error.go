package planhat

import (
	"fmt"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/rest"
)

// Error is a call that failed. No part of it ever holds the token.
type Error struct {
	Kind       Kind
	Action     string        // "list", "get", "create", ...
	Subject    string        // what it was done to: "companies at offset 4000"
	Status     int           // HTTP status of the last answer; 0: none
	Message    string        // what Planhat said, in one short line
	RetryAfter time.Duration // the wait that Planhat asked for; 0: none
	Attempts   int           // attempts begun; 0: refused here, nothing was sent
	Uncertain  bool          // a write: some attempt, the last included, may have taken effect
	Final      bool          // malformed: another attempt would be answered alike
	Err        error         // cause; nil when the status says it all
}

// Error says action, subject and cause.
func (e *Error) Error() string {
	cause := rest.Error{Kind: rest.Kind(e.Kind), Status: e.Status, Message: e.Message, Attempts: e.Attempts, Err: e.Err}
	return e.Action + " " + e.Subject + ": " + cause.Error()
}

// Unwrap returns the cause: the context's error, the gate's, or the network's.
func (e *Error) Unwrap() error { return e.Err }

// refuse is a call that is wrong before it is sent.
func refuse(action, subject, format string, args ...any) *Error {
	return &Error{Kind: KindInvalid, Action: action, Subject: subject, Err: fmt.Errorf(format, args...)}
}

// failed turns the transport's error into this package's.
func failed(action, subject string, err error) *Error {
	cause := rest.AsError(err)
	return &Error{
		Kind: Kind(cause.Kind), Action: action, Subject: subject, Status: cause.Status, Message: cause.Message,
		RetryAfter: cause.RetryAfter, Attempts: cause.Attempts, Uncertain: cause.Uncertain, Final: cause.Final, Err: cause.Err,
	}
}

// duplicateWords are what Planhat and its database say about a value that must be unique.
var duplicateWords = []string{"duplicate", "already exists", "must be unique", "e11000"}

// classify tells a conflict of unique values, which Planhat may answer with a 400,
// from other refusals; the rest goes by status.
func classify(a *rest.Answer, message string) rest.Kind {
	kind := rest.Classify(a.Status, rest.IsHTML(a.Header, a.Body))
	if kind != rest.KindInvalid {
		return kind
	}
	message = strings.ToLower(message)
	for _, word := range duplicateWords {
		if strings.Contains(message, word) {
			return rest.KindConflict
		}
	}
	return kind
}
