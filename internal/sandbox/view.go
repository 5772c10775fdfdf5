package sandbox

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	pipedrivesim "github.com/planhat-bridge/planhat-bridge/internal/simulator/pipedrive"
)

// view shows what the bridge does, a line now and then, from its own metrics.
type view struct {
	box     *box
	started time.Time
}

func newView(b *box) *view { return &view{box: b, started: time.Now()} }

// run prints a line every period (0: 5 s) until ctx ends or a service fails.
func (v *view) run(ctx context.Context, failed <-chan error, every time.Duration) error {
	if every == 0 {
		every = 5 * time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case <-tick.C:
			v.line()
		}
	}
}

func (v *view) line() {
	fmt.Fprintf(v.box.Out, "%5.0fs  changes %-6.0f records %-6.0f commands answered %-5.0f api calls %-5.0f retried %.0f\n",
		time.Since(v.started).Seconds(),
		total(v.box.source.Registry, "planhat_bridge_source_changes_total", nil)+total(v.box.source.Registry, "planhat_bridge_source_account_changes_total", nil),
		total(v.box.source.Registry, "planhat_bridge_source_records", nil)+total(v.box.source.Registry, "planhat_bridge_source_account_records", nil),
		total(v.box.sink.Registry, "planhat_bridge_sink_commands_total", nil),
		total(v.box.source.Registry, "planhat_bridge_source_api_calls_total", nil)+total(v.box.sink.Registry, "planhat_bridge_sink_api_calls_total", nil),
		total(v.box.source.Registry, "planhat_bridge_source_api_calls_total", failedCall)+total(v.box.sink.Registry, "planhat_bridge_sink_api_calls_total", failedCall))
}

// waitUntilUp waits until the tenant's companies have been read and the sink
// has its shards: from here on, what sayWhere prints works.
func (b *box) waitUntilUp(ctx context.Context, failed <-chan error) error {
	fmt.Fprint(b.Out, "planhat-bridge sandbox: source and sink between a simulated Planhat, a simulated Pipedrive and an embedded Kafka\n")
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for total(b.source.Registry, "planhat_bridge_source_records", companies) < float64(b.Companies) ||
		total(b.sink.Registry, "planhat_bridge_sink_shards_owned", nil) == 0 || !b.pipedriveRead() {
		select {
		case <-ctx.Done():
			return nil // what follows sees it too
		case err := <-failed:
			return err
		case <-tick.C:
		}
	}
	return nil
}

// pipedriveRead tells whether the account's deals have been read, and webhooks are
// registered: from here on a change is there in a moment.
func (b *box) pipedriveRead() bool {
	hooked := 0
	for _, h := range b.stage.PipedriveSimulator.Hooks() {
		if h.Active {
			hooked++
		}
	}
	return hooked >= len(config.AccountObjects()) && total(b.source.Registry, "planhat_bridge_source_account_records", deals) > 0
}

func deals(labels map[string]string) bool { return labels["object"] == "deal" }

func companies(labels map[string]string) bool { return labels["stream"] == "companies" }

func failedCall(labels map[string]string) bool { return labels["outcome"] != "ok" }

// total adds up the series of a metric that pass the filter.
func total(g prometheus.Gatherer, name string, pass func(map[string]string) bool) float64 {
	families, err := g.Gather()
	if err != nil {
		return 0
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if pass == nil || pass(labels) {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// sayWhere prints where to look and five commands to paste.
func (b *box) sayWhere(ctx context.Context) {
	s := b.stage
	at := fmt.Sprintf("--bootstrap %s --registry %s --workspace %s", s.Broker, s.Registry, stage.Workspace)
	fmt.Fprintf(b.Out, `
  Kafka            %s
  schema registry  %s
  Planhat          %s   (token %s)
  Pipedrive        %s   (token %s)
  source           http://%s/status  /metrics
  sink             http://%s/status  /metrics

Watch companies change, change one, have all written again, read them with another client, and watch deals being won:

  go run ./cmd/planhatctl tail company --follow %s
  go run ./cmd/planhatctl send --object company --op upsert --external-id c-1 --set name=Acme --set 'custom.Region 🌍=EMEA' %s
  go run ./cmd/planhatctl signal object --object company --follow %s
  %s
  go run ./cmd/planhatctl tail pipedrive.changes.demo.deal --follow --bootstrap %s --registry %s

`, s.Broker, s.Registry, s.Planhat, stage.Token, s.Pipedrive, pipedrivesim.DefaultToken, b.source.Admin.Addr(ctx), b.sink.Admin.Addr(ctx), at, at, at,
		b.kcat(), s.Broker, s.Registry)
}

// kcat is the command that prints the companies' changes with the kcat of this
// host: decoded by the registry, or as keys and raw bytes where it was built
// without Avro (as Debian's is).
func (b *box) kcat() string {
	base := fmt.Sprintf("kcat -C -b %s -t %s -o beginning -e", b.stage.Broker, b.names.Changes("planhat", stage.Workspace, "company"))
	out, err := exec.Command("kcat", "-V").CombinedOutput() //nolint:noctx // ends by itself
	if err == nil && !strings.Contains(string(out), "Avro") {
		return base + ` -f '%k %S bytes\n'   # this kcat was built without Avro; others: -s value=avro -r ` + b.stage.Registry
	}
	return base + " -s value=avro -r " + b.stage.Registry
}

func (b *box) sayWhereSimulators() {
	fmt.Fprintf(b.Out, `planhat-bridge sandbox: the simulators only

  Planhat    %s   (token %s)
  Pipedrive  %s   (token %s)

  curl -H 'Authorization: Bearer %s' '%s/companies?limit=2&sort=-updatedAt'
  curl '%s/_sim/calls'
  curl -X POST '%s/_sim/faults' -d '{"kind":"429","count":3,"retry_after":2}'
  curl -H 'x-api-token: %s' '%s/api/v2/deals?status=won&limit=2'

`, b.stage.Planhat, stage.Token, b.stage.Pipedrive, pipedrivesim.DefaultToken, stage.Token, b.stage.Planhat, b.stage.Planhat, b.stage.Planhat, pipedrivesim.DefaultToken, b.stage.Pipedrive)
}
