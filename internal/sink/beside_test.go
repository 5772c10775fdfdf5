package sink_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
)

// TestPoisonBesideABatch sends poison while a call is under way that takes its time: it is
// answered before the call is, stays answered, and is answered once.
func TestPoisonBesideABatch(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.cfg.Topics.Partitions = 1
	b.cfg.Shard.SessionTimeout, b.cfg.Shard.CallDeadline = 40*time.Second, 10*time.Second
	b.prepare()
	var begun atomic.Bool
	b.sim.OnRequest(func(r *http.Request) { begun.Store(begun.Load() || r.Method == http.MethodPut) })
	b.fault(planhatsim.Fault{Kind: "500", Method: "PUT"})
	b.start()
	b.send(`a {"id":"slow","op":"upsert","object":"company","target":{"externalId":"A"},"fields":{"name":"Acme"}}`)
	b.until("a call is under way", begun.Load)
	b.send(`a {"id":"broken`, `a {"id":"strange","op":"upsert","object":"compny","target":{"externalId":"A"}}`)
	b.deadLetters(2) // while the vendor fails, the batch before them does not end
	b.stop()
	b.sim.ClearFaults()
	b.start()
	b.send(`a {"id":"last","op":"upsert","object":"company","target":{"externalId":"A"},"fields":{"city":"Oslo"}}`)
	results := b.results()
	expect(t, results, "slow", "OK CREATED -")
	expect(t, results, "strange", "REJECTED NONE UNKNOWN_OBJECT")
	expect(t, results, "last", "OK UPDATED -")
}
