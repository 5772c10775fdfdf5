package source

import (
	"context"
	"errors"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// Build makes the Service of a process.
func Build(env service.Env) (service.Shell, error) {
	return New(env.Config, DepsOf(env)), nil
}

// DepsOf is what a process gives its Service.
func DepsOf(env service.Env) Deps {
	return Deps{
		Kafka:      env.Kafka,
		Registrar:  schemas.NewRegistrar(env.Schemas, env.Config.Registry.AutoRegister),
		Resolver:   schemas.NewResolver(env.Schemas),
		Registerer: env.Registry,
		Log:        env.Log,
		Version:    env.Build.Version,
	}
}

// Check asks each workspace's Planhat for one row with its token, and each
// account's Pipedrive for its company.
func (s *Service) Check(ctx context.Context) error {
	planhats := service.CheckTokens(ctx, s.cfg.Planhat, func(cfg config.Workspace) (*planhat.Client, error) { return s.NewClient(cfg) })
	return errors.Join(planhats, s.checkAccounts(ctx))
}
