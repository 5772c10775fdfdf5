package service

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/ops"
)

// Component is a part of a service that may be left out, or run alone. Shells do
// not know each other; here they are put into one process.
type Component struct {
	Name     string // as in the status
	Wanted   func(config.Config) bool
	Registry bool // it needs the schema registry
	Build    Build
}

// Compose makes one shell of the components that are wanted. Each is prepared, run
// and shown by itself: what one waits for does not keep the others from their work.
func Compose(components ...Component) Build {
	return func(env Env) (Shell, error) {
		var out composed
		for _, c := range components {
			if !c.Wanted(env.Config) {
				continue
			}
			shell, err := c.Build(env)
			if err != nil {
				return nil, err
			}
			out = append(out, part{name: c.Name, registry: c.Registry, Shell: shell})
		}
		return out, nil
	}
}

// part is a shell in its place.
type part struct {
	Shell
	name     string
	registry bool
}

// partsOf takes a shell apart; one that is not composed is its only part.
func partsOf(name string, shell Shell) []part {
	if c, ok := shell.(composed); ok {
		return c
	}
	return []part{{name: name, registry: true, Shell: shell}}
}

type composed []part

func (c composed) each(do func(part) error) error {
	var errs []error
	for _, p := range c {
		errs = append(errs, do(p))
	}
	return errors.Join(errs...)
}

// Prepare implements Shell.
func (c composed) Prepare(ctx context.Context) error {
	return c.each(func(p part) error { return p.Prepare(ctx) })
}

// Check implements Shell.
func (c composed) Check(ctx context.Context) error {
	return c.each(func(p part) error { return p.Check(ctx) })
}

// Run implements Shell.
func (c composed) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, p := range c {
		g.Go(func() error { return p.Run(ctx) })
	}
	return g.Wait()
}

// Status implements Shell.
func (c composed) Status() any {
	out := map[string]any{}
	for _, p := range c {
		out[p.name] = p.Shell.Status()
	}
	return out
}

// supervise adds the parts to a supervisor: each waits for what it needs, prepares
// and works. Those added last stop first.
func supervise(s *ops.Supervisor, env Env, parts []part) {
	for _, p := range parts {
		s.Add(p.name, func(ctx context.Context) error {
			if err := prepare(ctx, env, p); err != nil {
				return err
			}
			return p.Run(ctx)
		})
	}
}
