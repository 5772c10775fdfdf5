// Package service is what the mains of source and sink have in common: from a
// configuration to a shell that runs.
//
// It connects to Kafka and the schema registry, waits for both, lets the shell
// create or verify what it needs, and supervises it beside the admin server.
// Ready means that Kafka and the registry are usable; trouble with a vendor is
// in the status, the metrics and the alerts, and never ends a process.
package service

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/ops"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// Shell is a service's own part.
type Shell interface {
	// Prepare creates or verifies topics and schemas.
	Prepare(ctx context.Context) error
	// Run works until ctx ends, then drains.
	Run(ctx context.Context) error
	// Status is the shell's part of /status.
	Status() any
	// Check asks the vendors whether they accept the tokens.
	Check(ctx context.Context) error
}

// Env is what a shell is built from.
type Env struct {
	*ops.Process
	Kafka   kafka.Options
	Schemas *sr.Client
}

// Build makes a shell; it does no input or output.
type Build func(Env) (Shell, error)

// Program is the main of a service.
func Program(name string, build Build) ops.Program {
	return ops.Program{
		Name: name, Objects: Objects(),
		Run:   func(ctx context.Context, p *ops.Process) error { return Run(ctx, p, name, build) },
		Check: func(ctx context.Context, p *ops.Process) error { return check(ctx, p, name, build) },
	}
}

// Objects are the names that a configuration may use.
func Objects() []string {
	var names []string
	for _, spec := range planhat.Objects() {
		names = append(names, string(spec.Object))
	}
	return names
}

// Run runs a shell and its admin server until ctx ends.
func Run(ctx context.Context, p *ops.Process, name string, build Build) error {
	env, shell, err := connect(p, build)
	if err != nil {
		return err
	}
	probe, err := env.Kafka.NewClient()
	if err != nil {
		return ops.BadSetup(err)
	}
	defer probe.Close()
	parts := partsOf(name, shell)
	p.Admin.AddCheck("kafka", probe.Ping)
	for _, part := range parts {
		p.Admin.AddStatus(part.name, part.Status)
		if part.registry {
			p.Admin.AddCheck("schema registry", func(ctx context.Context) error { return kafka.PingRegistry(ctx, env.Schemas) })
		}
	}
	supervisor := ops.Supervisor{Log: p.Log}
	supervisor.Add("admin", p.Admin.Run)
	supervise(&supervisor, env, parts)
	return supervisor.Run(ctx)
}

// check is --check: everything that a start would do, and the tokens.
func check(ctx context.Context, p *ops.Process, name string, build Build) error {
	env, shell, err := connect(p, build)
	if err != nil {
		return err
	}
	for _, part := range partsOf(name, shell) {
		if err := prepare(ctx, env, part); err != nil {
			return err
		}
	}
	return unreachable(shell.Check(ctx))
}

// CheckTokens asks each workspace's Planhat for one row with its token.
func CheckTokens(ctx context.Context, workspaces []config.Workspace, client func(config.Workspace) (*planhat.Client, error)) error {
	var errs []error
	for _, ws := range workspaces {
		c, err := client(ws)
		if err == nil {
			_, err = c.Page(ctx, planhat.Company, planhat.ListOptions{Sort: "_id", Limit: 1})
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("workspace %s: %w", ws.Name, err))
		}
	}
	return errors.Join(errs...)
}

// unreachable is the exit code of a vendor that does not let us in: it cannot be
// reached, or it refuses the token.
func unreachable(err error) error {
	if err != nil {
		return ops.Exit{Code: ops.CodeUnreachable, Err: err}
	}
	return nil
}

func connect(p *ops.Process, build Build) (Env, Shell, error) {
	env := Env{Process: p}
	var err error
	if env.Kafka, err = kafka.FromConfig(p.Config.Kafka); err != nil {
		return env, nil, ops.BadSetup(err)
	}
	env.Kafka.Logger, env.Kafka.Registerer = p.Log, p.Registry
	if env.Schemas, err = kafka.NewRegistry(p.Config.Registry); err != nil {
		return env, nil, ops.BadSetup(err)
	}
	shell, err := build(env)
	if err != nil {
		return env, nil, ops.BadSetup(err)
	}
	return env, shell, nil
}

// prepare waits for Kafka and the registry within STARTUP_TIMEOUT, then lets
// the shell prepare. What it refuses is the operator's to mend.
func prepare(ctx context.Context, env Env, shell part) error {
	timeout := env.Config.StartupTimeout
	if err := ops.WaitFor(ctx, timeout, "kafka", env.Log, env.Kafka.Ping); err != nil {
		return err
	}
	if shell.registry {
		ping := func(ctx context.Context) error { return kafka.PingRegistry(ctx, env.Schemas) }
		if err := ops.WaitFor(ctx, timeout, "the schema registry", env.Log, ping); err != nil {
			return err
		}
	}
	return ops.WaitFor(ctx, timeout, "topics and schemas", env.Log, func(ctx context.Context) error {
		return refusals(shell.Prepare(ctx))
	})
}

// refusals marks the errors that waiting does not mend.
func refusals(err error) error {
	var (
		topic        *kafka.TopicError
		incompatible *schemas.IncompatibleError
		missing      *schemas.NotRegisteredError
	)
	if errors.As(err, &topic) || errors.As(err, &incompatible) || errors.As(err, &missing) {
		return ops.BadSetup(fmt.Errorf("prepare: %w", err))
	}
	return err
}
