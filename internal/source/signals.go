package source

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// hear hands signals to the workspaces that this process owns until ctx ends.
// Signals from before the start are not heard: whoever sent them got no answer.
func (s *Service) hear(ctx context.Context) error {
	client, err := s.deps.Kafka.NewClient(
		kgo.ConsumeTopics(s.names.Signals()),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtEnd()), kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()),
	)
	if err != nil {
		return fmt.Errorf("hear signals: %w", err)
	}
	defer client.Close()
	for ctx.Err() == nil {
		fetches := client.PollFetches(ctx)
		fetches.EachError(func(topic string, _ int32, err error) {
			if ctx.Err() == nil {
				s.deps.Log.Warn("signals cannot be read", "topic", topic, "error", err.Error())
			}
		})
		fetches.EachRecord(func(r *kgo.Record) { s.dispatch(r.Value) })
	}
	return nil
}

func (s *Service) dispatch(value []byte) {
	var sig schemas.Signal
	if err := json.Unmarshal(value, &sig); err != nil {
		s.deps.Log.Warn("a signal is not JSON and is ignored", "error", err.Error())
		return
	}
	s.mu.Lock()
	w := s.live[sig.Workspace]
	s.mu.Unlock()
	if w == nil {
		return // another process owns it
	}
	select {
	case w.signals <- sig:
	default:
		s.deps.Log.Warn("a signal is dropped: too many are waiting", "workspace", sig.Workspace, "signal", sig.Signal)
	}
}

// obey carries a signal out and answers it, in one transaction with what it
// changes.
func (w *workspace) obey(ctx context.Context, sig schemas.Signal) error {
	answer := schemas.Notification{Kind: schemas.NotifySignalRefused, ID: sig.ID, Signal: sig.Signal, Stream: sig.Stream}
	done, message := w.carryOut(sig)
	if done {
		answer.Kind = schemas.NotifySignalDone
	}
	answer.Message = message
	w.log.Info("signal", "workspace", sig.Workspace, "stream", sig.Stream, "signal", sig.Signal, "done", done, "answer", message)
	return w.transact(ctx, []schemas.Notification{w.stamped(answer)}, func(*shard.Tx) error { return nil })
}

func (w *workspace) carryOut(sig schemas.Signal) (done bool, message string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.streams {
		if s.listing != sig.Stream {
			continue
		}
		switch {
		case sig.Signal != schemas.SignalRelease:
			return false, fmt.Sprintf("unknown signal %q: there is %q", sig.Signal, schemas.SignalRelease)
		case !s.cursor.Held:
			return false, "the deletes of the stream are not held"
		}
		s.cursor.Held, s.released = false, true
		s.schedule.due = w.now()
		w.show(s)
		return true, fmt.Sprintf("%d records are asked for, and deleted where Planhat says that they do not exist", len(s.cursor.Candidates))
	}
	var names []string
	for _, s := range w.streams {
		names = append(names, s.listing)
	}
	return false, fmt.Sprintf("no stream %q: there are %q", sig.Stream, names)
}
