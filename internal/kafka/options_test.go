package kafka

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
)

func TestPingAndWaitReady(t *testing.T) {
	_, o := cluster(t)
	if err := o.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if err := o.WaitReady(t.Context(), slog.New(slog.DiscardHandler)); err != nil {
		t.Error(err)
	}
}

// deadDial refuses every connection without a network, so that time can be
// fake.
func deadDial(context.Context, string, string) (net.Conn, error) { return nil, io.ErrUnexpectedEOF }

func TestWaitReadyGivesUpWithTheLastCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		o := Options{Brokers: []string{"kafka:9092"}, Extra: []kgo.Opt{kgo.Dialer(deadDial)}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begin := time.Now()
		err := o.WaitReady(ctx, slog.New(slog.NewTextHandler(&log, nil)))
		if err == nil || !strings.Contains(err.Error(), "wait for Kafka, ") || !strings.Contains(err.Error(), "unexpected EOF") {
			t.Errorf("got %v", err)
		}
		if took := time.Since(begin); took < 59*time.Second || took > 61*time.Second {
			t.Errorf("took %s", took)
		}
		if n := strings.Count(log.String(), "kafka does not answer yet"); n != 1 {
			t.Errorf("logged %d times, want once:\n%s", n, log.String())
		}
	})
}

func TestPingOfABrokerThatIsAwayNamesIt(t *testing.T) {
	o := Options{Brokers: []string{"kafka:9092"}, Extra: []kgo.Opt{kgo.Dialer(deadDial), kgo.RequestRetries(1)}}
	if err := o.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "ping Kafka at [kafka:9092]") {
		t.Errorf("got %v", err)
	}
}

func TestTheClientHasALogLevelOfItsOwn(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug}))
	l := clientLogger(log, slog.LevelWarn)
	if l.Level() != kgo.LogLevelWarn {
		t.Errorf("level %v", l.Level())
	}
	l.Log(kgo.LogLevelInfo, "talk")
	l.Log(kgo.LogLevelError, "trouble", "topic", "t")
	if got := b.String(); strings.Contains(got, "talk") || !strings.Contains(got, "msg=trouble topic=t") {
		t.Errorf("logged %s", got)
	}
}

// gaugesNamedTotal are the library's, see clientMetrics.
var gaugesNamedTotal = map[string]bool{
	"planhat_bridge_kafka_buffered_fetch_records_total":   true,
	"planhat_bridge_kafka_buffered_produce_records_total": true,
}

func TestMetricsOfSeveralClients(t *testing.T) {
	_, o := cluster(t)
	reg := prometheus.NewPedanticRegistry()
	o.Registerer = reg
	names := []string{"shard-0", "shard-0", "shard-1"} // one twice
	var open []*kgo.Client
	for _, name := range names {
		o.Subsystem = name
		cl := client(t, o)
		if err := cl.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		open = append(open, cl)
	}
	if got := clientsMeasured(t, reg); got != "shard-0 shard-1" {
		t.Errorf("measured %q", got)
	}
	open[1].Close() // the second of the same name must not take the first's metrics away
	if got := clientsMeasured(t, reg); got != "shard-0 shard-1" {
		t.Errorf("after the double closed: %q", got)
	}
	open[0].Close()
	open[2].Close()
	if got := clientsMeasured(t, reg); got != "" {
		t.Errorf("after all closed: %q", got)
	}
}

func clientsMeasured(t *testing.T, reg *prometheus.Registry) string {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range families {
		if f.GetName() == "planhat_bridge_kafka_connects_total" {
			for _, m := range f.GetMetric() {
				out = append(out, m.GetLabel()[0].GetValue())
			}
		}
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if !gaugesNamedTotal[p.Metric] {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	return strings.Join(out, " ")
}

func TestFromConfigRefusesWhatItCannotUse(t *testing.T) {
	tests := []struct {
		name string
		c    config.Kafka
		want string
	}{
		{"mechanism", config.Kafka{SASL: config.SASL{Mechanism: "GSSAPI"}}, "GSSAPI"},
		{"level", config.Kafka{LogLevel: "loud"}, "loud"},
		{"absent CA", config.Kafka{TLS: config.TLS{Enabled: true, CAFile: "testdata/absent"}}, "KAFKA_TLS_CA_FILE"},
		{"CA without certificate", config.Kafka{TLS: config.TLS{Enabled: true, CAFile: "testdata/names.golden"}}, "holds no PEM certificate"},
		{"absent key", config.Kafka{TLS: config.TLS{Enabled: true, CertFile: "testdata/absent", KeyFile: "testdata/absent"}}, "KAFKA_TLS_KEY_FILE"},
	}
	for _, tt := range tests {
		if _, err := FromConfig(tt.c); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}
