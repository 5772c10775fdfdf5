package ctl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/ctl/foresight"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/plan"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// planFlags are the flags of plan: those that describe commands, and those that
// choose them in the topic.
type planFlags struct {
	sendFlags
	from, until, places string
	most                int
	offline             bool

	fromTime, untilTime time.Time
	only                *placeRange
}

// placeRange is a run of offsets of one partition, both ends included.
type placeRange struct {
	partition   int32
	first, last int64
}

// planBytes bounds the commands that are looked at together.
const planBytes = 64 << 20

func newPlan(t *tool) *cobra.Command {
	var f planFlags
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what commands would do, without doing it",
		Long: "Show what commands would do: their effects and the fields that they change, by the last state of each record in the\n" +
			"change topics; which of them would be refused, and why; and the calls that the sink would make of them.\n" +
			"The commands come from flags or a file, as for send, or from the commands topic: those that the sink has not answered yet.\n\n" +
			"Nothing is written, and no API is called. What the change topics do not show cannot be foretold: edits that the source\n" +
			"has not captured yet, rights that a token lacks, and rules of the tenant.\n\n" +
			"Exit codes: 0 all would be OK, 1 some would not or cannot be told, 2 the input is wrong, 3 no connection.",
		Example: `  planhatctl plan -f commands.jsonl
  planhatctl plan --op upsert --object company -f companies.csv -o json
  planhatctl plan --from 2h
  planhatctl plan --range 0/1200-1300`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return t.plan(cmd.Context(), &f) },
	}
	f.describing(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.from, "from", "position", "of the commands topic: position (of the sink), beginning, or a time: 2026-03-04T15:21:10Z, or 90m, 7d ago")
	flags.StringVar(&f.until, "until", "", "of the commands topic: those sent before this time")
	flags.StringVar(&f.places, "range", "", "of the commands topic: <partition>/<offset>, or <partition>/<first>-<last>")
	flags.IntVar(&f.most, "max", 10_000, "of the commands topic: this many commands at most")
	flags.BoolVar(&f.offline, "offline", false, "read no topic: checks, merges and calls only; no Kafka is needed")
	return cmd
}

// fromTopic tells whether the commands are those of the topic.
func (f *planFlags) fromTopic() bool { return f.file == "" && f.object == "" && f.op == "" }

func (f *planFlags) checkPlan(now time.Time) error {
	f.timeout = time.Minute // for the check of what send has, too
	if !f.fromTopic() {
		if f.from != "position" || f.until != "" || f.places != "" {
			return usage("--from, --until and --range choose commands of the topic: they do not go with -f, --op and --object")
		}
		return f.check()
	}
	keys, more := f.given()
	var err error
	switch {
	case len(keys)+len(more) > 0:
		return usage("%s describes a command: write --op and --object, too", append(keys, more...)[0])
	case f.output != "text" && f.output != "json":
		return usage("--output %q: write text or json", f.output)
	case f.offline:
		return usage("--offline needs commands: write -f, or --op and --object")
	case f.most <= 0:
		return usage("--max %d: write a number above 0", f.most)
	case f.places != "" && (f.from != "position" || f.until != ""):
		return usage("--range goes with neither --from nor --until")
	case f.places != "":
		f.only, err = parseRange(f.places)
		return err
	}
	if f.from != "position" && f.from != "beginning" {
		if f.fromTime, err = moment("from", f.from, now); err != nil {
			return err
		}
	}
	f.untilTime, err = moment("until", f.until, now)
	return err
}

func parseRange(text string) (*placeRange, error) {
	wrong := usage("--range %q: write <partition>/<offset>, or <partition>/<first>-<last>", text)
	partition, offsets, ok := strings.Cut(text, "/")
	first, last, several := strings.Cut(offsets, "-")
	if !several {
		last = first
	}
	p, err := strconv.ParseInt(partition, 10, 32)
	a, err2 := strconv.ParseInt(first, 10, 64)
	b, err3 := strconv.ParseInt(last, 10, 64)
	if !ok || errors.Join(err, err2, err3) != nil || p < 0 || a < 0 || b < a {
		return nil, wrong
	}
	return &placeRange{int32(p), a, b}, nil
}

// seen is a command to be planned, with what is printed of it.
type seen struct {
	foresight.Command
	id string
	at *kafka.Place // in the topic; nil for one that was not sent
}

func (t *tool) plan(ctx context.Context, f *planFlags) error {
	if err := f.checkPlan(t.Now()); err != nil {
		return err
	}
	var commands []seen
	var err error
	if !f.fromTopic() {
		if commands, err = t.described(ctx, f); err != nil {
			return err
		}
	}
	if f.offline {
		mirror := foresight.NewMirror()
		return t.showPlan(f, commands, foresight.Check(commandsOf(commands), mirror, t.options(nil)).Foresee(mirror))
	}
	e, workspace, err := t.oneWorkspace(ctx)
	if err != nil {
		return err
	}
	r, err := t.planReader(e, workspace)
	if err != nil {
		return err
	}
	defer r.client.Close()
	told, commands, err := r.foresee(ctx, f, commands)
	if _, coded := errors.AsType[*failure](err); err != nil && !coded {
		return unreachable("plan the commands of %s: %w", workspace, err)
	}
	if err != nil {
		return err
	}
	return t.showPlan(f, commands, told)
}

// planReader reads what plan needs of a workspace.
type planReader struct {
	*tool
	env       *environment
	workspace string
	client    *kgo.Client
}

// foresee reads what it takes to tell what commands would do: those given, or
// else those of the topic.
func (r *planReader) foresee(ctx context.Context, f *planFlags, commands []seen) (told foresight.Foresight, all []seen, err error) {
	if f.fromTopic() {
		if commands, err = r.waiting(ctx, f); err != nil {
			return told, nil, err
		}
	}
	opts := r.options(&r.env.config)
	if opts.Custom, err = r.catalogue(ctx, commands); err != nil {
		return told, nil, err
	}
	mirror := foresight.NewMirror()
	checked := foresight.Check(commandsOf(commands), mirror, opts)
	if err := r.fill(ctx, mirror); err != nil {
		return told, nil, err
	}
	return checked.Foresee(mirror), commands, nil
}

func (t *tool) options(c *config.Config) foresight.Options {
	opts := foresight.Options{Now: t.Now(), Batch: 5000}
	if c != nil {
		opts.Batch = c.Sink.MaxBatch
	}
	return opts
}

func commandsOf(commands []seen) []foresight.Command {
	out := make([]foresight.Command, len(commands))
	for n, c := range commands {
		out[n] = c.Command
	}
	return out
}

// described are the commands of flags or of a file.
func (t *tool) described(ctx context.Context, f *planFlags) ([]seen, error) {
	given, err := f.read(t)
	if err != nil {
		return nil, err
	}
	out := make([]seen, len(given))
	for n, g := range given {
		c, problem := schemas.DecodeCommand(ctx, g.value, nil)
		out[n] = seen{foresight.Command{Command: c, Problem: problem, Key: g.key, Keyed: true}, g.id, nil}
	}
	return out, nil
}

func (t *tool) planReader(e *environment, workspace string) (*planReader, error) {
	cl, err := e.kafka.NewClient()
	return &planReader{t, e, workspace, cl}, err
}

// namesCustom tells whether a command may set custom fields.
func namesCustom(c seen) bool { return bytes.Contains(c.Command.Command.Fields, []byte(`"custom`)) }

// catalogue gives the custom fields as the changes of customfield show them; nil
// where there are none: then names are not checked.
func (r *planReader) catalogue(ctx context.Context, commands []seen) (func(planhat.Object) (plan.CustomFields, bool), error) {
	wanted := false
	for _, c := range commands {
		wanted = wanted || namesCustom(c)
	}
	if !wanted {
		return nil, nil
	}
	rows := map[string]customRow{}
	known, err := r.changes(ctx, planhat.CustomField, func(id string, row []byte) {
		delete(rows, id)
		if c, ok := readCustomRow(row); ok {
			rows[id] = c
		}
	})
	if err != nil || !known || len(rows) == 0 {
		return nil, err
	}
	byParent := map[string]plan.CustomFields{}
	for _, c := range rows {
		if byParent[c.parent] == nil {
			byParent[c.parent] = plan.CustomFields{}
		}
		byParent[c.parent][c.name] = c.formula
	}
	return func(o planhat.Object) (plan.CustomFields, bool) {
		if o == planhat.Note {
			o = planhat.Conversation
		}
		fields, ok := byParent[string(o)]
		return fields, ok
	}, nil
}

func plural(n int, what string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}
