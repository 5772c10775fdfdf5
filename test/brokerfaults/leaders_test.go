package brokerfaults

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/planhat-bridge/planhat-bridge/test/rig/port"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wire"
)

// Leaders and coordinators that move, and metadata that has not heard of it.
func TestLeadersAndCoordinators(t *testing.T) {
	t.Parallel()
	group := names.ShardGroup("source")
	fenced := faulty(4, kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, TxnID: ourID, Err: kerr.CoordinatorLoadInProgress})
	inWorlds(t, setting{brokers: 3}, []story{
		{name: "all leaders move", begin: func(w *world) trouble {
			stop := w.every(50*time.Millisecond, 6, w.cluster.ShufflePartitionLeaders)
			return trouble{end: stop}
		}},
		{name: "NOT_LEADER_OR_FOLLOWER", begin: faulty(6, kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: changesOf("company"), Err: kerr.NotLeaderForPartition})},
		{name: "LEADER_NOT_AVAILABLE", begin: faulty(6, kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: names.State("source"), Err: kerr.LeaderNotAvailable})},
		{name: "metadata names the wrong leaders", begin: func(w *world) trouble {
			stale := &wire.Rule{Key: kmsg.Metadata, Most: 6, Answer: wrongLeaders}
			remove := w.wire.Add(stale)
			w.cluster.ShufflePartitionLeaders()
			return trouble{met: hits(&stale.Hits, 3), end: remove}
		}},
		{name: "coordinators move", begin: func(w *world) trouble {
			return trouble{end: w.every(100*time.Millisecond, 5, w.cluster.RehashCoordinators)}
		}},
		{name: "the group's coordinator loads", begin: faulty(3, kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Group: group, Err: kerr.CoordinatorLoadInProgress})},
		{name: "the group's coordinator is another", begin: faulty(3, kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Group: group, Err: kerr.NotCoordinator})},
		{name: "the group's coordinator is not there", begin: both(
			faulty(3, kfake.Fault{Keys: []kmsg.Key{kmsg.FindCoordinator}, Group: group, Err: kerr.CoordinatorNotAvailable}),
			faulty(1, kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Group: group, Err: kerr.NotCoordinator}),
		)},
		{name: "the transaction coordinator loads at the take-over", begin: both(fenced, wired(&wire.Rule{Key: kmsg.EndTxn, When: commits, Most: 1, Cut: true}))},
		{name: "the fetch of the state fails at the take-over", begin: both(
			faulty(5, kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: names.State("source"), Partitions: []int32{ours}, Err: kerr.NotLeaderForPartition}),
			wired(&wire.Rule{Key: kmsg.EndTxn, When: commits, Most: 1, Cut: true}),
		)},
		{name: "the end of the state cannot be asked for at the take-over", begin: both(
			faulty(4, kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: names.State("source"), Partitions: []int32{ours}, Err: kerr.LeaderNotAvailable}),
			wired(&wire.Rule{Key: kmsg.EndTxn, When: commits, Most: 1, Cut: true}),
		)},
	})
}

// wrongLeaders is what a broker answers that has not heard of an election.
func wrongLeaders(resp kmsg.Response) {
	for _, topic := range resp.(*kmsg.MetadataResponse).Topics {
		for i := range topic.Partitions {
			topic.Partitions[i].Leader = (topic.Partitions[i].Leader + 1) % 3
			topic.Partitions[i].LeaderEpoch = -1
		}
	}
}

// every does something several times while records change; stop waits for that.
func (w *world) every(pause time.Duration, times int, do func()) (stop func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for range times {
			<-tick.C
			do()
			w.live(5)
		}
	}()
	return func() { <-done }
}

// The brokers go away, all of them, and come back with what they had written.
//
//nolint:tparallel // one world, one story after the other
func TestBrokersRestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setting{brokers: 2, options: []kfake.Opt{kfake.DataDir(t.TempDir()), kfake.Ports(port.Free(t), port.Free(t))}})
	tellAll(t, w, []story{
		{name: "at once", begin: func(w *world) trouble {
			w.cluster.Close()
			w.open()
			return trouble{}
		}},
		{name: "after three seconds", begin: func(w *world) trouble {
			w.cluster.Close()
			back := time.After(3 * time.Second)
			return trouble{end: func() { <-back; w.open() }}
		}},
		{name: "one of two is taken away", begin: func(w *world) trouble {
			if err := w.cluster.RemoveNode(1); err != nil {
				w.t.Fatal(err)
			}
			w.kafka.Brokers = w.kafka.Brokers[:1] // the source keeps both
			return trouble{met: w.seenByAdmin(1)}
		}},
	})
}

// seenByAdmin holds once the cluster says that it has so many brokers.
func (w *world) seenByAdmin(brokers int) func() bool {
	return func() bool {
		cl := w.client()
		defer cl.Close()
		all, err := kadm.NewClient(cl).ListBrokers(w.t.Context())
		return err == nil && len(all) == brokers
	}
}
