package ops

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"
)

// DrainTimeout is how long a service may take to stop.
const DrainTimeout = 20 * time.Second

var errEndedEarly = errors.New("ended without being told to")

// Supervisor runs the services of a process.
//
// They are started in the order in which they were added. When the context
// ends, or the first service does, they are told to stop one by one in reverse
// order, each given its time, so that a service can rely on those before it
// until the end. A service that does not stop in time is left behind.
//
// The zero value, with Log set, is ready for use. It is used once.
type Supervisor struct {
	Log      *slog.Logger
	services []*service
}

type service struct {
	name    string
	run     func(context.Context) error
	timeout time.Duration
	cancel  context.CancelFunc
	done    chan struct{}
	err     error // after done
}

// Add adds a service. Its Run works until ctx ends, then finishes what it must
// and returns; whatever it returns then other than an error of the context is
// reported. Returning before, even with nil, ends all services.
func (s *Supervisor) Add(name string, run func(ctx context.Context) error) {
	s.AddWithTimeout(name, DrainTimeout, run)
}

// AddWithTimeout is Add with a time to stop of its own.
func (s *Supervisor) AddWithTimeout(name string, timeout time.Duration, run func(ctx context.Context) error) {
	s.services = append(s.services, &service{name: name, run: run, timeout: timeout, done: make(chan struct{})})
}

// Run starts the services and returns when all have stopped or have been given
// up. The error is the first service's that failed, joined with those of the
// drain; nil if ctx ended and all stopped well.
func (s *Supervisor) Run(ctx context.Context) error {
	ended := make(chan *service, len(s.services))
	for _, svc := range s.services {
		svc.start(ctx, ended)
	}
	var errs []error
	var first *service
	select {
	case <-ctx.Done():
		s.Log.InfoContext(ctx, "draining")
	case first = <-ended:
		errs = append(errs, first.failure())
		s.Log.ErrorContext(ctx, "service failed, draining the others", "part", first.name)
	}
	return errors.Join(append(errs, s.drain(ctx, first)...)...)
}

// start runs the service in a context that outlives ctx: it is ended by the
// drain, when its turn comes.
func (svc *service) start(ctx context.Context, ended chan<- *service) {
	ctx, svc.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer func() {
			close(svc.done)
			ended <- svc
		}()
		svc.err = guard(svc.name, func() error { return svc.run(ctx) })
	}()
}

// guard turns a panic into a *PanicError.
func guard(name string, run func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Service: name, Value: v, Stack: debug.Stack()}
		}
	}()
	return run()
}

// failure is the error of a service that ended before it was told to.
func (svc *service) failure() error {
	err := svc.err
	if err == nil {
		err = errEndedEarly
	}
	return fmt.Errorf("service %s: %w", svc.name, err)
}

// drain stops all services but the one that failed first.
func (s *Supervisor) drain(ctx context.Context, failed *service) []error {
	var errs []error
	for _, svc := range slices.Backward(s.services) {
		if svc == failed {
			svc.cancel()
			continue
		}
		if err := svc.stop(); err != nil {
			s.Log.ErrorContext(ctx, "service did not stop well", "part", svc.name)
			errs = append(errs, err)
		}
	}
	return errs
}

func (svc *service) stop() error {
	svc.cancel()
	timer := time.NewTimer(svc.timeout)
	defer timer.Stop()
	select {
	case <-svc.done:
	case <-timer.C:
		return fmt.Errorf("service %s: did not stop within %s", svc.name, svc.timeout)
	}
	if onlyCanceled(svc.err) {
		return nil
	}
	return fmt.Errorf("stop service %s: %w", svc.name, svc.err)
}

// onlyCanceled tells whether err is nothing but the end of a context: nil, or
// context.Canceled at the end of every branch.
func onlyCanceled(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(joined.Unwrap(), func(e error) bool { return !onlyCanceled(e) })
	}
	if inner := errors.Unwrap(err); inner != nil {
		return onlyCanceled(inner)
	}
	return err == nil || err == context.Canceled //nolint:errorlint // every wrapping is taken off above
}
