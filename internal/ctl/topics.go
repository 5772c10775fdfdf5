package ctl

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
)

func newTopics(t *tool) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "topics",
		Short: "List the bridge's topics: partitions, records, clean-up, lag",
		Long: "List the bridge's topics. Records are the offsets between start and end: transaction markers and\n" +
			"records compacted away count. Lag is of the commands that the sink has not finished,\n" +
			"and of the webhooks that the source has not.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return t.topics(cmd.Context(), output) },
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json (an object a line)")
	complete(cmd, "output", []string{"text", "json"})
	return cmd
}

// topicLine is a line of the table. A topic that does not exist has no
// partitions.
type topicLine struct {
	Topic      string `json:"topic"`
	Partitions int    `json:"partitions"`
	Records    int64  `json:"records"`
	Cleanup    string `json:"cleanup"`
	Group      string `json:"group,omitempty"`
	Lag        *int64 `json:"lag"` // nil: nobody has committed, or no group reads it
}

func (t *tool) topics(ctx context.Context, output string) error {
	if output != "text" && output != "json" {
		return usage("--output %q: write text or json", output)
	}
	e, err := t.environment(ctx)
	if err != nil {
		return err
	}
	cl, err := e.kafka.NewClient()
	if err != nil {
		return err
	}
	defer cl.Close()
	lines, err := e.survey(ctx, kadm.NewClient(cl))
	if err != nil {
		return unreachable("look at topics: %w", err)
	}
	if output == "json" {
		for _, l := range lines {
			printJSON(t.Stdout, l)
		}
		return nil
	}
	w := tabwriter.NewWriter(t.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TOPIC\tPARTITIONS\tRECORDS\tCLEANUP\tLAG")
	for _, l := range lines {
		fmt.Fprintln(w, strings.Join(l.cells(), "\t"))
	}
	return w.Flush()
}

func (l topicLine) cells() []string {
	if l.Partitions == 0 {
		return []string{l.Topic, "-", "-", "missing", "-"}
	}
	lag := "-"
	if l.Lag != nil {
		lag = strconv.FormatInt(*l.Lag, 10)
	}
	return []string{l.Topic, strconv.Itoa(l.Partitions), strconv.FormatInt(l.Records, 10), l.Cleanup, lag}
}

// all lists the bridge's topics with the group that reads them, "" for none.
func (e *environment) all() []topicLine {
	var out []topicLine
	for _, w := range e.config.Planhat {
		for _, object := range objectNames() {
			out = append(out, topicLine{Topic: e.names.Changes(vendor, w.Name, object)})
		}
		out = append(out,
			topicLine{Topic: e.names.Commands(vendor, w.Name), Group: e.names.CommandGroup(vendor, w.Name)},
			topicLine{Topic: e.names.Results(vendor, w.Name)},
			topicLine{Topic: e.names.DeadLetters(vendor, w.Name)})
	}
	for _, a := range e.config.Pipedrive {
		for _, object := range config.AccountObjects() {
			out = append(out, topicLine{Topic: e.names.Changes(pipedrive, a.Name, object)})
		}
		out = append(out, topicLine{Topic: e.names.Webhooks(a.Name), Group: e.names.WebhookGroup(a.Name)})
	}
	for _, name := range []string{e.names.Signals(), e.names.Notifications(), e.names.State("source"), e.names.State("sink")} {
		out = append(out, topicLine{Topic: name})
	}
	return out
}

func (e *environment) survey(ctx context.Context, adm *kadm.Client) ([]topicLine, error) {
	lines := e.all()
	names := make([]string, len(lines))
	for i, l := range lines {
		names[i] = l.Topic
	}
	details, err := adm.ListTopics(ctx, names...)
	if err != nil {
		return nil, err
	}
	var there []string
	for _, name := range names {
		if d, ok := details[name]; ok && d.Err == nil {
			there = append(there, name)
		} else if ok && !errors.Is(d.Err, kerr.UnknownTopicOrPartition) {
			return nil, fmt.Errorf("topic %s: %w", name, d.Err)
		}
	}
	if len(there) == 0 {
		return lines, nil
	}
	starts, err := adm.ListStartOffsets(ctx, there...)
	if err != nil {
		return nil, err
	}
	ends, err := adm.ListEndOffsets(ctx, there...)
	if err != nil {
		return nil, err
	}
	cleanup, err := cleanups(ctx, adm, there)
	if err != nil {
		return nil, err
	}
	for i := range lines {
		l := &lines[i]
		l.Partitions, l.Cleanup = len(details[l.Topic].Partitions), cleanup[l.Topic]
		l.Records = between(starts[l.Topic], ends[l.Topic])
		if l.Group != "" && l.Partitions > 0 {
			if l.Lag, err = lag(ctx, adm, l.Group, starts[l.Topic], ends[l.Topic]); err != nil {
				return nil, err
			}
		}
	}
	return lines, nil
}

func between(starts, ends map[int32]kadm.ListedOffset) int64 {
	var sum int64
	for partition, end := range ends {
		sum += end.Offset - starts[partition].Offset
	}
	return sum
}

func cleanups(ctx context.Context, adm *kadm.Client, topics []string) (map[string]string, error) {
	configs, err := adm.DescribeTopicConfigs(ctx, topics...)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, r := range configs {
		for _, c := range r.Configs {
			if c.Key == "cleanup.policy" {
				out[r.Name] = c.MaybeValue()
			}
		}
	}
	return out, nil
}

// lag is how many offsets a group has not finished; nil where it never
// committed one.
func lag(ctx context.Context, adm *kadm.Client, group string, starts, ends map[int32]kadm.ListedOffset) (*int64, error) {
	committed, err := adm.FetchOffsets(ctx, group)
	if errors.Is(err, kerr.GroupIDNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("offsets of group %s: %w", group, err)
	}
	var sum int64
	found := false
	for partition, end := range ends {
		at := starts[partition].Offset
		if c, ok := committed.Lookup(end.Topic, partition); ok && c.At >= 0 {
			at, found = max(at, c.At), true
		}
		sum += max(0, end.Offset-at)
	}
	if !found {
		return nil, nil
	}
	return &sum, nil
}
