// Package background runs, beside a test, what works until it is told to stop.
package background

import (
	"context"
	"sync"
	"testing"
)

// Run runs something until it is stopped or the test ends, however early. An error of
// it fails the test.
func Run(t testing.TB, name string, run func(context.Context) error) (stop func()) {
	t.Helper()
	end := Start(t, run)
	stop = sync.OnceFunc(func() {
		if err := end(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// Start is Run for who looks at the error.
func Start(t testing.TB, run func(context.Context) error) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() { _ = stop() })
	return stop
}
