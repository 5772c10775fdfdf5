package pipedrive

import (
	"errors"

	"github.com/planhat-bridge/planhat-bridge/internal/rest"
)

// Kind is the class of a failure: what a caller can do about it.
type Kind int

// The kinds. [KindOf] is zero, KindNone, for nil and for errors of others.
const (
	KindNone         = Kind(rest.KindNone)
	KindInvalid      = Kind(rest.KindInvalid)      // the call is wrong and stays wrong
	KindUnauthorized = Kind(rest.KindUnauthorized) // the token is missing, unknown or revoked
	KindForbidden    = Kind(rest.KindForbidden)    // the token's user, or the company's plan, may not do this
	KindNotFound     = Kind(rest.KindNotFound)     // the record does not exist, or is hidden from the token's user
	KindConflict     = Kind(rest.KindConflict)     // another record has this unique value
	KindThrottled    = Kind(rest.KindThrottled)    // too many calls in two seconds: the next window takes more
	KindDailyBudget  = Kind(rest.KindDailyBudget)  // the company's tokens of the day are spent: nothing is answered before its midnight
	KindBlocked      = Kind(rest.KindBlocked)      // a 403 that is no JSON: stop calling, this caller is shut out
	KindUnpaid       = Kind(rest.KindUnpaid)       // the company is closed: the trial has ended, or it is not paid
	KindLimit        = Kind(rest.KindLimit)        // as many of these exist as may (webhooks: 40 of a user)
	KindUnavailable  = Kind(rest.KindUnavailable)  // nobody answered, or not the API itself
	KindAmbiguous    = Kind(rest.KindAmbiguous)    // the write may or may not have been carried out
	KindMalformed    = Kind(rest.KindMalformed)    // there is an answer, and it cannot be used: cut, not JSON, of a wrong shape
)

// String returns the kind's name: "invalid", "dailyBudget", ...
func (k Kind) String() string { return rest.Kind(k).String() }

// KindOf returns the kind of an error made by this package, wrapped or not.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return KindNone
}

// IsNotFound reports whether an error says that a record does not exist.
func IsNotFound(err error) bool { return KindOf(err) == KindNotFound }
