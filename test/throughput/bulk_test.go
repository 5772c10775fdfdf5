package throughput

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"
)

// TestUpsertsGoInFewCalls: 100,000 upserts on 100,000 keys take 30 calls at most.
func TestUpsertsGoInFewCalls(t *testing.T) {
	n, most := sized(10_000, 100_000), sized(0.6, 0.3) // the first batch weighs more in a small run
	w := newWorld(t, nil)
	svc := w.prepare()
	w.send("upsert", n, own, nil)
	started := time.Now()
	w.start(svc)
	w.answered()
	took := time.Since(started)
	calls := 1000 * float64(len(w.writes())) / float64(n)
	t.Logf("%d upserts on as many keys: %d calls, %.2f for 1,000; %s, %.0f a second", n, len(w.writes()), calls, took, float64(n)/took.Seconds())
	if calls > most {
		t.Errorf("%.2f calls for 1,000 upserts, want at most %.2f", calls, most)
	}
	if entries, _ := w.stage.Simulator.Journal(0); len(entries) < n {
		t.Errorf("the vendor has made %d records of %d", len(entries), n)
	}
}

// TestVersionsOfAKeyAscend writes each of 500 records many times with merging off: the
// vendor sees every version, and never an older one after a newer one.
func TestVersionsOfAKeyAscend(t *testing.T) {
	const keys = 500
	n := sized(5_000, 100_000)
	w := newWorld(t, nil)
	svc := w.prepare()
	off := false
	w.send("upsert", n, func(i int) string { return own(i % keys) }, func(_ int, c *command) { c.Coalesce = &off })
	w.start(svc)
	w.answered()
	last, writes := map[string]int{}, 0
	entries, _ := w.stage.Simulator.Journal(0)
	for _, e := range entries {
		if e.Via != "api" {
			continue
		}
		var fields struct{ Name string }
		if err := json.Unmarshal(e.Fields, &fields); err != nil {
			t.Fatal(err)
		}
		version, err := strconv.Atoi(fields.Name)
		if err != nil {
			t.Fatal(err)
		}
		if before, ok := last[e.Keys.ExternalID]; ok && version < before {
			t.Fatalf("%s: version %d after %d", e.Keys.ExternalID, version, before)
		}
		last[e.Keys.ExternalID] = version
		writes++
	}
	t.Logf("%d upserts on %d keys: %d writes in %d calls", n, keys, writes, len(w.writes()))
	if writes != n || len(last) != keys {
		t.Errorf("%d writes to %d records, want %d to %d", writes, len(last), n, keys)
	}
	for key, version := range last {
		if version < n-keys {
			t.Errorf("%s ended at version %d", key, version)
		}
	}
}
