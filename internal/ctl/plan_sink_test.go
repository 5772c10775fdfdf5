package ctl

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// captureAll writes every record of some objects as the source would.
func (b *bridge) captureAll(sim *planhatsim.Server, objects ...planhat.Object) {
	b.t.Helper()
	for _, object := range objects {
		spec, _ := planhat.Lookup(object)
		var rows []json.RawMessage
		if err := json.Unmarshal(sim.State(spec.Listing), &rows); err != nil {
			b.t.Fatal(err)
		}
		for _, row := range rows {
			var head struct {
				ID string `json:"_id"`
			}
			if err := json.Unmarshal(row, &head); err != nil {
				b.t.Fatal(err)
			}
			b.captured(string(object), head.ID, string(row))
		}
	}
}

// TestWhatIsPlannedHappens: the sink answers the commands of a file as plan
// foretold, but for what Planhat does not tell apart.
func TestWhatIsPlannedHappens(t *testing.T) {
	t.Parallel()
	b, sim := newWorld(t)
	b.captureAll(sim, planhat.Company, planhat.License, planhat.Enduser, planhat.CustomField)
	var companies []map[string]any
	if err := json.Unmarshal(sim.State("companies"), &companies); err != nil {
		t.Fatal(err)
	}
	one, two := companies[0], companies[1]
	text := fmt.Sprintf(`{"id":"a","op":"update","object":"company","target":{"_id":"%[1]s"},"fields":{"name":"New name"}}
{"id":"b","op":"upsert","object":"company","target":{"externalId":"p-1"},"fields":{"name":"Planned"}}
{"id":"c","op":"upsert","object":"company","target":{"externalId":"p-1"},"fields":{"city":"Oslo"}}
{"id":"d","op":"create","object":"license","fields":{"externalId":"l-p","companyId":"extid-p-1","_currency":"EUR","value":1,"fromDate":"2026-01-01"}}
{"id":"e","op":"update","object":"company","target":{"externalId":"p-404"},"fields":{"name":"x"}}
{"id":"f","op":"create","object":"company","fields":{"name":"x","externalId":%[3]q}}
{"id":"g","op":"update","object":"company","target":{"_id":"%[1]s"},"fields":{"nmae":"x"}}
{"id":"h","op":"update","object":"company","target":{"_id":"%[1]s"},"fields":{"custom":{"No such field":"x"}}}
{"id":"i","op":"upsert","object":"enduser","target":{"email":"planned@example.org"},"fields":{"companyId":"%[1]s","firstName":"P"}}
{"id":"j","op":"get","object":"enduser","target":{"email":"planned@example.org"}}
{"id":"k","op":"delete","object":"company","target":{"externalId":"p-404"}}
{"id":"l","op":"update","object":"company","target":{"_id":"%[2]s"},"fields":{"name":"x"},"ifUnchangedSince":"2001-01-01T00:00:00Z"}
{"id":"m","op":"get","object":"company","target":{"_id":"%[2]s"}}
{"id":"n","op":"upsert","object":"license","target":{"externalId":"l-p2"},"fields":{"companyId":"extid-p-404","_currency":"EUR","value":1,"fromDate":"2026-01-01"}}
{"id":"o","op":"upsert","object":"company","target":{"externalId":"p-8"},"fields":{"city":"Bergen"}}
{"id":"p","op":"delete","object":"license","target":{"externalId":"l-p"}}
`, one["_id"], two["_id"], one["externalId"])
	file := filepath.Join(t.TempDir(), "commands.jsonl")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	before, state := b.everything(), string(sim.State("companies"))
	foretold := endings(t, b.run("", "plan", "-f", file, "-o", "json"))
	if after := b.everything(); before != after || state != string(sim.State("companies")) {
		t.Errorf("plan wrote something: %s, before %s", after, before)
	}
	happened := endings(t, b.run("", "send", "-f", file, "-o", "json"))
	if len(happened) != strings.Count(text, "\n") {
		t.Fatalf("%d results", len(happened))
	}
	for id, want := range happened {
		if foretold[id] != want {
			t.Errorf("command %s was foretold to be %q and is %q", id, foretold[id], want)
		}
	}
}

// endings are how commands end, by id: a status with its effect or code. Of a
// write that found a record nobody is told whether it changed anything.
func endings(t *testing.T, output string) map[string]string {
	t.Helper()
	out := map[string]string{}
	lines := bufio.NewScanner(strings.NewReader(output))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r struct {
			CommandID, Status, Effect string
			Error                     *struct{ Code string }
		}
		if json.Unmarshal(lines.Bytes(), &r) != nil || r.CommandID == "" {
			continue
		}
		ending := r.Status + " " + r.Effect
		if r.Error != nil {
			ending += " " + r.Error.Code
		}
		out[r.CommandID] = strings.Replace(ending, "OK UNCHANGED", "OK UPDATED", 1)
	}
	return out
}
