package pairs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/ops"
	"github.com/planhat-bridge/planhat-bridge/internal/oracle"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
	"github.com/planhat-bridge/planhat-bridge/test/rig/settings"
	"github.com/planhat-bridge/planhat-bridge/test/rig/verdict"
)

// patience is how long anything may take that the bridge owes.
const patience = 60 * time.Second

// bridge is source and sink as their mains wire them, on a stage of their own.
type bridge struct {
	t     *testing.T
	set   map[string]string // the row: switches, and which objects take part ("": all)
	share string

	fixture, second map[planhat.Object]string // ids of records to refer to

	stage  *stage.Stage
	names  kafka.Names
	kafka  kafka.Options
	source *source.Service
	failed chan error

	producer *kgo.Client
	reader   *kgo.Client
	results  map[string]schemas.Result // by command id
}

// environment is what differs from the stage's: the waits of a tenant in which
// everything happens at once.
var environment = map[string]string{
	"SINK_REFERENCE_WAIT": "100ms",
	"SINK_LINGER":         "5ms",
	"LOG_LEVEL":           "error",
}

// newBridge makes the stage with a tenant for a row; start runs the services.
func newBridge(t *testing.T, seed int, set map[string]string) *bridge {
	t.Helper()
	s, err := stage.New(stage.Ports{}, tenant(t, seed, set), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	b := &bridge{
		t: t, set: set, share: set[shareAxis], fixture: map[planhat.Object]string{}, second: map[planhat.Object]string{},
		stage: s, failed: make(chan error, 2), results: map[string]schemas.Result{},
	}
	b.furnish()
	b.dropHidden()
	return b
}

func (b *bridge) start() {
	b.t.Helper()
	t := b.t
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var wg sync.WaitGroup
	t.Cleanup(func() { cancel(); wg.Wait(); b.wellEnded() })
	prepared := make(chan struct{})
	b.run(ctx, &wg, "source", func(env service.Env) (service.Shell, error) {
		defer close(prepared)
		b.kafka, b.names = env.Kafka, kafka.Names{Bridge: env.Config.Bridge, Prefix: env.Config.Topics.Prefix}
		b.source = source.New(env.Config, source.DepsOf(env))
		return b.source, nil
	})
	b.run(ctx, &wg, "sink", func(env service.Env) (service.Shell, error) {
		d := sink.DepsOf(env)
		d.Times = sink.Times{Poll: 20 * time.Millisecond, Retry: 50 * time.Millisecond, GiveUp: 100 * time.Millisecond}
		return sink.New(env.Config, d), nil
	})
	<-prepared
	b.connect()
}

// run starts a service.
func (b *bridge) run(ctx context.Context, wg *sync.WaitGroup, name string, build service.Build) {
	b.t.Helper()
	vars := b.stage.Env(0)
	vars["PLANHAT_DELETE_GUARD"] = "off" // so small a tenant loses a tenth in a few deletes
	vars["INSTANCE_ID"] = name + "-0"
	// A dozen bridges share the machine: a call that is given up and made again may say less of what it did.
	vars["CALL_DEADLINE"], vars["SHARD_SESSION_TIMEOUT"] = "20s", "60s"
	maps.Copy(vars, environment)
	p := ops.NewProcess(name, settings.Config(b.t, vars), b.t.Output())
	wg.Go(func() {
		if err := service.Run(ctx, p, name, build); err != nil {
			b.failed <- fmt.Errorf("%s: %w", name, err)
		}
	})
}

func (b *bridge) wellEnded() {
	for {
		select {
		case err := <-b.failed:
			b.t.Error(err)
		default:
			return
		}
	}
}

// connect makes the clients of the test's own.
func (b *bridge) connect() {
	b.t.Helper()
	o := b.kafka
	o.Extra = []kgo.Opt{kgo.MetadataMinAge(20 * time.Millisecond)}
	b.kafka = o
	var err error
	if b.producer, err = o.NewClient(kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.UnknownTopicRetries(-1)); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(b.producer.Close)
	b.reader, err = o.NewClient(kgo.ConsumeTopics(b.names.Results("planhat", stage.Workspace)), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(200*time.Millisecond))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(b.reader.Close)
}

// snapshot waits until every stream has its snapshot.
func (b *bridge) snapshot() {
	b.t.Helper()
	b.until("the snapshots", func() bool {
		streams := b.streams()
		for _, s := range streams {
			if !s.SnapshotDone {
				return false
			}
		}
		return len(streams) > 0
	})
}

// streams are those of the workspace, by listing.
func (b *bridge) streams() map[string]source.StreamStatus {
	out := map[string]source.StreamStatus{}
	status, _ := b.source.Status().(source.Status)
	for _, w := range status.Workspaces {
		for _, s := range w.Streams {
			out[s.Name] = s
		}
	}
	return out
}

// until waits for something that the bridge brings about.
func (b *bridge) until(what string, is func() bool) {
	b.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case err := <-b.failed:
			b.t.Fatal(err)
		case <-deadline:
			b.t.Fatalf("waited %s for %s", patience, what)
		}
	}
}

// send writes commands and waits until all of them are answered as they want.
func (b *bridge) send(commands []command) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	records := make([]*kgo.Record, len(commands))
	for n, c := range commands {
		value, err := json.Marshal(c)
		if err != nil {
			b.t.Fatal(err)
		}
		records[n] = &kgo.Record{Topic: b.names.Commands("planhat", stage.Workspace), Key: []byte(c.key), Value: value}
	}
	if err := b.producer.ProduceSync(ctx, records...).FirstErr(); err != nil {
		b.t.Fatal(err)
	}
	for _, c := range commands {
		b.await(ctx, c.ID)
		if got := outcome(b.results[c.ID]); c.want != "" && got != c.want {
			b.t.Errorf("%s (%s %s %v %v): got %s, want %s: %s", c.ID, c.Op, c.Object, c.Target, c.Fields, got, c.want, message(b.results[c.ID]))
		}
	}
}

func (b *bridge) await(ctx context.Context, id string) {
	b.t.Helper()
	for {
		if _, ok := b.results[id]; ok {
			return
		}
		fetches := b.reader.PollFetches(ctx)
		if ctx.Err() != nil {
			b.t.Fatalf("no result of %s within %s", id, patience)
		}
		for r := range fetches.RecordsAll() {
			result, err := schemas.DecodeResult(r.Value)
			if err != nil {
				b.t.Fatal(err)
			}
			b.results[result.CommandID] = result
		}
	}
}

// outcome is a result in three words.
func outcome(r schemas.Result) string {
	code := "-"
	if r.Error != nil {
		code = string(r.Error.Code)
	}
	return fmt.Sprintf("%s %s %s", r.Status, r.Effect, code)
}

func message(r schemas.Result) string {
	if r.Error == nil {
		return ""
	}
	return r.Error.Message
}

// judge lets the oracle decide about objects once the bridge has caught up.
func (b *bridge) judge(objects []string) oracle.Report {
	b.t.Helper()
	return verdict.Of(b.t, oracle.Options{
		Kafka: b.kafka, Names: b.names, Workspace: stage.Workspace, SimulatorURL: b.stage.Planhat, Objects: objects, Settle: patience / 2,
	})
}
