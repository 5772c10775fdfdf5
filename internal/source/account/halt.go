package account

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// halt is why no calls are made for the account, and until when. Webhooks wait in
// their topic meanwhile.
type halt struct {
	state string // that /status shows; "": calls are made
	cause string
	token string // another one is tried at once
	until time.Time
	tries int                        // in a row
	told  []schemas.NotificationKind // of what is owed to operators once the account goes on
}

// The states of an account that makes no calls.
const (
	stateBudget       = "budget_spent"
	stateBlocked      = "blocked"
	stateUnpaid       = "unpaid"
	stateUnauthorized = "unauthorized"
)

// stop is a kind of halt: how long it lasts, and what is told of it.
type stop struct {
	state    string
	wait     func(t Times, tries int) time.Duration
	told     schemas.NotificationKind
	resumed  schemas.NotificationKind
	words    string
	loudness int // 0: as a warning, 1: as an error
}

func hourly(t Times, _ int) time.Duration { return t.Budget }

var stops = map[string]stop{
	stateBudget: {
		state: stateBudget, wait: hourly, told: schemas.NotifyCallsStopped, resumed: schemas.NotifyCallsResumed,
		words: "the company's tokens of the day are spent: webhooks wait in their topic, and one call is tried from time to time until Pipedrive accepts it",
	},
	stateBlocked: {
		state: stateBlocked, wait: func(t Times, tries int) time.Duration { return doubled(t.Blocked, tries, 16*t.Blocked) },
		told: schemas.NotifyCallsStopped, resumed: schemas.NotifyCallsResumed, loudness: 1,
		words: "Pipedrive has shut this caller out, as it does with those who call on after 429: no calls are made for a while; look for other programs that use the token",
	},
	stateUnpaid: {
		state: stateUnpaid, wait: hourly, told: schemas.NotifyCallsStopped, resumed: schemas.NotifyCallsResumed, loudness: 1,
		words: "the company is closed or not paid: no calls are made until it is open again",
	},
	stateUnauthorized: {
		state: stateUnauthorized, wait: func(t Times, _ int) time.Duration { return t.Refused },
		told: schemas.NotifyTokenRefused, resumed: schemas.NotifyTokenAccepted, loudness: 1,
		words: "Pipedrive refuses the token: the account waits until it is accepted; a new one in PIPEDRIVE_<NAME>_TOKEN_FILE is tried at once",
	},
	stateWrongCompany: {
		state: stateWrongCompany, wait: func(t Times, _ int) time.Duration { return 2 * t.Refused },
		told: schemas.NotifyTenantWrong, resumed: schemas.NotifyTenantRight, loudness: 1,
	},
	stateRetrying: {state: stateRetrying, wait: func(t Times, tries int) time.Duration { return doubled(t.Retry, tries, time.Minute) }},
}

var stopOfKind = map[pipedrive.Kind]string{
	pipedrive.KindDailyBudget: stateBudget, pipedrive.KindBlocked: stateBlocked, pipedrive.KindUnpaid: stateUnpaid, pipedrive.KindUnauthorized: stateUnauthorized,
}

// fail decides what an error means. It does not end anything: lasting trouble
// halts the account, and trouble with one listing its stream.
func (a *Account) fail(err error) {
	var s *stream
	if own, ok := errors.AsType[streamError](err); ok {
		s = own.stream
		a.metrics.failures.WithLabelValues(a.cfg.Name, string(s.Object)).Inc()
	}
	kind := pipedrive.KindOf(err)
	wrong, misfit := errors.AsType[*pipedrive.AccountError](err)
	switch {
	case errors.Is(err, errTokenChanged):
		a.identity.sure = false
	case errors.Is(err, errWrongCompany), misfit && wrong.Wrong == pipedrive.WrongCompany:
		a.stopFor(stateWrongCompany, err)
	case misfit && wrong.Wrong == pipedrive.WrongToken:
		a.stopFor(stateUnauthorized, err)
	case stopOfKind[kind] != "":
		a.stopFor(stopOfKind[kind], err)
	case s != nil && a.failStream(s, kind, err):
	default:
		a.stopFor(stateRetrying, err)
	}
}

// failStream sets a stream aside for a while, where the trouble is its own.
func (a *Account) failStream(s *stream, kind pipedrive.Kind, err error) bool {
	refusal, held := errors.AsType[*shard.Refusal](err)
	wait := doubled(a.times.Retry, s.failures, time.Minute)
	state := stateRetrying
	switch {
	case held:
		a.hold(s, refusal)
		return true
	case kind == pipedrive.KindForbidden:
		wait, state = a.times.Forbidden, stateForbidden
		err = fmt.Errorf("%w; to repair: let the token's user see %s, or leave it out of PIPEDRIVE_<NAME>_OBJECTS", err, s.Listing)
	case kind == pipedrive.KindNone, kind == pipedrive.KindInvalid, kind == pipedrive.KindMalformed, kind == pipedrive.KindNotFound:
		s.beginAnew()
	default:
		s.failures++ // the account waits, and then others go first
		s.retryAt = a.now().Add(wait)
		return false
	}
	s.failures++
	s.retryAt = a.now().Add(wait)
	a.turnStream(s, state, err)
	return true
}

// beginAnew begins the scans of a stream anew: what they have read cannot be used,
// or their place is not known any more.
func (s *stream) beginAnew() {
	s.recent = nil
	s.cursor.Sweep = nil
}

// stopFor makes no calls for a while, and says so once.
func (a *Account) stopFor(state string, err error) {
	st, now := stops[state], a.now()
	if a.halt.state != state {
		a.tellStop(st, err)
		a.halt.tries = 0
	}
	wait := st.wait(a.times, a.halt.tries)
	if asked, ok := errors.AsType[*pipedrive.Error](err); ok && state == stateRetrying {
		wait = max(wait, asked.RetryAfter)
	}
	a.halt = halt{state: state, cause: err.Error(), token: a.cfg.Token.Current(), until: now.Add(wait), tries: a.halt.tries + 1, told: a.halt.told}
	if st.resumed != "" && !slices.Contains(a.halt.told, st.resumed) {
		a.halt.told = append(a.halt.told, st.resumed)
	}
	if state == stateWrongCompany {
		a.halt.cause += "; " + a.wrongCompanyRemedy()
	}
	if state != stateRetrying {
		a.identity.sure = false // the next call is users/me, which is the cheapest
	}
	a.metrics.halted(a.cfg.Name, state)
}

func (a *Account) tellStop(st stop, err error) {
	if st.state == stateRetrying {
		if a.halt.state == "" {
			a.log.Warn("pipedrive does not answer as it should: it is tried again", "account", a.cfg.Name, "error", err.Error())
		}
		return
	}
	words := st.words
	if st.state == stateWrongCompany {
		words = err.Error() + "; " + a.wrongCompanyRemedy()
	}
	log := a.log.Warn
	if st.loudness > 0 {
		log = a.log.Error
	}
	log("no calls are made for the account", "account", a.cfg.Name, "state", st.state, "because", words, "error", err.Error())
	a.notify(schemas.Notification{Kind: st.told, Message: words})
}

// stopped says whether no calls are to be made now, and for how long.
func (a *Account) stopped() (time.Duration, bool) {
	if a.facts.Paused != nil || a.refused != nil {
		return maxIdle, true
	}
	if a.halt.state == "" {
		return maxIdle, a.shareSpent()
	}
	if a.halt.state != stateRetrying && a.cfg.Token.Current() != a.halt.token {
		return 0, false
	}
	left := a.halt.until.Sub(a.now())
	return left, left > 0
}

// shareSpent stops the calls when the account has had its share of the day.
func (a *Account) shareSpent() bool {
	if a.cfg.DailyTokenShare <= 0 || a.cfg.DailyTokenShare >= 1 || !a.client.Usage().Beyond(a.cfg.DailyTokenShare) {
		return false
	}
	a.stopFor(stateBudget, errShare)
	return true
}

var errShare = errors.New("the account's share of the company's tokens of the day is spent (PIPEDRIVE_<NAME>_DAILY_TOKEN_SHARE)")

// resumed notes that the vendor answers.
func (a *Account) resumed() {
	if a.halt.state == "" {
		return
	}
	a.log.Info("the account goes on", "account", a.cfg.Name, "after", a.halt.state)
	for _, kind := range a.halt.told {
		a.notify(schemas.Notification{Kind: kind, Message: "the account goes on"})
	}
	a.halt = halt{}
	a.metrics.halted(a.cfg.Name, "")
}
