package ctl

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/ctl/doctor"
	"github.com/planhat-bridge/planhat-bridge/internal/ops"
)

type doctorFlags struct {
	output, role, sourceURL, sinkURL string
	timeout                          time.Duration
}

func newDoctor(t *tool) *cobra.Command {
	var f doctorFlags
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check all that a deployment needs: Kafka, rights, registry, tokens, clocks, budgets",
		Long: "Check all that a deployment needs, with the variables of the services: the configuration; Kafka, its topics\n" +
			"and the rights of the user; the schema registry; each workspace's token and what it may read; the clocks;\n" +
			"and the budget. A line a check: ok, warn or FAIL, what was found, and its remedy.\n\n" +
			"Nothing is written: no topic, no schema, no record, no group, no transaction. (A cluster that nobody has used\n" +
			"yet may make its own internal topics when it is asked for rights.) Of Planhat it spends one call for each\n" +
			"listing of each workspace. Secrets are never shown.\n\n" +
			"Exit codes: 0 nothing failed (there may be warnings), 1 a check failed, 2 wrong usage or configuration,\n" +
			"3 Kafka, the registry, a Planhat or a service did not answer.",
		Example: `  planhatctl doctor
  planhatctl doctor --role sink --workspace acme -o json
  planhatctl doctor --source-url http://localhost:9102 --sink-url http://localhost:9103`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return t.doctor(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.output, "output", "o", "text", "text or json (an object a line)")
	flags.StringVar(&f.role, "role", "all", "whose topics and rights: source, sink or all; for services with users of their own")
	flags.StringVar(&f.sourceURL, "source-url", "", "ask a source that runs, too: http://host:port of its ADMIN_ADDR")
	flags.StringVar(&f.sinkURL, "sink-url", "", "ask a sink that runs, too: http://host:port of its ADMIN_ADDR")
	flags.DurationVar(&f.timeout, "timeout", 10*time.Second, "how long each part may take to answer")
	complete(cmd, "output", []string{"text", "json"})
	complete(cmd, "role", []string{"all", doctor.Source, doctor.Sink})
	return cmd
}

// errSick ends with code 1 without words: the checks have been printed.
var errSick = &failure{codeNotOK, errors.New("a check failed")}

var roles = map[string][]string{"all": {doctor.Source, doctor.Sink}, doctor.Source: {doctor.Source}, doctor.Sink: {doctor.Sink}}

func (f doctorFlags) check() error {
	switch {
	case f.output != "text" && f.output != "json":
		return usage("--output %q: write text or json", f.output)
	case roles[f.role] == nil:
		return usage("--role %q: write source, sink or all", f.role)
	case f.timeout <= 0:
		return usage("--timeout %s: write a time above 0", f.timeout)
	}
	for flag, text := range map[string]string{"source-url": f.sourceURL, "sink-url": f.sinkURL} {
		u, err := url.Parse(text)
		if text != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
			return usage("--%s %q: write an address such as http://localhost:9102", flag, text)
		}
	}
	return nil
}

func (t *tool) doctor(ctx context.Context, f doctorFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	emit := func(c doctor.Check) {
		if f.output == "json" {
			printJSON(t.Stdout, c)
			return
		}
		fmt.Fprintln(t.Stdout, c)
	}
	c, err := t.fullConfig(t.Environ)
	if faults, ok := errors.AsType[config.Faults](err); ok {
		emit(doctor.Variables(t.Environ))
		for _, fault := range faults {
			emit(doctor.Faulty(fault))
		}
		return &failure{codeUsage, fmt.Errorf("the configuration has faults: %d; nothing else was checked", len(faults))}
	}
	if err != nil {
		return err
	}
	return t.verdict(doctor.Run(ctx, doctor.Options{
		Config: c, Environ: t.Environ, Roles: roles[f.role], SourceURL: f.sourceURL, SinkURL: f.sinkURL,
		Timeout: f.timeout, Version: ops.ReadBuild().Version, Now: t.Now, Emit: emit,
	}))
}

// verdict prints the sum and turns it into an exit code.
func (t *tool) verdict(r doctor.Report) error {
	fmt.Fprintf(t.Stderr, "%d checks: %d ok, %d warn, %d FAIL\n", r.OK+r.Warnings+r.Failures, r.OK, r.Warnings, r.Failures)
	switch {
	case r.Unreachable:
		return unreachable("something did not answer")
	case r.Failures > 0:
		return errSick
	}
	return nil
}
