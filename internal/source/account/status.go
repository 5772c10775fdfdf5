package account

import (
	"slices"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/source/hooks"
	"github.com/planhat-bridge/planhat-bridge/internal/source/tell"
)

// Status is what the owner of an account knows of it.
type Status struct {
	Name  string `json:"name"`
	Owned bool   `json:"owned"`           // false: another process owns it, or nobody yet
	State string `json:"state,omitempty"` // ok, paused, retrying, unauthorized, budget_spent, blocked, unpaid, wrong_tenant, shared, orphaned, held
	Cause string `json:"cause,omitempty"`
	// Company is that of the token, as Pipedrive names it.
	Company     string         `json:"company,omitempty"`
	TokensSpent int64          `json:"tokens_spent"`               // since the process began
	TokensLeft  *int64         `json:"day_tokens_left,omitempty"`  // of the company, as Pipedrive said last; nil: not yet
	DayTokens   int64          `json:"day_tokens_limit,omitempty"` // likewise
	Webhooks    WebhookStatus  `json:"webhooks"`
	Streams     []StreamStatus `json:"streams,omitempty"`
}

// WebhookStatus is what is known of an account's webhooks.
type WebhookStatus struct {
	State string       `json:"state,omitempty"` // ok, off, failing, refused, limited, rejected, unreachable, forbidden
	Cause string       `json:"cause,omitempty"`
	Hooks []hooks.Hook `json:"hooks,omitempty"`
	Next  []int64      `json:"next_offsets,omitempty"` // of the topic, by partition
}

// StreamStatus is one object.
type StreamStatus struct {
	Name         string    `json:"name"`
	State        string    `json:"state"`
	Cause        string    `json:"cause,omitempty"`
	Records      int       `json:"records"`
	SnapshotDone bool      `json:"snapshot_done"`
	AskedAgain   int       `json:"asked_again"` // records that REST does not show yet as their webhooks said
	Candidates   int       `json:"deletion_candidates"`
	Held         bool      `json:"deletes_held"`
	HeldFor      string    `json:"deletes_held_because,omitempty"`
	Watermark    time.Time `json:"reconciled_to,omitzero"`
	LastScan     time.Time `json:"last_scan,omitzero"`
}

// Status is safe for concurrent use.
func (a *Account) Status() Status {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := a.shown
	out.Streams = slices.Clone(out.Streams)
	return out
}

// Topics are those that changes are written to.
func (a *Account) Topics() (topics []string) {
	for _, s := range a.streams {
		topics = append(topics, s.topic)
	}
	return topics
}

// show copies what Status tells, and sets the gauges.
func (a *Account) show() {
	st := Status{Name: a.cfg.Name, Owned: true, State: stateOK, Company: a.identity.me.CompanyDomain}
	switch {
	case a.refused != nil:
		st.State, st.Cause = stateHeld, a.refused.Error()
	case a.facts.Paused != nil:
		st.State, st.Cause = statePaused, a.facts.Paused.String()
	case a.halt.state != "":
		st.State, st.Cause = a.halt.state, a.halt.cause
	}
	used := a.client.Usage()
	st.TokensSpent, st.DayTokens = used.Total, max(used.Limit, 0)
	if used.Remaining >= 0 {
		st.TokensLeft = &used.Remaining
		a.metrics.tokensLeft.WithLabelValues(a.cfg.Name).Set(float64(used.Remaining))
	}
	st.Webhooks = WebhookStatus{State: a.hooks.State, Cause: a.hooks.Cause, Hooks: a.hooks.Hooks, Next: a.places.Next}
	a.metrics.paused.WithLabelValues(a.cfg.Name).Set(tell.OneIf(a.facts.Paused != nil))
	for _, s := range a.streams {
		st.Streams = append(st.Streams, a.showStream(s))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.shown = st
}

func (a *Account) showStream(s *stream) StreamStatus {
	c, name := &s.cursor.Capture, string(s.Object)
	a.metrics.records.WithLabelValues(a.cfg.Name, name).Set(float64(s.index.Len()))
	a.metrics.candidates.WithLabelValues(a.cfg.Name, name).Set(float64(len(c.Candidates)))
	a.metrics.held.WithLabelValues(a.cfg.Name, name).Set(tell.OneIf(c.Held))
	a.metrics.streamHeld.WithLabelValues(a.cfg.Name, name).Set(tell.OneIf(s.state == stateHeld))
	a.metrics.forbidden.WithLabelValues(a.cfg.Name, name).Set(tell.OneIf(s.state == stateForbidden))
	st := StreamStatus{
		Name: name, State: s.state, Cause: s.cause, Records: s.index.Len(), SnapshotDone: c.SnapshotDone, AskedAgain: len(s.cursor.Debts),
		Candidates: len(c.Candidates), Held: c.Held, LastScan: s.lastScan,
	}
	if c.Watermark > 0 {
		st.Watermark = timeOf(c.Watermark)
	}
	if c.Held {
		st.HeldFor = a.heldText(s)
	}
	if s.cursor.Paused != nil {
		st.State, st.Cause = statePaused, s.cursor.Paused.String()
	}
	return st
}

// turnStream changes the state of a stream, logs the change and tells of one that
// stops it, and of its end.
func (a *Account) turnStream(s *stream, state string, err error) {
	was := s.state
	s.state, s.cause = state, ""
	if err != nil {
		s.cause = err.Error()
	}
	if was == state {
		return
	}
	a.log.Info("stream changes state", "account", a.cfg.Name, "object", string(s.Object), "state", state, "error", s.cause)
	a.tellTurn(s)
}
