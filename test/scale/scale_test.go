package scale

import (
	"fmt"
	"maps"
	"math/bits"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/oracle"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/test/rig/settings"
	"github.com/planhat-bridge/planhat-bridge/test/rig/verdict"
)

const (
	edits               = 10_000 // records edited at one moment
	callsOfTheListPages = 1      // more than the rows need at least
)

// sweepOverlap is how many rows each page of a sweep repeats of the one before:
// internal/source/scan.go.
const sweepOverlap = 1

// TestSourceOfALargeTenant takes a source through its life: a snapshot, sweeps, a
// restart, and a storm of edits in which it is killed. The oracle says that nothing is missing.
func TestSourceOfALargeTenant(t *testing.T) {
	n := endusers(t)
	s := newStage(t, n)
	env := s.Env(0)
	env["PLANHAT_CALLS_PER_MINUTE"], env["PLANHAT_FRESHNESS"] = "1000000", "*:1s"
	env["CALL_DEADLINE"], env["SHARD_SESSION_TIMEOUT"] = "30s", "45s" // the simulator may be busy with what it holds
	binary := build(t, "source")
	begin := func() *process {
		p := start(t, binary, env)
		p.wait = patience(n)
		return p
	}

	p := begin()
	p.until("snapshot of all streams", snapshotDone(n))
	calls, perTemplate := s.Simulator.Calls()
	p.cost(t, "snapshot", 0, calls)
	p.peak(t, "the snapshot", mostMiB(n))
	onlyDocumentedPaths(t, perTemplate)
	fewCalls(t, calls, n)
	since, spent := time.Now(), p.spent()
	p.until("sweep after the snapshot", sweptSince(s, since))
	p.cost(t, "sweeps of what is known, and polls", spent, callsSince(s, since))
	p.peak(t, "a sweep", mostMiB(n))
	p.stop()
	stateSize(t, s.Broker)

	began := time.Now()
	p = begin()
	p.until("restore", snapshotDone(n))
	t.Logf("scale restore records=%d cpu_s=%.2f seconds=%.2f", n+companies, p.spent().Seconds(), time.Since(began).Seconds())
	p.peak(t, "the restore", mostMiB(n))
	storm(t, s)
	p.untilUpdates()
	p.peak(t, "the begin of a storm of edits", mostMiB(n))
	p.kill() // the edits of a page are in several transactions

	env["PLANHAT_FRESHNESS"] = "*:5s" // leaves some of the processor to the judge
	p = begin()
	p.until("poll of the edits", func(streams map[string]source.StreamStatus) bool {
		return !streams["companies"].LastScan.IsZero() && !streams["endusers"].LastScan.IsZero()
	})
	judge(t, s, env, n)
	p.peak(t, "a storm of edits", mostMiB(n))
	p.stop()
}

func newStage(t *testing.T, endusers int) *stage.Stage {
	t.Helper()
	s, err := stage.New(stage.Ports{}, planhatsim.Options{
		Seed: 11, Companies: companies, EndusersPerCompany: endusers / companies, ConversationsPerCompany: 1, LicensesPerCompany: 1,
		CallsPerMinute: -1, PerSecond: -1, InFlight: -1,
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// snapshotDone is a condition: all streams are captured.
func snapshotDone(endusers int) func(map[string]source.StreamStatus) bool {
	return func(streams map[string]source.StreamStatus) bool {
		for _, s := range streams {
			if !s.SnapshotDone {
				return false
			}
		}
		return streams["endusers"].Records == endusers && streams["companies"].Records == companies
	}
}

// callsSince are the calls from a moment on.
func callsSince(s *stage.Stage, since time.Time) []planhatsim.Call {
	calls, _ := s.Simulator.Calls()
	first, _ := slices.BinarySearchFunc(calls, since, func(c planhatsim.Call, at time.Time) int { return c.At.Compare(at) })
	return calls[first:]
}

// sweptSince is a condition: endusers have been asked for in full since then, the
// archived ones last.
func sweptSince(s *stage.Stage, since time.Time) func(map[string]source.StreamStatus) bool {
	return func(map[string]source.StreamStatus) bool {
		calls, _ := s.Simulator.Calls()
		begun := false
		for _, c := range calls {
			l := listingOf(c)
			if c.At.Before(since) || l.path != "/endusers" || !l.sweep {
				continue
			}
			begun = begun || l.offset == 0 && !l.archived
			if begun && l.archived && c.Items < l.limit {
				return true
			}
		}
		return false
	}
}

// listing is a list call, as the simulator's log has it.
type listing struct {
	path          string
	archived      bool
	sweep         bool // sorted by _id
	offset, limit int
}

func listingOf(c planhatsim.Call) listing {
	q, _ := url.ParseQuery(c.Query) // of our own client
	offset, _ := strconv.Atoi(q.Get("offset"))
	limit, _ := strconv.Atoi(q.Get("limit"))
	return listing{path: c.Path, archived: q.Get("archived") == "true", sweep: q.Get("sort") == "_id", offset: offset, limit: limit}
}

// fewCalls holds the list calls of the snapshot of each listing to what its rows
// need. A path with archived records has two listings, of which the one of the
// archived may show the others again: its rows are as many as it has shown.
func fewCalls(t *testing.T, calls []planhatsim.Call, endusers int) {
	t.Helper()
	type key struct {
		path     string
		archived bool
	}
	made, rows, limits, over, probes := map[key]int{}, map[key]int{}, map[key]int{}, map[key]bool{}, map[key]int{}
	for _, c := range calls {
		l := listingOf(c)
		k := key{l.path, l.archived}
		if over[k] {
			continue // polls and sweeps after the snapshot of this listing
		}
		if l.limit == 1 { // the snapshot is planned: how many pages there are
			probes[k]++
			continue
		}
		made[k]++
		if !l.sweep {
			continue
		}
		rows[k], limits[k] = max(rows[k], l.offset+c.Items), l.limit
		over[k] = c.Items < l.limit
	}
	for k, n := range made {
		need := (rows[k]-sweepOverlap+limits[k]-sweepOverlap-1)/(limits[k]-sweepOverlap) + callsOfTheListPages
		if rows[k] == 0 {
			need = callsOfTheListPages
		}
		if rows[k] > 0 {
			t.Logf("scale path=%s archived=%t rows=%d calls=%d at_most=%d", k.path, k.archived, rows[k], n, need)
		}
		if most := 2*bits.Len(uint(need)) + 2; probes[k] > most {
			t.Errorf("%s archived=%t: %d calls plan a snapshot of %d, want at most %d", k.path, k.archived, probes[k], need, most)
		}
		if n > need {
			t.Errorf("%s archived=%t: %d calls for %d rows, want at most %d", k.path, k.archived, n, rows[k], need)
		}
	}
	if rows[key{"/companies", false}] != companies || rows[key{"/endusers", false}] < endusers/2 {
		t.Errorf("rows of the listings: %v", rows)
	}
}

// onlyDocumentedPaths holds the calls to the paths of docs/contract.md.
func onlyDocumentedPaths(t *testing.T, perTemplate map[string]int64) {
	t.Helper()
	text, err := os.ReadFile("../../docs/contract.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, m := range regexp.MustCompile("\\| `(/[a-z]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		known["GET "+m[1]] = true
	}
	if !known["GET /companies"] || !known["GET /endusers"] {
		t.Fatalf("docs/contract.md names the paths %v", known)
	}
	for template := range perTemplate {
		if !known[template] {
			t.Errorf("%s was called, which docs/contract.md does not name", template)
		}
	}
}

// storm edits companies and endusers within a few seconds.
func storm(t *testing.T, s *stage.Stage) {
	t.Helper()
	s.Simulator.Mutate(func(tx *planhatsim.Tx) {
		left, began := edits, time.Now()
		for _, path := range []string{"companies", "endusers"} {
			for n, id := range tx.IDs(path) {
				if left == 0 {
					return
				}
				left--
				tx.At(began.Add(time.Duration(edits-left) * time.Millisecond / 4))
				if err := tx.Update(path, id, fmt.Sprintf(`{"custom":{"Storm":%d}}`, n)); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
}

// judge lets the oracle decide, once the source has caught up.
func judge(t *testing.T, s *stage.Stage, vars map[string]string, n int) {
	t.Helper()
	vars = maps.Clone(vars)
	vars["INSTANCE_ID"] = "judge"
	cfg := settings.Config(t, vars)
	options, err := kafka.FromConfig(cfg.Kafka)
	if err != nil {
		t.Fatal(err)
	}
	verdict.Of(t, oracle.Options{
		Kafka: options, Names: kafka.Names{Bridge: cfg.Bridge, Prefix: cfg.Topics.Prefix}, Workspace: stage.Workspace,
		SimulatorURL: s.Planhat, Objects: judged(t, n), Settle: patience(n),
	})
}
