package freshness_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/test/rig/bubble"
	"github.com/planhat-bridge/planhat-bridge/test/share"
)

// many are the companies of a tenant of 15,000 records, or of 150,000 where all is told.
func many() int {
	if share.All() {
		return 10_700
	}
	return 1_070
}

// A workspace where nothing happens costs no more calls than reading each
// listing once a target, and a twentieth.
func TestCallsAtRest(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct {
		companies int
		objects   string
		freshness string
		lasts     time.Duration
	}{
		"a small tenant":             {companies: 30, lasts: time.Hour},
		"a large tenant":             {companies: many(), lasts: 20 * time.Minute},
		"all wanted every minute":    {companies: 60, freshness: "*:60s", lasts: 20 * time.Minute},
		"notes alone of a listing":   {companies: 60, objects: "note", lasts: 20 * time.Minute},
		"a listing of several pages": {companies: 2500, objects: "license", freshness: "*:60s", lasts: 20 * time.Minute},
		"several pages with stamps":  {companies: 1700, objects: "conversation", freshness: "*:60s", lasts: 20 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{}
			if story.objects != "" {
				env["PLANHAT_OBJECTS"] = story.objects
			}
			if story.freshness != "" {
				env["PLANHAT_FRESHNESS"] = story.freshness
			}
			sim := planhatsim.Options{Seed: 31, Companies: story.companies, CallsPerMinute: -1}
			inBubble(t, sim, env, func(w *world) { w.rests(story.lasts) })
		})
	}
}

// The same for an object by itself, where nothing that one costs too much is
// hidden behind what others cost too little: for a share, or for all.
func TestCallsAtRestOfEachObject(t *testing.T) {
	t.Parallel()
	for n, spec := range planhat.Objects() {
		if !share.Has(n, 7) {
			continue
		}
		t.Run(string(spec.Object), func(t *testing.T) {
			t.Parallel()
			env := map[string]string{"PLANHAT_OBJECTS": string(spec.Object), "PLANHAT_FRESHNESS": "*:60s"}
			inBubble(t, planhatsim.Options{Seed: 32, Companies: 20, CallsPerMinute: -1}, env, func(w *world) { w.rests(20 * time.Minute) })
		})
	}
}

// Records that exist and that their listing leaves out are asked for ever more
// rarely: they do not add up either, however many there are.
func TestHiddenRecordsAtRest(t *testing.T) {
	t.Parallel()
	env := map[string]string{"PLANHAT_OBJECTS": "issue", "PLANHAT_FRESHNESS": "*:60s"}
	sim := planhatsim.Options{Seed: 33, Companies: 60, CallsPerMinute: -1, Switches: planhatsim.Switches{ArchivedIssues: "hidden"}}
	inBubble(t, sim, env, func(w *world) {
		w.await("the snapshot", time.Hour, w.snapshotDone)
		hidden := 0
		w.vendor.sim.Mutate(func(tx *planhatsim.Tx) {
			for _, id := range tx.IDs("issues")[:20] {
				if err := tx.Update("issues", id, `{"archived":true}`); err != nil {
					t.Error(err)
				}
				hidden++
			}
		})
		from := time.Now()
		sleep(time.Hour)
		asked := 0
		for _, c := range w.vendor.Calls(from) {
			if strings.Count(c.Path, "/") > 1 {
				asked++
			}
		}
		if asked < hidden {
			t.Errorf("%d questions for %d records that are gone from their listing", asked, hidden)
		}
		w.rests(time.Hour)
	})
}

// rests compares the calls of a while with the table.
func (w *world) rests(lasts time.Duration) {
	w.t.Helper()
	w.await("the snapshot", time.Hour, w.snapshotDone)
	sleep(10 * time.Minute) // whatever follows a snapshot
	if st := w.status(); st.Stretch > 1 {
		w.t.Fatalf("the targets are stretched: %s", w.describe())
	}
	from := time.Now()
	sleep(lasts)
	calls := w.vendor.Calls(from)
	most, minutes := 1.05*w.pagesPerTarget(), lasts.Minutes()
	w.t.Logf("%.3f calls a minute, %.3f are allowed", float64(len(calls))/minutes, most)
	if float64(len(calls)) > most*minutes+1 { // one may fall on the edge
		w.t.Errorf("%d calls in %s, want at most %.1f", len(calls), lasts, most*minutes)
	}
	if len(calls) == 0 {
		w.t.Error("nothing is looked at")
	}
}

// pagesPerTarget adds up, from the table of objects and the targets, what it
// costs to read each listing once a target, in calls a minute.
func (w *world) pagesPerTarget() (sum float64) {
	cfg := w.Config.Planhat[0]
	targets, specs := map[string]time.Duration{}, map[string]planhat.Spec{}
	for _, spec := range planhat.Objects() {
		if cfg.Objects != nil && !strings.Contains(","+strings.Join(cfg.Objects, ",")+",", ","+string(spec.Object)+",") {
			continue
		}
		if target := cfg.Freshness.For(string(spec.Object)); targets[spec.Listing] == 0 || target < targets[spec.Listing] {
			targets[spec.Listing] = target
		}
		specs[spec.Listing] = spec
	}
	for listing, spec := range specs {
		pages := w.pages(spec, false)
		if spec.ArchivedParam != "" {
			pages += w.pages(spec, true)
		}
		sum += float64(pages) / targets[listing].Minutes()
	}
	return sum
}

// pages is how many pages of the documented size show a listing; each repeats
// the last row of the one before, without which rows that move between two
// calls would be missed.
func (w *world) pages(spec planhat.Spec, archived bool) int {
	for n := 1; ; n++ {
		q := url.Values{"sort": {"_id"}, "limit": {fmt.Sprint(spec.PageSize)}, "offset": {fmt.Sprint((n - 1) * (spec.PageSize - 1))}}
		if archived {
			q.Set(spec.ArchivedParam, "true")
		}
		r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://planhat.example"+spec.Path+"?"+q.Encode(), http.NoBody)
		if err != nil {
			w.t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+planhatsim.DefaultToken)
		resp, err := bubble.Handled{Handler: w.vendor.sim}.RoundTrip(r)
		if err != nil {
			w.t.Fatal(err)
		}
		var rows []json.RawMessage
		if err := json.NewDecoder(resp.Body).Decode(&rows); err != nil {
			w.t.Fatal(err)
		}
		if len(rows) < spec.PageSize {
			return n
		}
	}
}
