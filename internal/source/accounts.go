package source

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/internal/source/account"
	"github.com/planhat-bridge/planhat-bridge/internal/source/hooks"
	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

// accountTopics are the change topics of an account and that of its webhooks, in
// the order of its objects.
func (s *Service) accountTopics(cfg config.Account) []kafka.TopicSpec {
	specs := []kafka.TopicSpec{s.names.WebhookTopic(cfg.Name, s.layout())}
	for _, o := range account.Objects(cfg.Objects) {
		specs = append(specs, s.names.ChangeTopic("pipedrive", cfg.Name, string(o), s.layout()))
	}
	return specs
}

// newAccount builds the runner of an account for one tenure.
func (s *Service) newAccount(cfg config.Account) (*account.Account, error) {
	client, err := s.NewAccountClient(cfg)
	if err != nil {
		return nil, err
	}
	return account.New(account.Options{
		Config: cfg, Client: client, Codecs: s.accountCodec[cfg.Name], Resolver: s.deps.Resolver, Names: s.names, Kafka: s.deps.Kafka,
		Metrics: s.accountMetrics, Log: s.deps.Log, Now: s.deps.Now, Version: s.deps.Version, Times: s.deps.AccountTimes, OnPoint: s.deps.OnPoint,
		NewHooks: func(memory hooks.Memory, mayWrite func() error) account.Tender {
			return hooks.New(hooks.Options{API: client, Log: s.deps.Log, Now: s.deps.Now, MayWrite: mayWrite, Memory: memory})
		},
	}), nil
}

// NewAccountClient builds the API client of an account with its part of the
// token's calls.
func (s *Service) NewAccountClient(cfg config.Account, opts ...pipedrive.Option) (*pipedrive.Client, error) {
	at, err := pipedrive.ParseURL(cfg.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("account %s: %w", cfg.Name, err)
	}
	budget := pipedrive.NewBudget(pipedrive.BudgetOptions{RequestsPer2s: cfg.RequestsPer2s})
	return pipedrive.New(at, cfg.Token.Current, append([]pipedrive.Option{
		pipedrive.WithHTTPClient(s.deps.HTTP),
		pipedrive.WithBudget(budget.Lane(role, 1)),
		pipedrive.WithCallDeadline(s.cfg.Shard.CallDeadline),
		pipedrive.WithRetry(pipedrive.Retry{Attempts: callAttempts}),
		pipedrive.WithUserAgent("planhat-bridge/" + s.deps.Version),
		pipedrive.WithObserver(func(c pipedrive.Call) { s.accountMetrics.Observe(cfg.Name, c) }),
	}, opts...)...)
}

// checkAccounts asks whether token and URL of each account are in order and
// belong together.
func (s *Service) checkAccounts(ctx context.Context) error {
	var errs []error
	for _, cfg := range s.cfg.Pipedrive {
		client, err := s.NewAccountClient(cfg)
		if err == nil {
			_, err = client.Verify(ctx)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("account %s: %w", cfg.Name, err))
		}
	}
	return errors.Join(errs...)
}

// runningAccount notes that an account is worked on by this process.
func (s *Service) runningAccount(a *account.Account, yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if yes {
		s.liveAccounts[a.Name()] = a
	} else if s.liveAccounts[a.Name()] == a {
		delete(s.liveAccounts, a.Name())
	}
}

// accountStatus is what this process knows of an account; s.mu is held.
func (s *Service) accountStatus(cfg config.Account) account.Status {
	st := account.Status{Name: cfg.Name}
	token := account.Prefix + cfg.Name
	if a := s.liveAccounts[cfg.Name]; a != nil {
		st = a.Status()
		for _, topic := range a.Topics() {
			if seen := s.manager.Shared(topic); st.State == stateOK && !seen.IsZero() && time.Since(seen) < service.SharedFor {
				st.State, st.Cause = "shared", service.Shared(topic)
			}
		}
	} else if owner := s.manager.Astray(token); owner != "" {
		st.State, st.Cause = "orphaned", service.Orphan(owner)
	}
	if why := s.manager.Refused(token); why != "" && !st.Owned {
		st.State, st.Cause = stateHeld, why
	}
	return st
}

// accountsOf are the accounts whose token hashes to a shard.
func (s *Service) accountsOf(id int32) (mine []*account.Account, err error) {
	for _, cfg := range s.cfg.Pipedrive {
		if shard.ShardOf(account.Prefix+cfg.Name, shard.DefaultShards) != id {
			continue
		}
		a, err := s.newAccount(cfg)
		if err != nil {
			return nil, err
		}
		mine = append(mine, a)
	}
	return mine, nil
}
