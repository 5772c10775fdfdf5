package webhook

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
)

// Deps is what a Service is given besides its configuration. Kafka and Registerer
// are required.
type Deps struct {
	Kafka      kafka.Options
	Registerer prometheus.Registerer
	Log        *slog.Logger
	Now        func() time.Time
	Limits     Limits
	// OnPoint is called at named points; nil in production, where tests kill
	// the process to prove that it recovers.
	OnPoint func(name string)
}

// Service is the intake of the accounts that take webhooks.
type Service struct {
	cfg     config.Config
	deps    Deps
	names   kafka.Names
	limits  Limits
	metrics *metrics
	rooms   map[string]*room
	nobody  *room // of requests to none of them

	load    load
	door    door
	trouble trouble
	notices notices

	client    atomic.Pointer[kgo.Client] // while it runs
	bound     atomic.Pointer[string]
	listening chan struct{}
}

// Wanted tells whether a process takes webhooks: it runs the part, and there is an
// account that has a user and a password for them.
func Wanted(cfg config.Config) bool {
	return cfg.Has(config.Webhook) && slices.ContainsFunc(cfg.Pipedrive, config.Account.Takes)
}

// Build makes the Service of a process.
func Build(env service.Env) (service.Shell, error) { return New(env.Config, DepsOf(env)), nil }

// DepsOf is what a process gives its Service.
func DepsOf(env service.Env) Deps {
	return Deps{Kafka: env.Kafka, Registerer: env.Registry, Log: env.Log}
}

// New prepares a Service; nothing is asked of anybody before Prepare and Run.
func New(cfg config.Config, deps Deps) *Service {
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.OnPoint == nil {
		deps.OnPoint = func(string) {}
	}
	s := &Service{
		cfg: cfg, deps: deps, names: kafka.Names{Bridge: cfg.Bridge, Prefix: cfg.Topics.Prefix}, limits: deps.Limits.orDefaults(),
		rooms: map[string]*room{}, listening: make(chan struct{}),
	}
	s.load.limits, s.door.most = s.limits, s.limits.Connections
	s.metrics = newMetrics(deps.Registerer, &s.load, s.door.open.Load)
	s.door.onRefusal = s.metrics.connections.Inc
	s.trouble.log, s.trouble.now = deps.Log, deps.Now
	s.notices = notices{log: deps.Log, now: deps.Now, seen: map[noticed]*noticeable{}}
	s.nobody = &room{login: stranger(), counts: s.metrics.of("")}
	for _, a := range cfg.Pipedrive {
		if a.Takes() {
			s.rooms[a.Name] = &room{name: a.Name, login: newLogin(a), topic: s.names.Webhooks(a.Name), most: s.limits.Body, counts: s.metrics.of(a.Name)}
		}
	}
	return s
}

// Topics lists every topic that the intake writes.
func (s *Service) Topics() []kafka.TopicSpec {
	layout := kafka.Layout{Partitions: s.cfg.Topics.Partitions, ReplicationFactor: s.cfg.Topics.ReplicationFactor}
	var specs []kafka.TopicSpec
	for _, a := range s.cfg.Pipedrive {
		if s.rooms[a.Name] != nil {
			specs = append(specs, s.names.WebhookTopic(a.Name, layout))
		}
	}
	return specs
}

// overhead is what a record and its batch have besides the body, generously.
const overhead = 1 << 10

// Prepare creates or verifies the topics, and learns how large a body they take.
// It is called once before Run, when Kafka is reachable.
func (s *Service) Prepare(ctx context.Context) error {
	admin, err := s.deps.Kafka.NewClient()
	if err != nil {
		return err
	}
	defer admin.Close()
	if err := kafka.EnsureTopics(ctx, admin, s.Topics(), s.cfg.Topics.Create); err != nil {
		return err
	}
	var topics []string
	for _, r := range s.rooms {
		topics = append(topics, r.topic)
	}
	if len(topics) == 0 {
		return nil
	}
	limits, err := kafka.BatchLimits(ctx, admin, topics...)
	if err != nil {
		return err
	}
	for _, r := range s.rooms {
		if n, ok := limits[r.topic]; ok {
			r.most = max(0, min(r.most, int64(n)-overhead))
		}
	}
	return nil
}

// Check has nothing to ask of a vendor: who may send is known by what stands in
// the configuration, and Prepare has asked Kafka.
func (s *Service) Check(context.Context) error { return nil }
