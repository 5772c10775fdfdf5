package service

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/ops"
)

// stub is a shell that notes what is asked of it.
type stub struct {
	name string
	err  error
	done *[]string
}

func (s stub) note(what string) error { *s.done = append(*s.done, s.name+" "+what); return s.err }

func (s stub) Prepare(context.Context) error { return s.note("prepare") }
func (s stub) Check(context.Context) error   { return s.note("check") }
func (s stub) Status() any                   { return s.name }
func (s stub) Run(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func TestComposeTakesWhatIsWanted(t *testing.T) {
	t.Parallel()
	var done []string
	broken := errors.New("broken")
	component := func(name string, err error, registry bool) Component {
		return Component{Name: name, Registry: registry, Wanted: func(c config.Config) bool { return c.Has(name) }, Build: func(Env) (Shell, error) {
			return stub{name, err, &done}, nil
		}}
	}
	build := Compose(component("a", broken, true), component("b", nil, false), component("c", nil, true))
	shell, err := build(Env{Process: &ops.Process{Config: config.Config{Components: []string{"b", "a"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(shell.Prepare(t.Context()), shell.Check(t.Context())); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if want := []string{"a prepare", "b prepare", "a check", "b check"}; !slices.Equal(done, want) {
		t.Errorf("did %v", done)
	}
	if diff := cmp.Diff(map[string]any{"a": "a", "b": "b"}, shell.Status()); diff != "" {
		t.Error(diff)
	}
	parts := partsOf("whole", shell)
	if len(parts) != 2 || parts[0].name != "a" || !parts[0].registry || parts[1].registry {
		t.Errorf("parts %+v", parts)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := shell.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	if alone := partsOf("whole", stub{name: "x"}); len(alone) != 1 || alone[0].name != "whole" || !alone[0].registry {
		t.Errorf("a shell of its own is %+v", alone)
	}
	failing := Component{Name: "a", Wanted: func(config.Config) bool { return true }, Build: func(Env) (Shell, error) { return nil, broken }}
	if _, err := Compose(failing)(Env{Process: &ops.Process{}}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
