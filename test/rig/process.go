package rig

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/ops"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/internal/webhook"
	"github.com/planhat-bridge/planhat-bridge/test/rig/logbook"
	"github.com/planhat-bridge/planhat-bridge/test/rig/settings"
)

// Variables by which the parent tells the child what it is.
const (
	roleVar  = "RIG_ROLE"  // source or sink
	pointVar = "RIG_POINT" // where to die: name, colon, how often it is passed first
)

// Main is a TestMain: in a child it is the service, else it runs the tests. It
// returns the exit code.
func Main(m *testing.M) int {
	if role := os.Getenv(roleVar); role != "" {
		return child(role)
	}
	// The tests wait for processes, clocks and brokers much more than they compute.
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// child is a service as its main wires it, which kills itself at a point.
func child(role string) int {
	name, after, _ := strings.Cut(os.Getenv(pointVar), ":")
	left, _ := strconv.Atoi(after)
	var passed atomic.Int64
	die := func(point string) {
		if point == name && passed.Add(1) > int64(left) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	builds := map[string]service.Build{
		"source": service.Compose(
			service.Component{Name: "source", Registry: true, Wanted: func(c config.Config) bool { return c.Has(config.Poller) }, Build: func(env service.Env) (service.Shell, error) {
				d := source.DepsOf(env)
				d.OnPoint = die
				return source.New(env.Config, d), nil
			}},
			service.Component{Name: "webhook", Wanted: webhook.Wanted, Build: func(env service.Env) (service.Shell, error) {
				d := webhook.DepsOf(env)
				d.OnPoint = die
				return webhook.New(env.Config, d), nil
			}},
		),
		"sink": func(env service.Env) (service.Shell, error) {
			d := sink.DepsOf(env)
			d.OnPoint = die
			return sink.New(env.Config, d), nil
		},
	}
	return ops.Main(service.Program(role, builds[role]), nil, os.Environ(), os.Stdout, os.Stderr)
}

// Process is a child under way.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how; read it after done
	log  *logbook.Book
}

// Start runs a service under the instance id that its first pod would have. It
// dies when it has passed the point ("": never) that many times.
func (r *Rig) Start(role, point string, after int) *Process {
	r.t.Helper()
	return r.StartAs(role, role+"-0", point, after)
}

// StartAs is Start under another instance id.
func (r *Rig) StartAs(role, instance, point string, after int) *Process {
	r.t.Helper()
	return r.start(role, instance, point, after, nil)
}

// StartIn is StartAs after the command has been changed: another folder, limits
// put round it by a shell, further variables.
func (r *Rig) StartIn(role, instance string, change func(*exec.Cmd)) *Process {
	r.t.Helper()
	return r.start(role, instance, "", 0, change)
}

func (r *Rig) start(role, instance, point string, after int, change func(*exec.Cmd)) *Process {
	r.t.Helper()
	p := r.launch(role, instance, point, after, change)
	r.t.Cleanup(func() {
		p.Stop(r.t)
		if r.t.Failed() {
			r.t.Logf("%s said:\n%s", instance, p.log)
		}
	})
	return p
}

// launch is StartAs of a process whose end is the caller's business.
func (r *Rig) launch(role, instance, point string, after int, change func(*exec.Cmd)) *Process {
	r.t.Helper()
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	p := &Process{cmd: exec.CommandContext(context.WithoutCancel(r.t.Context()), self), done: make(chan struct{}), log: &logbook.Book{}}
	p.cmd.Env = append(settings.Environ(r.vars(instance)), roleVar+"="+role, pointVar+"="+point+":"+strconv.Itoa(after))
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if change != nil {
		change(p.cmd)
	}
	if err := p.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p
}

// Killed waits until the process is dead by SIGKILL.
func (p *Process) Killed(t *testing.T) {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(time.Minute):
		t.Fatal("was not killed within a minute: is the point passed at all?")
	}
	if !p.wasKilled() {
		t.Fatalf("ended with %v instead of being killed: %s", p.err, p.log)
	}
}

// wasKilled reports whether a process that has ended was ended by SIGKILL.
func (p *Process) wasKilled() bool { return p.endedBy(syscall.SIGKILL) }

func (p *Process) endedBy(signal syscall.Signal) bool {
	exit, ok := errors.AsType[*exec.ExitError](p.err)
	if !ok {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signal() == signal
}

// Log is all that the process has said; it waits for the end of the process.
func (p *Process) Log() string {
	<-p.done
	return p.log.String()
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// ended reports whether the process is no more.
func (p *Process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Kill ends the process with SIGKILL.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// Freeze stops the process in mid-step, and Thaw lets it go on: to the others it
// was dead, to itself no time has passed.
func (p *Process) Freeze() { _ = p.cmd.Process.Signal(syscall.SIGSTOP) }

// Thaw ends Freeze.
func (p *Process) Thaw() { _ = p.cmd.Process.Signal(syscall.SIGCONT) }

// Throttle gives the process a tenth of its time for a while, and does something in
// each of its turns.
func (p *Process) Throttle(d time.Duration, do func()) {
	over := time.After(d)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	p.Freeze()
	defer p.Thaw()
	for {
		select {
		case <-tick.C:
			p.Thaw()
			do()
			<-time.After(10 * time.Millisecond)
			p.Freeze()
		case <-over:
			return
		}
	}
}

// DieAt changes a command so that the process dies when it has passed the point that
// many times.
func DieAt(point string, after int) func(*exec.Cmd) {
	return func(c *exec.Cmd) { c.Env = append(c.Env, pointVar+"="+point+":"+strconv.Itoa(after)) }
}

// Shell changes a command so that it runs after one of the shell, which sets a limit.
func Shell(limit string) func(*exec.Cmd) {
	return func(c *exec.Cmd) {
		c.Args = []string{"/bin/sh", "-c", limit + `; exec "$0"`, c.Path}
		c.Path = "/bin/sh"
	}
}

// drainWithin is less than the services give themselves.
const drainWithin = 15 * time.Second

// Stop drains the process, if it has not ended yet.
func (p *Process) Stop(t *testing.T) {
	t.Helper()
	if p.ended() {
		return
	}
	if err := p.drain(); err != nil {
		t.Errorf("%v: %s", err, p.log)
	}
}

// drain is Stop that leaves the judgement to the caller.
func (p *Process) drain() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		if p.err != nil && !p.endedBy(syscall.SIGTERM) { // which comes before it can be heard
			return fmt.Errorf("drained with %w", p.err)
		}
		return nil
	case <-time.After(drainWithin):
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // Go says where its goroutines stand
		<-p.done
		return fmt.Errorf("did not drain within %s", drainWithin)
	}
}
