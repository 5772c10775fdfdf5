package source

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/internal/source/account"
	"github.com/planhat-bridge/planhat-bridge/internal/source/emit"
	"github.com/planhat-bridge/planhat-bridge/internal/source/tell"
	"github.com/planhat-bridge/planhat-bridge/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// role names the source's state topic, group and transactional ids.
const role = "source"

// Deps is what a Service is given besides its configuration. Kafka, Registrar,
// Resolver and Registerer are required.
type Deps struct {
	Kafka      kafka.Options
	Registrar  *schemas.Registrar
	Resolver   schemas.Resolver // of events that an earlier version wrote
	Registerer prometheus.Registerer
	Log        *slog.Logger
	Version    string
	// Budget returns the budget that a workspace's token shares with other
	// services of this process; nil means that the source is alone and spends
	// its share.
	Budget func(config.Workspace) *planhat.Budget
	// HTTP is what calls of Planhat and Pipedrive go out by; nil is the client's own.
	HTTP *http.Client
	Now  func() time.Time
	// LookEvery is how often the members of the shard group are compared; 0 is
	// the default.
	LookEvery time.Duration
	// AccountTimes are the waits of accounts; the zero value is the defaults.
	AccountTimes account.Times
	// OnPoint is called at named points; nil in production, where tests kill
	// the process to prove that it recovers.
	OnPoint func(name string)
}

// Service captures the configured workspaces and accounts.
type Service struct {
	cfg     config.Config
	deps    Deps
	names   kafka.Names
	metrics *metrics
	manager *shard.Manager
	codecs  map[string]map[planhat.Object]emit.Codec // by workspace

	accountMetrics *account.Metrics
	accountCodec   map[string]map[pipedrive.Object]emit.Codec // by account

	bell bell // rung when there are new signals

	mu           sync.Mutex
	live         map[string]*workspace
	liveAccounts map[string]*account.Account
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
		cfg: cfg, deps: deps, names: kafka.Names{Bridge: cfg.Bridge, Prefix: cfg.Topics.Prefix},
		metrics: newMetrics(deps.Registerer), live: map[string]*workspace{},
		accountMetrics: account.NewMetrics(deps.Registerer), liveAccounts: map[string]*account.Account{},
	}
	s.manager = shard.New(shard.Options{
		Kafka: deps.Kafka, Names: s.names, Role: role, InstanceID: cfg.InstanceID, Tokens: tokens(cfg), LookEvery: deps.LookEvery,
		SessionTimeout: cfg.Shard.SessionTimeout, CallDeadline: cfg.Shard.CallDeadline,
		Log: deps.Log, New: s.newWorker, Observer: &observer{m: s.metrics, accounts: s.accountMetrics, owned: map[int32]bool{}}, OnPoint: deps.OnPoint,
	})
	return s
}

// tokenPrefix and a workspace's name are the name that its shard is found by.
const tokenPrefix = "planhat/"

func tokens(cfg config.Config) (out []string) {
	for _, ws := range cfg.Planhat {
		out = append(out, tokenPrefix+ws.Name)
	}
	for _, a := range cfg.Pipedrive {
		out = append(out, account.Prefix+a.Name)
	}
	return out
}

// Topics lists every topic that the source writes.
func (s *Service) Topics() []kafka.TopicSpec {
	layout := s.layout()
	specs := []kafka.TopicSpec{s.names.StateTopic(role, layout), s.names.SignalTopic(layout), s.names.NotificationTopic(layout)}
	for _, ws := range s.cfg.Planhat {
		specs = append(specs, s.changeTopics(ws)...)
	}
	for _, a := range s.cfg.Pipedrive {
		specs = append(specs, s.accountTopics(a)...)
	}
	return specs
}

func (s *Service) layout() kafka.Layout {
	return kafka.Layout{Partitions: s.cfg.Topics.Partitions, ReplicationFactor: s.cfg.Topics.ReplicationFactor}
}

// changeTopics are those of a workspace, in the order of its objects.
func (s *Service) changeTopics(ws config.Workspace) []kafka.TopicSpec {
	var specs []kafka.TopicSpec
	for _, spec := range wantedObjects(ws) {
		specs = append(specs, s.names.ChangeTopic("planhat", ws.Name, string(spec.Object), s.layout()))
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
	s.codecs = map[string]map[planhat.Object]emit.Codec{}
	for _, ws := range s.cfg.Planhat {
		var objects []planhat.Object
		for _, spec := range wantedObjects(ws) {
			objects = append(objects, spec.Object)
		}
		if s.codecs[ws.Name], err = codecs(ctx, s, "planhat", ws.Name, objects); err != nil {
			return err
		}
	}
	s.accountCodec = map[string]map[pipedrive.Object]emit.Codec{}
	for _, a := range s.cfg.Pipedrive {
		if s.accountCodec[a.Name], err = codecs(ctx, s, "pipedrive", a.Name, account.Objects(a.Objects)); err != nil {
			return err
		}
	}
	return nil
}

// codecs registers or verifies the schemas of a workspace's or account's changes.
func codecs[O ~string](ctx context.Context, s *Service, vendor, tenant string, objects []O) (map[O]emit.Codec, error) {
	out := map[O]emit.Codec{}
	for _, o := range objects {
		c, err := emit.Register(ctx, s.deps.Registrar, s.names, vendor, tenant, string(o))
		if err != nil {
			return nil, err
		}
		out[o] = c
	}
	return out, nil
}

// Run owns shards and captures until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.watch(ctx) })
	g.Go(func() error { return s.manager.Run(ctx) })
	return g.Wait()
}

func wantedObjects(ws config.Workspace) []planhat.Spec {
	wanted := wantedNames(ws)
	var out []planhat.Spec
	for _, spec := range planhat.Objects() {
		if wanted == nil || wanted[string(spec.Object)] {
			out = append(out, spec)
		}
	}
	return out
}

func wantedNames(ws config.Workspace) map[string]bool {
	if ws.Objects == nil {
		return nil
	}
	wanted := map[string]bool{}
	for _, o := range ws.Objects {
		wanted[o] = true
	}
	return wanted
}

// observer feeds the shard's events into the metrics.
type observer struct {
	m        *metrics
	accounts *account.Metrics

	mu    sync.Mutex
	owned map[int32]bool
}

func (o *observer) TakenOver(s int32, _ int64, _ int, _ time.Duration) {
	o.m.takeovers.Inc()
	o.own(s, true)
}
func (o *observer) Committed(_ int32, _ int, took time.Duration) { o.m.commits.Observe(took.Seconds()) }
func (o *observer) Released(s int32, _ error)                    { o.own(s, false) }

func (o *observer) Stranger(topic string) { o.m.foreign.WithLabelValues(topic).Inc() }

func (o *observer) Astray(token string, yes bool) {
	if name, is := strings.CutPrefix(token, account.Prefix); is {
		o.accounts.Orphaned.WithLabelValues(name).Set(tell.OneIf(yes))
		return
	}
	o.m.orphaned.WithLabelValues(strings.TrimPrefix(token, tokenPrefix)).Set(tell.OneIf(yes))
}

func (o *observer) own(s int32, yes bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if yes {
		o.owned[s] = true
	} else {
		delete(o.owned, s)
	}
	o.m.shards.Set(float64(len(o.owned)))
}
