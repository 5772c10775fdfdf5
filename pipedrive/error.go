package pipedrive

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/rest"
)

// Error is a call that failed. No part of it ever holds the token.
type Error struct {
	Kind       Kind
	Action     string        // "list", "get", "create", ...
	Subject    string        // what it was done to: "deals", "deal 42"
	Status     int           // HTTP status of the last answer; 0: none
	Message    string        // what Pipedrive said, in one short line
	Code       string        // Pipedrive's word for it: "ERR_SCHEMA_VALIDATION_FAILED"; "": none
	RetryAfter time.Duration // the wait that Pipedrive asked for; 0: none
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

// failed turns the transport's error into this package's; body is that of the last answer.
func failed(action, subject string, body []byte, err error) *Error {
	cause := rest.AsError(err)
	e := &Error{
		Kind: Kind(cause.Kind), Action: action, Subject: subject, Status: cause.Status, Message: cause.Message,
		RetryAfter: cause.RetryAfter, Attempts: cause.Attempts, Uncertain: cause.Uncertain, Final: cause.Final, Err: cause.Err,
	}
	e.Code = refusalIn(body).code
	return e
}

// refusal is what both envelopes of errors have between them: that of the API in
// general, and that of the webhooks' endpoints.
type refusal struct {
	success string                     // "true", "false"; "": not said
	status  string                     // "ok" or "error"; webhooks only
	said    string                     // error, or message
	info    string                     // where to read on
	fields  map[string]json.RawMessage // errors: {field: [messages]}; webhooks only
	code    string
}

func refusalOf(all map[string]json.RawMessage) refusal {
	return refusal{
		success: text(all["success"]), status: text(all["status"]), info: text(all["error_info"]), fields: members(all["errors"]),
		said: cmp.Or(text(all["error"]), text(all["message"])), code: cmp.Or(text(all["code"]), text(all["errorCode"])),
	}
}

// refusalIn reads the body of an error; one that is no JSON object says nothing.
func refusalIn(body []byte) refusal {
	if !isObject(body) {
		return refusal{}
	}
	return refusalOf(members(body))
}

// refused reports whether the envelope says no.
func (r refusal) refused() bool { return r.success == "false" || r.status == "error" }

// kind is that of a refusal in an answer of status 2xx: it goes by the status that it
// names, if any.
func (r refusal) kind() rest.Kind {
	if status, err := strconv.Atoi(r.code); err == nil && status >= 400 && status < 600 {
		return kindOfStatus(status)
	}
	return rest.KindInvalid
}

// words is the message, with where to read on or what each field is told.
func (r refusal) words() string {
	said := r.said
	for _, name := range slices.Sorted(maps.Keys(r.fields)) {
		said = joined(said, "; ", name+": "+texts(r.fields[name]))
	}
	if r.info != "" && !strings.Contains(r.info, "developers.pipedrive.com") {
		said = joined(said, ": ", r.info)
	}
	return said
}

func joined(a, separator, b string) string {
	if a == "" {
		return b
	}
	return a + separator + b
}

// texts is a list of texts, or one.
func texts(raw json.RawMessage) string {
	list, err := elements(raw)
	if err != nil {
		return text(raw)
	}
	var all []string
	for _, each := range list {
		all = append(all, text(each))
	}
	return strings.Join(all, ", ")
}

// say finds the words of a refusal; "": the body has none of the known shapes.
func say(body []byte) string { return refusalIn(body).words() }

// dearest is more than any call costs: with less than this left of a day, it is spent.
const dearest = 41

// classify goes by status, with what only Pipedrive means by it.
func classify(a *rest.Answer, _ string) rest.Kind {
	html := rest.IsHTML(a.Header, a.Body)
	switch {
	case a.Status == http.StatusForbidden && !isObject(a.Body):
		return rest.KindBlocked
	case a.Status == http.StatusTooManyRequests && daySpent(a.Header):
		return rest.KindDailyBudget
	case a.Status >= 400 && !html:
		return kindOfStatus(a.Status)
	}
	return rest.Classify(a.Status, html)
}

func kindOfStatus(status int) rest.Kind {
	switch status {
	case http.StatusPaymentRequired:
		return rest.KindUnpaid
	case http.StatusUnsupportedMediaType: // a feature that the company does not have
		return rest.KindForbidden
	case http.StatusUnprocessableEntity: // documented for the limit of webhooks alone
		return rest.KindLimit
	}
	return rest.Classify(status, false)
}

// daySpent tells a 429 of the day from one of the window: by what is left of the day
// where the headers say it, else by a window that has calls left.
func daySpent(h http.Header) bool {
	if left, ok := headerCount(h, dailyRemainingHeader); ok {
		return left < dearest
	}
	left, ok := headerCount(h, "X-Ratelimit-Remaining")
	return ok && left > 0
}

func isObject(body []byte) bool {
	body = bytes.TrimSpace(body)
	return len(body) > 1 && body[0] == '{' && json.Valid(body)
}
