package oracle

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	pipedrivesim "github.com/planhat-bridge/planhat-bridge/internal/simulator/pipedrive"
)

// TestPipedrivesControlAPI: what the checks need is there, under the names that they use.
func TestPipedrivesControlAPI(t *testing.T) {
	sim := pipedrivesim.New(pipedrivesim.Options{Seed: 1, RequestsPerWindow: -1, DailyTokens: -1, Scale: 1000})
	t.Cleanup(sim.Close)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	var mu sync.Mutex
	var taken []Webhook
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		taken = append(taken, readWebhook(Place{}, "", body))
	}))
	t.Cleanup(receiver.Close)
	subscribe(t, server.URL, receiver.URL)

	won, err := sim.Create("deal", `{"title":"A","value":10}`)
	if err != nil {
		t.Fatal(err)
	}
	gone, err := sim.Create("deal", `{"title":"B"}`)
	if err != nil {
		t.Fatal(err)
	}
	if !sim.Settle(10 * time.Second) {
		t.Fatal("deliveries are pending")
	}
	if err := sim.AddFault(pipedrivesim.Fault{Kind: "v1-payload", Count: 1}); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{sim.Update("deal", won, `{"status":"won"}`), sim.Delete("deal", gone)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if !sim.Settle(10 * time.Second) {
		t.Fatal("deliveries are pending")
	}
	g := gathered(t, Options{Vendor: Pipedrive, Workspace: "demo", SimulatorURL: server.URL,
		Objects: []string{"deal", "organization", "person", "note", "pipeline"}})
	e := g.evidence()
	wonID, goneID := strconv.FormatInt(won, 10), strconv.FormatInt(gone, 10)
	for _, o := range e.Objects {
		if len(o.State) == 0 {
			t.Errorf("no rows of %s", o.Object)
		}
		for id, row := range o.State {
			if _, ok := o.stamp(row); !ok || o.id(row) != id {
				t.Errorf("%s %s has no stamp, or another id: %v", o.Object, id, row)
			}
			if !slices.ContainsFunc(e.Journal, func(e Entry) bool { return e.Object == o.Object && e.ID == id && e.Op == "create" }) {
				t.Errorf("the journal does not create %s %s", o.Object, id)
			}
		}
	}
	deals := e.Objects[0].State
	if deals[wonID]["status"] != "won" || deals[goneID] != nil {
		t.Errorf("deals %s: %v, %s: %v", wonID, deals[wonID], goneID, deals[goneID])
	}
	if !slices.ContainsFunc(e.Journal, func(e Entry) bool { return e.Object == "deal" && e.ID == goneID && e.Op == "delete" }) {
		t.Error("the journal has no delete")
	}
	e.Webhooks = taken
	if c := coverWebhooks(e.Deliveries); c.Events != 4 || c.Answered != 4 || len(checkKept(e)) != 0 {
		t.Errorf("%+v, %v", c, checkKept(e))
	}
	if !slices.ContainsFunc(taken, func(w Webhook) bool { return w.Old && w.Entity == "deal" && w.ID == wonID && w.Data["status"] == "won" }) ||
		!slices.ContainsFunc(taken, func(w Webhook) bool { return !w.Old && w.ID == goneID && w.Data == nil && w.Previous["title"] == "B" }) {
		t.Errorf("taken: %+v", taken)
	}
}

func subscribe(t *testing.T, api, to string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, api+"/api/v1/webhooks",
		strings.NewReader(`{"subscription_url":"`+to+`","event_action":"*","event_object":"deal","name":"n","version":"2.0"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Api-Token", pipedrivesim.DefaultToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("subscribe: %s", resp.Status)
	}
}
