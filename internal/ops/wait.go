package ops

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// waitPause is the time between two probes.
const waitPause = time.Second

// WaitFor calls probe until it succeeds, for timeout at most. Then the error
// wraps ErrUnreachable and the last thing that probe said. An error marked by
// BadSetup is returned at once. The first failure is logged, so that somebody
// who looks sees what is waited for.
func WaitFor(ctx context.Context, timeout time.Duration, name string, log *slog.Logger, probe func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var last error
	for {
		err := probe(limited)
		if err == nil {
			return nil
		}
		if errors.As(err, new(Exit)) {
			return fmt.Errorf("check %s: %w", name, err)
		}
		if last == nil {
			log.WarnContext(ctx, "waiting", "for", name, "error", err)
		}
		if last == nil || limited.Err() == nil { // the deadline's own error says less than the one before
			last = err
		}
		select {
		case <-time.After(waitPause):
		case <-limited.Done():
		}
		if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) { // whoever set a deadline wanted to wait until then
			return fmt.Errorf("wait for %s: %w", name, ctx.Err())
		}
		if limited.Err() != nil {
			return fmt.Errorf("wait for %s: %w within %s: %w; planhatctl doctor, with the same variables, says what to mend", name, ErrUnreachable, timeout, last)
		}
	}
}
