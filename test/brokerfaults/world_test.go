package brokerfaults

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr/srfake"
	"go.uber.org/goleak"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/oracle"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/test/rig"
	"github.com/planhat-bridge/planhat-bridge/test/rig/settings"
	"github.com/planhat-bridge/planhat-bridge/test/rig/verdict"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wire"
)

// In a child process this is the source itself; else no goroutine may be left
// when all stories are told.
func TestMain(m *testing.M) {
	if os.Getenv("RIG_ROLE") != "" {
		os.Exit(rig.Main(m))
	}
	// The stories wait for clocks much more than they compute.
	flag.Parse()
	code := 1
	if err := flag.Set("test.parallel", strconv.Itoa(atOnce)); err == nil {
		code = m.Run()
	}
	if code == 0 {
		http.DefaultClient.CloseIdleConnections()
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, "goroutines are left:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// objects that life changes most.
var objects = []string{"company", "enduser", "conversation", "note", "license"}

var names = kafka.Names{Bridge: "planhat-bridge"}

// ours is the shard that the workspace is on.
var ours = shard.ShardOf("planhat/"+stage.Workspace, shard.DefaultShards)

// ourID is the transactional id that its changes are written with.
var ourID = names.TransactionalID("source", ours)

func changesOf(object string) string { return names.Changes("planhat", stage.Workspace, object) }

// setting is what a story wants to be other than usual.
type setting struct {
	brokers   int // default 1
	options   []kfake.Opt
	env       map[string]string
	companies int // default 10
}

// world is a cluster, a registry, a vendor and, once started, a source.
type world struct {
	t        *testing.T
	options  []kfake.Opt // to start the cluster again with
	cluster  *kfake.Cluster
	registry *srfake.Registry
	stage    *stage.Stage
	kafka    kafka.Options // past the wire
	wire     *wire.Wire
	env      map[string]string
	source   *running
	objects  []string // that are judged

	added int // companies
}

func newWorld(t *testing.T, s setting) *world {
	t.Helper()
	w := &world{t: t, wire: &wire.Wire{}, registry: srfake.New(), objects: objects}
	t.Cleanup(w.registry.Close)
	w.options = append([]kfake.Opt{
		kfake.NumBrokers(max(s.brokers, 1)), kfake.GroupMinSessionTimeout(time.Second),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}),
	}, s.options...)
	w.open()
	t.Cleanup(func() { w.cluster.Close() })
	companies := s.companies
	if companies == 0 {
		companies = 10
	}
	var err error
	w.stage, err = stage.NewOn(strings.Join(w.cluster.ListenAddrs(), ","), stage.Ports{}, planhatsim.Options{
		Seed: 11, Companies: companies, CallsPerMinute: -1, PerSecond: -1, InFlight: -1, CoreOnly: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.stage.Simulator.Close(); _ = w.stage.Close() })
	w.env = w.stage.Env(0)
	maps.Copy(w.env, map[string]string{
		"SCHEMA_REGISTRY_URL": w.registry.URL(), "PLANHAT_OBJECTS": strings.Join(objects, ","), "INSTANCE_ID": "source-0",
		"SHARD_SESSION_TIMEOUT": "6s", "CALL_DEADLINE": "1s", "STARTUP_TIMEOUT": "20s", "LOG_LEVEL": "info", "TOPIC_PARTITIONS": "2",
	})
	maps.Copy(w.env, s.env)
	w.kafka = kafka.Options{Brokers: w.cluster.ListenAddrs(), Extra: []kgo.Opt{kgo.MetadataMinAge(20 * time.Millisecond)}}
	return w
}

// open starts the cluster, again with what it had if it has a folder.
func (w *world) open() {
	w.t.Helper()
	var err error
	if w.cluster, err = kfake.NewCluster(w.options...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) environ(set map[string]string) []string {
	vars := maps.Clone(w.env)
	maps.Copy(vars, set)
	return settings.Environ(vars)
}

// running is a source under way in this process.
type running struct{ *rig.Inside }

// launch starts a source whose connections to Kafka go over a wire.
func (w *world) launch(over *wire.Wire, set map[string]string) *running {
	w.t.Helper()
	r := rig.RunInside(w.t, "source", w.environ(set), func(env service.Env) (service.Shell, error) {
		env.Kafka.Extra = append(env.Kafka.Extra, kgo.Dialer(over.Dial))
		d := source.DepsOf(env)
		d.LookEvery = 200 * time.Millisecond
		return source.New(env.Config, d), nil
	})
	stop := r.Stop
	r.Stop = func() {
		stop()
		if n := over.Open(); n != 0 {
			w.t.Errorf("%d connections to Kafka are left", n)
		}
	}
	return &running{r}
}

// start starts the source and waits for the snapshot.
func (w *world) start() {
	w.t.Helper()
	w.source = w.launch(w.wire, nil)
	w.judge()
}

// restart is a clean stop and a start.
func (w *world) restart() {
	w.t.Helper()
	w.source.Stop()
	w.source = w.launch(w.wire, nil)
}

func (w *world) live(n int) { w.stage.Simulator.Live(n) }

// prompt is how long a change may take to its topic once the trouble is over.
const prompt = 10 * time.Second * slack

// fresh makes a company and waits for it on its topic.
func (w *world) fresh() time.Duration {
	w.t.Helper()
	w.added++
	return w.seen(w.company(fmt.Sprintf(`{"name":"fresh %d"}`, w.added)), prompt)
}

// company makes one as one of the tenant's own users, and returns its id.
func (w *world) company(fields string) (id string) {
	w.t.Helper()
	w.stage.Simulator.Mutate(func(tx *planhatsim.Tx) {
		var err error
		if id, err = tx.Create("companies", fields); err != nil {
			w.t.Error(err)
		}
	})
	return id
}

// edit changes a record as one of the tenant's own users does.
func (w *world) edit(listing, id, fields string) {
	w.t.Helper()
	w.stage.Simulator.Mutate(func(tx *planhatsim.Tx) {
		if err := tx.Update(listing, id, fields); err != nil {
			w.t.Error(err)
		}
	})
}

// seen waits until a committed change of a company is on its topic.
func (w *world) seen(id string, limit time.Duration) time.Duration {
	w.t.Helper()
	began := time.Now()
	reader := w.client(kgo.ConsumeTopics(changesOf("company")), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100*time.Millisecond))
	defer reader.Close()
	ctx, cancel := context.WithTimeout(w.t.Context(), limit)
	defer cancel()
	for found := false; !found; {
		fetches := reader.PollFetches(ctx)
		fetches.EachRecord(func(r *kgo.Record) { found = found || string(r.Key) == id })
		if !found && ctx.Err() != nil {
			w.t.Fatalf("company %s is not on its topic within %s", id, limit)
		}
	}
	return time.Since(began)
}

func (w *world) client(opts ...kgo.Opt) *kgo.Client {
	w.t.Helper()
	cl, err := w.kafka.NewClient(opts...)
	if err != nil {
		w.t.Fatal(err)
	}
	return cl
}

// judge lets the oracle decide once the source has caught up, and then holds to
// the log what only readers of everything and the state's next owner see.
func (w *world) judge() oracle.Report {
	w.t.Helper()
	return w.judgeBut("")
}

// judgeBut is judge of all objects but one.
func (w *world) judgeBut(object string) oracle.Report {
	w.t.Helper()
	all := w.objects
	defer func() { w.objects = all }()
	w.objects = slices.DeleteFunc(slices.Clone(all), func(o string) bool { return o == object })
	report := verdict.Of(w.t, oracle.Options{
		Kafka: w.kafka, Names: names, Workspace: stage.Workspace, SimulatorURL: w.stage.Planhat,
		Objects: w.objects, Settle: 40 * time.Second * slack,
	})
	w.everyone()
	w.places()
	return report
}

// status is the source's part of /status.
func (r *running) status() (out source.Status) {
	r.T.Helper()
	r.Status(&out)
	return out
}

// hits is how often a rule has applied.
func hits(n *atomic.Int64, least int64) func() bool {
	return func() bool { return n.Load() >= least }
}

// stream is what /status says of a listing.
func (w *world) stream(listing string) (out source.StreamStatus) {
	w.t.Helper()
	for _, s := range w.source.status().Workspaces[0].Streams {
		if s.Name == listing {
			out = s
		}
	}
	return out
}
