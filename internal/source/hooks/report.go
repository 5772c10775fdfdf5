package hooks

import (
	"strings"
	"time"
)

// States of an account's webhooks, from the best to the worst.
const (
	StateOK          = "ok"          // one for every object, and the last deliveries went well
	StateOff         = "off"         // none is wanted: changes are found by reconciliation alone
	StateFailing     = "failing"     // the last delivery of one failed
	StateRefused     = "refused"     // our receiver answers 401 to our own password
	StateLimited     = "limited"     // the user has as many webhooks as Pipedrive allows
	StateRejected    = "rejected"    // Pipedrive will not make one
	StateUnreachable = "unreachable" // Pipedrive cannot reach our address
	StateForbidden   = "forbidden"   // the token's user may not manage webhooks
)

var ranks = map[string]int{
	StateOK: 0, StateOff: 1, StateFailing: 2, StateRefused: 3, StateLimited: 4, StateRejected: 5, StateUnreachable: 6, StateForbidden: 7,
}

// Report is what a look at the webhooks came to. It counts also where it was ended by an
// error: what was done until then was done.
type Report struct {
	Done  []string // one sentence for each webhook made, adopted or removed
	State string   // the worst that was met
	Cause string   // what is the matter and what to do, "" when all is well
	Hooks []Hook   // those that deliver to us

	Lost  bool      // events may have been lost: reconcile now
	Since time.Time // from this time at least; zero: nobody knows since when

	Memory  Memory // to be kept, and given to the next controller
	Changed bool   // the memory is another than before

	causes []string
}

// Hook is a webhook that delivers to us.
type Hook struct {
	ID           int64     `json:"id"`
	Object       string    `json:"object"`
	LastDelivery time.Time `json:"last_delivery,omitzero"`
	LastStatus   int       `json:"last_status,omitempty"`
	Failing      bool      `json:"failing,omitempty"`
}

// trouble notes what is the matter; the worst names the state.
func (r *Report) trouble(state, say string) {
	if ranks[state] > ranks[r.State] {
		r.State = state
	}
	r.causes = append(r.causes, say)
	r.Cause = strings.Join(r.causes, "; ")
}
