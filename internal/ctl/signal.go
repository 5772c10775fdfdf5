package ctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/schemas"
)

func newSignal(t *tool) *cobra.Command {
	var stream string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "signal release",
		Short: "Tell a stream of the source something, and wait for its answer",
		Long: "release lets the deletes of a stream go that are held because too many records were gone at once.\n" +
			"Each record is still asked for, and deleted only where Planhat says that it does not exist.",
		Example:   "  planhatctl signal release --workspace acme --stream companies",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{schemas.SignalRelease},
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := t.environment(cmd.Context())
			if err != nil {
				return err
			}
			if len(e.config.Planhat) != 1 {
				return usage("several workspaces are configured: choose one with --workspace")
			}
			if stream == "" {
				return usage("--stream is needed: the stream as /status of the source names it, such as companies")
			}
			answer, err := e.signal(cmd.Context(), timeout, schemas.Signal{
				ID: uuid.NewString(), Signal: args[0], Workspace: e.config.Planhat[0].Name, Stream: stream,
			})
			if err != nil {
				return err
			}
			if answer.Kind != schemas.NotifySignalDone {
				return &failure{codeNotOK, fmt.Errorf("refused: %s", answer.Message)}
			}
			fmt.Fprintln(t.Stdout, "done:", answer.Message)
			return nil
		},
	}
	cmd.Flags().StringVar(&stream, "stream", "", "the stream, as /status of the source names it: companies, endusers, ...")
	cmd.Flags().DurationVar(&timeout, "timeout", 30*time.Second, "give up when no answer has come for this long")
	return cmd
}

// signal sends a signal and waits for its answer.
func (e *environment) signal(ctx context.Context, timeout time.Duration, sig schemas.Signal) (schemas.Notification, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	topic := e.names.Notifications()
	client, err := e.kafka.NewClient()
	if err != nil {
		return schemas.Notification{}, err
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return schemas.Notification{}, unreachable("find the end of %s: %w; does a source of this bridge run?", topic, err)
	}
	from := map[string]map[int32]kgo.Offset{topic: {}}
	ends.Each(func(o kadm.ListedOffset) { from[topic][o.Partition] = kgo.NewOffset().At(o.Offset) })
	reader, err := e.kafka.NewClient(kgo.ConsumePartitions(from), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		return schemas.Notification{}, err
	}
	defer reader.Close()
	value, err := json.Marshal(sig)
	if err != nil {
		return schemas.Notification{}, fmt.Errorf("encode the signal: %w", err)
	}
	rec := &kgo.Record{Topic: e.names.Signals(), Key: []byte(vendor + "/" + sig.Workspace + "/" + sig.Stream), Value: value}
	if err := client.ProduceSync(ctx, rec).FirstErr(); err != nil {
		return schemas.Notification{}, unreachable("send the signal to %s: %w", rec.Topic, err)
	}
	for {
		fetches := reader.PollFetches(ctx)
		if ctx.Err() != nil {
			return schemas.Notification{}, unreachable("no answer on %s within %s: does a source that captures workspace %s run?", topic, timeout, sig.Workspace)
		}
		for iter := fetches.RecordIter(); !iter.Done(); {
			var n schemas.Notification
			if err := json.Unmarshal(iter.Next().Value, &n); err == nil && n.ID == sig.ID {
				return n, nil
			}
		}
		if err := fetches.Err(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return schemas.Notification{}, unreachable("read %s: %w", topic, err)
		}
	}
}
