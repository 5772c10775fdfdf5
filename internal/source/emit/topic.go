package emit

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
)

// Topic is the change topic that an index refers to: its places mean nothing in
// another one.
type Topic struct {
	ID         string `json:"id"`
	Partitions int32  `json:"partitions"`
}

// Find describes a change topic. Where it is missing or may not be used the error
// is a [shard.Refusal] that holds the stream; every other is a
// [LeaseError]. Remedy is how the stream is captured again from the beginning.
func Find(ctx context.Context, l *shard.Lease, topic, remedy string) (Topic, error) {
	if err := l.Writable(ctx, topic); err != nil {
		return Topic{}, err
	}
	infos, err := kafka.DescribeTopics(ctx, l.Client(), topic)
	switch {
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return Topic{}, &shard.Refusal{Err: fmt.Errorf("topic %s is not there any more; to repair: %s", topic, remedy)}
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return Topic{}, &shard.Refusal{Err: fmt.Errorf("%w; allow this user to describe, read and write it", err)}
	case err != nil:
		return Topic{}, LeaseError{err}
	}
	return Topic{ID: infos[topic].ID.String(), Partitions: infos[topic].Partitions}, nil
}

// Mismatch says why what a topic is now cannot be what it was.
func Mismatch(topic string, was, have Topic, remedy string) error {
	switch {
	case was.ID != have.ID:
		return fmt.Errorf("topic %s was created anew (its id is %s, the state knows %s), so that what was captured before is not in it; to repair: %s",
			topic, have.ID, was.ID, remedy)
	case was.Partitions != have.Partitions:
		return fmt.Errorf("topic %s has %d partitions, the state knows %d: later events of a record would go to another partition than its "+
			"earlier ones, out of order for readers; to repair: delete the topic, and then %s", topic, have.Partitions, was.Partitions, remedy)
	}
	return nil
}
