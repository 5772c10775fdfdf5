package ctl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/ctl/caller"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/ops"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

type sampleFlags struct {
	id, output string
	timeout    time.Duration
}

func newSample(t *tool) *cobra.Command {
	var f sampleFlags
	cmd := &cobra.Command{
		Use:   "sample object",
		Short: "Show the change event that the source would write for one record",
		Long: "Show the change event that the source would write for one record, as it reads it for the first time: one\n" +
			"API call for the newest record (or, where an object has no change stamp, the first by _id), encoded and\n" +
			"decoded with the schemas of the topic. It needs a token, but neither Kafka nor a registry.\n\n" +
			"The form is that of planhatctl tail -o json. partition and offset are -1 and source.sequence is 0: nothing\n" +
			"is written. A record read by --id may show more fields than the row of a listing that the source captures.",
		Example: `  planhatctl sample company -o pretty
  planhatctl sample license --workspace acme --id 66f0a1b2c3d4e5f600000001
  planhatctl sample deal --account demo --id 42`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("name one object: one of %s; or with --account one of %s", strings.Join(objectNames(), ", "), strings.Join(config.AccountObjects(), ", "))
			}
			return nil
		},
		ValidArgsFunction: cobra.FixedCompletions(everyObject(), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.id == "" && cmd.Flags().Changed("id") {
				return usage("--id is empty: write the record's _id, or leave it out for the newest record")
			}
			return t.sample(cmd.Context(), f, args[0])
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.id, "id", "", "the record's _id, or id, instead of the newest record")
	flags.StringVarP(&f.output, "output", "o", "json", "json (an object a line) or pretty")
	flags.DurationVar(&f.timeout, "timeout", 30*time.Second, "how long the call may take")
	complete(cmd, "output", []string{"json", "pretty"})
	return cmd
}

func (t *tool) sample(ctx context.Context, f sampleFlags, name string) error {
	if t.account != "" {
		return t.sampleOfAccount(ctx, f, name)
	}
	spec, ok := planhat.Lookup(planhat.Object(name))
	switch near, isNear := schemas.Suggest(name, objectNames()); {
	case !ok && isNear:
		return usage("there is no object %q: did you mean %s?", name, near)
	case !ok && slices.Contains(config.AccountObjects(), name):
		return usage("Planhat has no object %q, Pipedrive does: name the account with --account", name)
	case !ok:
		return usage("there is no object %q; write one of %s", name, strings.Join(objectNames(), ", "))
	}
	if err := f.check(); err != nil {
		return err
	}
	c, err := t.fullConfig(vendorOnly(t.Environ))
	if err != nil {
		return err
	}
	if len(c.Planhat) != 1 {
		return usage("there are several workspaces (%s): say which with --workspace", strings.Join(workspaceNames(c), ", "))
	}
	call, err := caller.New(c.Planhat[0], caller.Options{Version: ops.ReadBuild().Version, Timeout: f.timeout, Now: t.Now})
	if err != nil {
		return &failure{codeUsage, err}
	}
	defer call.Close()
	event, err := t.event(ctx, call, c, spec, f.id)
	if call.Spent() > 0 {
		fmt.Fprintln(t.Stderr, spent(call))
	}
	if err != nil {
		return err
	}
	return t.printSample(event, f.output)
}

func (f sampleFlags) check() error {
	switch {
	case f.output != "json" && f.output != "pretty":
		return usage("--output %q: write json or pretty", f.output)
	case f.timeout <= 0:
		return usage("--timeout %s: write a time above 0", f.timeout)
	}
	return nil
}

// vendorOnly leaves out the variables of Kafka and the registry: neither is
// asked, so nothing about them can be wrong.
func vendorOnly(environ []string) []string {
	var out []string
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "PLANHAT_") || strings.HasPrefix(name, "PIPEDRIVE_") || name == "BRIDGE_NAME" || name == "TOPIC_PREFIX" {
			out = append(out, pair)
		}
	}
	return out
}

// event reads one record and makes its event.
func (t *tool) event(ctx context.Context, call *caller.Caller, c config.Config, spec planhat.Spec, id string) (shownRecord, error) {
	ws := c.Planhat[0]
	rows, err := readSample(ctx, call, ws, spec, id)
	if err != nil {
		return shownRecord{}, refusedCall(ws, spec.Object, err)
	}
	now, others := t.Now(), ""
	for _, row := range rows {
		env, err := source.FirstRead(ws.Name, c.Bridge, ops.ReadBuild().Version, spec.Object, row, now)
		switch {
		case errors.Is(err, source.ErrNotCaptured):
			others = fmt.Sprintf(" (of another object: %v)", err)
		case err != nil:
			return shownRecord{}, err
		case env.Source.Table != string(spec.Object):
			others = fmt.Sprintf(" (%s is %s)", row.ID, planhat.Object(env.Source.Table).WithArticle())
		default:
			names := kafka.Names{Bridge: c.Bridge, Prefix: c.Topics.Prefix}
			return throughSchema(&env, row.ID, names.Changes(vendor, ws.Name, env.Source.Table), now)
		}
	}
	if id != "" {
		return shownRecord{}, &failure{codeNotOK, fmt.Errorf("the record %s is no %s%s; ask for the object that it is", id, spec.Object, others)}
	}
	return shownRecord{}, &failure{codeNotOK, fmt.Errorf("workspace %s shows no %s%s; create one, name one with --id, or let the token see them", ws.Name, spec.Object, others)}
}

// sharedRows is how many rows are asked for where a listing holds several
// objects, so that one of the object wanted is likely among them.
const sharedRows = 100

// readSample spends one call.
func readSample(ctx context.Context, call *caller.Caller, ws config.Workspace, spec planhat.Spec, id string) ([]planhat.Row, error) {
	if id != "" {
		raw, err := call.Get(ctx, spec.Object, planhat.Ref{Key: planhat.KeyID, Value: id})
		return []planhat.Row{{ID: id, Raw: raw}}, err
	}
	opts := planhat.ListOptions{Limit: 1, CompanyIDs: planhat.CompanyFilter(ws.CompanyIDs)}
	if spec.Stamp != "" {
		opts.Sort = "-" + spec.Stamp
	}
	if shared(spec) {
		opts.Limit = sharedRows
	}
	page, err := call.Page(ctx, spec.Object, opts)
	return page.Rows, err
}

// shared tells whether the rows of a listing may be of another object.
func shared(spec planhat.Spec) bool {
	for _, other := range planhat.Objects() {
		if other.Listing == spec.Listing && (other.Type != "" || other.Object != spec.Object) {
			return true
		}
	}
	return false
}

// throughSchema is the event as a reader of the topic sees it: encoded and
// decoded with the topic's schema.
func throughSchema(env *schemas.Envelope, id, topic string, now time.Time) (shownRecord, error) {
	codec, err := schemas.NewCodec(env.Source.Connector, env.Source.Table)
	if err != nil {
		return shownRecord{}, err
	}
	value, err := codec.AppendEnvelope(nil, 0, env)
	if err != nil {
		return shownRecord{}, fmt.Errorf("encode the event of %s: %w", id, err)
	}
	decoded, err := codec.DecodeEnvelope(value)
	if err != nil {
		return shownRecord{}, fmt.Errorf("decode the event of %s: %w", id, err)
	}
	id = strings.ToLower(id) // as the source writes it
	return shownRecord{Topic: topic, Partition: -1, Offset: -1, Timestamp: now.UTC(), Key: &id, Headers: map[string]string{}, Value: changeValue(&decoded)}, nil
}

func (t *tool) printSample(event shownRecord, output string) error {
	if output == "json" {
		printJSON(t.Stdout, event)
		return nil
	}
	raw, err := encode(event)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return fmt.Errorf("indent the event: %w", err)
	}
	fmt.Fprintln(t.Stdout, out.String())
	return nil
}

// spent says what was spent and what the vendor says remains.
func spent(call *caller.Caller) string {
	calls := "1 call spent"
	if n := call.Spent(); n != 1 {
		calls = fmt.Sprintf("%d calls spent", n)
	}
	q := call.Quota()
	switch {
	case q.Remaining >= 0 && q.Limit >= 0:
		return fmt.Sprintf("%s; %d of %d remain", calls, q.Remaining, q.Limit)
	case q.Remaining >= 0:
		return fmt.Sprintf("%s; %d remain", calls, q.Remaining)
	}
	return calls + "; Planhat does not say how many remain"
}
