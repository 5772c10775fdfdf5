package shard_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/test/rig/counters"
)

// told is an observer that passes on what it is told of others.
type told struct{ events chan string }

func (told) TakenOver(int32, int64, int, time.Duration) {}
func (told) Committed(int32, int, time.Duration)        {}
func (told) Released(int32, error)                      {}
func (o told) Astray(token string, yes bool)            { o.say(fmt.Sprint(token, " ", yes)) }
func (o told) Stranger(topic string)                    { o.say(topic) }

// say never blocks: later events of the same kind say nothing new.
func (o told) say(event string) {
	select {
	case o.events <- event:
	default:
	}
}

// one waits for an event.
func (o told) one(t *testing.T, wanted func(event string) bool) string {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case got := <-o.events:
			if wanted(got) {
				return got
			}
		case <-deadline:
			t.Fatal("was not told")
		}
	}
}

// oneEach is a token for each shard.
func oneEach() []string {
	out := make([]string, shard.DefaultShards)
	for i, left := 0, len(out); left > 0; i++ {
		token := fmt.Sprint("planhat/w", i)
		if s := shard.ShardOf(token, shard.DefaultShards); out[s] == "" {
			out[s] = token
			left--
		}
	}
	return out
}

// Two deployments under one name, and the second has workspaces that the first
// does not know: those whose shards stay with the first are with nobody. The
// second says so, until the first is gone.
func TestATokenThatItsOwnerDoesNotKnow(t *testing.T) {
	t.Parallel()
	c, o := cluster(t)
	first := run(t, o, func(opts *shard.Options) { opts.Tokens = []string{"planhat/a"} })
	collect(t, o, 3*shard.DefaultShards) // the first owns everything
	hears := told{make(chan string, 1000)}
	run(t, o, func(opts *shard.Options) {
		opts.Tokens, opts.LookEvery, opts.Observer = oneEach(), 20*time.Millisecond, hears
	})
	token := hears.one(t, func(event string) bool { return strings.HasSuffix(event, " true") })
	if events := whileUnsettled(t, c, hears); len(events) > 0 {
		t.Errorf("while nobody could tell who owns what it was told %q", events)
	}
	if err := first(); err != nil {
		t.Fatal(err)
	}
	want := strings.TrimSuffix(token, "true") + "false"
	hears.one(t, func(event string) bool { return event == want })
}

// whileUnsettled answers for a while that the group is about to be settled, and
// returns what is told meanwhile.
func whileUnsettled(t *testing.T, c *kfake.Cluster, hears told) (events []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	asked, answer := make(chan struct{}), make(chan struct{})
	pass := func(gate chan struct{}) bool {
		select {
		case gate <- struct{}{}:
			return true
		case <-ctx.Done():
			return false
		}
	}
	c.ControlKey(int16(kmsg.DescribeGroups), func(req kmsg.Request) (kmsg.Response, error, bool) {
		if !pass(asked) || !pass(answer) {
			return nil, nil, false
		}
		c.KeepControl()
		describe, _ := req.(*kmsg.DescribeGroupsRequest)
		resp, _ := describe.ResponseKind().(*kmsg.DescribeGroupsResponse)
		group := kmsg.NewDescribeGroupsResponseGroup()
		group.Group, group.State, group.ProtocolType = describe.Groups[0], "PreparingRebalance", "consumer"
		resp.Groups = append(resp.Groups, group)
		return resp, nil, true
	})
	for question := range 5 {
		select {
		case <-asked: // what was answered before has been told
		case <-ctx.Done():
			t.Fatal("was not asked")
		}
		for len(hears.events) > 0 {
			if event := <-hears.events; question > 0 {
				events = append(events, event)
			}
		}
		<-answer
	}
	return events
}

// Two bridges under two names that write to the same topic: no broker minds.
func TestAnotherBridgeWritesToTheSameTopic(t *testing.T) {
	t.Parallel()
	_, o := cluster(t)
	hears := told{make(chan string, 1000)}
	mine := func(opts *shard.Options) {
		opts.Observer = hears
		opts.New = func(s int32) shard.Worker {
			if s > 0 {
				return &counters.Counter{Shard: s, Output: output} // one writer: all shards of a process share the output here
			}
			return &counters.Counter{Shard: s, Output: output, Limit: 1 << 30, After: func(context.Context, int) { pause(t, 5*time.Millisecond) }}
		}
	}
	run(t, o, mine)
	alone := collect(t, o, 20)
	if len(alone) == 0 || len(hears.events) > 0 {
		t.Fatalf("alone, yet it was told of a stranger: %d", len(hears.events))
	}
	other := counters.Client(t, o, kgo.TransactionalID("other.source-0"))
	// One transaction that meets a change of owner goes unseen; a bridge writes more.
	for deadline := time.Now().Add(20 * time.Second); !hears.heard(output); pause(t, 20*time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("was not told")
		}
		transact(t, other)
	}
}

// transact writes one record in a transaction of its own.
func transact(t *testing.T, cl *kgo.Client) {
	t.Helper()
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: output, Value: []byte("x")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := cl.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
}

// heard tells whether an event is among those told so far.
func (o told) heard(event string) bool {
	for len(o.events) > 0 {
		if <-o.events == event {
			return true
		}
	}
	return false
}

// pause spaces transactions out, so that the log of a test stays small.
func pause(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-t.Context().Done():
	case <-time.After(d):
	}
}
