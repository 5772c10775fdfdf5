package ctl

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/schemas"
)

const (
	// leastDelivery is the least time that a broker gets to take a command.
	leastDelivery = 10 * time.Second
)

func newSend(t *tool) *cobra.Command {
	var f sendFlags
	cmd := &cobra.Command{
		Use:   "send",
		Short: "Send commands and print their results",
		Example: `  planhatctl send --op upsert --object company --external-id acct-1001 --set name="Fjordlight Energy" --set custom.Tier=Gold
  planhatctl send --op get --object enduser --email kari@fjordlight.example -o json
  planhatctl send --op upsert --object company -f companies.csv
  planhatctl send -f commands.jsonl`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return t.send(cmd.Context(), &f) },
	}
	f.register(cmd)
	return cmd
}

func (t *tool) send(ctx context.Context, f *sendFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	commands, err := f.read(t)
	if err != nil {
		return err
	}
	e, workspace, err := t.oneWorkspace(ctx)
	if err != nil {
		return err
	}
	s := sender{tool: t, flags: f, env: e, commands: commands,
		topic: e.names.Commands(vendor, workspace), answers: e.names.Results(vendor, workspace)}
	return s.run(ctx)
}

// sender sends commands and waits for their results.
type sender struct {
	*tool
	flags    *sendFlags
	env      *environment
	commands []outgoing
	topic    string
	answers  string // topic of results
	out      *printer
}

func (s *sender) run(ctx context.Context) error {
	ends, err := s.ends(ctx)
	if err != nil {
		return err
	}
	opts := []kgo.Opt{kgo.RecordDeliveryTimeout(max(s.flags.timeout, leastDelivery))}
	if !s.flags.noWait {
		opts = append(opts, kgo.ConsumePartitions(ends), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	cl, err := s.env.kafka.NewClient(opts...)
	if err != nil {
		return err
	}
	defer cl.Close()
	s.out = newPrinter(s.tool, s.flags, s.commands)
	defer s.out.close()
	if s.flags.noWait {
		return s.produce(ctx, cl)
	}
	return s.exchange(ctx, cl)
}

// ends are the places after which results of commands not yet sent can be. The
// commands topic is looked for too: sent nowhere is worse than not sent.
func (s *sender) ends(ctx context.Context) (map[string]map[int32]kgo.Offset, error) {
	cl, err := s.env.kafka.NewClient()
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	details, err := adm.ListTopics(ctx, s.topic, s.answers)
	if err != nil {
		return nil, unreachable("look for topics: %w", err)
	}
	for _, topic := range []string{s.topic, s.answers} {
		if d, ok := details[topic]; !ok || errors.Is(d.Err, kerr.UnknownTopicOrPartition) {
			return nil, usage("topic %s does not exist: start the sink once, which creates it, or check --workspace and TOPIC_PREFIX", topic)
		} else if d.Err != nil {
			return nil, fmt.Errorf("look for topic %s: %w", topic, d.Err)
		}
	}
	listed, err := adm.ListEndOffsets(ctx, s.answers)
	if err != nil {
		return nil, unreachable("find the end of %s: %w", s.answers, err)
	}
	out := map[string]map[int32]kgo.Offset{s.answers: {}}
	for partition, end := range listed[s.answers] {
		if end.Err != nil {
			return nil, unreachable("find the end of %s partition %d: %w", s.answers, partition, end.Err)
		}
		out[s.answers][partition] = kgo.NewOffset().At(end.Offset)
	}
	return out, nil
}

// produce sends all commands in order and waits until the broker has them.
func (s *sender) produce(ctx context.Context, cl *kgo.Client) error {
	var mu sync.Mutex
	var failed error
	for i := range s.commands {
		c := &s.commands[i]
		rec := &kgo.Record{Topic: s.topic, Key: []byte(c.key), Value: c.value}
		cl.Produce(ctx, rec, func(rec *kgo.Record, err error) {
			mu.Lock()
			defer mu.Unlock()
			if err != nil && failed == nil {
				failed = unreachable("send command %s to %s: %w", c.id, s.topic, err)
			}
			if err == nil && s.flags.noWait {
				s.out.sent(c, rec)
			}
		})
	}
	if err := cl.Flush(ctx); err != nil && failed == nil {
		return unreachable("send commands to %s: %w", s.topic, context.Cause(ctx))
	}
	mu.Lock()
	defer mu.Unlock()
	return failed
}

// exchange sends and, at the same time, gathers results until there is one for
// each command or none comes any more.
func (s *sender) exchange(ctx context.Context, cl *kgo.Client) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		if err := s.produce(ctx, cl); err != nil {
			cancel(err)
		}
	}()
	err := s.gather(ctx, cl)
	cancel(err)
	<-sent
	if err != nil {
		s.out.missing()
		return err
	}
	return s.out.verdict()
}

func (s *sender) gather(ctx context.Context, cl *kgo.Client) error {
	patience := time.NewTimer(s.flags.timeout)
	defer patience.Stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-patience.C:
			cancel(unreachable("no result within %s: is the sink running for this workspace? See its /status and the lag in planhatctl topics", s.flags.timeout))
		case <-ctx.Done():
		}
	}()
	for !s.out.complete() {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			return s.ended(context.Cause(ctx))
		}
		var failed error
		fetches.EachError(func(topic string, partition int32, err error) {
			failed = unreachable("read %s partition %d: %w", topic, partition, err)
		})
		if failed != nil {
			return failed
		}
		fetches.EachRecord(func(rec *kgo.Record) {
			if s.out.waitsFor(string(rec.Key)) {
				patience.Reset(s.flags.timeout)
				s.take(ctx, rec)
			}
		})
	}
	return nil
}

func (s *sender) take(ctx context.Context, rec *kgo.Record) {
	r, err := s.decodeResult(ctx, s.env.resolver, rec.Value)
	if err != nil {
		fmt.Fprintf(s.Stderr, "planhatctl: the result at %s partition %d offset %d cannot be decoded: %v\n", rec.Topic, rec.Partition, rec.Offset, err)
		return
	}
	s.out.result(r)
}

func (s *sender) ended(cause error) error {
	if _, ok := errors.AsType[*failure](cause); ok {
		return cause
	}
	return unreachable("stopped before all results had come: %w", cause)
}

// decodeResult asks the registry for the writer's schema, and takes its own
// where the registry cannot be asked.
func (t *tool) decodeResult(ctx context.Context, r schemas.Resolver, value []byte) (schemas.Result, error) {
	res, err := schemas.DecodeAnyResult(ctx, value, r)
	if err == nil {
		return res, nil
	}
	own, ownErr := schemas.DecodeResult(value)
	if ownErr != nil {
		return res, err
	}
	t.warn(err)
	return own, nil
}
