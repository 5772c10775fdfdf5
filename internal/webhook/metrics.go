package webhook

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of the intake. Labels: account, which is empty for requests to no
// configured account, and outcome, one of the answers.
type metrics struct {
	requests    *prometheus.CounterVec
	seconds     *prometheus.HistogramVec
	bytes       *prometheus.CounterVec
	lastStored  *prometheus.GaugeVec
	connections prometheus.Counter
}

const namespace, subsystem = "planhat_bridge", "webhook"

// newMetrics measures load as it is when it is asked for.
func newMetrics(reg prometheus.Registerer, l *load, open func() int64) *metrics {
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}
	}
	gauge := func(name, help string, value func() int64) prometheus.GaugeFunc {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts(opts(name, help)), func() float64 { return float64(value()) })
	}
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts(opts("requests_total",
			"Requests answered, by outcome: stored and odd (stored, but naming no record) are promised, everything else counts as undelivered at Pipedrive.")), []string{"account", "outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "request_duration_seconds", Help: "Time from the header of a request with the right password to its answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"account"}),
		bytes:      prometheus.NewCounterVec(prometheus.CounterOpts(opts("received_bytes_total", "Bytes of bodies that were read whole.")), []string{"account"}),
		lastStored: prometheus.NewGaugeVec(prometheus.GaugeOpts(opts("last_stored_timestamp_seconds", "When a webhook of the account was last stored; 0: not since the start.")), []string{"account"}),
		connections: prometheus.NewCounter(prometheus.CounterOpts(opts("connections_refused_total",
			"Connections that were answered 503 at once since too many were open."))),
	}
	reg.MustRegister(m.requests, m.seconds, m.bytes, m.lastStored, m.connections,
		gauge("in_flight_requests", "Webhooks that wait for Kafka.", l.requests.Load),
		gauge("in_flight_bytes", "Memory that their bodies take.", l.bytes.Load),
		gauge("connections", "Connections that are open.", open))
	return m
}

// counts are what is counted of one account, looked up once.
type counts struct {
	ended   [outcomes]atomic.Int64 // for the status
	total   [outcomes]prometheus.Counter
	seconds prometheus.Observer
	bytes   prometheus.Counter
	stored  prometheus.Gauge
	last    atomic.Int64 // time of the last one stored, in ms; 0: none
}

func (m *metrics) of(account string) *counts {
	c := &counts{seconds: m.seconds.WithLabelValues(account), bytes: m.bytes.WithLabelValues(account), stored: m.lastStored.WithLabelValues(account)}
	for o := range outcomes {
		c.total[o] = m.requests.WithLabelValues(account, o.String())
	}
	return c
}

// done counts a request that was answered.
func (c *counts) done(o outcome, now time.Time, took time.Duration) {
	c.total[o].Inc()
	c.ended[o].Add(1)
	if o >= notFound && o <= unauthorized {
		return // strangers' requests say nothing of how long a webhook takes
	}
	c.seconds.Observe(took.Seconds())
	if o == stored || o == odd {
		c.last.Store(now.UnixMilli())
		c.stored.Set(float64(now.UnixMilli()) / 1000)
	}
}
