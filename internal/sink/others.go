package sink

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
)

// alone fails if another bridge carries out the commands of a workspace: with
// another BRIDGE_NAME it has other transactional ids, so that no broker would
// fence either, and every command would be carried out twice. It shows by its
// group for tools, which has positions in the same topic, while its shard group
// has members. The state of the world may change (the other one is being
// renamed, or stops), so this is waited for as for a broker.
//
// What the broker does not let us list cannot be seen; then nothing is found.
func (s *Service) alone(ctx context.Context, client *kgo.Client) error {
	admin := kadm.NewClient(client)
	groups, err := admin.ListGroups(ctx)
	if err != nil {
		s.deps.Log.Info("groups cannot be listed: whether another bridge carries out the same commands is not known", "error", err.Error())
	}
	var errs []error
	for _, ws := range s.cfg.Planhat {
		suffix := kafka.Names{}.CommandGroup(vendor, ws.Name)
		for _, group := range groups.Groups() {
			bridge, ok := strings.CutSuffix(group, suffix)
			if !ok || bridge == "" || bridge == s.cfg.Bridge {
				continue
			}
			errs = append(errs, s.conflict(ctx, admin, bridge, ws.Name))
		}
	}
	return errors.Join(errs...)
}

// conflict is the error if a bridge is alive and has positions in the commands
// topic of a workspace.
func (s *Service) conflict(ctx context.Context, admin *kadm.Client, bridge, workspace string) error {
	topic, other := s.names.Commands(vendor, workspace), kafka.Names{Bridge: bridge}
	group := other.CommandGroup(vendor, workspace)
	offsets, err := admin.FetchOffsets(ctx, group)
	if err != nil || len(offsets.Offsets()[topic]) == 0 {
		return nil //nolint:nilerr // not ours to see, or another TOPIC_PREFIX
	}
	shards := other.ShardGroup(role)
	described, err := admin.DescribeGroups(ctx, shards)
	if err != nil || len(described[shards].Members) == 0 {
		return nil //nolint:nilerr // likewise, or a bridge of the past
	}
	return fmt.Errorf("the commands in %s are carried out by bridge %q too (its group %s has positions there, and %s has %d members): each would be "+
		"carried out twice; stop one of the two, or give this one another TOPIC_PREFIX. If the workspace has moved here from %[2]q, "+
		"take it out of that one's PLANHAT_WORKSPACES, and then delete group %[3]s", topic, bridge, group, shards, len(described[shards].Members))
}
