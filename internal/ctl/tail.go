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
			strings.Join(party{vendor: vendor}.shortNames(), ", ") + ";\n" +
			"or of the account: " + strings.Join(party{vendor: pipedrive}.shortNames(), ", ") + ".\n" +
			"Without one: the changes of all objects.\n\n" +
			"Without --follow it shows what is there, a partition after the other, and ends. Only committed records are shown.",
		Example: `  planhatctl tail company --follow
  planhatctl tail notifications --follow
  planhatctl tail pipedrive.changes.demo.deal --follow
  planhatctl tail results --from beginning -o json
  planhatctl tail company enduser --from beginning --max 10`,
		ValidArgsFunction: cobra.FixedCompletions(slices.Concat(party{vendor: vendor}.shortNames(), party{vendor: pipedrive}.shortNames()), cobra.ShellCompDirectiveNoFileComp),
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
	var short []string
	for _, arg := range args {
		if strings.Contains(arg, ".") {
			out[arg] = named(e.names, arg)
		} else {
			short = append(short, arg)
		}
	}
	if len(args) > 0 && len(short) == 0 {
		return out, nil
	}
	of, err := e.one()
	if err != nil {
		return nil, err
	}
	if len(args) == 0 {
		short = of.objects()
	}
	topics := of.topics(e.names)
	for _, arg := range short {
		topic, ok := topics[arg]
		if other, has := e.other(of, arg); !ok && has {
			return nil, usage("Planhat has no %q, Pipedrive does: name the account with --account, such as --account %s", arg, other.name)
		}
		if !ok {
			return nil, usage("topic %q: write a full name or one of %s", arg, strings.Join(of.shortNames(), ", "))
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
		return nil, usage("none of the topics exists: has the bridge run with this workspace or account, and TOPIC_PREFIX?")
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
