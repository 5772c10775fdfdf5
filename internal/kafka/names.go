package kafka

import (
	"strconv"
	"strings"
)

// Names spells every topic, group, transactional id and subject. Each has one
// method here and is spelled nowhere else: renaming one of them abandons data.
//
// Bridge (BRIDGE_NAME) starts the names that belong to one installation, so
// that several bridges can share a cluster. Prefix (TOPIC_PREFIX) is put in
// front of every topic as it is, so that one prefixed ACL covers them all.
type Names struct{ Bridge, Prefix string }

// Changes is the compacted topic of change events of one object.
func (n Names) Changes(vendor, workspace, object string) string {
	return n.Prefix + vendor + ".changes." + workspace + "." + object
}

// Commands is the topic that producers write commands to.
func (n Names) Commands(vendor, workspace string) string {
	return n.Prefix + vendor + ".commands." + workspace
}

// Results is the topic that answers every command once.
func (n Names) Results(vendor, workspace string) string {
	return n.Prefix + vendor + ".results." + workspace
}

// DeadLetters is the topic of commands that could not be carried out.
func (n Names) DeadLetters(vendor, workspace string) string {
	return n.Prefix + vendor + ".deadletters." + workspace
}

// Webhooks is the topic of what Pipedrive sent for an account, as it was received.
func (n Names) Webhooks(account string) string { return n.Prefix + "pipedrive.webhooks." + account }

// Signals is the topic that operators give orders on.
func (n Names) Signals() string { return n.Prefix + n.Bridge + ".signals" }

// Notifications is the topic that signals are answered on.
func (n Names) Notifications() string { return n.Prefix + n.Bridge + ".notifications" }

// State is the internal topic of a role ("source", "sink", "sync"); its
// partitions are the shards.
func (n Names) State(role string) string { return n.Prefix + "_" + n.Bridge + "." + role + "-state" }

// ShardGroup is the group whose only use is to hand out the shards of a role.
func (n Names) ShardGroup(role string) string { return n.Bridge + "." + role + "-shards" }

// CommandGroup is the group that shows how far the commands of a workspace
// have been carried out; nothing is fetched through it.
func (n Names) CommandGroup(vendor, workspace string) string {
	return n.Bridge + "." + vendor + ".commands." + workspace
}

// WebhookGroup is the group that shows how far the webhooks of an account have
// been looked at; nothing is fetched through it.
func (n Names) WebhookGroup(account string) string {
	return n.Bridge + ".pipedrive.webhooks." + account
}

// TransactionalID is the producer identity of a shard; whoever holds it fences
// every earlier holder.
func (n Names) TransactionalID(role string, shard int32) string {
	return n.Bridge + "." + role + "-" + strconv.FormatInt(int64(shard), 10)
}

// HandTransactionalID is the producer identity of whoever settles the dead
// letters of a workspace by hand; there is one at a time.
func (n Names) HandTransactionalID(vendor, workspace string) string {
	return n.Bridge + ".deadletters." + vendor + "." + workspace
}

// Many tells whether a topic is written by others than the owner of one shard:
// all shards write notifications, whoever settles dead letters marks them, and
// every intake writes webhooks, outside of transactions.
func (n Names) Many(topic string) bool {
	_, ofVendor, _ := strings.Cut(strings.TrimPrefix(topic, n.Prefix), ".")
	return topic == n.Notifications() || strings.HasPrefix(ofVendor, "deadletters.") || strings.HasPrefix(ofVendor, "webhooks.")
}

// Subject is the schema registry subject of a topic's values
// (TopicNameStrategy).
func (n Names) Subject(topic string) string { return topic + "-value" }
