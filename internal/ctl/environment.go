package ctl

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

const vendor = "planhat"

// environment is where the bridge is.
type environment struct {
	config   config.Config
	kafka    kafka.Options
	names    kafka.Names
	resolver schemas.Resolver
}

// environment reads the variables and checks that a broker answers.
func (t *tool) environment(ctx context.Context) (*environment, error) {
	c, err := loadConfig(t.Environ, t.bootstrap, t.registry, t.workspace)
	if err != nil {
		return nil, &failure{codeUsage, err}
	}
	e := &environment{config: c, names: kafka.Names{Bridge: c.Bridge, Prefix: c.Topics.Prefix}}
	if e.kafka, err = kafka.FromConfig(c.Kafka); err != nil {
		return nil, &failure{codeUsage, err}
	}
	e.kafka.ClientID = "planhatctl"
	registry, err := kafka.NewRegistry(c.Registry)
	if err != nil {
		return nil, &failure{codeUsage, err}
	}
	e.resolver = schemas.NewResolver(registry)
	if err := e.kafka.Ping(ctx); err != nil {
		return nil, unreachable("%w; check KAFKA_BOOTSTRAP_SERVERS or --bootstrap", err)
	}
	return e, nil
}

// loadConfig is the services' configuration without what only they need: a
// tool that calls no API asks nobody for a token.
func loadConfig(environ []string, bootstrap, registry, workspace string) (config.Config, error) {
	env := slices.Clone(environ)
	for name, value := range map[string]string{"KAFKA_BOOTSTRAP_SERVERS": bootstrap, "SCHEMA_REGISTRY_URL": registry, "PLANHAT_WORKSPACES": workspace} {
		if value != "" {
			env = append(env, name+"="+value) // of doubles the last counts
		}
	}
	return config.LoadNames(env, objectNames())
}

func objectNames() []string {
	var out []string
	for _, spec := range planhat.Objects() {
		out = append(out, string(spec.Object))
	}
	return out
}

// oneWorkspace is the environment with the one workspace meant.
func (t *tool) oneWorkspace(ctx context.Context) (*environment, string, error) {
	e, err := t.environment(ctx)
	if err != nil {
		return nil, "", err
	}
	workspace, err := e.one()
	return e, workspace, err
}

// one is the workspace meant.
func (e *environment) one() (string, error) {
	if len(e.config.Planhat) == 1 {
		return e.config.Planhat[0].Name, nil
	}
	names := make([]string, len(e.config.Planhat))
	for i, w := range e.config.Planhat {
		names[i] = w.Name
	}
	return "", usage("there are several workspaces (%s): say which with --workspace", strings.Join(names, ", "))
}

// warn says once that values are decoded without the registry.
func (t *tool) warn(err error) {
	if !t.warned {
		fmt.Fprintf(t.Stderr, "planhatctl: warning: decoding with built-in schemas: %v\n", err)
	}
	t.warned = true
}
