package account

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/internal/source/durable"
	"github.com/planhat-bridge/planhat-bridge/internal/source/emit"
	"github.com/planhat-bridge/planhat-bridge/internal/source/hooks"
	"github.com/planhat-bridge/planhat-bridge/internal/source/tell"
	"github.com/planhat-bridge/planhat-bridge/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// Vendor is what is asked of Pipedrive; *pipedrive.Client is one.
type Vendor interface {
	Verify(ctx context.Context) (pipedrive.Me, error)
	Get(ctx context.Context, o pipedrive.Object, id int64) (pipedrive.Row, error)
	Page(ctx context.Context, o pipedrive.Object, opts pipedrive.ListOptions) (pipedrive.Page, error)
	Usage() pipedrive.Usage
}

// Tender looks after the account's webhooks; *hooks.Controller is one.
type Tender interface {
	Tend(ctx context.Context, wanted hooks.Wanted) (hooks.Report, error)
}

// Options is what an Account is given. All but OnPoint and NewHooks is required.
type Options struct {
	Config   config.Account
	Client   Vendor
	NewHooks func(memory hooks.Memory, mayWrite func() error) Tender // nil: webhooks are nobody's business here
	Codecs   map[pipedrive.Object]emit.Codec
	Resolver schemas.Resolver // of events that an earlier version wrote
	Names    kafka.Names
	Kafka    kafka.Options
	Metrics  *Metrics
	Log      *slog.Logger
	Now      func() time.Time
	Version  string
	Times    Times
	OnPoint  func(string)
}

// Account captures one account during one lease. Restore comes first, then Run.
type Account struct {
	opts    Options
	cfg     config.Account
	client  Vendor
	tender  Tender
	lease   *shard.Lease
	metrics *Metrics
	log     *slog.Logger
	now     func() time.Time
	times   Times

	streams []*stream
	facts   facts
	places  durable.Position
	refused error // the state of the whole cannot be used
	pending pending
	encoded []byte // scratch: the event that is being written
	holes   map[*stream]int

	reader *reader
	lag    *lag
	batch  *batch // webhooks that are not settled

	identity  identity
	halt      halt
	tendAt    time.Time
	tendedFor string // the password that the webhooks were last looked at with
	signals   chan Heard
	outbox    tell.Outbox
	hooks     hooks.Report // the last one
	untended  int          // looks at the webhooks that failed, in a row
	stumbled  stumble

	mu    sync.Mutex
	shown Status
}

// New prepares the capture of an account; nobody is asked for anything.
func New(o Options) *Account {
	a := &Account{
		opts: o, cfg: o.Config, client: o.Client, metrics: o.Metrics, now: o.Now, log: o.Log, times: o.Times.withDefaults(),
		outbox: tell.Outbox{Topic: o.Names.Notifications(), Now: o.Now}, holes: map[*stream]int{}, signals: make(chan Heard),
	}
	for _, name := range Objects(o.Config.Objects) {
		a.streams = append(a.streams, &stream{
			object: newObject(name), topic: o.Names.Changes("pipedrive", o.Config.Name, string(name)), codec: o.Codecs[name],
			index: cdc.NewIndex(), graves: map[cdc.ID]grave{}, young: map[cdc.ID]suspect{}, gone: map[cdc.ID]int64{}, skipped: map[cdc.ID]bool{},
			state: stateStarting,
		})
	}
	return a
}

// Name is the account's.
func (a *Account) Name() string { return a.cfg.Name }

// Run captures until ctx ends or the lease does.
func (a *Account) Run(ctx context.Context, l *shard.Lease) error {
	a.lease = l
	if a.opts.NewHooks != nil {
		a.tender = a.opts.NewHooks(a.facts.Hooks, l.Fresh)
	}
	a.reader = newReader(a)
	a.lag = newLag(a)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.reader.run(ctx) })
	g.Go(func() error { return a.lag.run(ctx) })
	g.Go(func() error { return a.work(ctx) })
	return g.Wait()
}

func (a *Account) work(ctx context.Context) error {
	defer a.metrics.forget(a.cfg.Name)
	if err := a.begin(ctx); err != nil {
		return err
	}
	for ctx.Err() == nil {
		err := a.turn(ctx)
		if over, ok := errors.AsType[emit.LeaseError](err); ok {
			return over.Err
		}
		if err != nil && ctx.Err() == nil {
			a.fail(err)
		}
		a.show()
	}
	return nil
}

// begin makes every stream ready, and holds those whose topics are not what their
// state says they are.
func (a *Account) begin(ctx context.Context) error {
	now := a.now()
	a.tendAt = now
	for _, s := range a.streams {
		s.reconcileAt, s.sweepAt, s.confirmAt = now, timeOf(s.cursor.Swept).Add(a.sweepEvery(s)), now
		if s.cursor.Sweep != nil || !s.snapshotDone() {
			s.sweepAt = now
		}
		if err := a.checkPin(ctx, s); err != nil {
			return err
		}
	}
	a.show()
	return nil
}

// sweepEvery is the interval of sweeps. An object without a listing of what
// changed is read whole as often as others are reconciled.
func (a *Account) sweepEvery(s *stream) time.Duration {
	if s.object.recent == nil {
		return a.cfg.ReconcileInterval
	}
	return a.cfg.SweepInterval
}

// turn does what is due: signals before all, then webhooks, then a step of a
// scan, so that neither keeps the other waiting.
func (a *Account) turn(ctx context.Context) error {
	select {
	case h := <-a.hearing(ctx):
		return a.obey(ctx, h)
	default:
	}
	a.ripe(a.now())
	a.tellHoles()
	if err := a.outbox.Deliver(ctx, a.lease); err != nil {
		return err
	}
	if wait, stopped := a.stopped(); stopped {
		return a.idle(ctx, wait, false)
	}
	if err := a.identify(ctx); err != nil {
		return err
	}
	if a.halt.state != "" && a.shareSpent() { // users/me has told how the day stands
		return nil
	}
	if err := a.tend(ctx); err != nil {
		return err
	}
	worked, err := a.hear(ctx)
	if err != nil {
		return err
	}
	paid, err := a.settleDebts(ctx)
	if err != nil {
		return err
	}
	scanned, wait, err := a.scan(ctx)
	if err != nil {
		return err
	}
	a.resumed()
	if worked || paid || scanned {
		return nil
	}
	return a.idle(ctx, min(wait, a.nextDebt(), a.tendAt.Sub(a.now())), true)
}

// idle waits for a while, for a signal and, if wanted, for webhooks.
func (a *Account) idle(ctx context.Context, d time.Duration, webhooks bool) error {
	a.show()
	t := time.NewTimer(max(min(a.outbox.Soon(d), maxIdle), 0))
	defer t.Stop()
	var batches chan *batch
	if webhooks {
		batches = a.reader.batches
	}
	select {
	case <-ctx.Done():
	case <-t.C:
	case a.batch = <-batches:
	case h := <-a.hearing(ctx):
		return a.obey(ctx, h)
	}
	return nil
}

// maxIdle bounds a wait: young changes ripen, and tokens change, without a sign.
const maxIdle = time.Second

// hear settles the webhooks at hand, and says whether there were any.
func (a *Account) hear(ctx context.Context) (bool, error) {
	if a.batch == nil {
		select {
		case a.batch = <-a.reader.batches:
		default:
			return false, nil
		}
	}
	a.passed(PointEventsRead)
	if err := a.settleBatch(ctx, a.batch); err != nil {
		return false, err
	}
	a.batch = nil
	return true, nil
}
