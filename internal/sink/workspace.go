package sink

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/plan"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// workspace carries out the commands of one Planhat tenant during one lease,
// one batch at a time.
type workspace struct {
	service      *Service
	cfg          config.Workspace
	objects      map[string]bool // nil: all
	topic        string
	results      string
	deadLetters  string
	resultSchema int
	resolver     schemas.Resolver
	metrics      *metrics
	log          *slog.Logger
	times        Times
	point        func(string)

	// writing is held over every transaction: what it takes out of the ledger
	// must not be in another one's.
	writing sync.Mutex
	// State, as restored and as committed since. The positions are those of the last
	// commit, and are read by position.
	positions  positions
	positionMu sync.Mutex
	ledger     ledger
	busy       atomic.Bool // a batch is under way
	aside      aside       // of the goroutine that reads
	overtaken  []*command  // were put aside, and are not answered; guarded by positionMu
	seen       sightings   // of the tenant

	// Of the lease.
	ctx    context.Context //nolint:containedctx // the lease's: what is begun in it is finished
	end    func()          // ends ctx: the lease is over
	lease  *shard.Lease
	rights rights
	began  time.Time // what an earlier owner has begun was sent before
	client *planhat.Client
	access *access
	// answers remembers whether the vendor does.
	answers service.Vendor
	// These outlive batches.
	unsettled unsettled
	written   written
	catalogue catalogue
	proven    proven

	mu    sync.Mutex
	shown WorkspaceStatus
}

func (s *Service) newWorkspace(cfg config.Workspace) *workspace {
	w := &workspace{
		service: s, cfg: cfg,
		topic: s.names.Commands(vendor, cfg.Name), results: s.names.Results(vendor, cfg.Name), deadLetters: s.names.DeadLetters(vendor, cfg.Name),
		resultSchema: s.schemas[cfg.Name], resolver: s.deps.Resolver,
		metrics: s.metrics, log: s.deps.Log, times: s.deps.Times, point: s.deps.OnPoint,
		answers: service.Vendor{Log: s.deps.Log, Workspace: cfg.Name},
	}
	if cfg.Objects != nil {
		w.objects = map[string]bool{}
		for _, o := range cfg.Objects {
			w.objects[o] = true
		}
	}
	return w
}

// wanted tells whether commands for an object are carried out. Objects that do
// not exist pass: they are refused with a better word later.
func (w *workspace) wanted(object string) bool {
	_, known := planhat.Lookup(planhat.Object(object))
	return w.objects == nil || !known || w.objects[object]
}

// run reads and carries out batches until ctx ends. The error is that of the
// lease, or says why reading makes no sense.
func (w *workspace) run(ctx context.Context, l *shard.Lease) error {
	w.aside, w.overtaken = aside{}, nil
	w.lease, w.rights, w.began = l, l, time.Now()
	w.ctx, w.end = context.WithCancel(ctx)
	defer w.end()
	if err := w.connect(); err != nil {
		return &shard.Refusal{Err: err}
	}
	defer w.client.CloseIdleConnections()
	w.catalogue = catalogue{w: w}
	defer w.watch(ctx)()
	r, err := w.open(ctx)
	if err != nil {
		return w.readError(ctx, err)
	}
	defer r.close()
	defer r.widen(ctx, w.positions.Partitions)()
	w.released()
	ctx, end := context.WithCancel(ctx)
	in := newIntake(ctx, w, r)
	defer func() {
		end()
		in.stop()
	}()
	offsets := newOffsets(w, r) //nolint:contextcheck // the last commit outlives ctx
	defer offsets.stop()
	for {
		batch, err := in.next(ctx)
		if err != nil {
			return w.readError(ctx, err)
		}
		started := time.Now()
		err = w.carryOut(batch)
		w.busy.Store(false)
		if err != nil {
			return err
		}
		w.metrics.batch(w.cfg.Name, len(batch), time.Since(started))
		offsets.commit(w.position())
		if ctx.Err() != nil {
			return nil
		}
	}
}

// open holds the positions to the topic as it is, sees that there is where to
// write answers to, and starts reading.
func (w *workspace) open(ctx context.Context) (*reader, error) {
	infos, err := kafka.DescribeTopics(ctx, w.lease.Client(), w.topic, w.results, w.deadLetters)
	if err != nil {
		return nil, err
	}
	for _, topic := range []string{w.results, w.deadLetters} {
		if err := w.lease.Writable(ctx, topic); err != nil {
			return nil, err
		}
	}
	if err := w.positions.pin(w.topic, infos[w.topic]); err != nil {
		return nil, &shard.Refusal{Err: err}
	}
	return newReader(ctx, w.service.deps.Kafka.For("commands-"+w.cfg.Name), w.positions, w.service.cfg.Sink.BufferBytes/quarters, w.log)
}

// readError turns the end of ctx into a clean end, and a topic that was
// recreated under our feet into a refusal.
func (w *workspace) readError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the error is that of the end
	}
	for _, gone := range []error{kerr.UnknownTopicID, kerr.InconsistentTopicID, kerr.UnknownTopicOrPartition} {
		if errors.Is(err, gone) {
			return &shard.Refusal{Err: fmt.Errorf("%w: was the topic deleted? The bridge holds until it is back as it was", err)}
		}
	}
	if errors.Is(err, kerr.TopicAuthorizationFailed) {
		return &shard.Refusal{Err: fmt.Errorf("%w: allow this user to describe and read the commands topic, and to write those of results and dead letters", err)}
	}
	return err
}

// carryOut plans a batch, carries it out and commits what is done of it: all,
// unless the lease is told to end. What was refused unsent does not wait for
// the rest.
func (w *workspace) carryOut(batch []*command) error {
	e := newExecutor(w, batch)
	defer e.close()
	if err := w.commit(batch, &e.mu); err != nil {
		return err
	}
	var orders []*plan.Order
	for n, c := range batch {
		if c.order != nil {
			c.order.Seq = n
			orders = append(orders, c.order)
		}
	}
	stop := w.progress(batch, &e.mu)
	err := e.run(plan.Build(orders, plan.Limits{}))
	if failed := stop(); err != nil || failed != nil {
		return cmp.Or(failed, err)
	}
	if err := w.commit(batch, &e.mu); err != nil || e.stopping() {
		return err
	}
	if at := slices.IndexFunc(batch, func(c *command) bool { return c.result == nil }); at >= 0 {
		return fmt.Errorf("command %s was left without a result: the batch is carried out again", batch[at])
	}
	return nil
}
