package freshness_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/test/rig/bubble"
)

// A listing that fits into one page is read by one call, whatever order the
// vendor gives it: creates, edits and deletes are told, and nothing is asked twice.
func TestOnePageIsTheWholeListing(t *testing.T) {
	t.Parallel()
	env := map[string]string{"PLANHAT_OBJECTS": "churn", "PLANHAT_FRESHNESS": "*:60s"}
	sim := planhatsim.Options{Seed: 91, Companies: 100, CallsPerMinute: -1}
	inBubbleBefore(t, sim, env, func(w *world) {
		w.vendor.Break(func(r *http.Request) (*http.Response, error) {
			resp, err := bubble.Handled{Handler: w.vendor.sim}.RoundTrip(r)
			if err == nil && strings.Count(r.URL.Path, "/") == 1 {
				reverse(t, resp)
			}
			return resp, err
		})
	}, func(w *world) {
		w.await("the snapshot", time.Hour, w.snapshotDone)
		w.vendor.sim.Mutate(func(tx *planhatsim.Tx) {
			ids := tx.IDs("churn")
			if err := tx.Delete("churn", ids[3]); err != nil {
				t.Error(err)
			}
			if _, err := tx.Create("churn", `{"companyId":"`+tx.IDs("companies")[0]+`","value":1}`); err != nil {
				t.Error(err)
			}
		})
		from := time.Now()
		sleep(3 * time.Minute)
		have, want := w.keys("churn"), map[string]bool{}
		w.vendor.sim.Mutate(func(tx *planhatsim.Tx) {
			for _, id := range tx.IDs("churn") {
				want[id] = true
			}
		})
		if fmt.Sprint(have) != fmt.Sprint(want) || len(want) != 20 {
			t.Errorf("the topic has %d records, Planhat %d", len(have), len(want))
		}
		for _, c := range w.vendor.Calls(from) {
			if strings.Contains(c.Query, "sort=-") {
				t.Errorf("a listing of one page is polled: %s", c.Query)
			}
		}
	})
}

// reverse turns the rows of a listing round.
func reverse(t *testing.T, resp *http.Response) {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	var rows []json.RawMessage
	if json.Unmarshal(body, &rows) == nil {
		slices.Reverse(rows)
		if body, err = json.Marshal(rows); err != nil {
			t.Error(err)
		}
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.Header.Del("Content-Length")
}

// On the day on which a listing outgrows a page polls take over, from where the
// last sweep was: they find an edit within the target with one call. When it
// fits into a page again, sweeps do.
func TestAListingOutgrowsItsPage(t *testing.T) {
	t.Parallel()
	env := map[string]string{"PLANHAT_OBJECTS": "churn", "PLANHAT_FRESHNESS": "*:60s"}
	sim := planhatsim.Options{Seed: 92, Companies: 100, CallsPerMinute: -1} // 20 churns
	churns := func(w *world, n int) (made []string) {
		w.vendor.sim.Mutate(func(tx *planhatsim.Tx) {
			company := tx.IDs("companies")[0]
			for i := range n {
				id, err := tx.Create("churn", fmt.Sprintf(`{"companyId":%q,"value":%d}`, company, i+1))
				if err != nil {
					t.Error(err)
				}
				made = append(made, id)
			}
		})
		return made
	}
	inBubbleBefore(t, sim, env, func(w *world) { churns(w, 960) }, func(w *world) { // 1000 are a page
		w.await("the snapshot", time.Hour, w.snapshotDone)
		sleep(10 * time.Minute)
		made := churns(w, 50)
		sleep(2 * time.Minute)
		w.polls(t, true)
		if n := len(w.keys("churn")); n != 1030 {
			t.Errorf("the topic has %d records, want 1030", n)
		}
		w.vendor.sim.Mutate(func(tx *planhatsim.Tx) {
			for _, id := range made {
				if err := tx.Delete("churn", id); err != nil {
					t.Error(err)
				}
			}
		})
		sleep(10 * time.Minute)
		w.polls(t, false)
		if n := len(w.keys("churn")); n != 980 {
			t.Errorf("the topic has %d records, want 980", n)
		}
	})
}

// polls tells polls, of one page each, from sweeps in the next five minutes.
func (w *world) polls(t *testing.T, want bool) {
	t.Helper()
	from := time.Now()
	sleep(5 * time.Minute)
	n, further := 0, 0
	for _, c := range w.vendor.Calls(from) {
		if strings.Contains(c.Query, "sort=-updatedAt") {
			n++
			if !strings.Contains(c.Query, "offset=0") {
				further++
			}
		}
	}
	if (n >= 4) != want || !want && n > 0 || further > 0 {
		t.Errorf("%d polls in five minutes, %d of them of a second page; the listing needs them: %v", n, further, want)
	}
}
