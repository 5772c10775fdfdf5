package account_test

import (
	"testing"

	pipedrivesim "github.com/planhat-bridge/planhat-bridge/internal/simulator/pipedrive"
)

func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSnapshotThenWebhooks(t *testing.T) {
	t.Parallel()
	r := newRig(t, pipedrivesim.Options{Seed: 1}, nil)
	_, stop := r.started()
	r.judge()
	for _, e := range r.events("deal") {
		if e.Op != "r" || e.Source.Snapshot != "true" || e.Source.Connector != "pipedrive" || e.Source.Stream != "deal" {
			t.Fatalf("an event of the snapshot: %+v", e)
		}
	}
	r.sim.Live(200)
	r.judge()
	if r.metric("missed_changes_total") != 0 {
		t.Errorf("holes were found, and no webhook was lost")
	}
	stop()
}
