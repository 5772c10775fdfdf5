package shard

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Processes of one role share a group, so that a shard may go to a process that
// is not configured with a token that hashes to it: nobody would work on that
// token, and nobody would say so. Hence each member announces its tokens to the
// group, and each looks at what the owners of its tokens' shards announce.

// announcing is a balancer whose members say which tokens they are configured
// with. The list stands behind the balancer's own user data, which
// cooperative members of this protocol version do not read.
type announcing struct {
	kgo.GroupBalancer

	tokens []string
}

// announceMark is in front of the list.
var announceMark = []byte("\x00planhat-bridge tokens 1\x00")

// JoinGroupMetadata implements kgo.GroupBalancer.
func (a announcing) JoinGroupMetadata(topics []string, owned map[string][]int32, generation int32) []byte {
	own := a.GroupBalancer.JoinGroupMetadata(topics, owned, generation)
	var meta kmsg.ConsumerMemberMetadata
	if meta.ReadFrom(own) != nil {
		return own
	}
	list, _ := json.Marshal(a.tokens) //nolint:errchkjson // strings
	meta.UserData = slices.Concat(meta.UserData, announceMark, list)
	return meta.AppendTo(nil)
}

// announced are the tokens in a member's user data; ok is false for a member
// that does not say.
func announced(userData []byte) (tokens []string, ok bool) {
	at := bytes.LastIndex(userData, announceMark)
	if at < 0 {
		return nil, false
	}
	return tokens, json.Unmarshal(userData[at+len(announceMark):], &tokens) == nil
}

// member is what the group knows of a process.
type member struct {
	name   string // for people
	shards []int32
	tokens []string
	says   bool // tokens are known
}

// astray names, for each token that some member is configured with, the owner
// of its shard, if that is known not to be configured with it.
func astray(members []member, shards int32) map[string]string {
	owner := map[int32]member{}
	for _, m := range members {
		for _, s := range m.shards {
			owner[s] = m
		}
	}
	out := map[string]string{}
	for _, m := range members {
		for _, token := range m.tokens {
			if o, owned := owner[ShardOf(token, shards)]; owned && o.says && !slices.Contains(o.tokens, token) {
				out[token] = o.name
			}
		}
	}
	return out
}

// Astray says which process owns the shard of a token without being configured
// with it; "" if there is no such trouble.
func (m *Manager) Astray(token string) (owner string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.astray[token]
}

// compareTokens looks at the group again and again until ctx ends. What is seen
// twice in a row counts: while members restart one after the other with a new
// configuration, a shard may be with the old one for a moment.
func (m *Manager) compareTokens(ctx context.Context, client *kgo.Client) {
	admin := kadm.NewClient(client)
	var before map[string]string
	for {
		sleep(ctx, m.opts.LookEvery)
		if ctx.Err() != nil {
			return
		}
		members, err := m.members(ctx, admin)
		if err != nil {
			m.opts.Log.Debug("the members of the shard group cannot be compared", "error", err.Error())
			continue
		}
		now := astray(members, m.opts.Shards)
		lasting := maps.Clone(now)
		maps.DeleteFunc(lasting, func(token, owner string) bool { return before[token] != owner })
		m.noteAstray(lasting)
		before = now
	}
}

// members describes the group. While it is not settled nobody can tell who owns
// what: that is an error, not the end of a trouble.
func (m *Manager) members(ctx context.Context, admin *kadm.Client) ([]member, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	name, topic := m.opts.Names.ShardGroup(m.opts.Role), m.opts.Names.State(m.opts.Role)
	groups, err := admin.DescribeGroups(ctx, name)
	if err == nil {
		err = groups[name].Err
	}
	if err != nil {
		return nil, fmt.Errorf("describe group %s: %w", name, err)
	}
	if state := groups[name].State; state != "Stable" {
		return nil, fmt.Errorf("group %s is not settled: its state is %s", name, state)
	}
	var out []member
	for _, d := range groups[name].Members {
		if meta, ok := d.Join.AsConsumer(); ok && slices.Contains(meta.Topics, topic) {
			out = append(out, describe(d, meta.UserData, topic))
		}
	}
	return out, nil
}

func describe(d kadm.DescribedGroupMember, userData []byte, topic string) member {
	who := member{name: d.MemberID}
	if d.InstanceID != nil {
		who.name = *d.InstanceID
	}
	who.name += " (" + d.ClientHost + ")"
	who.tokens, who.says = announced(userData)
	if got, ok := d.Assigned.AsConsumer(); ok {
		for _, t := range got.Topics {
			if t.Topic == topic {
				who.shards = append(who.shards, t.Partitions...)
			}
		}
	}
	return who
}

// noteAstray remembers and logs what has changed, and tells the observer.
func (m *Manager) noteAstray(now map[string]string) {
	m.mu.Lock()
	before := m.astray
	m.astray = now
	m.mu.Unlock()
	for token, owner := range now {
		if before[token] != owner {
			m.opts.Log.Error("nobody works on a token: the process that owns its shard is not configured with it; give all processes of one "+
				"BRIDGE_NAME the same workspaces, or each deployment a BRIDGE_NAME of its own", "workspace", token, "owner", owner)
		}
		m.opts.Observer.Astray(token, true)
	}
	for token := range before {
		if now[token] == "" {
			m.opts.Log.Info("the owner of a token's shard is configured with it again", "workspace", token)
			m.opts.Observer.Astray(token, false)
		}
	}
}
