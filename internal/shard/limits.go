package shard

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
)

// Bounds of a batch: what is written where the topic's own limit is not known or
// higher, and the least that the client can be told.
const (
	usualBatch = 1 << 20
	leastBatch = 512
)

// askLimit bounds the question for limits. Without an answer the usual batch is
// tried, as it was before.
const askLimit = 10 * time.Second

// limits are the largest batches that topics take, learned during one tenure
// before the first record for a topic: a page's changes make one batch, and a
// topic with a low limit would refuse it as a whole.
type limits struct {
	asking turn // one question at a time: who writes to the same topic waits for the answer
	mu     sync.Mutex
	known  map[string]int32
}

func newLimits() *limits { return &limits{asking: newTurn(), known: map[string]int32{}} }

// of is the limit of a topic, or the usual one; so it is of all where l is nil.
func (l *limits) of(topic string) int32 {
	if l == nil {
		return usualBatch
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if n, ok := l.known[topic]; ok {
		return n
	}
	return usualBatch
}

// learn asks for the limits of topics that are not known yet.
func (l *limits) learn(ctx context.Context, client *kgo.Client, topics ...string) {
	if l == nil {
		return
	}
	if len(l.unknown(topics)) == 0 {
		return
	}
	l.asking.Lock()
	defer l.asking.Unlock()
	ask := l.unknown(topics)
	if len(ask) == 0 {
		return // somebody else has asked meanwhile
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	told, err := kafka.BatchLimits(ctx, client, ask...)
	if err != nil {
		told = nil // what is too large then is refused, and the next tenure asks again
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range ask {
		l.known[t] = usualBatch
		if n, ok := told[t]; ok {
			l.known[t] = max(leastBatch, min(n, usualBatch))
		}
	}
}

// unknown are those of topics that were not asked for yet.
func (l *limits) unknown(topics []string) (ask []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range topics {
		if _, ok := l.known[t]; !ok {
			ask = append(ask, t)
		}
	}
	return ask
}

// Outgrown asks whether a topic takes larger batches now than when the lease
// began. Only the next lease can write them.
func (l *Lease) Outgrown(ctx context.Context, topic string) bool {
	if l.limits.of(topic) >= usualBatch {
		return false // no more is ever written
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	told, err := kafka.BatchLimits(ctx, l.client, topic)
	return err == nil && min(told[topic], usualBatch) > l.limits.of(topic)
}

// MaxBatch is how many bytes a batch, and so a record with all that belongs to
// it, may have for a topic.
func (l *Lease) MaxBatch(ctx context.Context, topic string) int {
	l.limits.learn(ctx, l.client, topic)
	return int(l.limits.of(topic))
}
