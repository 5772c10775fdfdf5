package shard

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// Two processes may fight for a shard, each with a right to it: the transactional
// ids of two deployments with one BRIDGE_NAME are the same, their topics need not
// be. Both give up after a while. If each did so on another shard, at the same
// moment, nobody would be left: so one of the two has less patience, and both
// know which.

// patience is how often a minute the shard is taken over again: once less for
// the one whose name comes before that of its rival.
func (o *owner) patience(ctx context.Context) int {
	if o.former != "" && o.books.name < o.former || o.books.comesFirst(ctx, o.shard) {
		return fencedPerMinute - 1
	}
	return fencedPerMinute
}

// comesFirst reports whether the group has given the same shard of another
// topic to a member whose id comes after ours.
func (m *Manager) comesFirst(ctx context.Context, shard int32) bool {
	m.mu.Lock()
	client := m.group
	m.mu.Unlock()
	if client == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	name := m.opts.Names.ShardGroup(m.opts.Role)
	groups, err := kadm.NewClient(client).DescribeGroups(ctx, name)
	if err != nil || groups[name].Err != nil {
		return false // then both have the same patience
	}
	id, _ := client.GroupMetadata()
	return rivalAfter(groups[name].Members, id, m.opts.Names.State(m.opts.Role), shard)
}

// rivalAfter looks for a member with an id after the given one that has the same
// partition of another topic.
func rivalAfter(members []kadm.DescribedGroupMember, id, topic string, partition int32) bool {
	for _, d := range members {
		got, ok := d.Assigned.AsConsumer()
		if !ok || d.MemberID <= id {
			continue
		}
		for _, t := range got.Topics {
			for _, p := range t.Partitions {
				if t.Topic != topic && p == partition {
					return true
				}
			}
		}
	}
	return false
}
