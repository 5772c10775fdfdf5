// Package durable is what the captures of all vendors keep in their state in the
// same form: how far a topic is read, and what operators have ordered.
package durable

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
)

// Position is a place in a topic, by partition: of signals, or of webhooks.
type Position struct {
	TopicID string  `json:"topicId"`
	Next    []int64 `json:"next"`
}

// Known tells whether there is a position.
func (p Position) Known() bool { return p.TopicID != "" }

// In is the first offset of a partition that is not settled.
func (p Position) In(partition int32) int64 {
	if int(partition) < len(p.Next) {
		return p.Next[partition]
	}
	return 0
}

// After is the position behind a record.
func (p Position) After(partition int32, offset int64) Position {
	p.Next = slices.Clone(p.Next)
	for int(partition) >= len(p.Next) {
		p.Next = append(p.Next, 0)
	}
	p.Next[partition] = max(p.Next[partition], offset+1)
	return p
}

// EndOf is the position behind all records of a topic.
func EndOf(ctx context.Context, cl *kgo.Client, topic string) (Position, error) {
	infos, err := kafka.DescribeTopics(ctx, cl, topic)
	if err != nil {
		return Position{}, err
	}
	listed, err := kadm.NewClient(cl).ListEndOffsets(ctx, topic)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return Position{}, fmt.Errorf("find the end of %s: %w", topic, err)
	}
	p := Position{TopicID: infos[topic].ID.String(), Next: make([]int64, infos[topic].Partitions)}
	for partition := range p.Next {
		end, ok := listed.Lookup(topic, int32(partition))
		if !ok {
			return Position{}, fmt.Errorf("find the end of %s: no answer for partition %d", topic, partition)
		}
		p.Next[partition] = end.Offset
	}
	return p, nil
}

// Read reads a JSON record of the state. A version other than that which this
// release writes is refused.
func Read(what string, version int, value []byte, into any) error {
	var stored struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(value, into); err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	if err := json.Unmarshal(value, &stored); err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	if stored.Version != version {
		return fmt.Errorf("read %s: version %d is not known (this release reads version %d)", what, stored.Version, version)
	}
	return nil
}
