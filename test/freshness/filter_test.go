package freshness_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// keys are the records of an object that its topic has, less those deleted.
func (w *world) keys(object string) map[string]bool {
	w.t.Helper()
	client, err := w.Kafka().NewClient(kgo.ConsumeTopics(w.Names.Changes("planhat", workspaceName, object)),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(time.Second))
	if err != nil {
		w.t.Fatal(err)
	}
	defer client.Close()
	out := map[string]bool{}
	for quiet := 0; quiet < 3; { // three seconds of virtual time without a record
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
		fetches := client.PollFetches(ctx)
		cancel()
		if fetches.NumRecords() == 0 {
			quiet++
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if out[string(r.Key)] = true; r.Value == nil {
				delete(out, string(r.Key))
			}
		})
	}
	return out
}

// ofCompanies are the simulator's records of an object that belong to some
// companies, and those that say of no company: a listing that is asked for
// companies may leave these out.
func (w *world) ofCompanies(object string, companies []string) (out, ofNone map[string]bool) {
	spec, _ := planhat.Lookup(planhat.Object(object))
	out, ofNone = map[string]bool{}, map[string]bool{}
	w.vendor.sim.Mutate(func(tx *planhatsim.Tx) {
		for _, id := range tx.IDs(spec.Listing) {
			of := spec.Companies(tx.Get(spec.Listing, id))
			if len(of) == 0 && spec.CompanyField != "" {
				ofNone[id] = true
			} else if len(of) == 0 || slices.ContainsFunc(of, func(c string) bool { return slices.Contains(companies, c) }) {
				out[id] = true
			}
		}
	})
	return out, ofNone
}

// Only the records of the companies chosen are captured: where their ids fit
// into a request, where they do not, and where the listing ignores them. Edits
// and deletes of theirs are told, and nothing of others.
func TestFilterByCompany(t *testing.T) {
	t.Parallel()
	objects := []string{"company", "enduser", "license", "issue", "invoice", "user"}
	for name, tc := range map[string]struct {
		chosen  int
		ignored bool
	}{
		"a few":                          {chosen: 5},
		"as many as fit":                 {chosen: 74},
		"one more than fits":             {chosen: 75},
		"hundreds":                       {chosen: 300},
		"a few, and the listing ignores": {chosen: 5, ignored: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{"PLANHAT_OBJECTS": strings.Join(objects, ","), "PLANHAT_FRESHNESS": "*:60s"}
			sim := planhatsim.Options{Seed: 81, Companies: 400, CallsPerMinute: -1}
			var chosen []string
			inBubbleBefore(t, sim, env, func(w *world) {
				w.vendor.ignoreFilter = tc.ignored
				w.vendor.sim.Mutate(func(tx *planhatsim.Tx) { chosen = tx.IDs("companies")[10 : 10+tc.chosen] })
				w.Config.Planhat[0].CompanyIDs = chosen
			}, func(w *world) {
				w.await("the snapshot", time.Hour, w.snapshotDone)
				sleep(3 * time.Minute)
				w.holdsOnly(objects, chosen)
				w.vendor.sim.Mutate(func(tx *planhatsim.Tx) {
					for _, id := range []string{chosen[0], chosen[2], tx.IDs("companies")[2]} {
						if err := tx.Delete("companies", id); err != nil {
							t.Error(err)
						}
					}
					for i, id := range tx.IDs("licenses")[:40] {
						if err := tx.Update("licenses", id, fmt.Sprintf(`{"product":"edited %d"}`, i)); err != nil {
							t.Error(err)
						}
					}
					if _, err := tx.Create("licenses", `{"companyId":"`+chosen[1]+`","_currency":"EUR","value":100,"mrr":10,"fromDate":"2026-02-01T00:00:00.000Z"}`); err != nil {
						t.Error(err)
					}
				})
				sleep(20 * time.Minute)
				w.holdsOnly(objects, chosen)
				longest := 0
				for _, c := range w.vendor.Calls(time.Time{}) {
					longest = max(longest, len(c.Path)+len(c.Query))
				}
				if longest > 2100 {
					t.Errorf("an address has %d characters", longest)
				}
			})
		})
	}
}

// holdsOnly compares the topics with the simulator's records of the companies chosen.
func (w *world) holdsOnly(objects, chosen []string) {
	w.t.Helper()
	for _, o := range objects {
		have := w.keys(o)
		want, ofNone := w.ofCompanies(o, chosen)
		for id := range want {
			if !have[id] {
				w.t.Errorf("%s %s is missing", o, id)
			}
		}
		for id := range have {
			if !want[id] && !ofNone[id] {
				w.t.Errorf("%s %s is of a company that was not chosen, or gone", o, id)
			}
		}
		if len(want) == 0 {
			w.t.Errorf("no %s was chosen: that proves nothing", o)
		}
	}
}
