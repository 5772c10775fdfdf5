package sinkfaults

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/test/rig/port"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wire"
)

// meets makes a story of a trouble that has to happen: met tells when it has, end takes
// it back. Commands keep coming until it has happened.
func meets(name string, begin func(w *world) (met func() bool, end func())) story {
	var over func()
	return story{name: name, begin: func(w *world) {
		var met func() bool
		met, over = begin(w)
		sent := time.Now()
		w.until("the fault happens", func() bool {
			if time.Since(sent) > 200*time.Millisecond {
				w.work(1) // so that there is something to write
				sent = time.Now()
			}
			return met()
		})
	}, end: func(*world) { over() }}
}

// faulty is a fault of the brokers, until so many requests have met it.
func faulty(name string, most int, f kfake.Fault) story {
	return meets(name, func(w *world) (func() bool, func()) {
		f.Count = most
		h := w.cluster.Fault(f)
		return func() bool { return h.Hits() >= most }, h.Remove
	})
}

// wired is a trouble of the sink's connections, until it has happened so often.
func wired(name string, r *wire.Rule) story {
	return meets(name, func(w *world) (func() bool, func()) {
		return func() bool { return r.Hits.Load() >= int64(r.Most) }, w.wire.Add(r)
	})
}

// Row 1: a commit whose outcome nobody told. What it holds is written once: results and
// positions are in it together.
func TestUnknownCommits(t *testing.T) {
	t.Parallel()
	commits := func(req kmsg.Request) bool {
		r, ok := req.(*kmsg.EndTxnRequest)
		return ok && r.Commit && r.TransactionalID == ourID
	}
	says := func(err *kerr.Error) func(kmsg.Response) {
		return func(resp kmsg.Response) { resp.(*kmsg.EndTxnResponse).ErrorCode = err.Code }
	}
	stories := []story{
		wired("cut before the commit is sent", &wire.Rule{Key: kmsg.EndTxn, When: commits, Most: 1, Drop: true}),
		wired("answer cut after the commit", &wire.Rule{Key: kmsg.EndTxn, When: commits, Most: 1, Cut: true}),
		wired("INVALID_TXN_STATE though it is committed", &wire.Rule{Key: kmsg.EndTxn, When: commits, Most: 1, Answer: says(kerr.InvalidTxnState)}),
		faulty("PRODUCER_FENCED at the end", 1, kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, TxnID: ourID, Err: kerr.ProducerFenced}),
	}
	for _, e := range []*kerr.Error{kerr.UnknownServerError, kerr.RequestTimedOut} {
		stories = append(stories,
			wired(e.Message+" though it is committed", &wire.Rule{Key: kmsg.EndTxn, When: commits, Most: 2, Answer: says(e)}),
			faulty(e.Message+" and it is not committed", 2, kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, TxnID: ourID, Err: e}),
		)
	}
	inWorlds(t, setting{}, stories...)
}

// Rows 1 and 3: leaders that move, brokers that cannot write, topics that are slow.
func TestBrokersInTrouble(t *testing.T) {
	t.Parallel()
	produce, fetch := []kmsg.Key{kmsg.Produce}, []kmsg.Key{kmsg.Fetch}
	refuses := func(err *kerr.Error) func(kmsg.Response) {
		return func(resp kmsg.Response) {
			for _, topic := range resp.(*kmsg.ProduceResponse).Topics {
				for i := range topic.Partitions {
					topic.Partitions[i].ErrorCode, topic.Partitions[i].BaseOffset = err.Code, -1
				}
			}
		}
	}
	ofUs := func(req kmsg.Request) bool {
		r, ok := req.(*kmsg.ProduceRequest)
		return ok && r.TransactionID != nil && *r.TransactionID == ourID
	}
	inWorlds(t, setting{brokers: 3},
		meets("all leaders move", func(w *world) (func() bool, func()) {
			moved := 0
			return func() bool { w.cluster.ShufflePartitionLeaders(); moved++; return moved > 10 }, func() {}
		}),
		meets("coordinators move", func(w *world) (func() bool, func()) {
			moved := 0
			return func() bool { w.cluster.RehashCoordinators(); moved++; return moved > 5 }, func() {}
		}),
		faulty("NOT_LEADER_OR_FOLLOWER to the results", 3, kfake.Fault{Keys: produce, Topic: results, Err: kerr.NotLeaderForPartition}),
		faulty("LEADER_NOT_AVAILABLE to the commands", 3, kfake.Fault{Keys: fetch, Topic: commands, Err: kerr.LeaderNotAvailable}),
	)
	inWorlds(t, setting{},
		faulty("NOT_ENOUGH_REPLICAS", 4, kfake.Fault{Keys: produce, Topic: results, Err: kerr.NotEnoughReplicas}),
		faulty("REQUEST_TIMED_OUT of the state", 2, kfake.Fault{Keys: produce, Topic: names.State("sink"), Partitions: []int32{ours}, Err: kerr.RequestTimedOut}),
		wired("UNKNOWN_SERVER_ERROR though it is written", &wire.Rule{Key: kmsg.Produce, When: ofUs, Most: 1, Answer: refuses(kerr.UnknownServerError)}),
		wired("answer cut after the write", &wire.Rule{Key: kmsg.Produce, When: ofUs, Most: 2, Cut: true}),
		wired("throttled by a quota", &wire.Rule{Key: kmsg.Produce, When: ofUs, Most: 2, Answer: func(resp kmsg.Response) {
			resp.(*kmsg.ProduceResponse).ThrottleMillis = 500
		}}),
		faulty("commands cannot be fetched", 5, kfake.Fault{Keys: fetch, Topic: commands, Err: kerr.UnknownServerError}),
	)
}

// Row 1: the brokers go away and come back with what they had written.
func TestBrokersRestart(t *testing.T) {
	t.Parallel()
	inWorlds(t, setting{options: []kfake.Opt{kfake.DataDir(t.TempDir()), kfake.Ports(port.Free(t))}},
		story{name: "at once", begin: func(w *world) { w.cluster.Close(); w.open() }, end: func(*world) {}},
		story{name: "after a while", idle: true, begin: func(w *world) {
			w.work(busy)
			w.cluster.Close()
			gone := time.Now()
			w.until("two seconds without a broker", func() bool { return time.Since(gone) > 2*time.Second })
			w.open()
		}, end: func(*world) {}},
	)
}

// Row 4: the group hands the shards out anew while calls are in flight.
func TestRebalances(t *testing.T) {
	t.Parallel()
	group := names.ShardGroup("sink")
	beats := func(name string, most int, err *kerr.Error) story {
		return faulty(name, most, kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Group: group, Err: err})
	}
	slow := func(w *world) {
		for _, method := range []string{"PUT", "POST"} {
			w.fault(planhatsim.Fault{Kind: "latency", Method: method, Ms: 300})
		}
		w.work(busy)
		w.struck("latency", w.sim.Injected()["latency"]+1)
	}
	inWorlds(t, setting{},
		story{name: "the member is put out", begin: func(w *world) { slow(w); w.putOut("sink-0") }},
		beats("UNKNOWN_MEMBER_ID", 1, kerr.UnknownMemberID),
		beats("ILLEGAL_GENERATION", 1, kerr.IllegalGeneration),
		beats("REBALANCE_IN_PROGRESS", 2, kerr.RebalanceInProgress),
	)
	inWorlds(t, setting{}, story{name: "another one joins and leaves", begin: func(w *world) {
		slow(w)
		other := w.launch(&wire.Wire{}, map[string]string{"INSTANCE_ID": "sink-1"})
		w.until("the other has shards", func() bool {
			var st struct{ Shards []int32 }
			other.Status(&st)
			return len(st.Shards) >= shard.DefaultShards/3
		})
		w.work(busy)
		other.Stop()
		w.putOut("sink-1")
	}})
}

// putOut takes a member out of the group, as its session's end would.
func (w *world) putOut(instance string) {
	w.t.Helper()
	if _, err := kadm.NewClient(w.client()).LeaveGroup(w.t.Context(), kadm.LeaveGroup(names.ShardGroup("sink")).InstanceIDs(instance)); err != nil {
		w.t.Fatal(err)
	}
}

// Row 4: an owner that hears nothing from the group starts no write any more, before
// the group gives its shards to another; when it hears again, it goes on.
func TestNoWriteWhileTheMembershipIsStale(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setting{env: map[string]string{"SHARD_SESSION_TIMEOUT": "6s", "CALL_DEADLINE": "1s"}})
	w.start()
	again := make(chan struct{})
	silent := w.wire.Add(
		&wire.Rule{Key: kmsg.Heartbeat, Hold: again}, &wire.Rule{Key: kmsg.JoinGroup, Hold: again}, &wire.Rule{Key: kmsg.SyncGroup, Hold: again},
	)
	deaf := time.Now()
	w.until("the session is over", func() bool { return time.Since(deaf) > 6*time.Second })
	before := w.writes()
	w.work(busy)
	sent := time.Now()
	w.until("commands have been there for a while", func() bool { return time.Since(sent) > time.Second || w.writes() > before })
	if n := w.writes() - before; n > 0 {
		t.Errorf("%d writes by an owner whose session is over", n)
	}
	silent()
	close(again)
	w.fresh()
	w.judge()
	w.sink.Stop()
	w.nothingLeft()
}

// writes counts the calls that write.
func (w *world) writes() (n int64) {
	_, counts := w.sim.Calls()
	for call, times := range counts {
		if !strings.HasPrefix(call, "GET ") {
			n += times
		}
	}
	return n
}
