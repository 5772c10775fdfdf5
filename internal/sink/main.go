package sink

import (
	"context"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// GCPercent is how much the heap of a sink may grow before garbage is collected: what
// is read for a batch of commands is garbage with their results, twice as much of it at
// once costs half the work.
const GCPercent = 200

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

// Check asks each workspace's Planhat for one row with its token.
func (s *Service) Check(ctx context.Context) error {
	return service.CheckTokens(ctx, s.cfg.Planhat, func(ws config.Workspace) (*planhat.Client, error) { return s.newClient(ws, ws.Token.Current) })
}
