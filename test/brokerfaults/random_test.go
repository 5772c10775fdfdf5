package brokerfaults

import (
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/planhat-bridge/planhat-bridge/test/rig/wire"
)

// roundsFor is how long stories are made up where nobody asks for longer.
const roundsFor = 12 * time.Second

// chaos makes troubles up.
type chaos struct{ *rand.Rand }

// Random troubles of brokers, wire and registry, one to three at a time, while
// records change. The seed is printed; BROKERFAULTS_SEED plays it again.
func TestRandomFaults(t *testing.T) {
	t.Parallel()
	seed, duration := uint64(time.Now().UnixNano()), roundsFor
	if s := os.Getenv("BROKERFAULTS_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	if s := os.Getenv("BROKERFAULTS_FOR"); s != "" {
		var err error
		if duration, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("BROKERFAULTS_SEED=%d", seed)
	c := chaos{rand.New(rand.NewPCG(seed, 1))}
	w := newWorld(t, setting{brokers: 3, companies: 20})
	w.start()
	rounds, slowest := 0, time.Duration(0)
	for began := time.Now(); time.Since(began) < duration && !t.Failed(); rounds++ {
		var ends []func()
		for range 1 + c.IntN(3) {
			what, begin := c.trouble()
			t.Logf("round %d: %s", rounds, what)
			if tr := begin(w); tr.end != nil {
				ends = append(ends, tr.end)
			}
			w.live(c.IntN(10))
		}
		lasts := time.After(time.Duration(c.IntN(1500)) * time.Millisecond)
		w.live(c.IntN(20))
		<-lasts
		for _, end := range ends {
			end()
		}
		slowest = max(slowest, w.fresh())
		if rounds%5 == 4 {
			w.judge()
		}
	}
	w.live(20)
	report := w.judge()
	w.restart()
	w.live(10)
	w.fresh()
	w.judge()
	t.Logf("%d rounds, %d changes; a fresh change took %s at most", rounds, report.Changes, slowest.Round(time.Millisecond))
	w.source.Stop()
}

// keys are the requests that a source cannot do without.
var keys = []kmsg.Key{
	kmsg.Produce, kmsg.Fetch, kmsg.ListOffsets, kmsg.Metadata, kmsg.FindCoordinator, kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat,
	kmsg.OffsetFetch, kmsg.InitProducerID, kmsg.AddPartitionsToTxn, kmsg.EndTxn, kmsg.DescribeConfigs,
}

// errs are answers that pass by themselves, by request; without an entry, the
// first ones.
var errs = map[kmsg.Key][]*kerr.Error{
	kmsg.Produce:         {kerr.NotLeaderForPartition, kerr.RequestTimedOut, kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend, kerr.UnknownServerError},
	kmsg.Fetch:           {kerr.NotLeaderForPartition, kerr.FencedLeaderEpoch, kerr.KafkaStorageError, kerr.UnknownServerError},
	kmsg.ListOffsets:     {kerr.NotLeaderForPartition, kerr.LeaderNotAvailable, kerr.OffsetNotAvailable},
	kmsg.FindCoordinator: {kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress},
	kmsg.JoinGroup:       {kerr.NotCoordinator, kerr.CoordinatorLoadInProgress, kerr.UnknownMemberID},
	kmsg.SyncGroup:       {kerr.RebalanceInProgress, kerr.NotCoordinator, kerr.UnknownMemberID},
	kmsg.Heartbeat:       {kerr.RebalanceInProgress, kerr.NotCoordinator, kerr.UnknownMemberID, kerr.IllegalGeneration},
	kmsg.InitProducerID:  {kerr.ConcurrentTransactions, kerr.CoordinatorLoadInProgress, kerr.NotCoordinator},
	kmsg.EndTxn:          {kerr.ConcurrentTransactions, kerr.UnknownServerError, kerr.RequestTimedOut, kerr.NotCoordinator, kerr.InvalidTxnState},
	kmsg.DescribeConfigs: {kerr.UnknownServerError},
}

// trouble is one of the wire's or one of the brokers'.
func (c chaos) trouble() (what string, begin func(*world) trouble) {
	key := keys[c.IntN(len(keys))]
	most := 1 + c.IntN(4)
	switch c.IntN(6) {
	case 0:
		return "cut after " + key.Name(), wired(&wire.Rule{Key: key, Skip: c.IntN(3), Most: most, Cut: true})
	case 1:
		return "cut before " + key.Name(), wired(&wire.Rule{Key: key, Skip: c.IntN(3), Most: most, Drop: true})
	case 2:
		return "leaders and coordinators move", func(w *world) trouble {
			w.cluster.RehashCoordinators()
			w.cluster.ShufflePartitionLeaders()
			return trouble{}
		}
	case 3:
		names := slices.Sorted(maps.Keys(bad))
		name := names[c.IntN(len(names))]
		return "the registry answers: " + name, func(w *world) trouble { return trouble{end: w.spoil(bad[name])} }
	default:
		known := errs[key]
		if known == nil {
			key, known = kmsg.EndTxn, errs[kmsg.EndTxn]
		}
		err := known[c.IntN(len(known))]
		return key.Name() + " answers " + err.Message, faulty(most, kfake.Fault{Keys: []kmsg.Key{key}, Err: err, When: fromTheSource})
	}
}

// fromTheSource keeps the troubles of brokers off the clients of the test, which
// neither write nor are members: of what both do, only the state is the source's.
func fromTheSource(req kmsg.Request) bool {
	switch r := req.(type) {
	case *kmsg.FetchRequest:
		return r.MaxWaitMillis == 0
	case *kmsg.ListOffsetsRequest, *kmsg.DescribeConfigsRequest:
		return false
	}
	return true
}
