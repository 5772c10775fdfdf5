package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// BatchLimits asks for the bytes of the largest batch that topics take. A topic
// whose settings this user may not read is left out.
func BatchLimits(ctx context.Context, cl *kgo.Client, topics ...string) (map[string]int32, error) {
	const setting = "max.message.bytes"
	req := kmsg.NewPtrDescribeConfigsRequest()
	for _, t := range topics {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName, r.ConfigNames = kmsg.ConfigResourceTypeTopic, t, []string{setting}
		req.Resources = append(req.Resources, r)
	}
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return nil, fmt.Errorf("read %s of topics: %w", setting, err)
	}
	out := map[string]int32{}
	for _, r := range resp.Resources {
		for _, kv := range r.Configs {
			if kv.Name != setting || kv.Value == nil {
				continue
			}
			if n, err := strconv.ParseInt(*kv.Value, 10, 32); err == nil {
				out[r.ResourceName] = int32(n)
			}
		}
	}
	return out, nil
}

// TopicRights are what this user may do with a topic. A cluster that does not
// even show it denies everything.
func TopicRights(ctx context.Context, cl *kgo.Client, topic string) (Rights, error) {
	views, _, err := ensurer{cl: cl}.look(ctx, []TopicSpec{{Name: topic}})
	if err != nil {
		return Rights{}, err
	}
	if views[0].Denied {
		return Rights{Known: true}, nil
	}
	return views[0].Rights, views[0].Err
}

// NotAllowed reports whether an error is the lack of a right.
func NotAllowed(err error) bool {
	for _, d := range denials {
		if errors.Is(err, d) {
			return true
		}
	}
	return false
}

// TopicGone reports whether an error is that of a topic that was deleted, or
// deleted and created anew.
func TopicGone(err error) bool {
	for _, gone := range []error{kerr.UnknownTopicOrPartition, kerr.UnknownTopicID, kerr.InconsistentTopicID} {
		if errors.Is(err, gone) {
			return true
		}
	}
	return false
}
