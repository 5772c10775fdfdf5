package sinkfaults

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/oracle"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/schemas"
	"github.com/planhat-bridge/planhat-bridge/test/rig"
	"github.com/planhat-bridge/planhat-bridge/test/rig/front"
	"github.com/planhat-bridge/planhat-bridge/test/rig/settings"
	"github.com/planhat-bridge/planhat-bridge/test/rig/verdict"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wait"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wire"
)

var (
	names       = kafka.Names{Bridge: "planhat-bridge"}
	commands    = names.Commands("planhat", stage.Workspace)
	results     = names.Results("planhat", stage.Workspace)
	deadLetters = names.DeadLetters("planhat", stage.Workspace)
	// ours is the shard that the workspace is on, and ourID what its producer is called.
	ours  = shard.ShardOf("planhat/"+stage.Workspace, shard.DefaultShards)
	ourID = names.TransactionalID("sink", ours)
)

// setting is what a world has other than usual.
type setting struct {
	brokers int // default 1
	options []kfake.Opt
	sim     func(*planhatsim.Options)
	env     map[string]string // "" takes a variable away
	times   func(*sink.Times)
	secure  bool // HTTP/2 with TLS
}

// world is a cluster, a registry, a vendor behind a network and, once started, a sink.
type world struct {
	t        *testing.T
	name     string
	options  []kfake.Opt // to open the cluster again with
	cluster  *kfake.Cluster
	registry *srfake.Registry
	stage    *stage.Stage
	sim      *planhatsim.Server
	front    *front.Front
	wire     *wire.Wire
	kafka    kafka.Options // past the wire
	env      map[string]string
	times    sink.Times
	sink     *rig.Inside

	mail     *mail
	producer *kgo.Client
	made     int               // companies that were worked on
	refused  map[string]string // "<STATUS> <CODE>" of commands that are not to be OK
	optional map[string]bool   // of these: those that may be OK as well
	resolver schemas.Resolver
}

func newWorld(t *testing.T, s setting) *world {
	t.Helper()
	w := &world{
		t: t, name: t.Name(), wire: &wire.Wire{}, registry: srfake.New(), refused: map[string]string{}, optional: map[string]bool{},
		times: sink.Times{Settle: 300 * time.Millisecond, Retry: 100 * time.Millisecond, Poll: 50 * time.Millisecond, TokenRetry: 2 * time.Second, Catalogue: time.Millisecond},
	}
	t.Cleanup(w.registry.Close)
	w.options = append([]kfake.Opt{
		kfake.NumBrokers(max(s.brokers, 1)), kfake.GroupMinSessionTimeout(time.Second),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}),
	}, s.options...)
	w.open()
	t.Cleanup(func() { w.cluster.Close() })
	o := planhatsim.Options{Seed: 3, Companies: 3, EndusersPerCompany: 1, ConversationsPerCompany: 1, CoreOnly: true, CallsPerMinute: -1, PerSecond: -1, InFlight: -1}
	if s.sim != nil {
		s.sim(&o)
	}
	var err error
	if w.stage, err = stage.NewOn(strings.Join(w.cluster.ListenAddrs(), ","), stage.Ports{}, o); err != nil {
		t.Fatal(err)
	}
	w.sim = w.stage.Simulator
	t.Cleanup(func() { w.sim.Close(); _ = w.stage.Close() })
	w.front = front.New(t, w.sim, s.secure)
	if s.times != nil {
		s.times(&w.times)
	}
	w.env = w.stage.Env(0)
	maps.Copy(w.env, map[string]string{
		"SCHEMA_REGISTRY_URL": w.registry.URL(), "PLANHAT_BASE_URL": w.front.URL, "PLANHAT_CALLS_PER_MINUTE": "100000", "INSTANCE_ID": "sink-0",
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

// launch starts a sink whose connections to Kafka go over a wire.
func (w *world) launch(over *wire.Wire, set map[string]string) *rig.Inside {
	w.t.Helper()
	return rig.RunInside(w.t, "sink", w.environ(set), func(env service.Env) (service.Shell, error) {
		env.Kafka.Extra = append(env.Kafka.Extra, kgo.Dialer(over.Dial))
		d := sink.DepsOf(env)
		d.Times = w.times
		w.resolver = d.Resolver
		return sink.New(env.Config, d), nil
	})
}

// start starts the sink and sees it answer.
func (w *world) start() {
	w.t.Helper()
	w.sink = w.launch(w.wire, nil)
	w.listen()
	w.await(w.send("home", "home", `"op":"upsert","object":"company","target":{"externalId":"home"},"fields":{"name":"Home"}`), patience)
}

// listen opens the clients that the story itself has.
func (w *world) listen() {
	w.t.Helper()
	if w.producer != nil {
		return
	}
	w.until("the topics are there", func() bool {
		topics, err := kadm.NewClient(w.client()).ListTopics(w.t.Context(), commands, results, deadLetters)
		return err == nil && topics.Error() == nil && len(topics) == 3
	})
	w.producer = w.client(kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.UnknownTopicRetries(-1), kgo.ProducerBatchMaxBytes(4<<20))
	w.mail = newMail(w)
}

// client is open to the end of the test.
func (w *world) client(opts ...kgo.Opt) *kgo.Client {
	w.t.Helper()
	cl, err := w.kafka.NewClient(opts...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(cl.Close)
	return cl
}

// send writes a command, whose members but the id are given, and returns the id.
func (w *world) send(key, id, members string) string {
	w.t.Helper()
	w.produce(&kgo.Record{Topic: commands, Key: []byte(key), Value: fmt.Appendf(nil, `{"id":%q,%s}`, id, members)})
	return id
}

func (w *world) produce(records ...*kgo.Record) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	if err := w.producer.ProduceSync(ctx, records...).FirstErr(); err != nil {
		w.t.Fatalf("send: %v", err)
	}
}

// work sends commands of all operations for some new companies, and for an enduser
// each, without waiting for the answers.
func (w *world) work(companies int) {
	w.t.Helper()
	var out []*kgo.Record
	for range companies {
		w.made++
		name := fmt.Sprintf("cmd-%d", w.made)
		for _, c := range rig.Commands(name, w.made) {
			value, err := json.Marshal(c)
			if err != nil {
				w.t.Fatal(err)
			}
			out = append(out, &kgo.Record{Topic: commands, Key: []byte("company/" + name), Value: value})
		}
		for n, fields := range []string{`{"companyId":"extid-home","firstName":"One"}`, `{"firstName":"Two"}`} {
			op := []string{"upsert", "update"}[n]
			out = append(out, &kgo.Record{Topic: commands, Key: []byte("enduser/" + name), Value: fmt.Appendf(nil,
				`{"id":"user-%d-%d","op":%q,"object":"enduser","target":{"externalId":%q},"coalesce":%t,"fields":%s}`, w.made, n, op, name, w.made%2 == 0, fields)})
		}
	}
	w.produce(out...)
}

// await waits for the result of a command, and holds it to the time.
func (w *world) await(id string, limit time.Duration) schemas.Result {
	w.t.Helper()
	began := time.Now()
	if !wait.Within(limit, func() bool { return w.mail.pull(id) }) {
		w.t.Fatalf("command %s has no result after %s; the sink says %+v", id, time.Since(began).Round(time.Millisecond), w.status())
	}
	return w.mail.results[id]
}

// fresh sends a command and holds that it is answered soon.
func (w *world) fresh() time.Duration {
	w.t.Helper()
	began := time.Now()
	w.made++
	name := fmt.Sprintf("fresh-%d", w.made)
	w.await(w.send("company/"+name, name, fmt.Sprintf(`"op":"upsert","object":"company","target":{"externalId":%q},"fields":{"name":%q}`, name, name)), time.Duration(float64(soon)*runnable()))
	return time.Since(began)
}

// judge lets the oracle decide once all commands are answered, and holds statuses and
// dead letters to what the story expects.
func (w *world) judge() {
	w.t.Helper()
	report := verdict.Of(w.t, oracle.Options{
		Kafka: w.kafka, Names: names, Workspace: stage.Workspace, SimulatorURL: w.stage.Planhat, Objects: service.Objects(),
		Settle: patience, WithoutSource: true, Resolver: w.resolver,
	})
	if report.Commands == 0 {
		w.t.Error("there were no commands: nothing is proved")
	}
	w.until("all results are read", func() bool { w.mail.pull(""); return len(w.mail.results) >= report.Results })
	w.mail.judge(w)
}

// fault adds a rule to the vendor's.
func (w *world) fault(f planhatsim.Fault) {
	w.t.Helper()
	if err := w.sim.AddFault(f); err != nil {
		w.t.Fatal(err)
	}
}

// struck waits until a fault has happened some times more.
func (w *world) struck(kind string, times int64) {
	w.t.Helper()
	w.until(fmt.Sprintf("%d times %s", times, kind), func() bool { return w.sim.Injected()[kind] >= times })
}

func (w *world) status() (out sink.WorkspaceStatus) {
	w.t.Helper()
	var st sink.Status
	w.sink.Status(&st)
	for _, ws := range st.Workspaces {
		out = ws
	}
	return out
}

// untilState waits for a state of the workspace, and gives its cause.
func (w *world) untilState(state string) string {
	w.t.Helper()
	w.until("the workspace is "+state, func() bool { return w.status().State == state })
	return w.status().Cause
}

// until waits for something that is not the subject of an assertion.
func (w *world) until(what string, is func() bool) {
	w.t.Helper()
	wait.Until(w.t, what, patience, is)
}

// edit changes the tenant as its own users would.
func (w *world) edit(fn func(tx *planhatsim.Tx) error) {
	w.t.Helper()
	w.sim.Mutate(func(tx *planhatsim.Tx) {
		if err := fn(tx); err != nil {
			w.t.Errorf("edit the tenant: %v", err)
		}
	})
}
