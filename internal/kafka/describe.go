package kafka

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TopicID tells a topic from another one that had the same name before or
// after it.
type TopicID [16]byte

// String is the id in hex.
func (id TopicID) String() string { return hex.EncodeToString(id[:]) }

// TopicInfo is what state pins about a topic it refers to.
type TopicInfo struct {
	ID         TopicID
	Partitions int32
}

// DescribeTopics asks the cluster for the topics named. A topic that does not
// exist, or cannot be seen, is an error that names it.
func DescribeTopics(ctx context.Context, cl *kgo.Client, names ...string) (map[string]TopicInfo, error) {
	out := make(map[string]TopicInfo, len(names))
	if len(names) == 0 {
		return out, nil
	}
	details, err := kadm.NewClient(cl).ListTopics(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("describe topics: %w", err)
	}
	for _, name := range names {
		d, ok := details[name]
		if !ok {
			return nil, fmt.Errorf("describe topic %s: no answer", name)
		}
		if d.Err != nil {
			return nil, fmt.Errorf("describe topic %s: %w", name, d.Err)
		}
		out[name] = TopicInfo{ID: TopicID(d.ID), Partitions: int32(len(d.Partitions))}
	}
	return out, nil
}
