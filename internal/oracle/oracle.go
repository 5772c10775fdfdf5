package oracle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// Options say what to judge.
type Options struct {
	Kafka        kafka.Options
	Names        kafka.Names
	Workspace    string
	SimulatorURL string
	Objects      []string
	// Settle is how long to wait for the bridge to catch up with the vendor and
	// with the commands; 0 judges what is there.
	Settle time.Duration
	// Resolver gives the schemas of Avro commands; nil where all are JSON.
	Resolver schemas.Resolver
	Log      *slog.Logger // nil: silent
	// Rereads are, by object, how often signals asked for its records again.
	Rereads map[string]int
	// WithoutSource leaves the change topics alone, since no source has run: the
	// commands, their results and what they made of the vendor are judged.
	WithoutSource bool
}

const (
	vendorName = "planhat"
	tick       = 100 * time.Millisecond
)

// Check waits until the change topics say what the vendor's state is and every
// command has a result, at most for Settle, then judges everything. The vendor
// must be quiet (no life, no faults that hold effects back) and no more commands
// may come. An error means that no judgement was possible.
func Check(ctx context.Context, o Options) (Report, error) {
	g, err := newGatherer(o, kgo.ReadCommitted())
	if err != nil {
		return Report{}, err
	}
	defer g.reader.cl.Close()
	if err := g.await(ctx); err != nil {
		return Report{}, err
	}
	for _, object := range g.objects {
		if g.missing[object.Topic] && !o.WithoutSource {
			return Report{}, fmt.Errorf("judge the run: topic %s does not exist: has the source run with this workspace and prefix?", object.Topic)
		}
	}
	report := Judge(g.evidence())
	if report.Coverage.Faults, err = g.vendor.faults(ctx); err != nil {
		return Report{}, err
	}
	return report, nil
}

// gatherer collects evidence.
type gatherer struct {
	options  Options
	vendor   vendor
	reader   *reader
	topics   []string
	objects  []*ObjectEvidence
	codecs   []*schemas.Codec
	commands []Command
	results  []Result
	journal  []Entry
	looked   bool            // the vendor's state has been read
	missing  map[string]bool // topics that do not exist
	problem  error           // of a record that nobody could look at
}

func newGatherer(o Options, isolation kgo.IsolationLevel) (*gatherer, error) {
	g := &gatherer{options: o, vendor: newVendor(o.SimulatorURL)}
	if o.Log == nil {
		g.options.Log = slog.New(slog.DiscardHandler)
	}
	if o.Resolver == nil {
		g.options.Resolver = noSchemas{}
	}
	for _, name := range o.Objects {
		spec, ok := planhat.Lookup(planhat.Object(name))
		if !ok {
			return nil, fmt.Errorf("judge object %q: not in the objects table", name)
		}
		codec, err := schemas.NewCodec(vendorName, name)
		if err != nil {
			return nil, fmt.Errorf("judge object %q: %w", name, err)
		}
		topic := o.Names.Changes(vendorName, o.Workspace, name)
		g.objects = append(g.objects, &ObjectEvidence{Spec: spec, Topic: topic, Rereads: o.Rereads[name]})
		g.codecs = append(g.codecs, codec)
		if !o.WithoutSource {
			g.topics = append(g.topics, topic)
		}
	}
	g.topics = append(g.topics, o.Names.Commands(vendorName, o.Workspace), o.Names.Results(vendorName, o.Workspace))
	var err error
	g.reader, err = newReader(o.Kafka, isolation, g.take)
	return g, err
}

// noSchemas stands for a registry that nobody named.
type noSchemas struct{}

func (noSchemas) SchemaByID(context.Context, int) (kind, text string, err error) {
	return "", "", errors.New("no schema registry was given to the oracle")
}

// await gathers until all is settled or the time is over.
func (g *gatherer) await(ctx context.Context) error {
	deadline := time.NewTimer(g.options.Settle)
	defer deadline.Stop()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for looks := 0; ; looks++ {
		if err := g.gather(ctx); err != nil {
			return err
		}
		pending := g.pending()
		if pending == "" && g.options.WithoutSource {
			return g.gatherVendor(ctx) // what the last results say may be newer than what was seen of the vendor
		}
		if pending == "" || looks%looksPerVerdict == 1 && lasting(g.evidence()) {
			return nil
		}
		if looks == 0 {
			g.options.Log.InfoContext(ctx, "the oracle waits", "for", pending)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("judge the run: %w", context.Cause(ctx))
		case <-deadline.C:
			g.options.Log.WarnContext(ctx, "the oracle has waited long enough", "for", pending)
			return g.gather(ctx)
		case <-ticker.C:
		}
	}
}

// looksPerVerdict is how often a run that has not settled is judged meanwhile.
const looksPerVerdict = 20

// lasting reports mismatches that no waiting mends.
func lasting(e Evidence) bool {
	return len(checkHistory(e)) > 0 || len(checkSequence(e)) > 0
}

// pending names what has not caught up; "" for nothing.
func (g *gatherer) pending() string {
	answers := resultsByCommand(g.results)
	for _, cmd := range g.commands {
		if len(answers[cmd.Place]) == 0 {
			return "results"
		}
	}
	for _, o := range g.objects {
		if !g.options.WithoutSource && !settled(*o) {
			return string(o.Spec.Object)
		}
	}
	return ""
}

// gather brings all evidence up to date. The topics are read after the vendor:
// a bridge that is slow is waited for, a vendor that changes is not.
func (g *gatherer) gather(ctx context.Context) error {
	if err := g.gatherVendor(ctx); err != nil {
		return err
	}
	missing, err := g.reader.catchUp(ctx, g.topics...)
	if err != nil {
		return err
	}
	g.missing = missing
	return g.problem
}

func (g *gatherer) gatherVendor(ctx context.Context) error {
	if err := g.vendor.settle(ctx); err != nil {
		return err
	}
	news, err := g.readJournal(ctx)
	if err != nil || !news && g.looked {
		return err // whatever changes a record is in the journal
	}
	listings := map[string][]Row{}
	for _, o := range g.objects {
		rows, ok := listings[o.Spec.Listing]
		if !ok {
			var err error
			if rows, err = g.vendor.listing(ctx, o.Spec.Listing); err != nil {
				return err
			}
			listings[o.Spec.Listing] = rows
		}
		o.State = stateOf(rows, o.Spec)
	}
	// What is new by now may be missing from the listings: they are looked at again.
	news, err = g.readJournal(ctx)
	g.looked = !news
	return err
}

// readJournal tells whether the journal has more than when it was read before.
func (g *gatherer) readJournal(ctx context.Context) (bool, error) {
	var last int64
	if n := len(g.journal); n > 0 {
		last = g.journal[n-1].Seq
	}
	more, err := g.vendor.journalAfter(ctx, last)
	g.journal = append(g.journal, more...)
	return len(more) > 0, err
}

func (g *gatherer) evidence() Evidence {
	e := Evidence{Commands: g.commands, Results: g.results, Journal: g.journal, WithoutSource: g.options.WithoutSource}
	for _, o := range g.objects {
		e.Objects = append(e.Objects, *o)
	}
	return e
}

// take sorts a record that was read into the evidence.
func (g *gatherer) take(ctx context.Context, rec *kgo.Record) {
	at := Place{rec.Topic, rec.Partition, rec.Offset}
	switch rec.Topic {
	case g.topics[len(g.topics)-2]:
		cmd := Command{Place: at, Key: string(rec.Key)}
		var problem *schemas.Problem
		if cmd.Command, problem = schemas.DecodeCommand(ctx, rec.Value, g.options.Resolver); problem != nil {
			cmd.Problem = problem.String()
			if problem.Wait {
				g.problem = errors.Join(g.problem, fmt.Errorf("decode the command at %s partition %d offset %d: %s", at.Topic, at.Partition, at.Offset, problem))
			}
		}
		g.commands = append(g.commands, cmd)
	case g.topics[len(g.topics)-1]:
		res := Result{Place: at, Key: string(rec.Key)}
		res.Result, res.Err = schemas.DecodeResult(rec.Value)
		g.results = append(g.results, res)
	default:
		for i, o := range g.objects {
			if o.Topic == rec.Topic {
				o.Changes = append(o.Changes, decodeChange(at, string(rec.Key), rec.Value, g.codecs[i]))
			}
		}
	}
}
