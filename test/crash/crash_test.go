// Package crash kills real processes of the bridge at named points and at
// random times, restarts them, and holds what is on the topics against the
// vendor with the oracle.
//
// The child process is this test's own binary, started again with an
// environment variable that names the service; broker, registry and vendor live
// in the parent and survive.
package crash

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/ops"
	"github.com/planhat-bridge/planhat-bridge/internal/oracle"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
)

// Variables by which the parent tells the child what it is.
const (
	roleVar  = "CRASH_ROLE"  // source or sink
	pointVar = "CRASH_POINT" // where to die: name, colon, how often it is passed first
)

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVar); role != "" {
		os.Exit(child(role))
	}
	os.Exit(m.Run())
}

// child is a service as its main wires it, which kills itself at a point.
func child(role string) int {
	name, after, _ := strings.Cut(os.Getenv(pointVar), ":")
	left, _ := strconv.Atoi(after)
	var passed atomic.Int64
	die := func(point string) {
		if point == name && passed.Add(1) > int64(left) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	builds := map[string]service.Build{
		"source": func(env service.Env) (service.Shell, error) {
			d := source.DepsOf(env)
			d.OnPoint = die
			return source.New(env.Config, d), nil
		},
		"sink": func(env service.Env) (service.Shell, error) {
			d := sink.DepsOf(env)
			d.OnPoint = die
			return sink.New(env.Config, d), nil
		},
	}
	return ops.Main(service.Program(role, builds[role]), nil, os.Environ(), os.Stdout, os.Stderr)
}

// rig is a stage and the processes on it.
type rig struct {
	t     *testing.T
	stage *stage.Stage
	kafka kafka.Options
	names kafka.Names
}

func newRig(t *testing.T, companies int) *rig {
	t.Helper()
	s, err := stage.New(stage.Ports{}, planhatsim.Options{Seed: 7, Companies: companies, CallsPerMinute: -1}, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	cfg, err := config.Load(environ(s, "parent"), service.Objects())
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, stage: s, names: kafka.Names{Bridge: cfg.Bridge}}
	if r.kafka, err = kafka.FromConfig(cfg.Kafka); err != nil {
		t.Fatal(err)
	}
	r.kafka.Extra = []kgo.Opt{kgo.MetadataMinAge(20 * time.Millisecond)}
	return r
}

func environ(s *stage.Stage, instance string) []string {
	vars := s.Env(0)
	vars["INSTANCE_ID"] = instance
	vars["SHARD_SESSION_TIMEOUT"], vars["CALL_DEADLINE"] = "10s", "2s"
	var out []string
	for k, v := range vars {
		out = append(out, k+"="+v)
	}
	return out
}

// process is a child under way.
type process struct {
	cmd  *exec.Cmd
	done chan error
	log  *strings.Builder
}

// start runs a service that dies at the point ("": never).
func (r *rig) start(role, point string) *process {
	r.t.Helper()
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	p := &process{cmd: exec.CommandContext(context.WithoutCancel(r.t.Context()), self), done: make(chan error, 1), log: &strings.Builder{}}
	p.cmd.Env = append(environ(r.stage, role+"-0"), roleVar+"="+role, pointVar+"="+point)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	r.t.Cleanup(func() { p.stop(r.t) })
	return p
}

// killed waits until the process is dead by SIGKILL.
func (p *process) killed(t *testing.T) {
	t.Helper()
	select {
	case err := <-p.done:
		p.done <- nil
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("ended with %v instead of being killed: %s", err, p.log)
		}
	case <-time.After(time.Minute):
		t.Fatalf("was not killed within a minute: is the point passed at all? %s", p.log)
	}
}

func (p *process) kill() { _ = p.cmd.Process.Kill() }

// stop drains the process.
func (p *process) stop(t *testing.T) {
	t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		p.done <- nil
	case <-time.After(40 * time.Second):
		p.kill()
		t.Errorf("did not drain within 40 s: %s", p.log)
	}
}

// judge lets the oracle decide.
func (r *rig) judge(objects []string) oracle.Report {
	r.t.Helper()
	report, err := oracle.Check(r.t.Context(), oracle.Options{
		Kafka: r.kafka, Names: r.names, Workspace: stage.Workspace, SimulatorURL: r.stage.Planhat, Objects: objects, Settle: time.Minute,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, m := range report.Mismatches {
		r.t.Errorf("oracle: %s", m)
	}
	return report
}

// sourcePoints are the points of the source's write path, in their order.
var sourcePoints = []string{
	"shard.fenced", "source.before-flush", "shard.begun", "source.changes-acked", "shard.produced", "shard.committed", "source.after-flush",
}

func TestSourceKilledAtNamedPoints(t *testing.T) {
	t.Parallel()
	for _, point := range sourcePoints {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 30)
			after := 3
			if strings.HasPrefix(point, "shard.") {
				after = 14 // the generations of twelve shards come first
			}
			if point == "shard.fenced" {
				after = 5
			}
			r.start("source", fmt.Sprintf("%s:%d", point, after)).killed(t)
			r.stage.Simulator.Live(40)
			p := r.start("source", "")
			r.judge(service.Objects())
			r.stage.Simulator.Live(40)
			report := r.judge(service.Objects())
			p.stop(t)
			if report.Changes < 200 {
				t.Errorf("only %d changes: the run proves little", report.Changes)
			}
		})
	}
}

// sinkPoints are the points of the sink's batch, in their order, and how often
// each is passed before the process dies there: the generations of the twelve
// shards come before a shard's first batch.
var sinkPoints = map[string]int{
	sink.PointIntentWritten: 0, sink.PointBeforeCall: 25, sink.PointAfterCall: 25, sink.PointBeforeCommit: 0,
	"shard.produced": 14, "shard.committed": 14, sink.PointAfterCommit: 0,
}

func TestSinkKilledAtNamedPoints(t *testing.T) {
	t.Parallel()
	for point, after := range sinkPoints {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 3)
			source := r.start("source", "") // the oracle folds the change topics, too
			first := r.start("sink", fmt.Sprintf("%s:%d", point, after))
			r.send(40)
			first.killed(t)
			second := r.start("sink", "")
			report := r.judge(service.Objects())
			second.stop(t)
			source.stop(t)
			if report.Results < 40*5 {
				t.Errorf("%d results for %d commands", report.Results, 40*5)
			}
		})
	}
}

// send writes commands of all operations for n companies.
func (r *rig) send(n int) {
	r.t.Helper()
	client, err := r.kafka.NewClient(kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
	if err != nil {
		r.t.Fatal(err)
	}
	defer client.Close()
	topic := r.names.Commands("planhat", stage.Workspace)
	ready, cancel := context.WithTimeout(r.t.Context(), 30*time.Second)
	defer cancel()
	for i := range n {
		key := fmt.Sprintf("cmd-%d", i)
		target := map[string]any{"externalId": key}
		for step, c := range []map[string]any{
			{"op": "create", "fields": map[string]any{"name": key, "externalId": key, "custom": map[string]any{"cmd": key + "-0"}}},
			{"op": "update", "target": target, "fields": map[string]any{"phase": "Live"}},
			{"op": "upsert", "target": target, "fields": map[string]any{"city": "Oslo"}},
			{"op": "get", "target": target},
			{"op": []string{"delete", "upsert"}[i%2], "target": target},
		} {
			c["id"], c["object"] = fmt.Sprintf("%s-%d", key, step), "company"
			if c["op"] == "upsert" && c["fields"] == nil {
				c["fields"] = map[string]any{"country": "Norway"}
			}
			value, err := json.Marshal(c)
			if err != nil {
				r.t.Fatal(err)
			}
			if err := client.ProduceSync(ready, &kgo.Record{Topic: topic, Key: []byte("company/" + key), Value: value}).FirstErr(); err != nil {
				r.t.Fatalf("send: %v", err)
			}
		}
	}
}
