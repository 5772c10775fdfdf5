package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
)

// Options is what every client of a process has in common. It is a value:
// copy it and change the copy. The zero value of a field leaves that part out.
type Options struct {
	Brokers  []string // host:port
	ClientID string
	TLS      *tls.Config
	SASL     sasl.Mechanism

	// Logger takes what the Kafka client says from LogLevel up. That level is
	// separate, since the client is very talkative at debug.
	Logger   *slog.Logger
	LogLevel slog.Level

	// Registerer takes the client's metrics; Subsystem is the value of their
	// label "client" and tells the clients of one process apart: see For. A
	// client without one is not measured; of two open clients with the same one
	// only the first is.
	Registerer prometheus.Registerer
	Subsystem  string

	Extra []kgo.Opt // applied after everything above
}

// metadataMinAge is how soon a client may ask again who leads a partition. The
// library's five seconds would be added to every start on a new cluster and to
// every move of a leader; the bridge has few clients.
const metadataMinAge = 250 * time.Millisecond

// maxDecompressed bounds what one compressed batch may unfold to: a batch made
// to explode must not take the process with it.
const maxDecompressed = 128 << 20

// FromConfig reads the certificate files and builds the SASL mechanism.
// Passwords and client certificates are read again for every new connection.
func FromConfig(c config.Kafka) (Options, error) {
	tlsConfig, err := tlsFrom(c.TLS)
	if err != nil {
		return Options{}, err
	}
	mechanism, err := saslFrom(c.SASL)
	if err != nil {
		return Options{}, err
	}
	o := Options{Brokers: c.Brokers, ClientID: c.ClientID, TLS: tlsConfig, SASL: mechanism, LogLevel: slog.LevelWarn}
	if c.LogLevel != "" {
		if err := o.LogLevel.UnmarshalText([]byte(c.LogLevel)); err != nil {
			return Options{}, fmt.Errorf("set up Kafka client: log level: %w", err)
		}
	}
	return o, nil
}

// For names what the clients are for, such as "shard-3".
func (o Options) For(client string) Options {
	o.Subsystem = client
	return o
}

// NewClient builds a client; extra comes after Options.Extra and wins over it.
// It does not connect yet. No other function of the product calls
// kgo.NewClient.
func (o Options) NewClient(extra ...kgo.Opt) (*kgo.Client, error) {
	opts := []kgo.Opt{
		kgo.SeedBrokers(o.Brokers...),
		kgo.MaxDecompressBatchBytes(maxDecompressed),
		kgo.MetadataMinAge(metadataMinAge),
	}
	if o.ClientID != "" {
		opts = append(opts, kgo.ClientID(o.ClientID))
	}
	if o.TLS != nil {
		opts = append(opts, kgo.DialTLSConfig(o.TLS))
	}
	if o.SASL != nil {
		opts = append(opts, kgo.SASL(o.SASL))
	}
	if o.Logger != nil {
		opts = append(opts, kgo.WithLogger(clientLogger(o.Logger, o.LogLevel)))
	}
	if o.Registerer != nil && o.Subsystem != "" {
		opts = append(opts, kgo.WithHooks(clientMetrics(o.Registerer, o.Subsystem)))
	}
	opts = append(opts, o.Extra...)
	cl, err := kgo.NewClient(append(opts, extra...)...)
	if err != nil {
		return nil, fmt.Errorf("set up Kafka client: %w", err)
	}
	return cl, nil
}

// Ping succeeds if a broker answers.
func (o Options) Ping(ctx context.Context) error {
	cl, err := o.For("").NewClient()
	if err != nil {
		return err
	}
	defer cl.Close()
	return ping(ctx, cl, o.Brokers)
}

const (
	pingTimeout = 5 * time.Second
	pingPause   = time.Second
)

// WaitReady pings until a broker answers or ctx ends; then it returns the last
// cause. The first failure is logged to log, the following ones are not.
func (o Options) WaitReady(ctx context.Context, log *slog.Logger) error {
	cl, err := o.For("").NewClient()
	if err != nil {
		return err
	}
	defer cl.Close()
	var last error
	for attempt := 1; ; attempt++ {
		err := ping(ctx, cl, o.Brokers)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil || last == nil {
			last = err
		}
		if attempt == 1 && ctx.Err() == nil {
			log.WarnContext(ctx, "kafka does not answer yet", "error", err)
		}
		if pause(ctx, pingPause) != nil {
			return fmt.Errorf("wait for Kafka, %d attempts: %w", attempt, last)
		}
	}
}

func ping(ctx context.Context, cl *kgo.Client, brokers []string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, pingTimeout, fmt.Errorf("no answer within %s", pingTimeout))
	defer cancel()
	err := cl.Ping(ctx)
	if err == nil {
		return nil
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = context.Cause(ctx)
	}
	return fmt.Errorf("ping Kafka at %v: %w", brokers, err)
}

// pause waits for d, or returns ctx's error as soon as ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
