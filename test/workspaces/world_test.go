// Package workspaces proves that the workspaces of one deployment are isolated
// from one another in failure, budget and secrets, and that several bridges
// share a cluster.
package workspaces

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/oracle"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/test/rig"
	"github.com/planhat-bridge/planhat-bridge/test/rig/settings"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }

// objects are captured in these tests: enough to have two streams a workspace.
var objects = []string{"company", "enduser"}

// tenant is a workspace with a Planhat of its own.
type tenant struct {
	t     *testing.T
	name  string
	token string
	file  string // holds the token
	url   string
	sim   *planhatsim.Server

	mu   sync.Mutex
	seen map[string]int // requests by their Authorization header
}

// world is a cluster and the tenants that are bridged over it.
type world struct {
	t       *testing.T
	stage   *stage.Stage
	kafka   kafka.Options
	names   kafka.Names
	tenants []*tenant
	set     map[string]string // variables of every service besides those of the tenants
	watch   *watch
}

// newWorld sets up a broker, a registry and a Planhat for each name.
func newWorld(t *testing.T, names ...string) *world {
	t.Helper()
	w := &world{t: t, names: kafka.Names{Bridge: "planhat-bridge"}, set: map[string]string{}}
	for i, name := range names {
		token := "tok-" + name
		options := planhatsim.Options{
			Seed: int64(i + 1), Companies: 5, ConversationsPerCompany: -1, LicensesPerCompany: -1,
			CallsPerMinute: -1, PerSecond: -1, InFlight: -1, Tokens: map[string]planhatsim.Token{token: {}},
		}
		s, err := stage.New(stage.Ports{}, options, i > 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Simulator.Close(); _ = s.Close() })
		if i == 0 {
			w.stage = s
		}
		tn := &tenant{
			t: t, name: name, token: token, url: s.Planhat, sim: s.Simulator, seen: map[string]int{},
			file: filepath.Join(t.TempDir(), "token"),
		}
		tn.rotate(token)
		tn.sim.OnRequest(tn.note)
		w.tenants = append(w.tenants, tn)
	}
	w.kafka = kafka.Options{Brokers: []string{w.stage.Broker}, Extra: []kgo.Opt{kgo.MetadataMinAge(20 * time.Millisecond)}}
	w.watch = newWatch(t, w.kafka)
	return w
}

// ofOneShard are names of workspaces that one shard owns, beginning with the
// prefixes: one worker, one producer, the closest that workspaces can be.
func ofOneShard(prefixes ...string) []string {
	var out []string
	for _, prefix := range prefixes {
		for i := 0; ; i++ {
			name := fmt.Sprint(prefix, "-", i)
			if shard.ShardOf("planhat/"+name, shard.DefaultShards) == 5 {
				out = append(out, name)
				break
			}
		}
	}
	return out
}

// env is the environment of a service that is configured with some tenants.
func (w *world) env(instance string, tenants []*tenant, set map[string]string) []string {
	vars := w.stage.Env(0)
	for _, name := range []string{"TOKEN", "BASE_URL", "CALLS_PER_MINUTE", "FRESHNESS"} {
		delete(vars, "PLANHAT_"+name)
	}
	vars["INSTANCE_ID"], vars["LOG_LEVEL"] = instance, "info"
	var names []string
	for _, tn := range tenants {
		names = append(names, tn.name)
		prefix := "PLANHAT_" + strings.ToUpper(strings.ReplaceAll(tn.name, "-", "_")) + "_"
		vars[prefix+"TOKEN_FILE"], vars[prefix+"BASE_URL"] = tn.file, tn.url
		vars[prefix+"CALLS_PER_MINUTE"], vars[prefix+"FRESHNESS"] = "6000", "*:1s"
		vars[prefix+"OBJECTS"] = strings.Join(objects, ",")
	}
	vars["PLANHAT_WORKSPACES"] = strings.Join(names, ",")
	maps.Copy(vars, w.set)
	maps.Copy(vars, set)
	return settings.Environ(vars)
}

// judge holds a tenant's topics to its Planhat.
func (w *world) judge(tn *tenant) oracle.Report {
	w.t.Helper()
	report, err := oracle.Check(w.t.Context(), oracle.Options{
		Kafka: w.kafka, Names: w.names, Workspace: tn.name, SimulatorURL: tn.url, Objects: objects, Settle: 40 * time.Second,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range report.Mismatches {
		w.t.Errorf("%s: %s", tn.name, m)
	}
	return report
}

// rotate writes a token as a mounted Secret does: the file is another one.
func (tn *tenant) rotate(token string) {
	tn.t.Helper()
	next := tn.file + ".next"
	if err := os.WriteFile(next, []byte(token+"\n"), 0o600); err != nil {
		tn.t.Fatal(err)
	}
	if err := os.Rename(next, tn.file); err != nil {
		tn.t.Fatal(err)
	}
}

// accept makes tokens the only ones that the tenant's Planhat takes.
func (tn *tenant) accept(tokens ...string) {
	all := map[string]planhatsim.Token{}
	for _, token := range tokens {
		all[token] = planhatsim.Token{}
	}
	tn.sim.SetTokens(all)
}

// trouble replaces the faults of the tenant's Planhat.
func (tn *tenant) trouble(faults ...planhatsim.Fault) {
	tn.t.Helper()
	tn.sim.ClearFaults()
	for _, f := range faults {
		if err := tn.sim.AddFault(f); err != nil {
			tn.t.Fatal(err)
		}
	}
}

func (tn *tenant) note(r *http.Request) {
	tn.mu.Lock()
	defer tn.mu.Unlock()
	tn.seen[r.Header.Get("Authorization")]++
}

// tokens are the credentials that the tenant's Planhat has seen, sorted.
func (tn *tenant) tokens() []string {
	tn.mu.Lock()
	defer tn.mu.Unlock()
	var out []string
	for header := range tn.seen {
		out = append(out, strings.TrimPrefix(header, "Bearer "))
	}
	slices.Sort(out)
	return out
}

// requests counts what the tenant's Planhat was asked.
func (tn *tenant) requests() int {
	tn.mu.Lock()
	defer tn.mu.Unlock()
	n := 0
	for _, c := range tn.seen {
		n += c
	}
	return n
}

// add makes a company as one of the tenant's own users, and returns its id.
func (tn *tenant) add(name string) (id string) {
	tn.t.Helper()
	tn.sim.Mutate(func(tx *planhatsim.Tx) {
		var err error
		if id, err = tx.Create("companies", fmt.Sprintf(`{"name":%q}`, name)); err != nil {
			tn.t.Fatal(err)
		}
	})
	return id
}

// drop deletes topics.
func (w *world) drop(topics ...string) {
	w.t.Helper()
	client, err := w.kafka.NewClient()
	if err != nil {
		w.t.Fatal(err)
	}
	defer client.Close()
	answers, err := kadm.NewClient(client).DeleteTopics(w.t.Context(), topics...)
	if err := errors.Join(err, answers.Error()); err != nil {
		w.t.Fatal(err)
	}
}
