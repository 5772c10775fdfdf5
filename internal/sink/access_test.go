package sink_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
)

func (b *bench) status() sink.WorkspaceStatus { return b.service.Status().(sink.Status).Workspaces[0] }

func (b *bench) state() string { return b.status().State }

// TestRefusedTokenCostsLittle has sixteen commands under way when the token is revoked:
// they wait, one call is spent now and then, and a token that is good again ends it, while
// there is nothing to do, too.
func TestRefusedTokenCostsLittle(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.start()
	b.send(`a {"id":"before","op":"create","object":"company","fields":{"name":"A"}}`)
	b.results()
	var asked atomic.Int32
	b.sim.OnRequest(func(*http.Request) { asked.Add(1) })
	b.sim.SetTokens(map[string]planhatsim.Token{"new": {}})
	for n := range 16 {
		b.send(fmt.Sprintf(`%d {"id":"c%d","op":"create","object":"company","fields":{"name":"C%d"}}`, n, n, n))
	}
	b.until("the workspace is paused", func() bool { return b.state() == "unauthorized" })
	b.until("all calls have come back", func() bool { return asked.Load() >= 16 })
	// The sixteen, one to each of 21 listings, for any may be hidden from the token, and one
	// look for the calls that came back during the first.
	if n := asked.Load(); n > 16+21+1 {
		t.Errorf("%d calls for a token that is refused", n)
	}
	b.writeToken("new")
	results := b.results()
	for n := range 16 {
		expect(t, results, fmt.Sprint("c", n), "OK CREATED -")
	}
	b.until("the workspace goes on", func() bool { return b.state() == "ok" })
	if n := b.total("planhat_bridge_sink_token_changes_total"); n != 1 {
		t.Errorf("%v changes of the token are counted", n)
	}
}

// TestIdleSinkNoticesItsToken starts with a token that is refused, without a command: it
// is shown to one listing at a time, and taken when it is good.
func TestIdleSinkNoticesItsToken(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.tokenRetry = b.settle
	b.sim.SetTokens(map[string]planhatsim.Token{"other": {}})
	b.start()
	b.until("the workspace is paused", func() bool { return b.state() == "unauthorized" })
	asked := b.refusals()
	b.until("it is tried again", func() bool { return b.refusals() >= asked+3 })
	b.sim.SetTokens(map[string]planhatsim.Token{planhatsim.DefaultToken: {}})
	b.until("the token is taken", func() bool { return b.state() == "ok" })
	b.writeToken("other")
	b.until("another token is seen, and refused", func() bool { return b.state() == "unauthorized" })
	b.sim.SetTokens(map[string]planhatsim.Token{"other": {}})
	b.until("it is taken, too", func() bool { return b.state() == "ok" })
}

// TestUnpaidAccountWaits has the account go unpaid while the sink runs: the command waits
// for it as for a token, and nobody is told that it failed.
func TestUnpaidAccountWaits(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	var unpaid atomic.Bool
	b.before(func(w http.ResponseWriter, _ *http.Request) bool {
		if !unpaid.Load() {
			return false
		}
		http.Error(w, `{"message":"the account is not paid"}`, http.StatusPaymentRequired)
		return true
	})
	b.tokenRetry = b.settle
	b.start()
	b.until("the token is taken", func() bool { return b.state() == "ok" })
	unpaid.Store(true)
	b.send(`a {"id":"a","op":"create","object":"company","fields":{"name":"Acme","externalId":"A"}}`)
	b.until("the workspace is paused, or the command answered", func() bool {
		return b.state() != "ok" || b.series("planhat_bridge_sink_commands_total") > 0
	})
	unpaid.Store(false)
	expect(t, b.results(), "a", "OK CREATED -")
	if n := b.series("planhat_bridge_sink_dead_letters_total"); n != 0 {
		t.Errorf("%d kinds of dead letters", n)
	}
}

// refusals are the calls that were answered 401.
func (b *bench) refusals() (n int) {
	calls, _ := b.sim.Calls()
	for _, c := range calls {
		if c.Status == http.StatusUnauthorized {
			n++
		}
	}
	return n
}

// tenants puts two vendors behind one address, by the token; writes to the second fail
// the test.
func (b *bench) tenants(other *planhatsim.Server, token string) {
	b.t.Helper()
	b.before(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") != "Bearer "+token {
			return false
		}
		body, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodGet {
			b.t.Errorf("%s %s in another tenant: %s", r.Method, r.URL.Path, body)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		other.ServeHTTP(w, r)
		return true
	})
}

// TestNothingIsWrittenToAnotherTenant rotates the token to that of another tenant, while
// the sink runs and while it does not: it waits for the right one.
func TestNothingIsWrittenToAnotherTenant(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *planhatsim.Options) { o.Companies = 8 })
	other := planhatsim.New(planhatsim.Options{
		Seed: 2, Companies: 8, CallsPerMinute: -1, PerSecond: -1, InFlight: -1,
		Tokens: map[string]planhatsim.Token{"other": {}},
	})
	t.Cleanup(other.Close)
	b.tenants(other, "other")
	b.start()
	send := func(id string) {
		b.send(`a {"id":"` + id + `","op":"upsert","object":"company","target":{"externalId":"A"},"fields":{"name":"` + id + `"}}`)
	}
	send("one")
	expect(t, b.results(), "one", "OK CREATED -")
	for _, id := range []string{"two", "three"} {
		if id == "three" {
			b.stop()
		}
		b.writeToken("other")
		if id == "three" {
			b.start()
		}
		send(id) // at once: before anybody has looked
		b.until("the tenant is found to be another", func() bool { return b.state() == "wrong_tenant" })
		if st := b.status(); !strings.Contains(st.Cause, "SINK_ACCEPT_TENANT=acme") {
			t.Errorf("the cause is %q", st.Cause)
		}
		b.writeToken(planhatsim.DefaultToken)
		expect(t, b.results(), id, "OK UPDATED -")
	}
	if n := b.series("planhat_bridge_sink_dead_letters_total"); n != 0 {
		t.Errorf("dead letters while paused: %d", n)
	}
}

// TestATenantThatWasReplaced is taken by an operator's word, and by no other.
func TestATenantThatWasReplaced(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *planhatsim.Options) { o.Companies = 8 })
	b.start()
	b.send(`a {"id":"one","op":"upsert","object":"company","target":{"externalId":"A"},"fields":{"name":"A"}}`)
	expect(t, b.results(), "one", "OK CREATED -")
	b.stop()
	other := planhatsim.New(planhatsim.Options{
		Seed: 2, Companies: 8, CallsPerMinute: -1, PerSecond: -1, InFlight: -1,
		Tokens: map[string]planhatsim.Token{"other": {}},
	})
	t.Cleanup(other.Close)
	server := httptest.NewServer(other)
	t.Cleanup(server.Close)
	b.cfg.Planhat[0].BaseURL = server.URL
	b.writeToken("other")
	b.start()
	b.until("the tenant is found to be another", func() bool { return b.state() == "wrong_tenant" })
	b.stop()
	b.cfg.Sink.AcceptTenant = []string{"acme"}
	b.start()
	b.send(`a {"id":"two","op":"upsert","object":"company","target":{"externalId":"A"},"fields":{"name":"A"}}`)
	expect(t, b.results(), "two", "OK CREATED -")
	b.stop()
	b.cfg.Sink.AcceptTenant = nil
	b.start()
	b.until("it is known", func() bool { return b.state() == "ok" })
	b.send(`a {"id":"three","op":"upsert","object":"company","target":{"externalId":"A"},"fields":{"name":"B"}}`)
	expect(t, b.results(), "three", "OK UPDATED -")
}
