// Package rig runs real processes of the bridge on a stage, kills them at named
// points, and holds what is on the topics against the vendor with the oracle.
//
// The child process is the test's own binary, started again with an environment
// variable that names the service: a package that uses the rig calls Main from
// its TestMain. Broker, registry and vendor live elsewhere and survive.
package rig

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/oracle"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	pipedrivesim "github.com/planhat-bridge/planhat-bridge/internal/simulator/pipedrive"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/test/rig/settings"
	"github.com/planhat-bridge/planhat-bridge/test/rig/verdict"
)

// Options of a Rig.
type Options struct {
	// Broker is host:port of one that runs; "" starts an embedded one.
	Broker string
	// Registry is the URL of a schema registry that runs; "" starts an embedded one.
	Registry string
	// Bridge is the BRIDGE_NAME and, with a point, the TOPIC_PREFIX, so that
	// rigs share a broker; "" takes the defaults.
	Bridge string
	// Prefix is another TOPIC_PREFIX than the one that follows from Bridge.
	Prefix    string
	Companies int               // that the simulated vendor is seeded with
	Env       map[string]string // of the processes, besides what the stage gives
	// Session is how long the group waits for a silent process, default 10 s.
	Session time.Duration
	// Unlimited is a vendor without any quota.
	Unlimited bool
	// WithoutSource: only sinks run, and only commands are judged.
	WithoutSource bool
	// Pipedrive adds a Pipedrive to the stage and takes Planhat from the processes.
	Pipedrive *pipedrivesim.Options
}

// Rig is a stage and the processes on it.
type Rig struct {
	Stage *stage.Stage
	Kafka kafka.Options
	Names kafka.Names
	// Rereads are, by object, how often signals asked for its records again.
	Rereads map[string]int
	// Session is how long the group waits for a silent process.
	Session time.Duration
	// Patience is how long the oracle waits for the bridge to catch up.
	Patience time.Duration

	t             *testing.T
	env           map[string]string
	vendor        vendor
	withoutSource bool
}

// vendor is the simulator whose changes are captured.
type vendor interface {
	SetLife(rate float64)
	OnRequest(hook func(*http.Request))
}

// New sets a stage up; it is closed when the test ends.
func New(t *testing.T, o Options) *Rig {
	t.Helper()
	sim := planhatsim.Options{Seed: 7, Companies: o.Companies, CallsPerMinute: -1}
	if o.Unlimited {
		sim.PerSecond, sim.InFlight = -1, -1
	}
	s, err := newStage(o.Broker, sim)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if o.Registry != "" {
		s.Registry = o.Registry
	}
	if o.Pipedrive != nil {
		if err := s.AddPipedrive(stage.Ports{}, *o.Pipedrive); err != nil {
			t.Fatal(err)
		}
	}
	r := &Rig{t: t, Stage: s, env: s.Env(0), vendor: s.Simulator, withoutSource: o.WithoutSource, Patience: time.Minute}
	if o.Pipedrive != nil {
		r.vendor = s.PipedriveSimulator
		maps.DeleteFunc(r.env, func(name, _ string) bool { return strings.HasPrefix(name, "PLANHAT_") })
	} else {
		r.env["PLANHAT_DELETE_GUARD"] = "off" // users who live as fast as in tests delete more in minutes than others in a day
	}
	if o.Session == 0 {
		o.Session = 10 * time.Second
	}
	r.Session = o.Session
	r.env["SHARD_SESSION_TIMEOUT"], r.env["CALL_DEADLINE"] = o.Session.String(), "2s"
	if o.Bridge != "" {
		r.env["BRIDGE_NAME"], r.env["TOPIC_PREFIX"] = o.Bridge, o.Bridge+"."
	}
	maps.Copy(r.env, o.Env)
	if o.Prefix != "" {
		r.env["TOPIC_PREFIX"] = o.Prefix
	}
	cfg := settings.Config(t, r.vars("parent"))
	r.Names = kafka.Names{Bridge: cfg.Bridge, Prefix: cfg.Topics.Prefix}
	r.Kafka = settings.Kafka(t, cfg)
	return r
}

func newStage(broker string, sim planhatsim.Options) (*stage.Stage, error) {
	if broker == "" {
		return stage.New(stage.Ports{}, sim, false)
	}
	return stage.NewOn(broker, stage.Ports{}, sim)
}

// vars are those of a process.
func (r *Rig) vars(instance string) map[string]string {
	vars := maps.Clone(r.env)
	vars["INSTANCE_ID"] = instance
	return vars
}

func (r *Rig) oracle() oracle.Options {
	if r.Stage.Pipedrive != "" {
		return oracle.Options{
			Kafka: r.Kafka, Names: r.Names, Vendor: oracle.Pipedrive, Workspace: stage.Account, SimulatorURL: r.Stage.Pipedrive,
			Objects: config.AccountObjects(), Settle: r.Patience, Rereads: r.Rereads,
		}
	}
	return oracle.Options{
		Kafka: r.Kafka, Names: r.Names, Workspace: stage.Workspace, SimulatorURL: r.Stage.Planhat,
		Objects: service.Objects(), Settle: r.Patience, Rereads: r.Rereads, WithoutSource: r.withoutSource,
	}
}

// Judge lets the oracle decide, once the bridge has caught up.
func (r *Rig) Judge() oracle.Report {
	r.t.Helper()
	return verdict.Of(r.t, r.oracle())
}

// JudgeSequences holds the sequences of all events against one another as those
// readers see them who read what was aborted, too.
func (r *Rig) JudgeSequences() oracle.Sequences {
	r.t.Helper()
	all, err := oracle.CheckSequences(r.t.Context(), r.oracle())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, m := range all.Mismatches {
		r.t.Errorf("oracle, uncommitted: %s", m)
	}
	return all
}
