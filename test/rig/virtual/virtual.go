// Package virtual has a whole source in a bubble of virtual time, where days pass in
// seconds.
package virtual

import (
	"log/slog"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/schemas"
	"github.com/planhat-bridge/planhat-bridge/test/rig/background"
	"github.com/planhat-bridge/planhat-bridge/test/rig/bubble"
	"github.com/planhat-bridge/planhat-bridge/test/rig/logbook"
	"github.com/planhat-bridge/planhat-bridge/test/rig/settings"
)

// Source is a source before a broker and a registry, all of them in one bubble.
type Source struct {
	Config  config.Config
	Names   kafka.Names
	Service *source.Service // that was started last
	Metrics *prometheus.Registry
	Log     logbook.Book

	t   *testing.T
	net kfake.VirtualNetwork
}

// NewSource makes a broker, which lives as long as the test, and configures a source
// with it and with vars.
func NewSource(t *testing.T, vars map[string]string) *Source {
	t.Helper()
	s := &Source{t: t}
	broker, err := kfake.NewCluster(
		kfake.NumBrokers(1), kfake.Ports(9092), kfake.ListenFn(s.net.Listen), kfake.GroupMinSessionTimeout(time.Second),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0", "log.cleaner.backoff.ms": "3600000000"}), // it would compact what is younger than topics allow
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	all := map[string]string{
		"KAFKA_BOOTSTRAP_SERVERS": broker.ListenAddrs()[0], "SCHEMA_REGISTRY_URL": "http://registry.example", "TOPIC_REPLICATION_FACTOR": "1",
	}
	maps.Copy(all, vars)
	s.Config = settings.Config(t, all)
	s.Names = kafka.Names{Bridge: s.Config.Bridge}
	return s
}

// Kafka is how the broker is reached.
func (s *Source) Kafka() kafka.Options {
	return kafka.Options{Brokers: s.Config.Kafka.Brokers, Extra: []kgo.Opt{kgo.Dialer(s.net.DialContext)}}
}

// Start runs the source before a vendor and gives the means to stop it.
func (s *Source) Start(vendor http.RoundTripper) (stop func()) {
	s.t.Helper()
	registry, err := sr.NewClient(sr.URLs("http://registry.example"), sr.HTTPClient(&http.Client{Transport: bubble.Handled{Handler: srfake.NewRegistry().Handler()}}))
	if err != nil {
		s.t.Fatal(err)
	}
	s.Metrics = prometheus.NewRegistry()
	s.Service = source.New(s.Config, source.Deps{
		Kafka: s.Kafka(), Registrar: schemas.NewRegistrar(registry, true), Resolver: schemas.NewResolver(registry), Registerer: s.Metrics,
		Log: slog.New(slog.NewJSONHandler(&s.Log, nil)), Version: "test", HTTP: &http.Client{Transport: vendor},
	})
	if err := s.Service.Prepare(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	return background.Run(s.t, "source", s.Service.Run)
}
