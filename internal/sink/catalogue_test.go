package sink_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
)

// fieldCalls counts the calls that read the catalogue of custom fields.
func fieldCalls(b *bench) int {
	calls, _ := b.sim.Calls()
	n := 0
	for _, c := range calls {
		if c.Path == "/customfields" {
			n++
		}
	}
	return n
}

// TestCustomFieldsAreChecked holds the names of custom fields to the tenant's
// catalogue, which is read once for all of them.
func TestCustomFieldsAreChecked(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.prepare()
	b.send(
		`a {"id":"right","op":"create","object":"company","fields":{"name":"A","custom":{"Seats":1,"🚀 Stage":"go"}}}`,
		`b {"id":"wrong","op":"create","object":"company","fields":{"name":"B","custom":{"seats":1}}}`,
		`c {"id":"dotted","op":"create","object":"company","fields":{"name":"C","custom.Custmer Tier":"x"}}`,
		`d {"id":"formula","op":"create","object":"company","fields":{"name":"D","custom":{"Days in Phase":3}}}`,
		`e {"id":"allowed","op":"create","object":"company","allowUnknownFields":true,"fields":{"name":"E","custom":{"seats":1}}}`,
		`f {"id":"note","op":"create","object":"note","fields":{"companyId":"extid-none","custom":{"Seats":1}}}`,
	)
	b.start()
	results := b.results()
	expect(t, results, "right", "OK CREATED -")
	expect(t, results, "allowed", "OK CREATED -")
	for id, remedy := range map[string]string{
		"wrong": `did you mean "custom.Seats"?`, "dotted": `did you mean "custom.Customer Tier"?`, "note": "create it in Planhat first",
	} {
		r := expect(t, results, id, "REJECTED NONE UNKNOWN_FIELD")
		if r.Error != nil && !strings.Contains(r.Error.Remedy, remedy) {
			t.Errorf("the remedy of %s is %q, want %q", id, r.Error.Remedy, remedy)
		}
	}
	expect(t, results, "formula", "REJECTED NONE READ_ONLY_FIELD")
	if n := fieldCalls(b); n != 1 {
		t.Errorf("the catalogue was read %d times, want once", n)
	}
}

// TestNewCustomFieldIsFound: a field that somebody has created since the
// catalogue was read is as good as an old one.
func TestNewCustomFieldIsFound(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.lookout = time.Nanosecond
	b.start()
	b.send(`a {"id":"before","op":"create","object":"company","fields":{"name":"A","custom":{"Region":"EMEA"}}}`)
	expect(t, b.results(), "before", "REJECTED NONE UNKNOWN_FIELD")
	b.sim.Mutate(func(tx *planhatsim.Tx) {
		if _, err := tx.Create("customfields", `{"name":"Region","type":"text","parent":"Company","isHidden":false}`); err != nil {
			t.Error(err)
		}
	})
	b.send(`a {"id":"after","op":"create","object":"company","fields":{"name":"A","custom":{"Region":"EMEA"}}}`)
	expect(t, b.results(), "after", "OK CREATED -")
}

// TestForbiddenCatalogue: a token that may not read the catalogue can write
// custom fields all the same; /status says that their names are not checked.
func TestForbiddenCatalogue(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"403", "404", "401"} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, func(o *planhatsim.Options) {
				empty(o)
				o.Tokens = map[string]planhatsim.Token{planhatsim.DefaultToken: {Deny: map[string]bool{"customfield": true}}}
				o.Switches.Forbidden = answer
			})
			b.start()
			b.send(`a {"id":"odd","op":"create","object":"company","fields":{"name":"A","custom":{"seats":1}}}`)
			expect(t, b.results(), "odd", "OK CREATED -")
			status := b.service.Status().(sink.Status).Workspaces[0]
			if c := status.Catalogue; c == nil || c.Known || c.Cause == "" {
				t.Errorf("status says %+v of the catalogue", c)
			}
			if status.State != "ok" {
				t.Errorf("the workspace is %s: %s", status.State, status.Cause)
			}
		})
	}
}

// TestBegunCommandsPassTheCatalogue deletes the custom fields after a create that names
// one was carried out, and before its result is written: it is not refused then.
func TestBegunCommandsPassTheCatalogue(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.prepare()
	var once sync.Once
	b.point.set(func(name string) {
		if name == sink.PointBeforeCommit && len(b.rows("companies")) > 0 {
			once.Do(func() {
				b.cluster.Fault(failCommit)
				fields := b.rows("customfields")
				b.sim.Mutate(func(tx *planhatsim.Tx) {
					for _, field := range fields {
						if err := tx.Delete("customfields", field["_id"].(string)); err != nil {
							t.Error(err)
						}
					}
				})
			})
		}
	})
	b.send(`a {"id":"create","op":"create","object":"company","fields":{"name":"A","externalId":"A","custom":{"Seats":1}}}`)
	b.start()
	expect(t, b.results(), "create", "OK CREATED -")
	b.row("companies", "externalId", "A") // at most once
}

// TestCatalogueEndsAPause: when the token is refused to the catalogue and is then
// accepted, the workspace is no longer shown as paused, although no call follows.
func TestCatalogueEndsAPause(t *testing.T) {
	t.Parallel()
	b := newBench(t, empty)
	b.start()
	b.send(`a {"id":"first","op":"create","object":"company","fields":{"name":"A"}}`)
	expect(t, b.results(), "first", "OK CREATED -")
	b.sim.SetTokens(map[string]planhatsim.Token{"new": {}})
	b.send(`a {"id":"second","op":"create","object":"company","fields":{"name":"B","custom":{"seats":1}}}`)
	state := func() string { return b.service.Status().(sink.Status).Workspaces[0].State }
	b.until("the workspace is paused", func() bool { return state() == "unauthorized" })
	b.writeToken("new")
	expect(t, b.results(), "second", "REJECTED NONE UNKNOWN_FIELD")
	b.until("the workspace goes on", func() bool { return state() == "ok" })
}
