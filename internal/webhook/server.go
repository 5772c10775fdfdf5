package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/ops"
)

const (
	headerBytes = 8 << 10
	// What is under way at the end is answered within Limits.Answer, and this is longer.
	drainWithin = 12 * time.Second
	flushWithin = 5 * time.Second
)

// Run takes webhooks until ctx ends, then finishes those that are under way. It
// is run once. Where no account takes webhooks it only waits.
func (s *Service) Run(ctx context.Context) error {
	if len(s.rooms) == 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.cfg.WebhookAddr)
	if err != nil {
		return ops.BadSetup(fmt.Errorf("listen on WEBHOOK_ADDR %s: %w", s.cfg.WebhookAddr, err))
	}
	defer func() { _ = listener.Close() }()
	client, err := s.producer()
	if err != nil {
		return err
	}
	defer client.Close()
	s.client.Store(client)
	s.door.TCPListener = listener.(*net.TCPListener) //nolint:forcetypeassert // of a tcp network
	address := listener.Addr().String()
	s.bound.Store(&address)
	close(s.listening)
	s.deps.Log.InfoContext(ctx, "webhooks are taken", "address", address, "accounts", len(s.rooms))
	if err := s.serve(ctx); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushWithin)
	defer cancel()
	if err := client.Flush(limited); err != nil { // of what was answered nothing is left to write
		s.deps.Log.WarnContext(ctx, "webhooks that were not answered 200 were dropped", "webhooks", client.BufferedProduceRecords())
	}
	return nil
}

// serve answers until ctx ends and what is under way is answered.
func (s *Service) serve(ctx context.Context) error {
	server := s.server()
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainWithin)
		defer cancel()
		err := server.Shutdown(limited)
		_ = server.Close() // what did not finish is cut
		stopped <- err
	}()
	// Serve ends by itself only if the listener breaks, with an error that ends
	// the process; the goroutine above then ends with the drain.
	if err := server.Serve(&s.door); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve on WEBHOOK_ADDR %s: %w", s.cfg.WebhookAddr, err)
	}
	if err := <-stopped; err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop serving on WEBHOOK_ADDR %s: %w", s.cfg.WebhookAddr, err)
	}
	return nil
}

// server speaks HTTP/1.1 alone, as whoever ends TLS in front of it does.
func (s *Service) server() *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:           s,
		ReadHeaderTimeout: s.limits.Header,
		ReadTimeout:       s.limits.Whole,
		WriteTimeout:      s.limits.Answer + 2*time.Second,
		IdleTimeout:       s.limits.Idle,
		MaxHeaderBytes:    headerBytes,
		Protocols:         protocols,
		ErrorLog:          slog.NewLogLogger(s.deps.Log.Handler(), slog.LevelWarn),
	}
}

// Addr waits until the intake listens and is its address, or "" if ctx ends
// before.
func (s *Service) Addr(ctx context.Context) string {
	select {
	case <-s.listening:
		return *s.bound.Load()
	case <-ctx.Done():
		return ""
	}
}

// producer writes webhooks: idempotent, to all replicas. It gives up on what it
// could not write by the time that the webhook was answered, so that an outage
// leaves nothing behind in memory.
func (s *Service) producer() (*kgo.Client, error) {
	return s.deps.Kafka.For("webhooks").NewClient(
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(0),
		kgo.ProducerBatchMaxBytes(kafka.WebhookBatch),
		kgo.RecordDeliveryTimeout(max(s.limits.Answer, leastTimeout)),
		kgo.ProduceRequestTimeout(max(s.limits.Answer, leastTimeout)),
		kgo.RequestTimeoutOverhead(requestOverhead),
	)
}

const (
	// requestOverhead is how much longer than its own time a request may take before
	// its connection is given up.
	requestOverhead = 3 * time.Second
	leastTimeout    = time.Second // that the client can be told
)
