package oracle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
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
	Vendor       string // Planhat, which is the default, or Pipedrive
	Workspace    string // or account
	SimulatorURL string
	Objects      []string
	// Settle is how long to wait for the bridge to catch up with the vendor and
	// with the commands; 0 judges what is there.
	Settle time.Duration
	// Resolver gives the schemas of Avro commands; nil where all are JSON.
	Resolver schemas.Resolver
	Log      *slog.Logger // nil: silent
	HTTP     *http.Client // by which the simulator is asked; nil: one of its own
	// Rereads are, by object, how often signals asked for its records again.
	Rereads map[string]int
	// WithoutSource leaves the change topics alone, since no source has run: the
	// commands, their results and what they made of the vendor are judged.
	WithoutSource bool
}

const tick = 100 * time.Millisecond

// vendorName is the vendor's in topics.
func (o Options) vendorName() string { return cmp.Or(o.Vendor, Planhat) }

// changes is the topic of an object's changes.
func (o Options) changes(object string) string {
	return o.Names.Changes(o.vendorName(), o.Workspace, object)
}

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
	options    Options
	vendor     vendor
	reader     *reader
	takes      map[string]func(context.Context, *kgo.Record) // by topic
	objects    []*ObjectEvidence
	commands   []Command
	results    []Result
	journal    []Entry
	webhooks   []Webhook
	deliveries []Delivery
	looked     bool            // the vendor's state has been read
	missing    map[string]bool // topics that do not exist
	problem    error           // of a record that nobody could look at
}

func newGatherer(o Options, isolation kgo.IsolationLevel) (*gatherer, error) {
	g := &gatherer{options: o, vendor: newVendor(o.SimulatorURL, o.HTTP)}
	g.takes = map[string]func(context.Context, *kgo.Record){
		o.Names.Commands(o.vendorName(), o.Workspace): g.takeCommand,
		o.Names.Results(o.vendorName(), o.Workspace):  g.takeResult,
	}
	if o.vendorName() == Pipedrive {
		g.takes = map[string]func(context.Context, *kgo.Record){o.Names.Webhooks(o.Workspace): g.takeWebhook}
	}
	if o.Log == nil {
		g.options.Log = slog.New(slog.DiscardHandler)
	}
	if o.Resolver == nil {
		g.options.Resolver = noSchemas{}
	}
	for _, name := range o.Objects {
		if err := g.object(name); err != nil {
			return nil, err
		}
	}
	var err error
	g.reader, err = newReader(o.Kafka, isolation, func(ctx context.Context, rec *kgo.Record) { g.takes[rec.Topic](ctx, rec) })
	return g, err
}

// object prepares the evidence of an object.
func (g *gatherer) object(name string) error {
	form, err := formOf(g.options.vendorName(), name)
	if err != nil {
		return err
	}
	codec, err := schemas.NewCodec(g.options.vendorName(), name)
	if err != nil {
		return fmt.Errorf("judge object %q: %w", name, err)
	}
	o := &ObjectEvidence{Form: form, Topic: g.options.changes(name), Rereads: g.options.Rereads[name]}
	if g.options.vendorName() == Planhat {
		o.Spec, _ = planhat.Lookup(planhat.Object(name))
	}
	g.objects = append(g.objects, o)
	if !g.options.WithoutSource {
		g.takes[o.Topic] = func(_ context.Context, rec *kgo.Record) {
			o.Changes = append(o.Changes, decodeChange(placeOf(rec), string(rec.Key), rec.Value, codec))
		}
	}
	return nil
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
			return o.Object
		}
	}
	if e := g.evidence(); len(checkCleared(e)) > 0 || len(checkDelivered(e)) > 0 {
		return "webhooks"
	}
	return ""
}

// gather brings all evidence up to date. The topics are read after the vendor:
// a bridge that is slow is waited for, a vendor that changes is not.
func (g *gatherer) gather(ctx context.Context) error {
	if err := g.gatherVendor(ctx); err != nil {
		return err
	}
	missing, err := g.reader.catchUp(ctx, slices.Collect(maps.Keys(g.takes))...)
	if err != nil {
		return err
	}
	g.missing = missing
	return g.problem
}

func (g *gatherer) gatherVendor(ctx context.Context) error {
	settle := g.vendor.settle
	if g.options.vendorName() == Pipedrive {
		settle = g.readDeliveries // its writes have their effect at once
	}
	if err := settle(ctx); err != nil {
		return err
	}
	news, err := g.readJournal(ctx)
	if err != nil || !news && g.looked {
		return err // whatever changes a record is in the journal
	}
	listings := map[string][]Row{}
	for _, o := range g.objects {
		rows, ok := listings[o.Listing]
		if !ok {
			var err error
			if rows, err = g.vendor.listing(ctx, o.Listing); err != nil {
				return err
			}
			listings[o.Listing] = rows
		}
		o.State = stateOf(rows, o.Form)
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

// readDeliveries: what has been answered before the topics are read has to be on them.
func (g *gatherer) readDeliveries(ctx context.Context) error {
	var last int64
	if n := len(g.deliveries); n > 0 {
		last = g.deliveries[n-1].Seq
	}
	more, err := g.vendor.deliveriesAfter(ctx, last)
	g.deliveries = append(g.deliveries, more...)
	return err
}

func (g *gatherer) evidence() Evidence {
	e := Evidence{
		Commands: g.commands, Results: g.results, Journal: g.journal, WithoutSource: g.options.WithoutSource,
		Webhooks: g.webhooks, Deliveries: g.deliveries, Intake: g.options.Names.Webhooks(g.options.Workspace),
	}
	for _, o := range g.objects {
		e.Objects = append(e.Objects, *o)
	}
	return e
}

func placeOf(rec *kgo.Record) Place { return Place{rec.Topic, rec.Partition, rec.Offset} }

func (g *gatherer) takeCommand(ctx context.Context, rec *kgo.Record) {
	at := placeOf(rec)
	cmd := Command{Place: at, Key: string(rec.Key)}
	var problem *schemas.Problem
	if cmd.Command, problem = schemas.DecodeCommand(ctx, rec.Value, g.options.Resolver); problem != nil {
		cmd.Problem = problem.String()
		if problem.Wait {
			g.problem = errors.Join(g.problem, fmt.Errorf("decode the command at %s partition %d offset %d: %s", at.Topic, at.Partition, at.Offset, problem))
		}
	}
	g.commands = append(g.commands, cmd)
}

func (g *gatherer) takeResult(_ context.Context, rec *kgo.Record) {
	res := Result{Place: placeOf(rec), Key: string(rec.Key)}
	res.Result, res.Err = schemas.DecodeResult(rec.Value)
	g.results = append(g.results, res)
}

func (g *gatherer) takeWebhook(_ context.Context, rec *kgo.Record) {
	g.webhooks = append(g.webhooks, readWebhook(placeOf(rec), string(rec.Key), rec.Value))
}
