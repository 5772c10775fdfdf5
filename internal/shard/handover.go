package shard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// How long the parts of leaving may take. Where one does not come to it, the
// group waits for us as for a process that died.
const (
	leaveTimeout    = 2 * time.Second
	handOverTimeout = 5 * time.Second
)

// leave ends the membership once the shards are let go. A static member keeps
// its place in the group, so that it is back at once; but a drained one that is
// not alone gives it up: the others take its shards over within a moment,
// whether it comes back, and how soon, or not at all. One that is alone would
// win nothing by that, and brokers let the first member of a group wait.
//
// Joining is not left alone either: the client would wait for the end of a
// rebalance, which may take as long as a member that died is waited for. cut
// ends the client's context, and with it all that it waits for.
func (m *Manager) leave(ctx context.Context, client *kgo.Client, cut func(), drained bool) {
	id, _ := client.GroupMetadata()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handOverTimeout)
	defer cancel()
	giveUp := drained && m.opts.InstanceID != "" && id != "" && m.others(ctx, client, id) > 0
	leaving, done := context.WithTimeout(ctx, leaveTimeout)
	defer done()
	if client.LeaveGroupContext(leaving) != nil { // a member without an instance id takes leave by this
		giveUp = id != ""
		cut()
	}
	client.CloseAllowingRebalance()
	if !giveUp {
		return
	}
	if err := m.giveUpPlace(ctx, id); err != nil {
		m.opts.Log.Warn("the group is not left: the other replicas take over when the session has timed out", "error", err.Error())
		return
	}
	m.opts.Log.Info("shards are handed over")
}

// others counts the other members of the group.
func (m *Manager) others(ctx context.Context, client *kgo.Client, id string) int {
	name := m.opts.Names.ShardGroup(m.opts.Role)
	groups, err := kadm.NewClient(client).DescribeGroups(ctx, name)
	if err != nil || groups[name].Err != nil {
		m.opts.Log.Debug("the members of the shard group are not known", "error", fmt.Sprint(errors.Join(err, groups[name].Err)))
		return 0
	}
	n := 0
	for _, d := range groups[name].Members {
		if d.MemberID != id {
			n++
		}
	}
	return n
}

// giveUpPlace takes this process out of the group. It names its member id, too,
// so that a successor with the same instance id stays in.
func (m *Manager) giveUpPlace(ctx context.Context, id string) error {
	client, err := m.opts.Kafka.NewClient()
	if err != nil {
		return err
	}
	defer client.Close()
	member := kmsg.NewLeaveGroupRequestMember()
	if member.MemberID = id; m.opts.InstanceID != "" {
		member.InstanceID = &m.opts.InstanceID
	}
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.Members = m.opts.Names.ShardGroup(m.opts.Role), append(req.Members, member)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("leave group %s: %w", req.Group, err)
	}
	err = kerr.ErrorForCode(resp.ErrorCode)
	for _, r := range resp.Members {
		err = errors.Join(err, kerr.ErrorForCode(r.ErrorCode))
	}
	if err != nil {
		return fmt.Errorf("leave group %s: %w", req.Group, err)
	}
	return nil
}
