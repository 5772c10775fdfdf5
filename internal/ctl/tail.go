package ctl

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
)

type tailFlags struct {
	from, output string
	most         int
	follow       bool
}

func newTail(t *tool) *cobra.Command {
	var f tailFlags
	cmd := &cobra.Command{
		Use:   "tail [topic]...",
		Short: "Show what is in topics, decoded",
		Long: "Show what is in topics, decoded. A topic is a full name or a short one of the workspace:\n" +
			strings.Join(shortNames(), ", ") + ". Without one: the changes of all objects.\n\n" +
			"Without --follow it shows what is there, a partition after the other, and ends. Only committed records are shown.",
		Example: `  planhatctl tail company --follow
  planhatctl tail notifications --follow
  planhatctl tail results --from beginning -o json
  planhatctl tail company enduser --from beginning --max 10`,
		ValidArgsFunction: cobra.FixedCompletions(shortNames(), cobra.ShellCompDirectiveNoFileComp),
		RunE:              func(cmd *cobra.Command, args []string) error { return t.tail(cmd.Context(), &f, args) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.from, "from", "", "beginning or end; default end with --follow, otherwise beginning")
	flags.IntVar(&f.most, "max", 0, "end after this many records; 0: no limit")
	flags.BoolVar(&f.follow, "follow", false, "wait for more")
	flags.StringVarP(&f.output, "output", "o", "text", "text or json (an object a line)")
	complete(cmd, "from", []string{"beginning", "end"})
	complete(cmd, "output", []string{"text", "json"})
	return cmd
}

// suffixes are the short names of topics that are not of one object.
var suffixes = []struct {
	name string
	kind kind
	full func(kafka.Names, string) string
}{
	{"commands", kindCommands, func(n kafka.Names, ws string) string { return n.Commands(vendor, ws) }},
	{"signals", kindJSON, func(n kafka.Names, _ string) string { return n.Signals() }},
	{"notifications", kindJSON, func(n kafka.Names, _ string) string { return n.Notifications() }},
	{"results", kindResults, func(n kafka.Names, ws string) string { return n.Results(vendor, ws) }},
	{"deadletters", kindDeadLetters, func(n kafka.Names, ws string) string { return n.DeadLetters(vendor, ws) }},
}

func shortNames() []string {
	out := objectNames()
	for _, s := range suffixes {
		out = append(out, s.name)
	}
	return out
}

// topicsOf lists what a workspace's topics are called and hold.
func topicsOf(n kafka.Names, workspace string) map[string]shownTopic {
	out := map[string]shownTopic{}
	for _, object := range objectNames() {
		out[object] = shownTopic{n.Changes(vendor, workspace, object), kindChanges, object}
	}
	for _, s := range suffixes {
		out[s.name] = shownTopic{s.full(n, workspace), s.kind, ""}
	}
	return out
}

func (f *tailFlags) check() error {
	if f.from == "" {
		f.from = "beginning"
		if f.follow {
			f.from = "end"
		}
	}
	switch {
	case f.from != "beginning" && f.from != "end":
		return usage("--from %q: write beginning or end", f.from)
	case f.output != "text" && f.output != "json":
		return usage("--output %q: write text or json", f.output)
	case f.most < 0:
		return usage("--max %d: write a number above 0, or 0 for all", f.most)
	case f.from == "end" && !f.follow:
		return usage("--from end shows nothing without --follow")
	}
	return nil
}

func (t *tool) tail(ctx context.Context, f *tailFlags, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	e, err := t.environment(ctx)
	if err != nil {
		return err
	}
	topics, err := e.choose(args)
	if err != nil {
		return err
	}
	cl, err := e.kafka.NewClient(kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		return err
	}
	defer cl.Close()
	ends, err := e.partitions(ctx, cl, topics, len(args) > 0)
	if err != nil {
		return err
	}
	shown := 0
	show := func(rec *kgo.Record) error {
		t.show(ctx, e, topics[rec.Topic], f.output, rec)
		if shown++; shown == f.most {
			return errEnough
		}
		return nil
	}
	if f.follow {
		err = follow(ctx, cl, ends, f.from == "end", show)
	} else {
		err = readThrough(ctx, cl, ends, show)
	}
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// errEnough ends the reading: --max records were shown.
var errEnough = errors.New("enough")

// choose resolves topic arguments; none means the changes of all objects.
func (e *environment) choose(args []string) (map[string]shownTopic, error) {
	out := map[string]shownTopic{}
	byName := map[string]shownTopic{}
	for _, w := range e.config.Planhat {
		for _, topic := range topicsOf(e.names, w.Name) {
			byName[topic.name] = topic
		}
	}
	for _, arg := range args {
		if topic, ok := byName[arg]; ok {
			out[arg] = topic
		} else if strings.Contains(arg, ".") {
			out[arg] = shownTopic{name: arg, kind: kindJSON}
		}
	}
	if len(args) > 0 && len(out) == len(args) {
		return out, nil
	}
	workspace, err := e.one()
	if err != nil {
		return nil, err
	}
	short := topicsOf(e.names, workspace)
	if len(args) == 0 {
		args = objectNames()
	}
	for _, arg := range args {
		if out[arg].name != "" {
			continue
		}
		topic, ok := short[arg]
		if !ok {
			return nil, usage("topic %q: write a full name or one of %s", arg, strings.Join(shortNames(), ", "))
		}
		out[topic.name] = topic
	}
	return out, nil
}

// partitions gives the end of every partition of the topics. Topics that were
// not named may be missing.
func (e *environment) partitions(ctx context.Context, cl *kgo.Client, topics map[string]shownTopic, named bool) (map[string]map[int32]kgo.Offset, error) {
	listed, err := kadm.NewClient(cl).ListCommittedOffsets(ctx, slices.Sorted(maps.Keys(topics))...)
	if err != nil {
		return nil, unreachable("find the ends of topics: %w", err)
	}
	out := map[string]map[int32]kgo.Offset{}
	for name := range topics {
		for partition, end := range listed[name] {
			if end.Err != nil {
				continue
			}
			if out[name] == nil {
				out[name] = map[int32]kgo.Offset{}
			}
			out[name][partition] = kgo.NewOffset().At(end.Offset)
		}
		if out[name] == nil && named {
			return nil, usage("topic %s does not exist; planhatctl topics lists those that do", name)
		}
	}
	if len(out) == 0 {
		return nil, usage("none of the topics exists: has the bridge run with this workspace and TOPIC_PREFIX?")
	}
	return out, nil
}

func readThrough(ctx context.Context, cl *kgo.Client, ends map[string]map[int32]kgo.Offset, show func(*kgo.Record) error) error {
	for _, topic := range slices.Sorted(maps.Keys(ends)) {
		for _, partition := range slices.Sorted(maps.Keys(ends[topic])) {
			if err := kafka.ReadToStable(ctx, cl, topic, partition, 0, show); err != nil {
				return err
			}
		}
	}
	return nil
}

// follow shows records as they come until show or ctx ends it.
func follow(ctx context.Context, cl *kgo.Client, ends map[string]map[int32]kgo.Offset, fromEnd bool, show func(*kgo.Record) error) error {
	if !fromEnd {
		for _, partitions := range ends {
			for partition := range partitions {
				partitions[partition] = kgo.NewOffset().AtStart()
			}
		}
	}
	cl.AddConsumePartitions(ends)
	for {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // whoever reads has seen enough
		}
		var failed error
		fetches.EachError(func(topic string, partition int32, err error) {
			failed = unreachable("read %s partition %d: %w", topic, partition, err)
		})
		if failed != nil {
			return failed
		}
		for _, rec := range fetches.Records() {
			if err := show(rec); err != nil {
				return err
			}
		}
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
