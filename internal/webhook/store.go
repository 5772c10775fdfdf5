package webhook

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
)

// Headers of a record on the topic of webhooks.
const (
	HeaderReceivedAt = "received_at" // RFC 3339 with milliseconds, UTC
	HeaderEventID    = "event_id"    // meta.id of payload 2.0
	HeaderVersion    = "version"     // of the payload, 1.0 or 2.0, where it says so
)

// UnknownKey is the key of a record that says of no record of Pipedrive's.
const UnknownKey = "unknown"

// usualBody is the memory that is kept for the next body.
const usualBody = 16 << 10

// pending is a webhook between its receipt and Kafka's answer.
type pending struct {
	service *Service
	space   int64
	memory  []byte // usualBody bytes, kept
	body    []byte
	key     []byte // key, and the time behind it
	headers [3]kgo.RecordHeader
	state   atomic.Int32
	answer  chan error // of Kafka, for who waits
}

// States of a pending webhook.
const (
	waiting int32 = iota
	answered
	abandoned // nobody waits any more
)

var pool = sync.Pool{New: func() any {
	return &pending{memory: make([]byte, usualBody), key: make([]byte, 0, 192), answer: make(chan error, 1)}
}}

func newPending(s *Service, space int64) *pending {
	p := pool.Get().(*pending) //nolint:forcetypeassert // of New
	p.service, p.space, p.body = s, space, nil
	p.state.Store(waiting)
	return p
}

// sized is memory for n bytes.
func (p *pending) sized(n int) []byte {
	if n <= len(p.memory) {
		return p.memory[:n]
	}
	return make([]byte, n)
}

// release gives back what a webhook took that is not on its way.
func (p *pending) release() {
	p.service.load.give(p.space)
	p.body, p.headers = nil, [3]kgo.RecordHeader{}
	pool.Put(p)
}

// record is what is written: the body as it came.
func (p *pending) record(topic string, m meta, now time.Time) *kgo.Record {
	key := p.key[:0]
	if m.names() {
		key = append(append(append(key, m.entity...), '/'), m.id...)
	} else {
		key = append(key, UnknownKey...)
	}
	all := now.UTC().AppendFormat(key, "2006-01-02T15:04:05.000Z07:00")
	p.key = all
	headers := append(p.headers[:0], kgo.RecordHeader{Key: HeaderReceivedAt, Value: all[len(key):]})
	if m.event != nil {
		headers = append(headers, kgo.RecordHeader{Key: HeaderEventID, Value: m.event})
	}
	if m.version != nil {
		headers = append(headers, kgo.RecordHeader{Key: HeaderVersion, Value: m.version})
	}
	return &kgo.Record{Topic: topic, Key: all[:len(key):len(key)], Value: p.body, Headers: headers}
}

// store writes a webhook and waits for all replicas to have it, or until it must
// be answered. What nobody waits for any more may still be written: it is sent
// again then, and readers see it twice.
func (s *Service) store(ctx context.Context, account *room, p *pending, m meta, begun time.Time) outcome {
	// Whoever hangs up does not take back what was sent.
	s.client.Load().Produce(context.WithoutCancel(ctx), p.record(account.topic, m, begun), p.settled)
	patience := time.NewTimer(s.limits.Answer - s.deps.Now().Sub(begun))
	defer patience.Stop()
	select {
	case err := <-p.answer:
		return s.settle(account, p, err)
	case <-patience.C:
	}
	if p.state.CompareAndSwap(waiting, abandoned) {
		s.trouble.set(errLate)
		return unavailable
	}
	return s.settle(account, p, <-p.answer)
}

var errLate = errors.New("kafka has not answered in time")

// settled is called by the client when the fate of a webhook is known. Of one
// that failed parts may still be on their way, so its memory is not used again.
func (p *pending) settled(_ *kgo.Record, err error) {
	if p.state.CompareAndSwap(waiting, answered) {
		p.answer <- err
		return
	}
	if err != nil {
		p.service.load.give(p.space)
		return
	}
	p.release()
}

// settle answers by what Kafka said.
func (s *Service) settle(account *room, p *pending, err error) outcome {
	if err == nil {
		s.deps.OnPoint(PointWritten)
		p.release()
		s.trouble.set(nil)
		return stored
	}
	s.load.give(p.space)
	if errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge) {
		return tooLarge // the topic's limit was lowered since the start
	}
	if kafka.TopicGone(err) {
		account.lookAgain(s.client.Load(), s.deps.Now())
		err = fmt.Errorf("topic %s is gone; create it, or restart the source, which does so unless KAFKA_CREATE_TOPICS is false: %w", account.topic, err)
	}
	s.trouble.set(err)
	return unavailable
}

// lookAgain makes the client forget a topic that was deleted: it would go on to
// look for the one that was, even if there is a new one. Once in a while is enough.
func (r *room) lookAgain(client *kgo.Client, now time.Time) {
	if was := r.forgotten.Load(); now.UnixNano()-was > int64(forgetEvery) && r.forgotten.CompareAndSwap(was, now.UnixNano()) {
		client.PurgeTopicsFromProducing(r.topic)
	}
}

const forgetEvery = time.Second
