package ctl

import (
	"context"
	"fmt"
	"slices"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

const vendor = "planhat"

// environment is where the bridge is.
type environment struct {
	config   config.Config
	account  string // of --account
	kafka    kafka.Options
	names    kafka.Names
	resolver schemas.Resolver
}

// environment reads the variables and checks that a broker answers.
func (t *tool) environment(ctx context.Context) (*environment, error) {
	c, err := loadConfig(t.Environ, t.bootstrap, t.registry, t.workspace, t.account)
	if err != nil {
		return nil, &failure{codeUsage, err}
	}
	if t.account != "" {
		c.Planhat = nil
	} else if t.workspace != "" {
		c.Pipedrive = nil
	}
	e := &environment{config: c, account: t.account, names: kafka.Names{Bridge: c.Bridge, Prefix: c.Topics.Prefix}}
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
func loadConfig(environ []string, bootstrap, registry, workspace, account string) (config.Config, error) {
	env := slices.Clone(environ)
	for name, value := range map[string]string{
		"KAFKA_BOOTSTRAP_SERVERS": bootstrap, "SCHEMA_REGISTRY_URL": registry, "PLANHAT_WORKSPACES": workspace, "PIPEDRIVE_ACCOUNTS": account,
	} {
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
	of, err := e.one()
	switch {
	case err != nil || of.vendor == vendor:
	case e.account != "":
		err = usage("commands are for workspaces of Planhat, not for accounts of Pipedrive: leave --account out")
	default:
		err = usage("commands are for workspaces of Planhat, and there is none: name one with --workspace or PLANHAT_WORKSPACES")
	}
	return e, of.name, err
}

// warn says once that values are decoded without the registry.
func (t *tool) warn(err error) {
	if !t.warned {
		fmt.Fprintf(t.Stderr, "planhatctl: warning: decoding with built-in schemas: %v\n", err)
	}
	t.warned = true
}
