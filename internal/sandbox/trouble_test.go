package sandbox

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// While no calls are made, at most one fault waits for the calls of each method:
// else they would all meet a sink that waits between its retries.
func TestFaultsDoNotPileUp(t *testing.T) {
	t.Parallel()
	for name, troubles := range map[string][]fault{"Planhat": troubles, "Pipedrive": pipedriveTroubles} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pileUp(t, troubles)
		})
	}
}

func pileUp(t *testing.T, troubles []fault) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var waiting []fault
	looks := 0
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		if looks++; looks > 3*len(troubles) {
			stop()
		}
		if err := json.NewEncoder(w).Encode(happenings{Active: waiting}); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("POST /_sim/faults", func(_ http.ResponseWriter, r *http.Request) {
		var f fault
		if err := json.NewDecoder(r.Body).Decode(&f); err != nil {
			t.Error(err)
		}
		waiting = append(waiting, f)
	})
	vendor := httptest.NewServer(mux)
	if err := (control{vendor.URL, vendor.Client(), troubles}).trouble(ctx, time.Millisecond); err != nil {
		t.Fatal(err)
	}
	vendor.Close() // its handlers have returned
	lanes := map[string]int{}
	for _, f := range waiting {
		lanes[f.lane()]++
	}
	for _, f := range troubles {
		if lanes[f.lane()] != 1 {
			t.Errorf("%d faults wait for %q", lanes[f.lane()], f.lane())
		}
	}
}
