package account

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/planhat-bridge/planhat-bridge/internal/source/hooks"
	"github.com/planhat-bridge/planhat-bridge/internal/source/tell"
	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

// Metrics of the accounts of a process. Labels: account, and object; none has more
// values than the operator configured.
type Metrics struct {
	changes       *prometheus.CounterVec
	events        *prometheus.CounterVec
	lost          *prometheus.CounterVec
	holes         *prometheus.CounterVec
	lagging       *prometheus.CounterVec
	failures      *prometheus.CounterVec
	beforeMissing *prometheus.CounterVec
	skipped       *prometheus.CounterVec
	reconciles    *prometheus.CounterVec
	sweeps        *prometheus.CounterVec
	lastReconcile *prometheus.GaugeVec
	lastSweep     *prometheus.GaugeVec
	records       *prometheus.GaugeVec
	candidates    *prometheus.GaugeVec
	held          *prometheus.GaugeVec
	streamHeld    *prometheus.GaugeVec
	forbidden     *prometheus.GaugeVec
	paused        *prometheus.GaugeVec
	stopped       *prometheus.GaugeVec
	webhooks      *prometheus.GaugeVec
	webhooksBad   *prometheus.GaugeVec
	tokensLeft    *prometheus.GaugeVec
	Orphaned      *prometheus.GaugeVec
	Calls         *prometheus.CounterVec
	Tokens        *prometheus.CounterVec
	CallSeconds   *prometheus.HistogramVec
}

const namespace, subsystem = "planhat_bridge", "source_account"

// NewMetrics registers the metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, append([]string{"account"}, labels...))
		reg.MustRegister(c)
		return c
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, append([]string{"account"}, labels...))
		reg.MustRegister(g)
		return g
	}
	m := &Metrics{
		changes:       counter("changes_total", "Change events committed of an account, by operation (r, c, u, d).", "object", "op"),
		events:        counter("webhooks_total", "Webhooks read, by what became of them (taken, not_captured, unreadable, passed_over).", "outcome"),
		lost:          counter("webhooks_lost_total", "Times that webhooks left their topic before they were read; a reconciliation filled the gap."),
		holes:         counter("missed_changes_total", "Changes found and written by reconciliation or a sweep of which no webhook had told.", "object"),
		lagging:       counter("lagging_answers_total", "Answers of REST that were older than what a webhook had said; the record is asked for again.", "object"),
		failures:      counter("failures_total", "Steps that failed and are tried again.", "object"),
		beforeMissing: counter("before_missing_total", "Changes whose record before them was not found on the topic.", "object"),
		skipped:       counter("records_skipped_total", "Changes that could not be written; the record is looked at again in every sweep.", "object"),
		reconciles:    counter("reconciliations_total", "Reconciliations completed.", "object"),
		sweeps:        counter("sweeps_total", "Sweeps completed.", "object"),
		lastReconcile: gauge("last_reconciliation_timestamp_seconds", "When a reconciliation was last completed.", "object"),
		lastSweep:     gauge("last_sweep_timestamp_seconds", "When a sweep was last completed.", "object"),
		records:       gauge("records", "Records that the index of an object holds.", "object"),
		candidates:    gauge("deletion_candidates", "Records that a listing left out and that are not confirmed to be deleted.", "object"),
		held:          gauge("deletes_held", "1 while the mass-delete guard holds the deletes of an object.", "object"),
		streamHeld:    gauge("held", "1 while an object is not captured because its topic or state is not what it has to be.", "object"),
		forbidden:     gauge("forbidden", "1 while the token's user may not see the listing of an object.", "object"),
		paused:        gauge("paused", "1 while an operator has paused the account."),
		stopped:       gauge("stopped", "1 while no calls are made for the account, by the reason.", "reason"),
		webhooks:      gauge("webhooks", "Webhooks of the account that deliver to this bridge."),
		webhooksBad:   gauge("webhooks_failing", "1 while the webhooks of the account are not as they have to be."),
		tokensLeft:    gauge("day_tokens_left", "Tokens of the company's daily budget that are left, as Pipedrive said last."),
		Orphaned:      gauge("orphaned", "1 while the account's shard belongs to a process that is not configured with it."),
		Calls:         counter("api_calls_total", "Attempts of API calls, by outcome (ok or the kind of error).", "object", "outcome"),
		Tokens:        counter("api_tokens_total", "Tokens of the daily budget that calls have cost, by Pipedrive's price list.", "object"),
		CallSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "api_call_duration_seconds", Help: "Duration of API call attempts.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"account"}),
	}
	reg.MustRegister(m.CallSeconds)
	return m
}

// forget takes back what is only true while this process owns an account.
func (m *Metrics) forget(account string) {
	of := prometheus.Labels{"account": account}
	for _, g := range []*prometheus.GaugeVec{
		m.lastReconcile, m.lastSweep, m.records, m.candidates, m.held, m.streamHeld, m.forbidden, m.paused, m.stopped, m.webhooks, m.webhooksBad, m.tokensLeft,
	} {
		g.DeletePartialMatch(of)
	}
}

// halted shows the reason for which no calls are made; "" = they are.
func (m *Metrics) halted(account, reason string) {
	m.stopped.DeletePartialMatch(prometheus.Labels{"account": account})
	if reason != "" {
		m.stopped.WithLabelValues(account, reason).Set(1)
	}
}

func (m *Metrics) reconciled(account string, s *stream, now time.Time) {
	m.reconciles.WithLabelValues(account, string(s.Object)).Inc()
	m.lastReconcile.WithLabelValues(account, string(s.Object)).Set(seconds(now))
}

func (m *Metrics) swept(account string, s *stream, now time.Time) {
	m.sweeps.WithLabelValues(account, string(s.Object)).Inc()
	m.lastSweep.WithLabelValues(account, string(s.Object)).Set(seconds(now))
}

func (m *Metrics) tended(account string, r hooks.Report) {
	m.webhooks.WithLabelValues(account).Set(float64(len(r.Hooks)))
	m.webhooksBad.WithLabelValues(account).Set(tell.OneIf(r.State != hooks.StateOK && r.State != hooks.StateOff))
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// Observe counts an attempt of a call.
func (m *Metrics) Observe(account string, c pipedrive.Call) {
	outcome := "ok"
	if c.Kind != pipedrive.KindNone {
		outcome = c.Kind.String()
	}
	m.Calls.WithLabelValues(account, string(c.Object), outcome).Inc()
	m.Tokens.WithLabelValues(account, string(c.Object)).Add(float64(c.Tokens))
	m.CallSeconds.WithLabelValues(account).Observe(c.Duration.Seconds())
}
