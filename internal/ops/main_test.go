package ops

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/test/rig/logbook"
)

var goodEnv = []string{"PLANHAT_TOKEN=t0psecret", "INSTANCE_ID=pod-0", "ADMIN_ADDR=127.0.0.1:0"}

func TestMainExitCodesAndOutput(t *testing.T) {
	run := func(err error) func(context.Context, *Process) error {
		return func(context.Context, *Process) error { return err }
	}
	missing := errors.Join(errors.New("topic a is missing"), errors.New("topic b is missing"))
	tests := []struct {
		name       string
		args       []string
		env        []string
		run, check func(context.Context, *Process) error
		want       int
		stdout     string // contained
		stderr     string // contained
	}{
		{name: "done", env: goodEnv, run: run(nil), want: 0, stderr: `"msg":"stopped"`},
		{name: "unexpected", env: goodEnv, run: run(errors.New("boom")), want: 1, stderr: `"error":"boom"`},
		{name: "panic", env: goodEnv, run: func(context.Context, *Process) error { panicHere(); return nil }, want: 1, stderr: "panicHere"},
		{name: "cancelled without a signal", env: goodEnv, run: run(context.Canceled), want: 1, stderr: "context canceled"},
		{name: "bad configuration", env: []string{"LOG_LEVEL=x", "KAFKA_X=1"}, want: 2,
			stderr: "prog: bad configuration, 3 faults:\n  KAFKA_X: "},
		{name: "bad set-up, all lines", env: goodEnv, run: run(fmt.Errorf("set up: %w", BadSetup(missing))), want: 2,
			stderr: "prog: set up: topic a is missing\ntopic b is missing\n"},
		{name: "unreachable", env: goodEnv, run: run(fmt.Errorf("start: %w", ErrUnreachable)), want: 3, stderr: "start: unreachable"},
		{name: "own code", env: goodEnv, run: run(Exit{Code: 7, Err: errors.New("x")}), want: 7},
		{name: "panic with a typed error", env: goodEnv, run: func(context.Context, *Process) error { panic(BadSetup(errors.New("x"))) }, want: 1},
		{name: "version", args: []string{"--version"}, want: 0, stdout: "prog devel"},
		{name: "help", args: []string{"--help"}, want: 0, stderr: "-print-config"},
		{name: "unknown flag", args: []string{"--verison"}, want: 2, stderr: "verison"},
		{name: "argument", args: []string{"start"}, want: 2, stderr: `unexpected argument "start"`},
		{name: "print", args: []string{"--print-config"}, env: goodEnv, want: 0, stdout: "Planhat[0].Token = ******"},
		{name: "print a bad one", args: []string{"--print-config"}, want: 2, stderr: "PLANHAT_TOKEN"},
		{name: "check", args: []string{"--check"}, env: goodEnv, want: 0, stdout: "the configuration is good"},
		{name: "check a bad one", args: []string{"--check"}, want: 2, stderr: "PLANHAT_TOKEN"},
		{name: "check finds Kafka away", args: []string{"--check"}, env: goodEnv, check: run(ErrUnreachable), want: 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr logbook.Book
			if tt.run == nil {
				tt.run = func(context.Context, *Process) error { t.Error("it ran"); return nil }
			}
			got := Main(Program{Name: "prog", Objects: []string{"company"}, Run: tt.run, Check: tt.check}, tt.args, tt.env, &stdout, &stderr)
			if got != tt.want || !strings.Contains(stdout.String(), tt.stdout) || !strings.Contains(stderr.String(), tt.stderr) {
				t.Errorf("code %d, want %d\nstdout: %s\nstderr: %s", got, tt.want, stdout.String(), stderr.String())
			}
			if strings.Contains(stdout.String()+stderr.String(), "t0psecret") {
				t.Error("the secret is shown")
			}
			if tt.want != 0 && strings.Contains(stdout.String(), "is good") {
				t.Error("called good")
			}
		})
	}
}

func TestMainHandsOverWhatItHasSetUp(t *testing.T) {
	var stderr logbook.Book
	code := Main(Program{Name: "prog", Run: func(ctx context.Context, p *Process) error {
		if p.Config.InstanceID != "pod-0" || p.Registry == nil || p.Build.Go == "" {
			t.Errorf("got %+v", p)
		}
		code, body := get(p.Admin, "/status")
		if code != 200 || !strings.Contains(body, `"build"`) || !strings.Contains(body, `"started_at"`) {
			t.Errorf("status %d %s", code, body)
		}
		p.Log.Debug("hidden")
		p.Log.Info("shown")
		return nil
	}}, nil, append(goodEnv, "LOG_FORMAT=text"), &logbook.Book{}, &stderr)
	if code != 0 || !strings.Contains(stderr.String(), "msg=shown service=prog") || strings.Contains(stderr.String(), "hidden") {
		t.Errorf("code %d, log %s", code, stderr.String())
	}
}

func TestSignalsDrainAndASecondOneStopsAtOnce(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run("one "+sig.String(), func(t *testing.T) {
			signals := make(chan os.Signal, 2)
			drained := false
			m := mainRun{stdout: &logbook.Book{}, stderr: &logbook.Book{}, signals: signals, Program: Program{Name: "prog", Run: func(ctx context.Context, p *Process) error {
				signals <- sig
				<-ctx.Done()
				drained = true
				return fmt.Errorf("stopped: %w", ctx.Err())
			}}}
			if code := m.run(nil, goodEnv); code != CodeDone || !drained {
				t.Errorf("code %d, drained %t", code, drained)
			}
		})
	}
	t.Run("two", func(t *testing.T) {
		signals, hang := make(chan os.Signal, 2), make(chan struct{})
		ended := make(chan struct{})
		m := mainRun{stdout: &logbook.Book{}, stderr: &logbook.Book{}, signals: signals, Program: Program{Name: "prog", Run: func(ctx context.Context, p *Process) error {
			defer close(ended)
			signals <- syscall.SIGTERM
			<-ctx.Done()
			signals <- syscall.SIGTERM
			<-hang
			return nil
		}}}
		if code := m.run(nil, goodEnv); code != CodeUnexpected {
			t.Errorf("code %d", code)
		}
		close(hang)
		<-ended
	})
	t.Run("an error of the drain is not hidden", func(t *testing.T) {
		signals := make(chan os.Signal, 2)
		m := mainRun{stdout: &logbook.Book{}, stderr: &logbook.Book{}, signals: signals, Program: Program{Name: "prog", Run: func(ctx context.Context, p *Process) error {
			signals <- syscall.SIGTERM
			<-ctx.Done()
			return errors.Join(ctx.Err(), errors.New("lost something"))
		}}}
		if code := m.run(nil, goodEnv); code != CodeUnexpected {
			t.Errorf("code %d", code)
		}
	})
}

// The signals that Main asks the system for, sent to this very process.
func TestMainListensToTheSystem(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		code := Main(Program{Name: "prog", Run: func(ctx context.Context, p *Process) error {
			if err := syscall.Kill(os.Getpid(), sig); err != nil {
				return err
			}
			<-ctx.Done()
			return nil
		}}, nil, goodEnv, &logbook.Book{}, &logbook.Book{})
		if code != CodeDone {
			t.Errorf("%s: code %d", sig, code)
		}
	}
}

func TestLoggerWritesFromItsLevelUp(t *testing.T) {
	for level, want := range map[string]int{"debug": 4, "info": 3, "warn": 2, "error": 1} {
		var b bytes.Buffer
		log := NewLogger(config.Log{Level: level, Format: "json"}, &b, "x")
		log.Debug("m")
		log.Info("m")
		log.Warn("m")
		log.Error("m")
		if got := strings.Count(b.String(), `"msg":"m","service":"x"`); got != want {
			t.Errorf("%s: %d lines, want %d", level, got, want)
		}
	}
}
