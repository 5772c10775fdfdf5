package ops

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// diary notes what services do, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.lines)
}

// service works until it is told to stop, then takes time to do so.
func (d *diary) service(name string, stopTime time.Duration, end error) func(context.Context) error {
	return func(ctx context.Context) error {
		<-ctx.Done()
		d.note("stop " + name)
		time.Sleep(stopTime) //nolint:forbidigo // fake clock
		d.note("stopped " + name)
		return end
	}
}

func newSupervisor() *Supervisor { return &Supervisor{Log: slog.New(slog.DiscardHandler)} }

func TestSupervisorDrainsInReverseOrderOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var d diary
		s := newSupervisor()
		for _, name := range []string{"a", "b", "c"} {
			s.Add(name, d.service(name, time.Second, context.Canceled))
		}
		time.AfterFunc(time.Minute, cancel)
		begin := time.Now()
		if err := s.Run(ctx); err != nil {
			t.Errorf("got %v", err)
		}
		want := "stop c,stopped c,stop b,stopped b,stop a,stopped a"
		if got := strings.Join(d.read(), ","); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if took := time.Since(begin); took != time.Minute+3*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestSupervisorStopsAllAtTheFirstError(t *testing.T) {
	boom, other := errors.New("boom"), errors.New("other")
	tests := []struct {
		name string
		fail func() error
		want []string
	}{
		{"an error", func() error { return boom }, []string{"service bad: boom"}},
		{"an end that nobody asked for", func() error { return nil }, []string{"service bad: ended without being told to"}},
		{"a panic", func() error { panic("ouch") }, []string{"service bad: bad panicked: ouch"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var d diary
				s := newSupervisor()
				s.Add("first", d.service("first", 0, nil))
				s.Add("bad", func(context.Context) error {
					time.Sleep(time.Second) //nolint:forbidigo // fake clock
					return tt.fail()
				})
				s.Add("last", d.service("last", 0, other))
				err := s.Run(t.Context())
				got := strings.Split(err.Error(), "\n")
				if want := append(slices.Clone(tt.want), "stop service last: other"); !slices.Equal(got, want) {
					t.Errorf("got %q, want %q", got, want)
				}
				if want := []string{"stop last", "stopped last", "stop first", "stopped first"}; !slices.Equal(d.read(), want) {
					t.Errorf("drained %v", d.read())
				}
			})
		})
	}
}

func TestSupervisorKeepsTheStackOfAPanic(t *testing.T) {
	s := newSupervisor()
	s.Add("bad", func(context.Context) error { panicHere(); return nil })
	var crash *PanicError
	if err := s.Run(t.Context()); !errors.As(err, &crash) || !strings.Contains(string(crash.Stack), "panicHere") {
		t.Errorf("got %v", err)
	}
}

func panicHere() { var m map[string]int; m["x"] = 1 } //nolint:govet,staticcheck // it is there to panic

func TestSupervisorLeavesBehindWhatDoesNotStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var d diary
		s := newSupervisor()
		s.Add("good", d.service("good", 0, nil))
		s.AddWithTimeout("stuck", 3*time.Second, d.service("stuck", time.Hour, nil))
		cancel()
		begin := time.Now()
		err := s.Run(ctx)
		if err == nil || err.Error() != "service stuck: did not stop within 3s" || time.Since(begin) != 3*time.Second {
			t.Errorf("after %s: %v", time.Since(begin), err)
		}
		if !slices.Contains(d.read(), "stopped good") {
			t.Error("the others were not drained")
		}
		time.Sleep(2 * time.Hour) //nolint:forbidigo // fake clock; the stuck one ends
	})
}

func TestSupervisorReportsAllThatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSupervisor()
		for _, name := range []string{"a", "b"} {
			s.Add(name, func(context.Context) error { return errors.New(name + " broke") })
		}
		err := s.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "a broke") || !strings.Contains(err.Error(), "b broke") {
			t.Errorf("got %v", err)
		}
	})
}

func TestWaitFor(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	down := errors.New("connection refused")
	tests := []struct {
		name     string
		probe    func(ctx context.Context, n int) error
		want     []error // what the error is
		wantText string
		wantTime time.Duration
	}{
		{"at once", func(context.Context, int) error { return nil }, nil, "", 0},
		{"after three failures", func(_ context.Context, n int) error {
			if n > 3 {
				return nil
			}
			return down
		}, nil, "", 3 * time.Second},
		{"never", func(context.Context, int) error { return down }, []error{ErrUnreachable, down}, "wait for kafka: unreachable within 10s: connection refused; planhatctl doctor, with the same variables, says what to mend", 10 * time.Second},
		{"hangs after a failure", func(ctx context.Context, n int) error {
			if n == 1 {
				return down
			}
			<-ctx.Done()
			return ctx.Err()
		}, []error{ErrUnreachable, down}, "wait for kafka: unreachable within 10s: connection refused; planhatctl doctor, with the same variables, says what to mend", 10 * time.Second},
		{"bad set-up", func(context.Context, int) error { return BadSetup(down) }, []error{down}, "check kafka: connection refused", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin, n := time.Now(), 0
				err := WaitFor(t.Context(), 10*time.Second, "kafka", log, func(ctx context.Context) error { n++; return tt.probe(ctx, n) })
				if took := time.Since(begin); took != tt.wantTime {
					t.Errorf("took %s, want %s", took, tt.wantTime)
				}
				if (err == nil) != (tt.want == nil) || err != nil && err.Error() != tt.wantText {
					t.Errorf("got %v, want %q", err, tt.wantText)
				}
				for _, want := range tt.want {
					if !errors.Is(err, want) {
						t.Errorf("%v is not %v", err, want)
					}
				}
			})
		})
	}
}

func TestWaitForEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(1500*time.Millisecond, cancel)
		err := WaitFor(ctx, time.Hour, "kafka", slog.New(slog.DiscardHandler), func(context.Context) error { return errors.New("down") })
		if !onlyCanceled(err) || errors.Is(err, ErrUnreachable) {
			t.Errorf("got %v", err)
		}
	})
}

func TestOnlyCanceled(t *testing.T) {
	x, c := errors.New("x"), context.Canceled
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{nil, true}, {c, true}, {errors.Join(c, c), true}, {x, false}, {errors.Join(c, x), false},
		{BadSetup(c), true}, {BadSetup(errors.Join(x, c)), false}, {context.DeadlineExceeded, false},
		{&PanicError{Value: x}, false}, {&PanicError{Value: "x"}, false},
	} {
		if got := onlyCanceled(tt.err); got != tt.want {
			t.Errorf("%v: %t", tt.err, got)
		}
	}
}
