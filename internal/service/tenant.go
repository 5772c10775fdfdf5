package service

import (
	"context"
	"errors"
	"fmt"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// No answer of Planhat names its tenant; but ids are never given twice, so that a tenant
// is known by records that were seen of it (docs/adr/0024).
const (
	// FewKnown records say nothing: so many may be gone together.
	FewKnown = 5
	// WitnessRows is how much of a listing is looked at.
	WitnessRows = 100
	// WitnessListings is how many listings are asked before another tenant is assumed.
	WitnessListings = 3
)

// StateWrongTenant is that of a workspace whose token is that of another tenant.
const StateWrongTenant = "wrong_tenant"

// Witness asks Planhat for records of one listing that are known, and tells whether it
// shows one.
type Witness func(context.Context) (bool, error)

// SameTenant asks listings of which records are known, at most three, for one that is
// still there. An error that holds for a listing alone, and tells nothing of the tenant,
// leads to the next one, but of the first where its error is wanted. Where none can be
// asked the error says so, or is that the token is refused.
func SameTenant(ctx context.Context, witnesses []Witness, firstDecides bool) (bool, error) {
	asked := 0
	var refused error
	for n, recognize := range witnesses {
		found, err := recognize(ctx)
		switch {
		case found:
			return true, nil
		case err != nil && (firstDecides && n == 0 || !SaysNothing(err)):
			return false, err
		case err != nil:
			refused = err
		default:
			asked++
		}
		if asked == WitnessListings {
			return false, nil
		}
	}
	switch {
	case asked > 0:
		return false, nil
	case planhat.KindOf(refused) == planhat.KindUnauthorized:
		return false, refused
	}
	return false, fmt.Errorf("%w: %v", ErrTenantUntold, refused) //nolint:errorlint // it is not the caller's listing's
}

// ErrTenantUntold says that no listing can be read of which records are known.
var ErrTenantUntold = errors.New("whose data this is cannot be told, as no listing can be read of which records are known")

// SaysNothing is true of an answer that holds for what was asked for, and tells nothing
// of the tenant.
func SaysNothing(err error) bool {
	switch planhat.KindOf(err) {
	case planhat.KindNotFound, planhat.KindForbidden, planhat.KindUnauthorized, planhat.KindInvalid, planhat.KindMalformed:
		return true
	default:
		return false
	}
}
