package ctl

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/planhat-bridge/planhat-bridge/internal/ctl/letters"
)

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
