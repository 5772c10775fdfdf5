package kafka

import (
	"strconv"
	"time"
)

// StatePartitions is the number of shards of a role. It is pinned: a token is
// hashed to a shard, so another count would split its state.
const StatePartitions = 12

// TopicSpec says how a topic must be set up. Config holds only the settings
// that matter; everything else is the broker's business.
type TopicSpec struct {
	Name              string
	Partitions        int32
	ReplicationFactor int16 // -1: the broker's default
	Config            map[string]string
	Pinned            bool // another number of partitions is refused
}

// Layout is how the topics that users see are spread.
type Layout struct {
	Partitions        int32
	ReplicationFactor int16
}

const day = 24 * time.Hour

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// ChangeTopic keeps the last change of every record for ever, and every change
// for seven days, so that a reader a week behind misses neither an update nor
// a delete.
func (n Names) ChangeTopic(vendor, workspace, object string, l Layout) TopicSpec {
	return l.topic(n.Changes(vendor, workspace, object), map[string]string{
		"cleanup.policy":        "compact",
		"min.compaction.lag.ms": millis(7 * day),
		"delete.retention.ms":   millis(7 * day),
	})
}

// CommandTopic keeps commands for 14 days.
func (n Names) CommandTopic(vendor, workspace string, l Layout) TopicSpec {
	return l.topic(n.Commands(vendor, workspace), deleteAfter(14*day))
}

// ResultTopic keeps results for 14 days.
func (n Names) ResultTopic(vendor, workspace string, l Layout) TopicSpec {
	return l.topic(n.Results(vendor, workspace), deleteAfter(14*day))
}

// DeadLetterTopic keeps dead letters for 30 days.
func (n Names) DeadLetterTopic(vendor, workspace string, l Layout) TopicSpec {
	return l.topic(n.DeadLetters(vendor, workspace), deleteAfter(30*day))
}

// WebhookBatch is the largest batch that a new topic of webhooks takes. The usual
// limit of brokers is a little below the 1 MiB that a body may have.
const WebhookBatch = 2 << 20

// WebhookTopic keeps what Pipedrive sent for seven days: so long may the owner of
// an account be away without a sweep.
func (n Names) WebhookTopic(account string, l Layout) TopicSpec {
	config := deleteAfter(7 * day)
	config["max.message.bytes"] = strconv.Itoa(WebhookBatch)
	return l.topic(n.Webhooks(account), config)
}

// SignalTopic has one partition: signals are obeyed in the order given.
func (n Names) SignalTopic(l Layout) TopicSpec {
	l.Partitions = 1
	return l.topic(n.Signals(), deleteAfter(7*day))
}

// NotificationTopic answers signals, in their order.
func (n Names) NotificationTopic(l Layout) TopicSpec {
	l.Partitions = 1
	return l.topic(n.Notifications(), deleteAfter(7*day))
}

// StateTopic holds the state of a role. Small segments and a low dirty ratio
// keep a restore short.
func (n Names) StateTopic(role string, l Layout) TopicSpec {
	return TopicSpec{
		Name:              n.State(role),
		Partitions:        StatePartitions,
		ReplicationFactor: l.ReplicationFactor,
		Pinned:            true,
		Config: map[string]string{
			"cleanup.policy":            "compact",
			"segment.bytes":             strconv.Itoa(64 << 20),
			"segment.ms":                millis(time.Hour),
			"min.cleanable.dirty.ratio": "0.2",
		},
	}
}

func (l Layout) topic(name string, config map[string]string) TopicSpec {
	return TopicSpec{Name: name, Partitions: l.Partitions, ReplicationFactor: l.ReplicationFactor, Config: config}
}

func deleteAfter(d time.Duration) map[string]string {
	return map[string]string{"cleanup.policy": "delete", "retention.ms": millis(d)}
}
