package kafka

import (
	"context"
	"errors"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kprom"
	"github.com/twmb/franz-go/plugin/kslog"
)

// clientLogger hands the client's messages from least up to log.
func clientLogger(log *slog.Logger, least slog.Level) kgo.Logger {
	return kslog.New(slog.New(levelHandler{log.Handler(), least}))
}

type levelHandler struct {
	slog.Handler
	min slog.Level
}

func (h levelHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= h.min && h.Handler.Enabled(ctx, l)
}

func (h levelHandler) WithAttrs(a []slog.Attr) slog.Handler {
	return levelHandler{h.Handler.WithAttrs(a), h.min}
}

func (h levelHandler) WithGroup(name string) slog.Handler {
	return levelHandler{h.Handler.WithGroup(name), h.min}
}

// clientMetrics measures one client under planhat_bridge_kafka_*{client="..."}.
// Broker ids are no labels: they multiply the series and tell little.
//
// The names planhat_bridge_kafka_buffered_fetch_records_total and
// planhat_bridge_kafka_buffered_produce_records_total belong to gauges; that is the
// library's spelling.
func clientMetrics(reg prometheus.Registerer, client string) kgo.Hook {
	return kprom.NewMetrics("planhat_bridge",
		kprom.Subsystem("kafka"),
		kprom.Registerer(&ownRegisterer{Registerer: reg, own: map[prometheus.Collector]bool{}}),
		kprom.WithStaticLabel(prometheus.Labels{"client": client}),
		kprom.FetchAndProduceDetail(kprom.ByTopic, kprom.Records, kprom.Batches, kprom.CompressedBytes, kprom.UncompressedBytes, kprom.ConsistentNaming),
		kprom.BrokerLabels(),
		kprom.Histograms(kprom.RequestThrottled),
	)
}

// ownRegisterer registers what is free and later unregisters only that. The
// library registers in the constructor of a client, where a name that is
// taken would panic, and unregisters by name, which would take away the
// metrics of the client that came first.
type ownRegisterer struct {
	prometheus.Registerer
	own map[prometheus.Collector]bool
}

func (r *ownRegisterer) Register(c prometheus.Collector) error {
	err := r.Registerer.Register(c)
	if errors.As(err, new(prometheus.AlreadyRegisteredError)) {
		return nil
	}
	if err == nil {
		r.own[c] = true
	}
	return err
}

func (r *ownRegisterer) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		// What cannot be registered is not measured; a client is worth more
		// than its metrics.
		_ = r.Register(c)
	}
}

func (r *ownRegisterer) Unregister(c prometheus.Collector) bool {
	if !r.own[c] {
		return false
	}
	delete(r.own, c)
	return r.Registerer.Unregister(c)
}
