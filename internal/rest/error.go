package rest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Error is a call that failed.
type Error struct {
	Kind       Kind
	Status     int           // HTTP status of the last answer; 0: none
	Message    string        // what the vendor said, shortened, without the token
	RetryAfter time.Duration // wait that the last answer asked for; 0: none
	Attempts   int           // attempts begun; 0: the call was ended before the first
	Uncertain  bool          // a write: some attempt may have taken effect
	Final      bool          // malformed: another attempt would be answered alike
	Err        error         // cause; nil when the status says it all
}

// Error says kind, status, message, attempts and cause, as far as there are any.
func (e *Error) Error() string {
	parts := []string{e.Kind.String()}
	if e.Status != 0 {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))))
	}
	if e.Message != "" {
		parts = append(parts, e.Message)
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	text := strings.Join(parts, ": ")
	if e.Attempts > 1 {
		text += fmt.Sprintf(" (%d attempts)", e.Attempts)
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// AsError returns the [*Error] in the error of a call; of another error it makes one.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Kind: KindUnavailable, Err: err}
}

// unusable is an answer that arrived and cannot be used.
type unusable struct {
	err   error
	final bool // asking again would give the same
}

func (u *unusable) Error() string { return u.err.Error() }
func (u *unusable) Unwrap() error { return u.err }

// Final marks an error of [Request.Accept] as one that another attempt would only repeat.
func Final(err error) error { return &unusable{err: err, final: true} }

func isFinal(err error) bool {
	var u *unusable
	return errors.As(err, &u) && u.final
}

// Refused is an error of [Request.Accept] for an answer that is a refusal in spite of
// its status: vendors may say no with a 200.
type Refused struct {
	Kind    Kind
	Message string // the vendor's
}

// Error returns kind and message.
func (r *Refused) Error() string { return r.Kind.String() + ": " + r.Message }

// NoTimeError is a wait that was not begun because the context ends before it does.
// It is a [context.DeadlineExceeded] to errors.Is.
type NoTimeError struct {
	Wait time.Duration // what would have to be waited
	Left time.Duration // what the context has left
	Why  error         // context.DeadlineExceeded
}

// Error names both times.
func (e *NoTimeError) Error() string {
	return fmt.Sprintf("the next try is due in %s, the caller's deadline in %s",
		e.Wait.Round(time.Millisecond), e.Left.Round(time.Millisecond))
}

// Unwrap returns context.DeadlineExceeded.
func (e *NoTimeError) Unwrap() error { return e.Why }
