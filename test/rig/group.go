package rig

import (
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
)

// AwaitMembers waits until the group of a role has so many members and all
// shards are with them, and gives the instance id of the one that has the
// shard of the stage's workspace, or of its account.
func (r *Rig) AwaitMembers(role string, n int) (owner string) {
	r.t.Helper()
	client, err := r.Kafka.NewClient()
	if err != nil {
		r.t.Fatal(err)
	}
	defer client.Close()
	admin, group, topic := kadm.NewClient(client), r.Names.ShardGroup(role), r.Names.State(role)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); ; <-tick.C {
		groups, err := admin.DescribeGroups(r.t.Context(), group)
		if g := groups[group]; err == nil && g.State == "Stable" && len(g.Members) == n {
			if by := assigned(g, topic); len(by) == shard.DefaultShards {
				return by[shard.ShardOf(r.token(), shard.DefaultShards)]
			}
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("group %s has not %d members with all shards within a minute: %v, %v", group, n, groups[group], err)
		}
	}
}

// token is what the captured tenant's shard is found by.
func (r *Rig) token() string {
	if r.Stage.Pipedrive != "" {
		return "pipedrive/" + stage.Account
	}
	return "planhat/" + stage.Workspace
}

// assigned gives the instance id of each shard's owner.
func assigned(g kadm.DescribedGroup, topic string) map[int32]string {
	by := map[int32]string{}
	for _, m := range g.Members {
		got, ok := m.Assigned.AsConsumer()
		if !ok || m.InstanceID == nil {
			continue
		}
		for _, t := range got.Topics {
			for _, p := range t.Partitions {
				if t.Topic == topic {
					by[p] = *m.InstanceID
				}
			}
		}
	}
	return by
}
