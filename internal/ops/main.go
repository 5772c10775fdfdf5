package ops

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
)

// Program is a service as a process.
type Program struct {
	Name    string   // as in logs and messages
	Objects []string // names of the objects there are, for the configuration
	// Run works until ctx ends. Usually it wires a Supervisor and runs it.
	Run func(ctx context.Context, p *Process) error
	// Check is what --check does after the configuration was found good; nil:
	// nothing more. ctx ends after STARTUP_TIMEOUT.
	Check func(ctx context.Context, p *Process) error
}

// Process is what Main has set up for Run.
type Process struct {
	Config   config.Config
	Log      *slog.Logger
	Registry *prometheus.Registry // with the metrics of runtime, process and build
	Admin    *Admin               // not running yet; status "build" is there
	Build    Build
}

// Main runs a program and returns its exit code. args come without the
// program's name, environ as from os.Environ.
//
// SIGTERM and SIGINT end the context of Run; a second one ends Main at once,
// with code 1. Bad configuration and bad set-up are printed as text on stderr, all of it;
// other errors go to the log, which is stderr too.
func Main(p Program, args, environ []string, stdout, stderr io.Writer) int {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	defer signal.Stop(signals)
	m := mainRun{Program: p, stdout: stdout, stderr: stderr, signals: signals}
	return m.run(args, environ)
}

type mainRun struct {
	Program
	stdout, stderr io.Writer
	signals        <-chan os.Signal
}

type flags struct{ version, check, print bool }

func (m *mainRun) run(args, environ []string) int {
	f, err := m.parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return CodeDone
	case err != nil: // the flag package has told it
		return CodeBadSetup
	case f.version:
		fmt.Fprintf(m.stdout, "%s %s\n", m.Name, ReadBuild())
		return CodeDone
	}
	c, err := config.Load(environ, m.Objects)
	if err != nil {
		fmt.Fprintf(m.stderr, "%s: %v\n", m.Name, err)
		return exitCode(err)
	}
	if f.print {
		fmt.Fprint(m.stdout, c.Print())
		return CodeDone
	}
	process := NewProcess(m.Name, c, m.stderr)
	if f.check {
		return m.check(process)
	}
	return m.supervise(process, m.Run)
}

func (m *mainRun) parse(args []string) (flags, error) {
	var f flags
	set := flag.NewFlagSet(m.Name, flag.ContinueOnError)
	set.SetOutput(m.stderr)
	set.BoolVar(&f.version, "version", false, "print the version and end")
	set.BoolVar(&f.check, "check", false, "check the configuration and what it names, then end")
	set.BoolVar(&f.print, "print-config", false, "print the configuration in force, secrets masked, and end")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	if set.NArg() > 0 {
		err := fmt.Errorf("%s: unexpected argument %q: settings are environment variables, see docs/configuration.md", m.Name, set.Arg(0))
		fmt.Fprintln(m.stderr, err)
		return f, err
	}
	return f, nil
}

// NewProcess is what Main makes of a configuration; others use it to run a
// service inside a process of theirs.
func NewProcess(name string, c config.Config, logTo io.Writer) *Process {
	p := &Process{Config: c, Log: NewLogger(c.Log, logTo, name), Build: ReadBuild()}
	p.Registry = newRegistry(p.Build)
	p.Admin = NewAdmin(c.AdminAddr, p.Registry, p.Log)
	started := time.Now()
	p.Admin.AddStatus("build", func() any { return p.Build })
	p.Admin.AddStatus("started_at", func() any { return started.UTC().Format(time.RFC3339) })
	return p
}

func (m *mainRun) check(p *Process) int {
	code := CodeDone
	if m.Check != nil {
		code = m.supervise(p, func(ctx context.Context, p *Process) error {
			ctx, cancel := context.WithTimeout(ctx, p.Config.StartupTimeout)
			defer cancel()
			return m.Check(ctx, p)
		})
	}
	if code == CodeDone {
		fmt.Fprintln(m.stdout, "the configuration is good")
	}
	return code
}

// supervise runs work and watches for signals and panics.
func (m *mainRun) supervise(p *Process, work func(context.Context, *Process) error) int {
	ctx, stop := context.WithCancel(context.Background()) //nolint:forbidigo // this is where the mains' context begins
	defer stop()
	done := make(chan error, 1)
	go func() { done <- guard(m.Name, func() error { return work(ctx, p) }) }()
	for told := false; ; {
		select {
		case err := <-done:
			if told && onlyCanceled(err) {
				err = nil
			}
			m.report(p.Log, err)
			return exitCode(err)
		case sig := <-m.signals:
			if told {
				p.Log.Error("stopping at once", "signal", sig.String())
				return CodeUnexpected
			}
			told = true
			p.Log.Info("stopping", "signal", sig.String())
			stop()
		}
	}
}

// report tells once why the process ends.
func (m *mainRun) report(log *slog.Logger, err error) {
	var crash *PanicError
	switch {
	case err == nil:
		log.Info("stopped")
	case errors.As(err, &crash):
		log.Error("stopped by a panic", "error", err, "stack", string(crash.Stack))
	case exitCode(err) == CodeBadSetup:
		fmt.Fprintf(m.stderr, "%s: %v\n", m.Name, err)
	default:
		log.Error("stopped by an error", "error", err)
	}
}
