package planhat

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
	KindUnauthorized = Kind(rest.KindUnauthorized) // the token is missing, unknown or expired
	KindForbidden    = Kind(rest.KindForbidden)    // the token may not do this
	KindNotFound     = Kind(rest.KindNotFound)     // the record does not exist
	KindConflict     = Kind(rest.KindConflict)     // another record has this unique value
	KindThrottled    = Kind(rest.KindThrottled)    // Planhat asks to wait
	KindUnavailable  = Kind(rest.KindUnavailable)  // nobody answered, or not the API itself
	KindAmbiguous    = Kind(rest.KindAmbiguous)    // the write may or may not have been carried out
	KindMalformed    = Kind(rest.KindMalformed)    // there is an answer, and it cannot be used: cut, not JSON, of a wrong shape
)

// String returns the kind's name: "invalid", "notFound", ...
func (k Kind) String() string { return rest.Kind(k).String() }

// KindOf returns the kind of an error made by this package, wrapped or not.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return KindNone
}
