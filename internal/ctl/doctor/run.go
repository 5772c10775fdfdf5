package doctor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
)

const vendor = "planhat"

// The roles, as topics, groups and transactional ids are named by them.
const (
	Source = "source"
	Sink   = "sink"
)

// Options say what to check.
type Options struct {
	Config  config.Config
	Environ []string // that Config was read from
	Roles   []string // Source, Sink: whose rights and topics
	// SourceURL and SinkURL are the admin addresses of services that run; "":
	// they are not asked.
	SourceURL, SinkURL string
	Timeout            time.Duration // of one question
	Version            string
	Now                func() time.Time
	Emit               func(Check) // is told of each check as soon as it is done
}

// Run checks everything and returns what it found. It ends early only with ctx.
func Run(ctx context.Context, o Options) Report {
	x := newExaminer(o)
	x.configuration()
	x.kafka(ctx)
	if o.Config.Has(config.Poller) || len(o.Config.Planhat) > 0 {
		x.registry(ctx)
	}
	spent := map[string]int{}
	for _, ws := range o.Config.Planhat {
		spent[ws.Name] = x.planhat(ctx, ws)
	}
	tokens := map[string]int64{}
	for _, a := range o.Config.Pipedrive {
		tokens[a.Name] = x.pipedrive(ctx, a)
	}
	x.service(ctx, Source, o.SourceURL)
	x.service(ctx, Sink, o.SinkURL)
	x.calls(spent, tokens)
	return x.report
}

// Variables is the check of which variables are set. It works for environments
// that make no configuration, too.
func Variables(environ []string) Check {
	var set []string
	for _, v := range config.GivenIn(environ) {
		set = append(set, v.Name+"="+v.Value)
	}
	message := cmp.Or(strings.Join(set, " "), "none is set: everything is at its default")
	return Check{Level: OK, Area: "configuration", Name: "variables", Message: message}
}

// Faulty is the check of a variable that makes no configuration. What to write
// instead is in its words.
func Faulty(f config.Fault) Check {
	message := f.Problem
	if f.Value != "" {
		message = fmt.Sprintf("%q %s", f.Value, f.Problem)
	}
	return Check{Level: Fail, Area: "configuration", Name: f.Variable, Message: message, Remedy: "every variable is in docs/configuration.md"}
}

func (x *examiner) configuration() {
	x.add(Variables(x.Environ))
	part{x: x, area: "configuration"}.okf("valid", "%s, every variable has a good value", tenants(len(x.Config.Planhat), len(x.Config.Pipedrive)))
}

// calls says what all this has cost.
func (x *examiner) calls(spent map[string]int, tokens map[string]int64) {
	p := part{x: x, area: "calls"}
	for _, ws := range x.Config.Planhat {
		p.workspace = ws.Name
		p.okf("spent", "%s by this examination", count(spent[ws.Name], "API call"))
	}
	p.workspace = ""
	for _, a := range x.Config.Pipedrive {
		p.account = a.Name
		p.okf("spent", "%s of the company's day by this examination", count(int(tokens[a.Name]), "token"))
	}
}

// tenants counts the workspaces and accounts.
func tenants(workspaces, accounts int) string {
	switch {
	case accounts == 0:
		return count(workspaces, "workspace")
	case workspaces == 0:
		return count(accounts, "account")
	}
	return count(workspaces, "workspace") + " and " + count(accounts, "account")
}

func (x *examiner) has(role string) bool { return slices.Contains(x.Roles, role) }

func (x *examiner) names() kafka.Names {
	return kafka.Names{Bridge: x.Config.Bridge, Prefix: x.Config.Topics.Prefix}
}

func (x *examiner) layout() kafka.Layout {
	return kafka.Layout{Partitions: x.Config.Topics.Partitions, ReplicationFactor: x.Config.Topics.ReplicationFactor}
}
