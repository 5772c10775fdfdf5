package sink_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
)

// TestNonsenseBesideADanglingReference has a bulk call of two whose one command refers to
// nobody, while the call for the other is done and answered with nonsense: both are answered.
func TestNonsenseBesideADanglingReference(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.giveUp, b.hurry = time.Hour, 5*time.Second
	b.companies("C", 1)
	b.nonsense(func(*http.Request) bool { return true }, true)
	b.prepare()
	b.send(
		`a {"id":"done","op":"upsert","object":"invoice","target":{"externalId":"I"},"fields":{"currency":"EUR","cId":"extid-C0"}}`,
		`b {"id":"lost","op":"upsert","object":"invoice","target":{"externalId":"L"},"fields":{"currency":"EUR","cId":"extid-nobody"}}`,
	)
	b.start()
	results := b.results()
	expect(t, results, "done", "OK UPDATED -")
	expect(t, results, "lost", "REJECTED NONE REFERENCE_NOT_FOUND")
}

// TestNonsenseToAnUpsertWithoutAKey finds a user by its email, and its update is done and
// answered with nonsense: that ends the command, and nothing else.
func TestNonsenseToAnUpsertWithoutAKey(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.sim.Mutate(func(tx *planhatsim.Tx) {
		if _, err := tx.Create("users", `{"email":"u@x.example","nickName":"u","firstName":"u","lastName":"u"}`); err != nil {
			t.Error(err)
		}
	})
	b.nonsense(func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/users/") }, true)
	b.start()
	owned := func() float64 { return b.total("planhat_bridge_sink_shard_takeovers_total") }
	b.until("all shards are owned", func() bool { return owned() >= shard.DefaultShards })
	b.send(`a {"id":"user","op":"upsert","object":"user","target":{"email":"u@x.example"},"fields":{"nickName":"v","firstName":"u","lastName":"u"}}`)
	expect(t, b.results(), "user", "OK UPDATED -")
	b.send(`a {"id":"next","op":"get","object":"user","target":{"email":"u@x.example"}}`)
	expect(t, b.results(), "next", "OK READ -")
	if n := owned(); n > shard.DefaultShards {
		t.Errorf("%v take-overs of %d shards", n, shard.DefaultShards)
	}
}

// TestLeaseEndsWhileTheWorkspaceIsPaused loses a transaction beside a command that waits
// for a token: the shard is taken over again all the same, and poison is answered.
func TestLeaseEndsWhileTheWorkspaceIsPaused(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.sim.SetTokens(map[string]planhatsim.Token{"new": {}})
	var begun atomic.Bool
	b.point.set(func(name string) { begun.Store(begun.Load() || name == sink.PointIntentWritten) })
	b.start()
	b.until("the workspace is paused", func() bool { return b.state() == "unauthorized" })
	b.send(`a {"id":"waits","op":"create","object":"company","fields":{"name":"A","externalId":"A"}}`)
	b.until("the create is under way", begun.Load)
	b.cluster.Fault(failCommit)
	b.send(`b {"id":"broken`)
	b.deadLetters(1)
	b.writeToken("new")
	expect(t, b.results(), "waits", "OK CREATED -")
}
