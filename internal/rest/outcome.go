package rest

import (
	"errors"
	"time"
)

// outcome is what one attempt came to.
type outcome struct {
	answer  Answer
	kind    Kind
	message string        // the vendor's, of a refusal
	wait    time.Duration // that the vendor asks for; 0: it does not say
	rest    time.Duration // before another attempt: wait, or the back-off in its stead
	err     error
	at      time.Time // end of the attempt
	maySent bool      // the request may have reached the vendor
	ended   bool      // the caller's context, budget or gate ended the call before it was sent
}

// notBegun is an attempt that the context, the budget or the gate ended unsent.
func notBegun(err error) outcome {
	o := outcome{kind: KindUnavailable, at: time.Now(), err: err, ended: true}
	if noTime := (*NoTimeError)(nil); errors.As(err, &noTime) {
		o.kind, o.wait = KindThrottled, noTime.Wait
	}
	return o
}

// reject makes an answer that was not accepted malformed, or the refusal that it is.
func (o *outcome) reject(err error, secret string) {
	if refused, ok := errors.AsType[*Refused](err); ok {
		o.kind, o.message = refused.Kind, shorten(redact(refused.Message, secret))
		return
	}
	o.kind, o.err = KindMalformed, redactError(err, secret)
}

// again reports whether another attempt could come to something else. What the
// vendor refused stays refused; an answer too large stays too large.
func (o *outcome) again() bool {
	if o.ended {
		return false
	}
	switch o.kind {
	case KindThrottled, KindUnavailable:
		return true
	case KindMalformed:
		return !o.final()
	default:
		return false
	}
}

// final reports a malformed answer that another attempt would only repeat: a redirect,
// or one that says so.
func (o *outcome) final() bool {
	redirected := o.answer.Status < 200 || o.answer.Status > 299
	return o.kind == KindMalformed && (redirected || isFinal(o.err))
}

// effectUnknown reports whether the call may have been carried out although nobody
// said so. A 429 and every clear refusal say that it was not.
func (o *outcome) effectUnknown() bool {
	return o.maySent && (o.kind == KindUnavailable || o.kind == KindMalformed)
}

func (o *outcome) error() *Error {
	return &Error{Kind: o.kind, Status: o.answer.Status, Message: o.message, RetryAfter: o.wait, Final: o.final(), Err: o.err}
}
