package brokerfaults

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/planhat-bridge/planhat-bridge/test/rig/wire"
)

// A commit whose outcome nobody told: it was done or it was not, and the source
// has to go on from what the log says.
func TestUnknownCommits(t *testing.T) {
	t.Parallel()
	stories := []story{
		{name: "cut before the commit is sent", begin: wired(&wire.Rule{Key: kmsg.EndTxn, When: commits, Most: 1, Drop: true})},
		{name: "answer cut after the commit", begin: wired(&wire.Rule{Key: kmsg.EndTxn, When: commits, Most: 1, Cut: true})},
		{name: "answers cut three times", begin: wired(&wire.Rule{Key: kmsg.EndTxn, When: commits, Most: 3, Cut: true})},
	}
	for _, e := range []*kerr.Error{kerr.UnknownServerError, kerr.RequestTimedOut, kerr.CoordinatorNotAvailable, kerr.NotCoordinator, kerr.CoordinatorLoadInProgress} {
		stories = append(stories,
			story{name: e.Message + " though it is committed", begin: wired(&wire.Rule{Key: kmsg.EndTxn, When: commits, Most: 2, Answer: says(e)})},
			story{name: e.Message + " and it is not committed", begin: faulty(2, kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, TxnID: ourID, Err: e})},
		)
	}
	inWorlds(t, setting{}, stories)
}

// A coordinator that is busy, and one that has ended the transaction itself.
func TestTransactionsInTrouble(t *testing.T) {
	t.Parallel()
	end, initialise := []kmsg.Key{kmsg.EndTxn}, []kmsg.Key{kmsg.InitProducerID}
	inWorlds(t, setting{}, []story{
		{name: "CONCURRENT_TRANSACTIONS at the end", begin: faulty(8, kfake.Fault{Keys: end, TxnID: ourID, Err: kerr.ConcurrentTransactions})},
		{name: "CONCURRENT_TRANSACTIONS at the take-over", begin: both(
			faulty(8, kfake.Fault{Keys: initialise, TxnID: ourID, Err: kerr.ConcurrentTransactions}),
			wired(&wire.Rule{Key: kmsg.EndTxn, When: commits, Most: 1, Cut: true}),
		)},
		{name: "INVALID_PRODUCER_EPOCH at a produce", begin: faulty(1, kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: names.State("source"), Err: kerr.InvalidProducerEpoch})},
		{name: "PRODUCER_FENCED at the end", begin: faulty(1, kfake.Fault{Keys: end, TxnID: ourID, Err: kerr.ProducerFenced})},
		{name: "INVALID_TXN_STATE though it is committed", begin: wired(&wire.Rule{Key: kmsg.EndTxn, When: commits, Most: 1, Answer: says(kerr.InvalidTxnState)})},
		{name: "TRANSACTION_ABORTABLE", begin: faulty(1, kfake.Fault{Keys: end, TxnID: ourID, Err: kerr.TransactionAbortable})},
	})
}

// both is two troubles at once.
func both(one, other func(*world) trouble) func(*world) trouble {
	return func(w *world) trouble {
		a, b := one(w), other(w)
		return trouble{met: func() bool { return a.met() && b.met() }, end: func() { a.end(); b.end() }}
	}
}

// The coordinator gives a transaction up that is still written, and the commit
// comes too late: what the flush held is written by the next tenure, once.
func TestTransactionAbortedByTheCoordinator(t *testing.T) {
	t.Parallel()
	const timeout = 3 * time.Second
	w := newWorld(t, setting{})
	w.wire.Add(&wire.Rule{Key: kmsg.InitProducerID, When: ofUs, Request: func(req kmsg.Request) {
		req.(*kmsg.InitProducerIDRequest).TransactionTimeoutMillis = int32(timeout.Milliseconds())
	}})
	w.start()
	release := make(chan struct{})
	held := &wire.Rule{Key: kmsg.EndTxn, When: commits, Most: 1, Hold: release}
	w.tell(t, story{begin: func(w *world) trouble {
		before := w.source.Metric("planhat_bridge_source_shard_takeovers_total")
		remove := w.wire.Add(held)
		time.AfterFunc(timeout+2*time.Second, func() { close(release) })
		return trouble{end: remove, met: func() bool {
			return w.source.Metric("planhat_bridge_source_shard_takeovers_total") > before
		}}
	}})
	if !strings.Contains(w.source.Log.String(), "commit: ") {
		t.Error("the late commit was not refused")
	}
	w.source.Stop()
}
