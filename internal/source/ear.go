package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/source/account"
	"github.com/planhat-bridge/planhat-bridge/internal/source/durable"
	"github.com/planhat-bridge/planhat-bridge/internal/source/emit"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// lookEvery is how often the signals topic is looked at even though nobody said
// that there is something new.
const lookEvery = 10 * time.Second

// heardSignal is a record of the signals topic, and the position behind it.
type heardSignal struct {
	sig   schemas.Signal
	err   error // it is not a signal
	after durable.Position
}

// ear reads those records of the signals topic that somebody has to answer,
// from a position in the state on: a signal that was sent while nobody listened
// is heard as soon as somebody does.
type ear struct {
	client *kgo.Client
	topic  string
	mine   func(token string, at *kgo.Record, p durable.Position) bool // token: that of the workspace or account
	bell   *bell
	log    *slog.Logger
}

// listen hands over what is read until ctx ends. hand waits where it has to.
func (e *ear) listen(ctx context.Context, p durable.Position, hand func(context.Context, heardSignal) error) error {
	trouble := ""
	for ctx.Err() == nil {
		rung := e.bell.next()
		err := e.read(ctx, &p, hand)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // told to stop
		}
		if failed, ok := errors.AsType[emit.LeaseError](err); ok {
			return failed
		}
		if err != nil && err.Error() != trouble {
			e.log.Warn("signals cannot be read", "topic", e.topic, "error", err.Error())
		}
		trouble = fmt.Sprint(err)
		wait(ctx, rung)
	}
	return nil
}

func wait(ctx context.Context, rung <-chan struct{}) {
	t := time.NewTimer(lookEvery)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-rung:
	case <-t.C:
	}
}

// read hands over what is behind a position, and moves it.
func (e *ear) read(ctx context.Context, p *durable.Position, hand func(context.Context, heardSignal) error) error {
	infos, err := kafka.DescribeTopics(ctx, e.client, e.topic)
	if err != nil {
		return err
	}
	info := infos[e.topic]
	if id := info.ID.String(); id != p.TopicID {
		// Whatever is on a topic that was created anew was sent since then, and
		// nobody has answered it.
		e.log.Warn("the signals topic was created anew: its signals are read from its beginning", "topic", e.topic)
		*p = durable.Position{TopicID: id}
	}
	for partition := range info.Partitions {
		err := kafka.ReadToStable(ctx, e.client, e.topic, partition, p.In(partition), func(r *kgo.Record) error {
			behind := p.After(r.Partition, r.Offset)
			if e.mine(addressee(r.Value), r, *p) {
				if err := hand(ctx, hear(r, behind)); err != nil {
					return err
				}
			}
			*p = behind
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// addressee is the token of the workspace or account that a signal is for.
func addressee(value []byte) string {
	if name := schemas.SignalAccount(value); name != "" {
		return account.Prefix + name
	}
	return workspaceName(schemas.SignalWorkspace(value))
}

// hear decodes a record. A signal without an id is given the name of its place.
func hear(r *kgo.Record, behind durable.Position) heardSignal {
	sig, err := schemas.DecodeSignal(r.Value)
	if broken, ok := errors.AsType[*schemas.SignalError](err); ok {
		sig.ID, sig.Workspace, sig.Account = broken.ID, broken.Workspace, broken.Account
	}
	if sig.ID == "" {
		sig.ID = fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset)
	}
	return heardSignal{sig: sig, err: err, after: behind}
}

// bell wakes those who wait for signals.
type bell struct {
	mu   sync.Mutex
	rung chan struct{}
}

// next is closed by the next ring.
func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung == nil {
		b.rung = make(chan struct{})
	}
	return b.rung
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung != nil {
		close(b.rung)
		b.rung = nil
	}
}

// watch rings the bell when there are new signals, until ctx ends. What it
// misses is seen a little later: it is here for speed alone.
func (s *Service) watch(ctx context.Context) error {
	client, err := s.deps.Kafka.For("signals").NewClient(
		kgo.ConsumeTopics(s.names.Signals()),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtEnd().Relative(-1)), kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	)
	if err != nil {
		return fmt.Errorf("watch for signals: %w", err)
	}
	defer client.Close()
	for ctx.Err() == nil {
		fetches := client.PollFetches(ctx)
		fetches.EachError(func(topic string, _ int32, err error) {
			if ctx.Err() == nil {
				s.deps.Log.Warn("new signals are noticed late", "topic", topic, "error", err.Error())
			}
		})
		if !fetches.Empty() {
			s.bell.ring()
		}
	}
	return nil
}
