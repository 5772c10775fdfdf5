package ctl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/planhat-bridge/planhat-bridge/internal/ctl/letters"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// letterFlags are those of all subcommands of dlq; each has only those that it
// takes.
type letterFlags struct {
	codes, objects        []string
	since, until          string
	settled, all          bool
	dryRun, force         bool
	reason, output        string
	most                  int
	ids                   []string
	sinceTime, untilTime  time.Time
	needsChoice, needsIDs bool
}

func newDeadLetters(t *tool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dlq",
		Short: "List, show, redrive and drop dead letters",
		Long: "List, show, redrive and drop dead letters: commands that were REJECTED or ended as UNKNOWN. A letter is named by its\n" +
			"place, <partition>/<offset>, or by its command's id. Without --workspace, all workspaces are meant.\n\n" +
			"Nothing is taken out of the topic: a letter that is driven again or dropped is marked as settled, and not listed any more.\n\n" +
			"Exit codes: 0 done, 1 a letter was refused or not found, 2 the command line is wrong, 3 no connection.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return usage("there is no dlq %q: there are list, show, redrive, drop", args[0])
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newLetterList(t), newLetterShow(t), newLetterRedrive(t), newLetterDrop(t))
	return cmd
}

func newLetterList(t *tool) *cobra.Command {
	var f letterFlags
	cmd := &cobra.Command{
		Use: "list [id]...", Short: "List dead letters, oldest first within a partition",
		Example: "  planhatctl dlq list --code FORBIDDEN --since 2h\n  planhatctl dlq list --settled -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.letters(cmd.Context(), &f, args, t.listLetters)
		},
	}
	f.choosing(cmd)
	cmd.Flags().BoolVar(&f.settled, "settled", false, "those that were driven again or dropped, too")
	cmd.Flags().IntVar(&f.most, "max", 0, "end after this many letters; 0: no limit")
	return cmd
}

func newLetterShow(t *tool) *cobra.Command {
	f := letterFlags{needsIDs: true, settled: true}
	cmd := &cobra.Command{
		Use: "show <id>...", Short: "Show all that is known of dead letters",
		Example: "  planhatctl dlq show order-17\n  planhatctl dlq show 0/12 -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.letters(cmd.Context(), &f, args, t.showLetters)
		},
	}
	f.printing(cmd)
	return cmd
}

func newLetterRedrive(t *tool) *cobra.Command {
	f := letterFlags{needsChoice: true}
	cmd := &cobra.Command{
		Use: "redrive [id]...", Short: "Send the commands of dead letters again",
		Long: "Send the commands of dead letters again, behind all others of the topic, with their Kafka keys and headers and on their\n" +
			"partitions, each as a new command whose id is derived from the letter's place. Command and mark are written in one\n" +
			"transaction: a crash neither loses a command nor sends it twice.\n\n" +
			"Refused, unless --force is given: a command of whose key a later one was carried out, or may have been; one that the\n" +
			"sink would refuse again; a create that may have been carried out (OUTCOME_UNKNOWN).",
		Example: "  planhatctl dlq redrive order-17\n  planhatctl dlq redrive --code FORBIDDEN --object license --dry-run",
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.letters(cmd.Context(), &f, args, t.redriveLetters)
		},
	}
	f.choosing(cmd)
	f.settling(cmd)
	cmd.Flags().BoolVar(&f.force, "force", false, "send also what is refused without it; bytes that are no command as they are")
	return cmd
}

func newLetterDrop(t *tool) *cobra.Command {
	f := letterFlags{needsChoice: true}
	cmd := &cobra.Command{
		Use: "drop [id]...", Short: "Settle dead letters whose commands are not wanted any more",
		Long: "Settle dead letters whose commands are not wanted any more. They stay in the topic as long as it keeps them, and\n" +
			"dlq list --settled shows them.",
		Example: "  planhatctl dlq drop 0/12 --reason 'sent by mistake'\n  planhatctl dlq drop --code UNDECODABLE --until 24h",
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.letters(cmd.Context(), &f, args, t.dropLetters)
		},
	}
	f.choosing(cmd)
	f.settling(cmd)
	cmd.Flags().StringVar(&f.reason, "reason", "", "for the others: dlq show repeats it")
	return cmd
}

func (f *letterFlags) choosing(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringSliceVar(&f.codes, "code", nil, "with this error code, repeatable")
	flags.StringSliceVar(&f.objects, "object", nil, "with a command for this object, repeatable")
	flags.StringVar(&f.since, "since", "", "given up at this time or later: 2026-03-04T15:21:10Z, or 90m, 24h, 7d before now")
	flags.StringVar(&f.until, "until", "", "given up before this time")
	var codes []string
	for _, doc := range schemas.Codes() {
		codes = append(codes, string(doc.Code))
	}
	complete(cmd, "code", codes)
	complete(cmd, "object", objectNames())
	f.printing(cmd)
}

func (f *letterFlags) settling(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.all, "all", false, "every open letter")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "say what would be done, and write nothing")
}

func (f *letterFlags) printing(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.output, "output", "o", "text", "text or json (an object a line)")
	complete(cmd, "output", []string{"text", "json"})
}

func (f *letterFlags) check(args []string, now time.Time) error {
	f.ids = args
	var err error
	if f.sinceTime, err = moment("since", f.since, now); err != nil {
		return err
	}
	if f.untilTime, err = moment("until", f.until, now); err != nil {
		return err
	}
	for n, code := range f.codes {
		f.codes[n] = strings.ToUpper(code)
		if _, ok := schemas.Code(f.codes[n]).Doc(); !ok {
			return usage("--code %q: there is no such code; docs/error-codes.md lists them", code)
		}
	}
	filter := f.filter()
	switch {
	case f.output != "text" && f.output != "json":
		return usage("--output %q: write text or json", f.output)
	case f.most < 0:
		return usage("--max %d: write a number above 0, or 0 for all", f.most)
	case f.needsIDs && len(args) == 0:
		return usage("which letter? Write its place, such as 0/12, or its command's id; planhatctl dlq list shows them")
	case f.needsChoice && filter.IsZero() != f.all:
		return usage("say which letters: by ids, --code, --object, --since, --until, or every open one with --all alone")
	case !f.sinceTime.IsZero() && !f.untilTime.IsZero() && !f.sinceTime.Before(f.untilTime):
		return usage("--since %s is not before --until %s: no letter is between", f.since, f.until)
	}
	return nil
}

func (f *letterFlags) filter() letters.Filter {
	return letters.Filter{IDs: f.ids, Codes: f.codes, Objects: f.objects, Since: f.sinceTime, Until: f.untilTime, Settled: f.settled}
}

// moment reads a time, or how long ago it was.
func moment(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.Add(-time.Duration(n) * 24 * time.Hour), nil
		}
	}
	ago, err := time.ParseDuration(text)
	if err != nil || ago < 0 {
		return time.Time{}, usage("--%s %q: write a time such as 2026-03-04T15:21:10Z, or how long ago: 90m, 24h, 7d", flag, text)
	}
	return now.Add(-ago), nil
}

// letterJob is a subcommand of dlq, at work in one workspace after the other.
type letterJob struct {
	*tool
	flags     *letterFlags
	env       *environment
	workspace string
	several   bool            // workspaces
	found     map[string]bool // of the ids asked for
	shown     int
	table     *letterTable
	counts    map[string]int
}

func (t *tool) letters(ctx context.Context, f *letterFlags, args []string, work func(context.Context, *letterJob) error) error {
	if err := f.check(args, t.Now()); err != nil {
		return err
	}
	e, err := t.environment(ctx)
	if err != nil {
		return err
	}
	j := &letterJob{tool: t, flags: f, env: e, several: len(e.config.Planhat) > 1, found: map[string]bool{}}
	for _, w := range e.config.Planhat {
		j.workspace, j.counts = w.Name, map[string]int{}
		err := work(ctx, j)
		if errors.Is(err, errEnough) {
			break
		}
		if err != nil {
			if err = j.failed(err); err != nil {
				j.table.flush()
				return err
			}
		}
	}
	j.table.flush()
	return j.verdict()
}

// failed says with which code an error ends; nil lets the other workspaces go on.
func (j *letterJob) failed(err error) error {
	if errors.Is(err, letters.ErrNoTopic) {
		err = fmt.Errorf("%w: start the sink once, which creates it, or check --workspace and TOPIC_PREFIX", err)
		if j.several {
			fmt.Fprintf(j.Stderr, "planhatctl: %v\n", err)
			return nil
		}
		return &failure{codeUsage, err}
	}
	return unreachable("dead letters of %s: %w", j.workspace, err)
}

// verdict ends with code 1 if an id was not found or a letter was refused.
func (j *letterJob) verdict() error {
	missing := slices.DeleteFunc(slices.Clone(j.flags.ids), func(id string) bool { return j.found[id] })
	for _, id := range missing {
		what := "open dead letter"
		if j.flags.settled {
			what = "dead letter"
		}
		fmt.Fprintf(j.Stderr, "there is no %s %s\n", what, id)
	}
	if len(missing) > 0 || j.found[refusedLetter] {
		return errNotOK
	}
	return nil
}

// refusedLetter is no id: it has a space at its beginning.
const refusedLetter = " refused"

func (j *letterJob) note(l *letters.Letter) {
	filter := j.flags.filter()
	if id := filter.Named(l); id != "" {
		j.found[id] = true
	}
}

// opened is the topic of the workspace's dead letters; the function closes it.
func (j *letterJob) opened() (*letters.Topic, func(), error) {
	cl, err := j.env.kafka.NewClient()
	if err != nil {
		return nil, nil, err
	}
	return &letters.Topic{Client: cl, Name: j.env.names.DeadLetters(vendor, j.workspace), Resolver: j.env.resolver}, cl.Close, nil
}

func (t *tool) listLetters(ctx context.Context, j *letterJob) error {
	topic, done, err := j.opened()
	if err != nil {
		return err
	}
	defer done()
	filter := j.flags.filter()
	return topic.Each(ctx, &filter, func(l *letters.Letter) error {
		j.note(l)
		if j.table == nil {
			j.table = newLetterTable(t.Stdout, j)
		}
		j.table.row(ctx, j, l)
		if j.shown++; j.shown == j.flags.most {
			return errEnough
		}
		return nil
	})
}

func (t *tool) showLetters(ctx context.Context, j *letterJob) error {
	topic, done, err := j.opened()
	if err != nil {
		return err
	}
	defer done()
	filter := j.flags.filter()
	return topic.Each(ctx, &filter, func(l *letters.Letter) error {
		j.note(l)
		if j.flags.output == "json" {
			printJSON(t.Stdout, j.full(ctx, l))
			return nil
		}
		if j.shown++; j.shown > 1 {
			fmt.Fprintln(t.Stdout)
		}
		j.describe(ctx, l)
		return nil
	})
}

// hand is what settles the workspace's letters; the function closes it.
func (j *letterJob) hand() (*letters.Hand, func(), error) {
	names := j.env.names
	cl, err := letters.NewClient(j.env.kafka, names.HandTransactionalID(vendor, j.workspace))
	if err != nil {
		return nil, nil, err
	}
	return &letters.Hand{
		Topic:    letters.Topic{Client: cl, Name: names.DeadLetters(vendor, j.workspace), Resolver: j.env.resolver},
		Commands: names.Commands(vendor, j.workspace), Results: names.Results(vendor, j.workspace),
		Now: j.Now, DryRun: j.flags.dryRun, Force: j.flags.force, Reason: j.flags.reason,
	}, cl.Close, nil
}

func (t *tool) redriveLetters(ctx context.Context, j *letterJob) error {
	return j.settle(ctx, (*letters.Hand).Redrive)
}

func (t *tool) dropLetters(ctx context.Context, j *letterJob) error {
	return j.settle(ctx, (*letters.Hand).Drop)
}

func (j *letterJob) settle(ctx context.Context, work func(*letters.Hand, context.Context, *letters.Filter, func(letters.Report)) error) error {
	hand, done, err := j.hand()
	if err != nil {
		return err
	}
	defer done()
	filter := j.flags.filter()
	err = work(hand, ctx, &filter, j.report)
	j.summary()
	return err
}
