package sink

import (
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// metrics of the sink. No label has more values than the operator configured,
// or than a closed list has: objects and operations that do not exist count as
// "other".
type metrics struct {
	commands     *prometheus.CounterVec
	deadLetters  *prometheus.CounterVec
	latency      *prometheus.HistogramVec
	batchSize    *prometheus.HistogramVec
	batchSeconds *prometheus.HistogramVec
	bulkItems    *prometheus.HistogramVec
	paused       *prometheus.GaugeVec
	held         *prometheus.GaugeVec
	wrongTenant  *prometheus.GaugeVec
	tokens       *prometheus.CounterVec
	lastCommit   *prometheus.GaugeVec
	calls        *prometheus.CounterVec
	callSeconds  *prometheus.HistogramVec
	waitSeconds  *prometheus.CounterVec
	takeovers    prometheus.Counter
	commits      prometheus.Histogram
	orphaned     *prometheus.GaugeVec
	foreign      *prometheus.CounterVec
}

const namespace, subsystem = "planhat_bridge", "sink"

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help, Buckets: buckets}, labels)
	}
	seconds := []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}
	counts := []float64{1, 5, 10, 50, 100, 500, 1000, 2500, 5000}
	m := &metrics{
		commands:     counter("commands_total", "Commands answered, by status and error code (empty if none).", "workspace", "object", "operation", "status", "code"),
		deadLetters:  counter("dead_letters_total", "Dead letters written, by error code.", "workspace", "code"),
		latency:      histogram("command_duration_seconds", "Time from reading a command to its committed result.", seconds, "workspace"),
		batchSize:    histogram("batch_commands", "Commands in a batch.", counts, "workspace"),
		batchSeconds: histogram("batch_duration_seconds", "Time from reading a batch to its commit.", seconds, "workspace"),
		bulkItems:    histogram("bulk_items", "Items in a bulk call.", counts, "workspace"),
		paused:       gauge("workspace_paused", "1 while the vendor refuses the workspace's token, or says that the account is not paid.", "workspace"),
		wrongTenant:  gauge("workspace_wrong_tenant", "1 while the workspace's token shows none of the records that are known of its tenant.", "workspace"),
		tokens:       counter("token_changes_total", "Times that the workspace's token was seen to have changed.", "workspace"),
		held:         gauge("workspace_held", "1 while the topics of the workspace are not what its positions say, or cannot be written.", "workspace"),
		lastCommit:   gauge("last_commit_timestamp_seconds", "When results of the workspace were last committed.", "workspace"),
		calls:        counter("api_calls_total", "Attempts of API calls, by outcome (ok or the kind of error).", "workspace", "object", "method", "outcome"),
		callSeconds:  histogram("api_call_duration_seconds", "Duration of API call attempts.", seconds, "workspace"),
		orphaned:     gauge("workspace_orphaned", "1 while the workspace's shard belongs to a process that is not configured with it.", "workspace"),
		foreign:      counter("foreign_writes_total", "Times that somebody else was seen to write to a topic of the bridge.", "topic"),
		waitSeconds:  counter("api_wait_seconds_total", "Time that calls waited for the budget or a retry.", "workspace"),
		takeovers: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "shard_takeovers_total", Help: "Times that this process took a shard over.",
		}),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "commit_duration_seconds", Help: "Duration of transactions, from begin to the confirmed commit.", Buckets: seconds,
		}),
	}
	reg.MustRegister(m.commands, m.deadLetters, m.latency, m.batchSize, m.batchSeconds, m.bulkItems, m.paused, m.held, m.wrongTenant, m.tokens, m.lastCommit,
		m.calls, m.callSeconds, m.waitSeconds, m.takeovers, m.commits, m.orphaned, m.foreign)
	return m
}

func (m *metrics) called(workspace string, c planhat.Call) {
	outcome := "ok"
	if c.Kind != planhat.KindNone {
		outcome = c.Kind.String()
	}
	m.calls.WithLabelValues(workspace, string(c.Object), c.Method, outcome).Inc()
	m.callSeconds.WithLabelValues(workspace).Observe(c.Duration.Seconds())
	if c.Waited > 0 {
		m.waitSeconds.WithLabelValues(workspace).Add(c.Waited.Seconds())
	}
}

func (m *metrics) batch(workspace string, commands int, took time.Duration) {
	m.batchSize.WithLabelValues(workspace).Observe(float64(commands))
	m.batchSeconds.WithLabelValues(workspace).Observe(took.Seconds())
}

// answered counts commands whose results are committed.
func (m *metrics) answered(workspace string, commands []*command) {
	now := time.Now()
	m.lastCommit.WithLabelValues(workspace).Set(float64(now.UnixMilli()) / 1000)
	latency := m.latency.WithLabelValues(workspace)
	counts := map[answerKind]int{}
	for _, c := range commands {
		kind := answerKind{object: c.cmd.Object, op: c.cmd.Op, status: c.result.status}
		if c.result.refusal != nil {
			kind.code = c.result.refusal.Code
		}
		counts[kind]++
		latency.Observe(now.Sub(c.received).Seconds())
	}
	for k, n := range counts {
		m.commands.WithLabelValues(workspace, objectLabel(k.object), operationLabel(k.op), string(k.status), string(k.code)).Add(float64(n))
		if k.code != "" && deadLettered[k.status] {
			m.deadLetters.WithLabelValues(workspace, string(k.code)).Add(float64(n))
		}
	}
}

// answerKind is what the counts of answers tell apart.
type answerKind struct {
	object, op string
	status     schemas.Status
	code       schemas.Code
}

const otherLabel = "other"

func objectLabel(object string) string {
	if _, ok := planhat.Lookup(planhat.Object(object)); ok {
		return object
	}
	return otherLabel
}

func operationLabel(op string) string {
	if slices.Contains(schemas.Operations(), op) {
		return op
	}
	return otherLabel
}

// observer counts what happens to shards.
type observer struct{ m *metrics }

func (o observer) TakenOver(int32, int64, int, time.Duration) {
	o.m.takeovers.Inc()
}

func (o observer) Committed(_ int32, _ int, took time.Duration) { o.m.commits.Observe(took.Seconds()) }

func (o observer) Released(int32, error) {}

func (o observer) Stranger(topic string) { o.m.foreign.WithLabelValues(topic).Inc() }

func (o observer) Astray(token string, yes bool) {
	orphan := 0.0
	if yes {
		orphan = 1
	}
	o.m.orphaned.WithLabelValues(strings.TrimPrefix(token, vendor+"/")).Set(orphan)
}

// forget takes back what is only true while this process owns a workspace.
func (m *metrics) forget(workspace string) {
	m.paused.DeleteLabelValues(workspace)
	m.held.DeleteLabelValues(workspace)
	m.wrongTenant.DeleteLabelValues(workspace)
}

// registerShards counts the shards of a process where they are kept.
func registerShards(reg prometheus.Registerer, owned func() []int32) {
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "shards_owned", Help: "Shards that this process owns.",
	}, func() float64 { return float64(len(owned())) }))
}
