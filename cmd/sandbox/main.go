// Command sandbox runs the whole bridge in one process: source and sink as in
// production, an embedded Kafka broker and schema registry, a simulated Planhat
// and a simulated Pipedrive.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/planhat-bridge/planhat-bridge/internal/oracle"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
)

func main() {
	o := sandbox.Options{Ports: stage.DefaultPorts, Seed: 1, Out: os.Stdout, Logs: os.Stderr}
	flag.DurationVar(&o.Duration, "duration", 0, "send commands and make the vendor fail for this long, then let the oracle judge; 0: run until interrupted")
	flag.StringVar(&o.Sabotage, "sabotage", "", "with --duration: falsify the evidence ("+strings.Join(oracle.Sabotages(), ", ")+") to see the oracle fail")
	only := flag.String("only", "", `"simulators": no broker, no bridge`)
	flag.IntVar(&o.Companies, "companies", 400, "companies of the seeded tenant")
	flag.Int64Var(&o.Seed, "seed", o.Seed, "seed of the tenant and its life")
	flag.IntVar(&o.Ports.Kafka, "kafka-port", o.Ports.Kafka, "port of the broker")
	flag.IntVar(&o.Ports.Registry, "registry-port", o.Ports.Registry, "port of the schema registry")
	flag.IntVar(&o.Ports.Planhat, "planhat-port", o.Ports.Planhat, "port of the simulated Planhat")
	flag.IntVar(&o.Ports.Pipedrive, "pipedrive-port", o.Ports.Pipedrive, "port of the simulated Pipedrive")
	flag.IntVar(&o.Ports.Webhook, "webhook-port", o.Ports.Webhook, "port of the source's intake of webhooks")
	flag.IntVar(&o.Ports.Source, "source-port", o.Ports.Source, "port of the source's admin server")
	flag.IntVar(&o.Ports.Sink, "sink-port", o.Ports.Sink, "port of the sink's admin server")
	flag.Parse()
	o.OnlySimulators = *only == "simulators"
	switch {
	case flag.NArg() > 0:
		usagef("unexpected argument %q", flag.Arg(0))
	case *only != "" && !o.OnlySimulators:
		usagef(`--only takes "simulators", not %q`, *only)
	case o.Sabotage != "" && !slices.Contains(oracle.Sabotages(), o.Sabotage):
		usagef("--sabotage takes one of %s, not %q", strings.Join(oracle.Sabotages(), ", "), o.Sabotage)
	case o.Sabotage != "" && o.Duration == 0:
		usagef("--sabotage needs a --duration: %s", "the oracle looks at its end")
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		os.Exit(1)
	}
}

func run(o sandbox.Options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return sandbox.Run(ctx, o)
}

func usagef(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "sandbox: "+format+"\n", args...)
	os.Exit(2)
}
