package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/ops"
	"github.com/planhat-bridge/planhat-bridge/internal/oracle"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	pipedrivesim "github.com/planhat-bridge/planhat-bridge/internal/simulator/pipedrive"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/internal/webhook"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// Options of a run.
type Options struct {
	Ports          stage.Ports
	Duration       time.Duration // 0: until the context ends, without commands and faults
	Sabotage       string        // falsifies the evidence before the oracle looks; needs a Duration
	OnlySimulators bool
	Companies      int   // of the seeded tenant; 0 = 400
	Seed           int64 // of the tenant and its life
	Out, Logs      io.Writer
}

// Rates of a run, chosen to make some thousands of changes and commands in
// twenty seconds on a small machine.
const (
	lifeRate      = 25                     // edits a second by the tenant's own users
	pipedriveRate = 10                     // and by the account's
	roundEvery    = 200 * time.Millisecond // a round of some ten commands
	troubleEvery  = 1200 * time.Millisecond
	extraTime     = 40 * time.Second // for faults that have not happened by the end of the duration
	settle        = 90 * time.Second // the oracle's patience after the last change
)

// ErrMismatch says that the oracle found a broken promise.
var ErrMismatch = errors.New("the oracle found mismatches")

// Run runs the sandbox until its duration is over or ctx ends.
func Run(ctx context.Context, o Options) error {
	if o.Companies == 0 {
		o.Companies = 400
	}
	s, err := stage.New(o.Ports, simOptions(o), o.OnlySimulators)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // the process ends
	if o.OnlySimulators {
		o.Ports.Webhook = 0 // nobody takes any
	}
	if err := s.AddPipedrive(o.Ports, pipedriveOptions(o)); err != nil {
		return err
	}
	client := &http.Client{Timeout: 30 * time.Second}
	b := &box{
		Options: o, stage: s, control: control{base: s.Planhat, client: client, troubles: troubles},
		pipedrive: control{base: s.Pipedrive, client: client, troubles: pipedriveTroubles},
	}
	if o.OnlySimulators {
		b.sayWhereSimulators()
		return b.untilEnd(ctx)
	}
	return b.run(ctx)
}

// simOptions are those of the tenant.
func simOptions(o Options) planhatsim.Options {
	return planhatsim.Options{Seed: o.Seed, Companies: o.Companies, CallsPerMinute: -1}
}

// deliveryScale is how much faster than the machine's the clock of Pipedrive's deliveries
// runs in a run that ends: the last retry comes after three seconds, not three minutes.
const deliveryScale = 60

// pipedriveOptions are those of the account.
func pipedriveOptions(o Options) pipedrivesim.Options {
	options := pipedrivesim.Options{Seed: o.Seed, Organizations: 40, Persons: 60, Deals: 80, Notes: 60, RequestsPerWindow: 120, DailyTokens: -1}
	if o.Duration > 0 {
		options.Scale = deliveryScale
	}
	return options
}

// box is a run under way.
type box struct {
	Options
	stage     *stage.Stage
	control   control // of Planhat
	pipedrive control
	source    *ops.Process
	sink      *ops.Process
	names     kafka.Names
	kafka     kafka.Options
	traffic   *traffic
}

func (b *box) run(ctx context.Context) error {
	stopServices, failed, err := b.startServices(ctx)
	if err != nil {
		return err
	}
	defer stopServices()
	if err := b.waitUntilUp(ctx, failed); err != nil {
		return err
	}
	b.sayWhere(ctx)
	if b.Duration == 0 {
		return b.watch(ctx, failed)
	}
	if err := b.play(ctx, failed); err != nil {
		return err
	}
	return b.judge(ctx, stopServices)
}

// startServices wires source and sink as their mains do, with the one
// difference that they share the budget of the token, as services of one
// process do.
func (b *box) startServices(ctx context.Context) (stop func(), failed <-chan error, err error) {
	var (
		once   sync.Once
		budget *planhat.Budget
		wg     sync.WaitGroup
		errs   = make(chan error, 2)
		share  = func(ws config.Workspace) *planhat.Budget {
			once.Do(func() {
				budget = planhat.NewBudget(planhat.BudgetOptions{PerMinute: ws.CallsPerMinute, PerSecond: 150, InFlight: 40})
			})
			return budget
		}
		builds = map[string]service.Build{
			"source": sourceBuild(share),
			"sink": func(env service.Env) (service.Shell, error) {
				d := sink.DepsOf(env)
				d.Budget = share
				return sink.New(env.Config, d), nil
			},
		}
	)
	if b.source, err = b.process("source", b.Ports.Source); err != nil {
		return nil, nil, err
	}
	if b.sink, err = b.process("sink", b.Ports.Sink); err != nil {
		return nil, nil, err
	}
	if b.kafka, err = kafka.FromConfig(b.source.Config.Kafka); err != nil {
		return nil, nil, err
	}
	b.names = kafka.Names{Bridge: b.source.Config.Bridge, Prefix: b.source.Config.Topics.Prefix}
	sctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	for name, p := range map[string]*ops.Process{"source": b.source, "sink": b.sink} {
		wg.Go(func() {
			if err := service.Run(sctx, p, name, builds[name]); err != nil {
				errs <- fmt.Errorf("%s: %w", name, err)
			}
		})
	}
	return func() { cancel(); wg.Wait() }, errs, nil
}

// sourceBuild is what the main of the source builds: capture and intake.
func sourceBuild(share func(config.Workspace) *planhat.Budget) service.Build {
	capture := func(env service.Env) (service.Shell, error) {
		d := source.DepsOf(env)
		d.Budget = share
		return source.New(env.Config, d), nil
	}
	return service.Compose(
		service.Component{Name: "source", Registry: true, Build: capture, Wanted: func(c config.Config) bool { return c.Has(config.Poller) }},
		service.Component{Name: "webhook", Build: webhook.Build, Wanted: webhook.Wanted},
	)
}

// process is what the main of a service makes of its environment.
func (b *box) process(name string, adminPort int) (*ops.Process, error) {
	if err := stage.Free(adminPort, name+"-port"); err != nil {
		return nil, err
	}
	vars := b.stage.Env(adminPort)
	vars["INSTANCE_ID"] = name + "-0"
	vars["PLANHAT_DELETE_GUARD"], vars["PIPEDRIVE_DELETE_GUARD"] = "off", "off" // users who live this fast delete more in minutes than others in a day
	environ := make([]string, 0, len(vars))
	for k, v := range vars {
		environ = append(environ, k+"="+v)
	}
	cfg, err := config.Load(environ, service.Objects())
	if err != nil {
		return nil, fmt.Errorf("configuration of %s: %w", name, err)
	}
	return ops.NewProcess(name, cfg, b.Logs), nil
}

// watch shows what goes on until ctx ends.
func (b *box) watch(ctx context.Context, failed <-chan error) error {
	if err := errors.Join(b.control.life(ctx, 2), b.pipedrive.life(ctx, 1)); err != nil {
		return err
	}
	view := newView(b)
	return view.run(ctx, failed, 0)
}

// play lets the tenant live, sends commands and makes trouble for the
// duration, then stops all three, in the order in which they depend on one
// another.
func (b *box) play(ctx context.Context, failed <-chan error) error {
	seen, err := b.control.toRead(ctx)
	if err != nil {
		return err
	}
	if b.traffic, err = newTraffic(b.kafka, b.names, seen); err != nil {
		return err
	}
	defer b.traffic.client.Close()
	playing, stop := context.WithCancel(ctx)
	defer stop()
	end := time.AfterFunc(b.Duration, func() { b.waitForFaults(playing); stop() })
	defer end.Stop()
	if err := errors.Join(b.control.life(ctx, lifeRate), b.pipedrive.life(ctx, pipedriveRate)); err != nil {
		return err
	}
	actors := []func() error{
		func() error { return b.traffic.run(playing, roundEvery) },
		func() error { return b.control.trouble(playing, troubleEvery) },
		func() error { return b.pipedrive.trouble(playing, troubleEvery) },
		func() error { return newView(b).run(playing, failed, 2*time.Second) },
	}
	errs := make(chan error, len(actors))
	for _, act := range actors {
		go func() { errs <- act() }()
	}
	var first error
	for range actors {
		if err := <-errs; err != nil && first == nil {
			first = err
			stop()
		}
	}
	if first != nil {
		return first
	}
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted: %w", ctx.Err())
	}
	return errors.Join(b.control.calm(ctx), b.pipedrive.calm(ctx))
}

// waitForFaults lets the play go on until every kind of fault that the
// coverage counts has happened, within reason.
func (b *box) waitForFaults(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, extraTime)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !b.control.allSeen(ctx, seen) || !b.pipedrive.allSeen(ctx, pipedriveSeen) {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// judge ends the run with the oracle's word.
func (b *box) judge(ctx context.Context, stopServices func()) error {
	if b.Sabotage != "" {
		// Let the bridge catch up, then falsify what it wrote.
		if report, err := b.check(ctx, settle); err != nil || len(report.Mismatches) > 0 {
			return fmt.Errorf("the run went wrong before the sabotage: %d mismatches: %w", len(report.Mismatches), errors.Join(ErrMismatch, err))
		}
		stopServices()
		if err := b.sabotage(ctx); err != nil {
			return err
		}
	}
	report, err := b.check(ctx, patience(b.Sabotage))
	if err != nil {
		return err
	}
	for _, m := range report.Mismatches {
		fmt.Fprintln(b.Out, m)
	}
	fmt.Fprintln(b.Out, report.CoverageLine())
	fmt.Fprintln(b.Out, report.Line())
	switch {
	case len(report.Mismatches) > 0:
		return ErrMismatch
	case !allIn(report.Coverage.Faults, slices.Concat(seen, pipedriveSeen)):
		return errors.New("the coverage is not whole: some faults never happened, on a very slow machine; try a longer --duration")
	default:
		return nil
	}
}

// patience is the oracle's: what is falsified does not become better.
func patience(sabotage string) time.Duration {
	if sabotage != "" {
		return 0
	}
	return settle
}

// judged are what the oracle judges, of each vendor.
func (b *box) judged(patience time.Duration) []oracle.Options {
	o := oracle.Options{Kafka: b.kafka, Names: b.names, Settle: patience}
	planhat, pipedrive := o, o
	planhat.Vendor, planhat.Workspace, planhat.SimulatorURL, planhat.Objects = oracle.Planhat, stage.Workspace, b.stage.Planhat, service.Objects()
	pipedrive.Vendor, pipedrive.Workspace, pipedrive.SimulatorURL, pipedrive.Objects = oracle.Pipedrive, stage.Account, b.stage.Pipedrive, config.AccountObjects()
	return []oracle.Options{planhat, pipedrive}
}

// check is the oracle's word on both vendors.
func (b *box) check(ctx context.Context, patience time.Duration) (both oracle.Report, err error) {
	for n, o := range b.judged(patience) {
		report, err := oracle.Check(ctx, o)
		if err != nil {
			return both, err
		}
		if n > 0 {
			report = both.And(report)
		}
		both = report
	}
	return both, nil
}

// sabotage falsifies the evidence of both vendors; only one has results to double.
func (b *box) sabotage(ctx context.Context) error {
	for _, o := range b.judged(0) {
		if o.Vendor == oracle.Pipedrive && b.Sabotage == "double-result" {
			continue
		}
		if err := oracle.Sabotage(ctx, o, b.Sabotage); err != nil {
			return err
		}
	}
	return nil
}

func (b *box) untilEnd(ctx context.Context) error {
	if b.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, b.Duration)
		defer cancel()
	}
	<-ctx.Done()
	return nil
}
