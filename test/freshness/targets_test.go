package freshness_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
)

// Where the targets cannot be met within the share it is said which streams cost
// most and what would do, before the listings are read; and each remedy does.
func TestTargetsThatCannotBeMet(t *testing.T) {
	t.Parallel()
	// 5,000 licenses are on 3 pages and have no stamp: wanted every 10 s they cost 3 calls / 9.7 s = 18.56 a
	// minute; 5,000 companies on 2 pages: a poll each 9.7 s = 6.19 and a sweep each 48.5 s = 2.47; 5 users on
	// one page: 6.19. Polls are 30.93 calls a minute, of which 65 of 100 may be polls: 47.58 are needed.
	env := map[string]string{
		"PLANHAT_OBJECTS": "company,license,user", "PLANHAT_FRESHNESS": "*:10s", "PLANHAT_CALLS_PER_MINUTE": "60", "SOURCE_BUDGET_SHARE": "0.5",
	}
	sim := planhatsim.Options{Seed: 71, Companies: 5000, EndusersPerCompany: -1, ConversationsPerCompany: -1, CoreOnly: true, CallsPerMinute: -1}
	inBubble(t, sim, env, func(w *world) {
		w.await("the plan", time.Hour, func() bool { return len(w.Log.Lines("snapshot is planned")) > 0 })
		told := w.Log.Lines("the calls that may be spent do not suffice for the freshness targets")
		if len(told) != 1 || told[0]["calls_per_minute_needed"] != 47.58 || told[0]["changes_later_by"] != 1.59 || told[0]["deletes_later_by"] != 1.0 {
			t.Errorf("when the plan is there it is said: %v", told)
		}
		want := source.TargetStatus{
			Granted: 30, Needed: 47.58, Polls: 1.59, Sweeps: 1,
			Streams: []source.StreamTarget{{Name: "licenses", Target: "10s", Pages: 3, Calls: 18.56}, {Name: "companies", Target: "10s", Pages: 2, Calls: 8.66}, {Name: "users", Target: "10s", Pages: 1, Calls: 6.19}},
			Remedies: []string{
				"grant the token 96 calls a minute: PLANHAT_DEMO_CALLS_PER_MINUTE=96",
				"give the source a larger share of them: SOURCE_BUDGET_SHARE=0.80",
				"want licenses less often: license:27s in PLANHAT_DEMO_FRESHNESS",
				"capture less: leave objects out of PLANHAT_DEMO_OBJECTS, or name the companies that matter in PLANHAT_DEMO_COMPANY_IDS",
			},
		}
		w.says(want)
		w.await("the snapshot", time.Hour, w.snapshotDone)
		sleep(10 * time.Minute)
		w.says(want)
		if n := len(w.Log.Lines("the calls that may be spent do not suffice for the freshness targets")); n != 1 {
			t.Errorf("it is said %d times", n)
		}
		if needed, granted := w.gauge("planhat_bridge_source_calls_needed_per_minute"), w.gauge("planhat_bridge_source_calls_granted_per_minute"); needed != 47.58 || granted != 30 {
			t.Errorf("the metrics say %v of %v", needed, granted)
		}
	})
	for _, remedy := range []string{"PLANHAT_CALLS_PER_MINUTE=96", "SOURCE_BUDGET_SHARE=0.80", "PLANHAT_FRESHNESS=license:27s,*:10s"} {
		t.Run(remedy, func(t *testing.T) {
			t.Parallel()
			mended := maps.Clone(env)
			name, value, _ := strings.Cut(remedy, "=")
			mended[name] = value
			inBubble(t, sim, mended, func(w *world) {
				w.await("the snapshot", time.Hour, w.snapshotDone)
				sleep(5 * time.Minute)
				if st := w.status(); st.Targets != nil || st.Stretch > 1 {
					t.Errorf("with %s: %+v", remedy, st.Targets)
				}
			})
		})
	}
}

// says compares the status with what it has to say.
func (w *world) says(want source.TargetStatus) {
	w.t.Helper()
	got := w.status().Targets
	if got == nil {
		w.t.Fatalf("the status does not say that targets are missed: %s", w.describe())
	}
	same := got.Granted == want.Granted && got.Needed == want.Needed && got.Polls == want.Polls && got.Sweeps == want.Sweeps && len(got.Streams) == len(want.Streams)
	for i := range min(len(got.Streams), len(want.Streams)) {
		g, s := got.Streams[i], want.Streams[i]
		same = same && g.Name == s.Name && g.Target == s.Target && g.Pages == s.Pages && g.Calls == s.Calls
	}
	if !same || strings.Join(got.Remedies, "\n") != strings.Join(want.Remedies, "\n") {
		w.t.Errorf("the status says\n%+v, want\n%+v", *got, want)
	}
}
