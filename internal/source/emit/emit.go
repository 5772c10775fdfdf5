// Package emit is what the captures of all vendors write events by: how large one
// may be, and which change topic an index refers to. It writes nothing itself.
package emit

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
)

// MaxEvent leaves room for the key and the framing below the client's and the
// brokers' default limit of a batch. Where a topic takes less, batchFrame is left.
const (
	MaxEvent   = 990_000
	batchFrame = 1_000
)

// MaxSkippedTold bounds the records of a stream that are told of one by one where
// they cannot be written; the metric counts all.
const MaxSkippedTold = 1000

// Room is the bytes of the largest event that a topic takes.
func Room(ctx context.Context, l *shard.Lease, topic string) int {
	return min(MaxEvent, l.MaxBatch(ctx, topic)-batchFrame)
}

// TooLarge is an event that its topic does not take.
type TooLarge struct {
	Topic       string
	Bytes, Most int
}

func (e TooLarge) Error() string {
	return fmt.Sprintf("event of %d bytes is larger than the %d that can be written to topic %s; raise its max.message.bytes, if it is below %d",
		e.Bytes, e.Most, e.Topic, MaxEvent+batchFrame)
}

// Flatten puts the records of all changes into one list.
func Flatten(changes [][]*kgo.Record) []*kgo.Record {
	out := make([]*kgo.Record, 0, len(changes))
	for _, records := range changes {
		out = append(out, records...)
	}
	return out
}
