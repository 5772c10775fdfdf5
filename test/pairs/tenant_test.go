package pairs_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/test/rig/samples"
)

// shareAxis is the axis that deals objects out to rows; it is no switch.
const shareAxis = "objects"

func shareNames() []string { return []string{"first", "second", "third"} }

// tenant is small, and large enough for everything that is odd about tenants.
func tenant(t *testing.T, seed int, set map[string]string) planhatsim.Options {
	t.Helper()
	switches := maps.Clone(set)
	delete(switches, shareAxis)
	text, err := json.Marshal(switches)
	if err != nil {
		t.Fatal(err)
	}
	o := planhatsim.Options{Seed: int64(seed), Companies: 12, EndusersPerCompany: 2, ConversationsPerCompany: 2, CallsPerMinute: 30_000, PerSecond: 500}
	if err := json.Unmarshal(text, &o.Switches); err != nil {
		t.Fatal(err)
	}
	return o
}

// customNames are the custom fields that commands write.
var customNames = []string{"cmd", "cmd Påir 🌍", "cmd More"}

// furnish gives the tenant what commands refer to: their custom fields, and two records
// of each object that samples name, which life leaves alone.
func (b *bridge) furnish() {
	b.t.Helper()
	b.stage.Simulator.Mutate(func(tx *planhatsim.Tx) {
		for _, spec := range planhat.Objects() {
			if custom, ok := spec.Field("custom"); !ok || !custom.Writable || spec.Object == planhat.Note {
				continue
			}
			for _, name := range customNames {
				b.make(tx, "customfields", fmt.Sprintf(`{"name":%q,"type":"text","parent":%q,"isHidden":false}`, name, spec.Object))
			}
		}
		for _, row := range samples.Fixtures {
			spec, _ := planhat.Lookup(row.Object)
			for mark, ids := range map[string]map[planhat.Object]string{"": b.fixture, "2": b.second} {
				text := samples.Fill(strings.ReplaceAll(row.Fields, "#", mark), "", b.fixture, b.second)
				ids[row.Object] = b.make(tx, spec.Listing, strings.TrimSuffix(text, "}")+`,"custom":{"cmd":"fixture"}}`)
			}
		}
	})
	if b.t.Failed() {
		b.t.FailNow()
	}
}

func (b *bridge) make(tx *planhatsim.Tx, listing, fields string) string {
	b.t.Helper()
	id, err := tx.Create(listing, fields)
	if err != nil {
		b.t.Errorf("make %s: %v", fields, err)
	}
	return id
}

// live lets the tenant's people make n changes.
func (b *bridge) live(n int) {
	b.t.Helper()
	b.stage.Simulator.Live(n)
	b.dropHidden()
}

// dropHidden takes archived conversations and issues out of a tenant that does not
// list them. It exempts them from being captured: Planhat documents no way to list
// them, so that those which it hides nobody can know of.
func (b *bridge) dropHidden() {
	b.t.Helper()
	for listing, name := range map[string]string{"conversations": "archived_conversations", "issues": "archived_issues"} {
		if b.set[name] != "hidden" {
			continue
		}
		for _, row := range b.listing(listing) {
			if id, _ := row["_id"].(string); row["archived"] == true {
				b.stage.Simulator.Mutate(func(tx *planhatsim.Tx) {
					if err := tx.Delete(listing, id); err != nil {
						b.t.Error(err)
					}
				})
			}
		}
	}
}

// listing are all records of a listing at the vendor.
func (b *bridge) listing(name string) []map[string]any {
	b.t.Helper()
	var all []map[string]any
	if err := json.Unmarshal(b.stage.Simulator.State(name), &all); err != nil {
		b.t.Fatalf("state of %s: %v", name, err)
	}
	return all
}

func tokens(denied map[string]bool) map[string]planhatsim.Token {
	return map[string]planhatsim.Token{stage.Token: {Deny: denied}}
}

// deny takes the right to objects from the token.
func (b *bridge) deny(objects ...string) {
	denied := map[string]bool{}
	for _, o := range objects {
		denied[o] = true
	}
	b.stage.Simulator.SetTokens(tokens(denied))
}
