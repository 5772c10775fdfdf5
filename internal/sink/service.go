package sink

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// role names the sink's state topic, group and transactional ids; vendor the
// topics of the workspaces.
const (
	role   = "sink"
	vendor = "planhat"
)

// Deps is what a Service is given besides its configuration. Kafka, Registrar,
// Resolver and Registerer are required.
type Deps struct {
	Kafka      kafka.Options
	Registrar  *schemas.Registrar
	Resolver   schemas.Resolver // of commands that come with a schema id
	Registerer prometheus.Registerer
	Log        *slog.Logger
	Version    string
	// Budget returns the budget that a workspace's token shares with other
	// services of this process; nil means that the sink is alone and spends
	// its share.
	Budget func(config.Workspace) *planhat.Budget
	// OnPoint is called at the points named in points.go; nil in production,
	// where tests kill the process to prove that it recovers.
	OnPoint func(name string)
	// Times may shorten the waits; for tests.
	Times Times
}

// Times are the waits that no setting governs. Zero values are the defaults.
type Times struct {
	TokenRetry   time.Duration // a refused token is tried again: 30 s
	Settle       time.Duration // a lost call may still take effect: 2 s
	Poll         time.Duration // between looks at a missing reference: 500 ms
	Drain        time.Duration // calls under way may finish after a stop: 10 s
	Retry        time.Duration // first pause after a call that should not have failed: 1 s
	CommitOffset time.Duration // between commits to the visible group: 1 s
	Catalogue    time.Duration // between looks for a custom field that is not known: 5 s
	LookEvery    time.Duration // between looks at the other members of the shard group: 15 s
	GiveUp       time.Duration // a call that fails while others are answered is given up: 1 min
}

func (t Times) withDefaults() Times {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&t.TokenRetry, 30*time.Second)
	def(&t.Settle, 2*time.Second)
	def(&t.Poll, 500*time.Millisecond)
	def(&t.Drain, 10*time.Second)
	def(&t.Retry, time.Second)
	def(&t.CommitOffset, time.Second)
	def(&t.Catalogue, 5*time.Second)
	def(&t.GiveUp, time.Minute)
	return t
}

// Service carries out the commands of the configured workspaces.
type Service struct {
	cfg     config.Config
	deps    Deps
	names   kafka.Names
	metrics *metrics
	manager *shard.Manager
	schemas map[string]int // id of the result schema by workspace

	mu   sync.Mutex
	live map[string]*workspace

	wording wording // outlives tenures, as the token does
}

// New prepares a Service; nothing is asked of anybody before Prepare and Run.
func New(cfg config.Config, deps Deps) *Service {
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.OnPoint == nil {
		deps.OnPoint = func(string) {}
	}
	deps.Times = deps.Times.withDefaults()
	s := &Service{
		cfg: cfg, deps: deps, names: kafka.Names{Bridge: cfg.Bridge, Prefix: cfg.Topics.Prefix},
		metrics: newMetrics(deps.Registerer), schemas: map[string]int{}, live: map[string]*workspace{},
	}
	s.manager = shard.New(shard.Options{
		Kafka: deps.Kafka, Names: s.names, Role: role, InstanceID: cfg.InstanceID, Tokens: tokens(cfg.Planhat), LookEvery: deps.Times.LookEvery,
		SessionTimeout: cfg.Shard.SessionTimeout, CallDeadline: cfg.Shard.CallDeadline,
		Log: deps.Log, New: s.newWorker, Observer: observer{s.metrics}, OnPoint: deps.OnPoint,
	})
	registerShards(deps.Registerer, s.manager.Owned)
	return s
}

// tokens are the names that the workspaces' shards are found by.
func tokens(workspaces []config.Workspace) []string {
	out := make([]string, len(workspaces))
	for i, ws := range workspaces {
		out[i] = token(ws.Name)
	}
	return out
}

func token(workspace string) string { return vendor + "/" + workspace }

// Topics lists every topic that the sink reads or writes.
func (s *Service) Topics() []kafka.TopicSpec {
	layout := kafka.Layout{Partitions: s.cfg.Topics.Partitions, ReplicationFactor: s.cfg.Topics.ReplicationFactor}
	specs := []kafka.TopicSpec{s.names.StateTopic(role, layout)}
	for _, ws := range s.cfg.Planhat {
		specs = append(specs, s.names.CommandTopic(vendor, ws.Name, layout),
			s.names.ResultTopic(vendor, ws.Name, layout), s.names.DeadLetterTopic(vendor, ws.Name, layout))
	}
	return specs
}

// Prepare creates or verifies topics and registers or verifies schemas. It is
// called once before Run, when Kafka and the registry are reachable.
func (s *Service) Prepare(ctx context.Context) error {
	admin, err := s.deps.Kafka.NewClient()
	if err != nil {
		return err
	}
	defer admin.Close()
	if err := kafka.EnsureTopics(ctx, admin, s.Topics(), s.cfg.Topics.Create); err != nil {
		return err
	}
	if err := s.alone(ctx, admin); err != nil {
		return err
	}
	for _, ws := range s.cfg.Planhat {
		subject := s.names.Subject(s.names.Results(vendor, ws.Name))
		id, err := s.deps.Registrar.Ensure(ctx, subject, schemas.ResultSchema())
		if err != nil {
			return fmt.Errorf("schema of subject %s: %w", subject, err)
		}
		s.schemas[ws.Name] = id
	}
	return nil
}

// Run owns shards and carries out commands until ctx ends. Calls under way may
// finish then, and what is done is answered.
func (s *Service) Run(ctx context.Context) error { return s.manager.Run(ctx) }

// newClient builds the API client of a workspace with the sink's share of its
// budget. Calls are repeated until they are answered.
func (s *Service) newClient(cfg config.Workspace, token planhat.TokenSource, opts ...planhat.Option) (*planhat.Client, error) {
	return planhat.New(cfg.BaseURL, token, append([]planhat.Option{
		planhat.WithBudget(s.lane(cfg)),
		planhat.WithCallDeadline(s.cfg.Shard.CallDeadline),
		planhat.WithRetry(planhat.Retry{Attempts: 0, Base: s.deps.Times.Retry}),
		planhat.WithUserAgent("planhat-bridge/" + s.deps.Version),
		planhat.WithObserver(func(c planhat.Call) { s.metrics.called(cfg.Name, c) }),
	}, opts...)...)
}

func (s *Service) lane(cfg config.Workspace) *planhat.Lane {
	share := 1 - s.cfg.Budget.SourceShare
	if s.deps.Budget != nil {
		return s.deps.Budget(cfg).Lane(role, max(share, 0.01))
	}
	budget := planhat.NewBudget(planhat.BudgetOptions{PerMinute: max(int(share*float64(cfg.CallsPerMinute)), 1)})
	return budget.Lane(role, 1)
}
