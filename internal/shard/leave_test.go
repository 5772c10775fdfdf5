package shard_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/test/rig/counters"
)

// long is a session that no test waits for.
const long = 30 * time.Second

func replica(t *testing.T, o kafka.Options, name string, taken chan<- *shard.Lease) (stop func() error) {
	t.Helper()
	return run(t, o, func(op *shard.Options) {
		op.SessionTimeout, op.InstanceID = long, name
		op.New = func(s int32) shard.Worker { return &counters.Counter{Shard: s, Output: output, Taken: taken} }
	})
}

// members waits until the group has so many.
func members(t *testing.T, o kafka.Options, want int) {
	t.Helper()
	admin, group := kadm.NewClient(counters.Client(t, o)), names.ShardGroup("source")
	var last string
	for deadline := time.Now().Add(long / 2); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		groups, err := admin.DescribeGroups(t.Context(), group)
		if g := groups[group]; err == nil && g.State != "PreparingRebalance" && len(g.Members) == want {
			return
		}
		last = fmt.Sprint(groups[group], err)
	}
	t.Fatalf("the group has not got %d members: %s", want, last)
}

// receive waits for so many take-overs.
func receive(t *testing.T, taken <-chan *shard.Lease, n int) {
	t.Helper()
	limit := time.After(long / 2)
	for i := range n {
		select {
		case <-taken:
		case <-limit:
			t.Fatalf("%d of %d shards are taken over", i, n)
		}
	}
}

// A process that is alone and is restarted finds its place.
func TestOneThatIsAloneKeepsItsPlace(t *testing.T) {
	t.Parallel()
	_, o := cluster(t)
	taken := make(chan *shard.Lease, 64)
	stop := replica(t, o, "a", taken)
	receive(t, taken, shard.DefaultShards)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	members(t, o, 1)
	replica(t, o, "a", taken)
	receive(t, taken, shard.DefaultShards)
	members(t, o, 1)
}

// A process that is drained beside another one does not make it wait for the end
// of the session.
func TestShardsAreHandedOver(t *testing.T) {
	t.Parallel()
	_, o := cluster(t)
	first, second := make(chan *shard.Lease, 64), make(chan *shard.Lease, 64)
	stop := replica(t, o, "a", first)
	receive(t, first, shard.DefaultShards)
	replica(t, o, "b", second)
	receive(t, second, shard.DefaultShards/2)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	receive(t, second, shard.DefaultShards/2)
	members(t, o, 1)
}

// A rebalance that waits for somebody else does not keep a process from leaving.
func TestLeavingDoesNotWaitForARebalance(t *testing.T) {
	t.Parallel()
	c, o := cluster(t)
	asked, answer := make(chan struct{}, 64), make(chan struct{})
	t.Cleanup(func() { close(answer) })
	c.ControlKey(int16(kmsg.JoinGroup), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		asked <- struct{}{}
		c.SleepControl(func() { <-answer })
		return nil, nil, false
	})
	stop := replica(t, o, "a", nil)
	<-asked
	began := time.Now()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > long/2 {
		t.Errorf("left after %s", took)
	}
}
