package source

import (
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/internal/source/tell"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// callAttempts is how often a call is tried before its stream makes room for
// the others.
const callAttempts = 3

// newWorkspace builds the runner of a workspace for one tenure.
func (s *Service) newWorkspace(cfg config.Workspace) *workspace {
	topics := func(o planhat.Object) string { return s.names.Changes("planhat", cfg.Name, string(o)) }
	w := &workspace{
		cfg: cfg, bridge: s.cfg.Bridge, version: s.deps.Version, callsPerMinute: s.share(cfg),
		codecs: s.codecs[cfg.Name], resolver: s.deps.Resolver, streams: newStreams(topics, wantedNames(cfg)),
		changeTopics: s.changeTopics(cfg), createTopics: s.cfg.Topics.Create,
		metrics: s.metrics, log: s.deps.Log, vendor: service.Vendor{Log: s.deps.Log, Workspace: cfg.Name}, now: s.deps.Now, point: s.deps.OnPoint,
		signals: make(chan heardSignal), outbox: tell.Outbox{Topic: s.names.Notifications(), Now: s.deps.Now},
	}
	for _, st := range w.streams {
		st.companies, st.filter = cfg.CompanyIDs, planhat.CompanyFilter(cfg.CompanyIDs)
		st.schedule.target = w.target(st)
		st.adapt(w.callsPerMinute)
	}
	// The base URL has been checked with the configuration.
	observed := planhat.WithObserver(func(c planhat.Call) {
		s.observe(cfg.Name, c)
		w.vendor.Heard(c)
	})
	w.client, _ = s.NewClient(cfg, observed)
	w.prober, _ = s.NewClient(cfg, observed, planhat.WithRetry(planhat.Retry{Attempts: 1}))
	return w
}

// target is the shortest freshness target of a listing's captured objects.
func (w *workspace) target(s *stream) time.Duration {
	var least time.Duration
	for _, o := range s.objects {
		if t := w.cfg.Freshness.For(string(o.spec.Object)); o.capture && (least == 0 || t < least) {
			least = t
		}
	}
	return least
}

func (s *Service) share(cfg config.Workspace) float64 {
	return float64(cfg.CallsPerMinute) * s.cfg.Budget.SourceShare
}

// NewClient builds the API client of a workspace with the source's share of
// its budget.
func (s *Service) NewClient(cfg config.Workspace, opts ...planhat.Option) (*planhat.Client, error) {
	return planhat.New(cfg.BaseURL, cfg.Token.Current, append([]planhat.Option{
		planhat.WithHTTPClient(s.deps.HTTP),
		planhat.WithBudget(s.lane(cfg)),
		planhat.WithCallDeadline(s.cfg.Shard.CallDeadline),
		planhat.WithRetry(planhat.Retry{Attempts: callAttempts}),
		planhat.WithUserAgent("planhat-bridge/" + s.deps.Version),
		planhat.WithObserver(func(c planhat.Call) { s.observe(cfg.Name, c) }),
	}, opts...)...)
}

func (s *Service) lane(cfg config.Workspace) *planhat.Lane {
	if s.deps.Budget != nil {
		return s.deps.Budget(cfg).Lane(role, s.cfg.Budget.SourceShare)
	}
	budget := planhat.NewBudget(planhat.BudgetOptions{PerMinute: max(int(s.share(cfg)), 1)})
	return budget.Lane(role, 1)
}

func (s *Service) observe(workspace string, c planhat.Call) {
	outcome := "ok"
	if c.Kind != planhat.KindNone {
		outcome = c.Kind.String()
	}
	s.metrics.calls.WithLabelValues(workspace, string(c.Object), outcome).Inc()
	s.metrics.callSeconds.WithLabelValues(workspace).Observe(c.Duration.Seconds())
	s.metrics.waitSeconds.WithLabelValues(workspace).Add(c.Waited.Seconds())
}
