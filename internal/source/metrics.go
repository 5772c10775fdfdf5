package source

import "github.com/prometheus/client_golang/prometheus"

// metrics of the source. Labels: workspace, and listing or object; none has
// more values than the operator configured.
type metrics struct {
	changes       *prometheus.CounterVec
	records       *prometheus.GaugeVec
	failures      *prometheus.CounterVec
	lastScan      *prometheus.GaugeVec
	paused        *prometheus.GaugeVec
	beforeMissing *prometheus.CounterVec
	skipped       *prometheus.CounterVec
	candidates    *prometheus.GaugeVec
	held          *prometheus.GaugeVec
	forbidden     *prometheus.GaugeVec
	wrongTenant   *prometheus.GaugeVec
	streamPaused  *prometheus.GaugeVec
	stretch       *prometheus.GaugeVec
	needed        *prometheus.GaugeVec
	granted       *prometheus.GaugeVec
	outage        *prometheus.GaugeVec
	snapshotCalls *prometheus.GaugeVec
	snapshotMade  *prometheus.GaugeVec
	minutesLeft   *prometheus.GaugeVec
	calls         *prometheus.CounterVec
	callSeconds   *prometheus.HistogramVec
	waitSeconds   *prometheus.CounterVec
	takeovers     prometheus.Counter
	commits       prometheus.Histogram
	shards        prometheus.Gauge
	orphaned      *prometheus.GaugeVec
	foreign       *prometheus.CounterVec
}

// forget takes back what is only true while this process owns a workspace.
func (m *metrics) forget(workspace string) {
	of := prometheus.Labels{"workspace": workspace}
	for _, g := range []*prometheus.GaugeVec{m.records, m.lastScan, m.paused, m.candidates, m.held, m.forbidden, m.wrongTenant, m.streamPaused, m.stretch,
		m.needed, m.granted, m.outage, m.snapshotCalls, m.snapshotMade, m.minutesLeft} {
		g.DeletePartialMatch(of)
	}
}

const namespace, subsystem = "planhat_bridge", "source"

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, labels)
	}
	buckets := []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	m := &metrics{
		changes:       counter("changes_total", "Change events committed, by operation (r, c, u, d).", "workspace", "object", "op"),
		records:       gauge("records", "Records that the index of a stream holds.", "workspace", "stream"),
		failures:      counter("scan_failures_total", "Steps of a scan that failed and are tried again.", "workspace", "stream"),
		lastScan:      gauge("last_scan_timestamp_seconds", "When the last complete scan of a stream ended.", "workspace", "stream"),
		paused:        gauge("workspace_paused", "1 while the vendor refuses the workspace's token.", "workspace"),
		beforeMissing: counter("before_missing_total", "Updates and deletes whose before image was not found.", "workspace", "object"),
		skipped:       counter("records_skipped_total", "Rows that could not be written and are looked at again in the next sweep.", "workspace", "object"),
		candidates:    gauge("deletion_candidates", "Records missing from a listing whose deletion is not yet confirmed.", "workspace", "stream"),
		held:          gauge("deletes_held", "1 while too many records are gone at once and an operator has to look.", "workspace", "stream"),
		forbidden:     gauge("stream_forbidden", "1 while the vendor does not let the token read the listing of a stream.", "workspace", "stream"),
		wrongTenant:   gauge("wrong_tenant", "1 while the token shows another tenant than the one that was captured: nothing is written.", "workspace"),
		streamPaused:  gauge("stream_paused", "1 while an operator has paused a stream, or its workspace.", "workspace", "stream"),
		stretch:       gauge("freshness_stretch", "How many times longer than wanted the freshness targets are; 1 while the calls that may be spent suffice.", "workspace"),
		needed:        gauge("calls_needed_per_minute", "Calls per minute that the source would have to be granted to meet all freshness targets.", "workspace"),
		granted:       gauge("calls_granted_per_minute", "Calls per minute that the source may spend: the workspace's calls times the source's share.", "workspace"),
		outage:        gauge("vendor_outage", "1 while Planhat answers no call of the workspace and one is tried every few seconds.", "workspace"),
		snapshotCalls: gauge("snapshot_calls_planned", "Calls that the snapshot of a stream takes in all; 0 while none is under way or nobody knows.", "workspace", "stream"),
		snapshotMade:  gauge("snapshot_calls_made", "Calls made of a snapshot that is under way.", "workspace", "stream"),
		minutesLeft:   gauge("snapshot_minutes_left", "Minutes that the snapshots under way still take; 0 where there are none.", "workspace"),
		calls:         counter("api_calls_total", "Attempts of API calls, by outcome (ok or the kind of error).", "workspace", "object", "outcome"),
		orphaned:      gauge("workspace_orphaned", "1 while the workspace's shard belongs to a process that is not configured with it.", "workspace"),
		foreign:       counter("foreign_writes_total", "Times that somebody else was seen to write to a topic of the bridge.", "topic"),
		waitSeconds:   counter("api_wait_seconds_total", "Time that calls waited for the budget or a retry.", "workspace"),
		callSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "api_call_duration_seconds", Help: "Duration of API call attempts.", Buckets: buckets,
		}, []string{"workspace"}),
		takeovers: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "shard_takeovers_total", Help: "Times that this process took a shard over.",
		}),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "commit_duration_seconds", Help: "Duration of transactions, from begin to the confirmed commit.", Buckets: buckets,
		}),
		shards: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "shards_owned", Help: "Shards that this process owns.",
		}),
	}
	reg.MustRegister(m.changes, m.records, m.failures, m.lastScan, m.paused, m.beforeMissing, m.skipped, m.candidates, m.held, m.forbidden, m.wrongTenant, m.streamPaused, m.stretch,
		m.needed, m.granted, m.outage, m.snapshotCalls, m.snapshotMade, m.minutesLeft, m.calls, m.callSeconds, m.waitSeconds, m.takeovers, m.commits, m.shards, m.orphaned, m.foreign)
	return m
}
