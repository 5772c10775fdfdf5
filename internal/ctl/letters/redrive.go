package letters

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/plan"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// Hand settles letters of one workspace.
type Hand struct {
	Topic
	Commands, Results string // topics
	Now               func() time.Time
	DryRun            bool   // write nothing
	Force             bool   // redrive what would be refused, where that is possible at all
	Reason            string // of a drop

	history history
}

// Report says what was done about a letter, or would be.
type Report struct {
	Letter  *Letter
	Command *schemas.Command // as it was driven again, or decoded; nil if it is undecodable
	State   Settlement       // Open: it was refused
	NewID   string           // of a command driven again; empty if the sink will find it
	To      kafka.Place      // of a command driven again; Offset -1 in a dry run
	Why     string           // it was refused
	Final   bool             // force does not help
}

// Redrive drives the chosen letters again, in the order of their commands, and
// reports each when it is done.
func (h *Hand) Redrive(ctx context.Context, f *Filter, report func(Report)) error {
	h.history = history{client: h.Client, resolver: h.Resolver, commands: h.Commands, results: h.Results}
	var err error
	if h.history.kept, err = partitions(ctx, h.Client, h.Commands, time.Time{}); err != nil {
		return err
	}
	slips, err := h.choose(ctx, f)
	if err != nil {
		return err
	}
	slices.SortStableFunc(slips, func(a, b slip) int {
		return cmp.Or(cmp.Compare(a.origin.Partition, b.origin.Partition), cmp.Compare(a.origin.Offset, b.origin.Offset))
	})
	if err := h.history.learn(ctx, slips); err != nil {
		return err
	}
	return h.portions(ctx, slips, h.redriven, report)
}

// Drop settles the chosen letters without driving them again.
func (h *Hand) Drop(ctx context.Context, f *Filter, report func(Report)) error {
	slips, err := h.choose(ctx, f)
	if err != nil {
		return err
	}
	return h.portions(ctx, slips, func(_ context.Context, l *Letter, _ slip) (Report, []*kgo.Record, error) {
		var reason []kgo.RecordHeader
		if h.Reason != "" {
			reason = []kgo.RecordHeader{pair(HeaderReason, h.Reason)}
		}
		return Report{Letter: l, State: Dropped}, []*kgo.Record{mark(h.Name, l, Dropped, h.Now(), reason...)}, nil
	}, report)
}

// choose lists the open letters that the filter chooses, after which nobody else
// can settle one.
func (h *Hand) choose(ctx context.Context, f *Filter) ([]slip, error) {
	if !h.DryRun {
		if err := take(ctx, h.Client); err != nil {
			return nil, err
		}
	}
	var out []slip
	open := *f
	open.Settled = false
	err := h.Each(ctx, &open, func(l *Letter) error {
		s := slipOf(l)
		if l.Omitted && h.history.client != nil { // perhaps with its key
			if why, err := h.complete(ctx, l); err != nil {
				return err
			} else if why == "" {
				s.key, s.keyed = string(l.Key), l.Key != nil
			}
		}
		out = append(out, s)
		return nil
	})
	return out, err
}

type settling func(context.Context, *Letter, slip) (Report, []*kgo.Record, error)

// portions settles letters some at a time: a transaction each.
func (h *Hand) portions(ctx context.Context, slips []slip, settle settling, report func(Report)) error {
	for part := range slices.Chunk(slips, portion) {
		if err := ctx.Err(); err != nil {
			return err
		}
		places := make([]kafka.Place, len(part))
		for n, s := range part {
			places[n] = s.at
		}
		found, err := kafka.ReadAt(ctx, h.Client, h.Name, places)
		if err != nil {
			return err
		}
		if h.history.client != nil {
			if err := h.history.advance(ctx); err != nil {
				return err
			}
		}
		if err := h.some(ctx, part, found, settle, report); err != nil {
			return err
		}
	}
	return nil
}

// pending is a letter that is about to be settled, with what settles it.
type pending struct {
	report  Report
	records []*kgo.Record // of a redrive the command first
}

// some settles the letters of one portion, in as many transactions as their size
// asks for.
func (h *Hand) some(ctx context.Context, part []slip, found map[kafka.Place]*kgo.Record, settle settling, report func(Report)) error {
	var ready []pending
	bytes := 0
	for _, s := range part {
		r := found[s.at]
		if r == nil {
			continue // retention has just taken it away
		}
		l := Read(r)
		said, out, err := settle(ctx, &l, s)
		if err != nil {
			return err
		}
		ready = append(ready, pending{said, out})
		if bytes += len(l.Value); bytes < portionBytes {
			continue
		}
		if err := h.flush(ctx, ready, report); err != nil {
			return err
		}
		ready, bytes = nil, 0
	}
	return h.flush(ctx, ready, report)
}

// flush writes what settles letters in one transaction, then reports them.
func (h *Hand) flush(ctx context.Context, ready []pending, report func(Report)) error {
	var records []*kgo.Record
	for _, p := range ready {
		records = append(records, p.records...)
	}
	if len(records) > 0 && !h.DryRun {
		if err := transact(ctx, h.Client, records); err != nil {
			return err
		}
	}
	for _, p := range ready {
		if p.report.State == Redriven {
			p.report.To = place(p.records[0])
		}
		if h.DryRun {
			p.report.To.Offset = -1
		}
		report(p.report)
	}
	return nil
}

// redriven makes the command and the mark of a letter, or says why not.
func (h *Hand) redriven(ctx context.Context, l *Letter, s slip) (Report, []*kgo.Record, error) {
	rep := Report{Letter: l}
	if why, err := h.complete(ctx, l); why != "" || err != nil {
		rep.Why, rep.Final = why, true
		return rep, nil, err
	}
	c, problem, err := Decode(ctx, l, h.Resolver)
	if err != nil {
		return rep, nil, err
	}
	if problem == nil {
		rep.Command = &c
	}
	if why := h.doubt(l, s, c, problem); why != "" && !h.Force {
		rep.Why = why
		return rep, nil, nil
	}
	value := l.Value
	if problem == nil {
		c.ID = sink.DerivedID(h.Name, l.At.Partition, l.At.Offset)
		if value, err = schemas.CommandJSON(c); err != nil {
			return rep, nil, err
		}
		rep.NewID = c.ID
	}
	out := &kgo.Record{Topic: h.Commands, Partition: s.command.Partition, Key: l.Key, Value: value, Headers: headersOf(l)}
	if n := size(out); n > batchBytes-1024 {
		rep.Why, rep.Final = fmt.Sprintf("with its new id and headers it has %d bytes, more than fit into a batch", n), true
		return rep, nil, nil
	}
	rep.State = Redriven
	var id []kgo.RecordHeader
	if rep.NewID != "" {
		id = []kgo.RecordHeader{pair(HeaderNewID, rep.NewID)}
	}
	return rep, []*kgo.Record{out, mark(h.Name, l, Redriven, h.Now(), id...)}, nil
}

// complete says why there is nothing to drive again; it fetches a value that the
// letter has no room for.
func (h *Hand) complete(ctx context.Context, l *Letter) (why string, err error) {
	switch _, there := h.history.kept[l.Command.Partition]; {
	case l.Topic == "":
		return "the bridge did not write this record: it does not say from where it came", nil
	case l.Topic != h.Commands:
		return fmt.Sprintf("its command was in %s, the commands are in %s now", l.Topic, h.Commands), nil
	case !there:
		return fmt.Sprintf("topic %s has no partition %d any more", h.Commands, l.Command.Partition), nil
	case !l.Omitted:
		return "", nil
	}
	found, err := kafka.ReadAt(ctx, h.Client, h.Commands, []kafka.Place{l.Command})
	if err != nil {
		return "", err
	}
	r := found[l.Command]
	if r == nil {
		return fmt.Sprintf("it was too large for its letter, and its place %s in %s holds it no more", Name(l.Command), h.Commands), nil
	}
	l.Key, l.Value, l.Headers = r.Key, r.Value, r.Headers
	return "", nil
}

// doubt says why a letter should not be driven again.
func (h *Hand) doubt(l *Letter, s slip, c schemas.Command, problem *schemas.Problem) string {
	if problem != nil {
		return fmt.Sprintf("the sink would refuse its bytes again: %s", problem)
	}
	if _, refusal := plan.Check(c, plan.Rules{Now: h.Now()}); refusal != nil {
		return fmt.Sprintf("it would be refused again: %s: %s", refusal.Code, refusal.Message)
	}
	if l.Code == schemas.CodeOutcomeUnknown && c.Op == schemas.OpCreate {
		return "the record may have been created: look it up in Planhat, and drop the letter if it is there"
	}
	if c.Op == schemas.OpGet {
		return ""
	}
	return h.history.overtaken(s)
}

// headersOf are the command's headers with where it comes from.
func headersOf(l *Letter) []kgo.RecordHeader {
	out := slices.DeleteFunc(slices.Clone(l.Headers), func(h kgo.RecordHeader) bool {
		return h.Key == HeaderOf || h.Key == HeaderOrigin || h.Key == HeaderLetter
	})
	return append(out, pair(HeaderOf, l.FirstID()), pair(HeaderOrigin, Name(l.Origin)), pair(HeaderLetter, Name(l.At)))
}

func size(r *kgo.Record) int {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value) + 8
	}
	return n
}
