package oracle

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
)

// api sends a request as a client of the vendor would and gives the record's id.
func api(t *testing.T, base, method, path, body string) string {
	t.Helper()
	req, err := http.NewRequest(method, base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+planhatsim.DefaultToken)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d %s %v", method, path, resp.StatusCode, answer, err)
	}
	var record struct {
		ID string `json:"_id"`
	}
	_ = json.Unmarshal(answer, &record)
	return record.ID
}

// gathered is all that a vendor says; there is no broker.
func gathered(t *testing.T, o Options) *gatherer {
	t.Helper()
	o.Kafka = kafka.Options{Brokers: []string{"127.0.0.1:1"}}
	g, err := newGatherer(o, kgo.ReadCommitted())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.reader.cl.Close)
	if err := g.gatherVendor(t.Context()); err != nil {
		t.Fatal(err)
	}
	return g
}

// TestTheSimulatorsControlAPI: what the checks need is there, under the names
// that they use.
func TestTheSimulatorsControlAPI(t *testing.T) {
	sim := planhatsim.New(planhatsim.Options{Seed: 1, Companies: 3})
	t.Cleanup(sim.Close)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	sim.Live(50)
	company := api(t, server.URL, http.MethodPost, "/companies", `{"name":"C","externalId":"cmd-1","custom":{"cmd":"m-1","Tier":"gold"}}`)
	api(t, server.URL, http.MethodPut, "/companies/"+company, `{"phase":"x"}`)
	note := api(t, server.URL, http.MethodPost, "/conversations", `{"companyId":"`+company+`","type":"note","subject":"s"}`)
	enduser := api(t, server.URL, http.MethodPost, "/endusers", `{"companyId":"`+company+`","email":"cmd-1@example.org"}`)
	api(t, server.URL, http.MethodDelete, "/endusers/"+enduser, "")

	g := gathered(t, Options{Workspace: "acme", SimulatorURL: server.URL,
		Objects: []string{"company", "enduser", "note", "license"}})
	e := g.evidence()
	past := pasts(e.Journal)
	for _, o := range e.Objects {
		if len(o.State) == 0 {
			t.Errorf("no rows of %s", o.Spec.Object)
		}
		for id := range o.State {
			if past[id] == nil || !slices.ContainsFunc(past[id].entries, func(e Entry) bool { return e.Object == string(o.Spec.Object) }) {
				t.Errorf("%s %s: journal has %+v", o.Spec.Object, id, past[id])
			}
		}
	}
	if row := e.Objects[0].State[company]; row["phase"] != "x" {
		t.Errorf("company = %v", row)
	}
	if e.Objects[2].State[note] == nil {
		t.Errorf("note %s is not listed", note)
	}
	if p := past[enduser]; p == nil || p.deleted.IsZero() || p.cascaded || p.keys["email"] != "cmd-1@example.org" {
		t.Errorf("deleted enduser: %+v", p)
	}
	entries := past[company].entries
	if tier, ok := entries[0].value("custom.Tier"); !ok || tier != "gold" || entries[0].Via != "api" {
		t.Errorf("create = %+v", entries[0])
	}
	vias := map[string]bool{}
	for _, entry := range e.Journal {
		vias[entry.Via] = true
	}
	if !vias["seed"] || !vias["life"] || !vias["api"] {
		t.Errorf("vias = %v", vias)
	}
	faults, err := g.vendor.faults(t.Context())
	if err != nil || slices.Contains([]string{"injected", "active"}, firstKey(faults)) {
		t.Errorf("faults = %v, %v", faults, err)
	}
}

func firstKey(m map[string]int) string {
	for k := range m {
		return k
	}
	return ""
}
