package ctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// signalFlags are those of all signals; a signal has only those that it takes.
type signalFlags struct {
	stream, object, id, externalID string
	reason, output                 string
	expires, timeout               time.Duration
	wait, follow                   bool
}

// signalDoc tells people of one signal.
type signalDoc struct {
	name, short, long, example string
	needsStream, takesRecord   bool
}

var signalDocs = []signalDoc{
	{
		name: schemas.SignalObject, short: "Write every record of a stream, or of one object of it, again", needsStream: true,
		long: "Every record of a stream, or of one object, is read from Planhat and written again as an r event with a newer\n" +
			"sequence: for a reader who has lost its copy, for a change topic that was deleted or created anew (the remedy that a\n" +
			"held stream names), after a change of the schema, or in doubt. Changes go on being captured meanwhile, nothing older\n" +
			"comes after something newer, and it goes on after a restart. The answer says how many calls it takes;\n" +
			"--follow waits until it is done. It costs the calls of one sweep, and one event per record.",
		example: "  planhatctl signal object --stream companies\n  planhatctl signal object --object note --follow",
	},
	{
		name: schemas.SignalRecord, short: "Read one record now and write it again", needsStream: true, takesRecord: true,
		long: "The record is read from the listing now, and written as it is, even if nothing changed. One that Planhat says\n" +
			"does not exist is deleted. It takes a few calls.",
		example: "  planhatctl signal record --object company --id 6b01fcb5ff4ae39f6b000000\n  planhatctl signal record --account demo --object deal --id 42\n  planhatctl signal record --object company --external-id c-1",
	},
	{
		name: schemas.SignalPause, short: "Make no more calls for a stream, or for the whole workspace",
		long: "No calls are made for the stream, or without --stream and --object for the whole workspace, until it is resumed:\n" +
			"also after a restart, and by whoever takes over.",
		example: "  planhatctl signal pause --workspace acme --reason 'import under way'\n  planhatctl signal pause --stream endusers",
	},
	{
		name: schemas.SignalResume, short: "Let a paused stream, or the paused workspace, go on",
		long: "It goes on from where it was: nothing is written twice, and what was edited and deleted meanwhile is found.\n" +
			"Streams that were paused on their own stay so when their workspace is resumed.",
		example: "  planhatctl signal resume --workspace acme",
	},
	{
		name: schemas.SignalRelease, short: "Let the deletes go that wait for an operator",
		long: "The deletes of a stream wait because more records were gone at once than is plausible. This lets them go: each\n" +
			"record is still asked for, at once, and deleted only where Planhat says that it does not exist.\n" +
			"Without --stream and --object it is about all that is held of the workspace, also a tenant that is another one than it was.",
		example: "  planhatctl signal release --workspace acme --stream companies",
	},
}

func newSignal(t *tool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "signal",
		Short: "Tell the source something, and wait for its answer",
		Long: "Tell the source something. A signal is durable: it is obeyed once and answered once, also if no source runs now,\n" +
			"or if the one that runs is killed before it has answered. The answers, and whatever else there is to tell, are on the\n" +
			"notifications topic: planhatctl tail notifications --follow.\n\n" +
			"Exit codes: 0 done, 1 refused, 2 the command line is wrong, 3 no connection or no answer in time.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return usage("there is no signal %q: there are %s", args[0], strings.Join(schemas.Signals(), ", "))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, doc := range signalDocs {
		cmd.AddCommand(newOneSignal(t, doc))
	}
	return cmd
}

func newOneSignal(t *tool, doc signalDoc) *cobra.Command {
	var f signalFlags
	cmd := &cobra.Command{
		Use: doc.name, Short: doc.short, Long: doc.long, Example: doc.example, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return t.sendSignal(cmd.Context(), doc, f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.stream, "stream", "", "the stream, as /status of the source names it: companies, endusers, ...; of workspaces")
	flags.StringVar(&f.object, "object", "", "instead of the stream: company, note, ...; of an account: deal, person, ...")
	if doc.takesRecord {
		flags.StringVar(&f.id, "id", "", "the record's _id, or id")
		flags.StringVar(&f.externalID, "external-id", "", "instead of the _id")
	}
	flags.StringVar(&f.reason, "reason", "", "for the others: the status and the notifications repeat it")
	flags.DurationVar(&f.expires, "expires", 0, "do not obey it if it is read later than this from now; 0: whenever it is read")
	flags.BoolVar(&f.wait, "wait", true, "wait for the answer; --wait=false only sends")
	if doc.name == schemas.SignalObject {
		flags.BoolVar(&f.follow, "follow", false, "wait until every record is written, and show how far it is")
	}
	flags.DurationVar(&f.timeout, "timeout", 30*time.Second, "give up when nothing has come for this long; the signal stands nevertheless")
	flags.StringVarP(&f.output, "output", "o", "text", "text or json (the notifications, one a line)")
	complete(cmd, "object", everyObject())
	complete(cmd, "output", []string{"text", "json"})
	return cmd
}

func (f signalFlags) check(doc signalDoc) error {
	switch {
	case f.stream != "" && f.object != "":
		return usage("--stream and --object exclude each other")
	case doc.needsStream && f.stream == "" && f.object == "":
		return usage("--stream or --object is needed: the stream as /status of the source names it (companies, endusers, ...), or an object (company, note, ...)")
	case doc.takesRecord && (f.id == "") == (f.externalID == ""):
		return usage("--id or --external-id is needed, and not both")
	case f.timeout <= 0 || f.expires < 0:
		return usage("--timeout has to be above 0s, and --expires may not be below")
	case f.output != "text" && f.output != "json":
		return usage("--output %q: write text or json", f.output)
	}
	return nil
}

// fits refuses flags that the party's vendor has no use for.
func (f signalFlags) fits(to party) error {
	switch {
	case to.vendor != pipedrive:
		return nil
	case f.stream != "":
		return usage("--stream is for workspaces: of an account write --object, one of %s", strings.Join(to.objects(), ", "))
	case f.externalID != "":
		return usage("--external-id is for workspaces: records of an account have an --id alone")
	}
	return nil
}

func (t *tool) sendSignal(ctx context.Context, doc signalDoc, f signalFlags) error {
	if err := f.check(doc); err != nil {
		return err
	}
	e, err := t.environment(ctx)
	if err != nil {
		return err
	}
	to, err := e.one()
	if err == nil {
		err = f.fits(to)
	}
	if err != nil {
		return err
	}
	sig := schemas.Signal{
		ID: t.NewID(), Signal: doc.name, Stream: f.stream, Object: f.object, Record: f.id, ExternalID: f.externalID, Reason: f.reason,
	}
	if sig.Workspace = to.name; to.vendor == pipedrive {
		sig.Workspace, sig.Account = "", to.name
	}
	if f.expires > 0 {
		until := t.Now().Add(f.expires).UTC()
		sig.NotAfter = &until
	}
	answers, err := e.openAnswers(ctx)
	if err != nil {
		return err
	}
	defer answers.Close()
	if err := e.produceSignal(ctx, answers, to, sig); err != nil {
		return err
	}
	if !f.wait {
		fmt.Fprintf(t.Stdout, "sent %s\n", sig.ID)
		return nil
	}
	return t.awaitAnswer(ctx, e, answers, to, sig, f)
}

// openAnswers reads the notifications from their end on.
func (e *environment) openAnswers(ctx context.Context) (*kgo.Client, error) {
	topic := e.names.Notifications()
	client, err := e.kafka.NewClient(kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		return nil, err
	}
	ends, err := kadm.NewClient(client).ListCommittedOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		client.Close()
		return nil, unreachable("find the end of %s: %w; has a source of this bridge ever run?", topic, err)
	}
	from := map[string]map[int32]kgo.Offset{topic: {}}
	ends.Each(func(o kadm.ListedOffset) { from[topic][o.Partition] = kgo.NewOffset().At(o.Offset) })
	client.AddConsumePartitions(from)
	return client, nil
}

func (e *environment) produceSignal(ctx context.Context, client *kgo.Client, to party, sig schemas.Signal) error {
	value, err := json.Marshal(sig)
	if err != nil {
		return fmt.Errorf("encode the signal: %w", err)
	}
	rec := &kgo.Record{Topic: e.names.Signals(), Key: []byte(to.vendor + "/" + to.name + "/" + sig.Stream), Value: value}
	if err := client.ProduceSync(ctx, rec).FirstErr(); err != nil {
		return unreachable("send the signal to %s: %w", rec.Topic, err)
	}
	return nil
}

// awaitAnswer shows what the source says of a signal, until it has said the last.
func (t *tool) awaitAnswer(ctx context.Context, e *environment, client *kgo.Client, to party, sig schemas.Signal, f signalFlags) error {
	heard := time.Now()
	for {
		notes, err := next(ctx, client, f.timeout-time.Since(heard))
		if errors.Is(err, context.DeadlineExceeded) {
			return unreachable("nothing on %s within %s about signal %s: does a source that captures %s run? The signal stands, and is obeyed when one does",
				e.names.Notifications(), f.timeout, sig.ID, to.words())
		}
		if err != nil {
			return unreachable("read %s: %w", e.names.Notifications(), err)
		}
		for _, n := range notes {
			if n.ID != sig.ID {
				continue
			}
			heard = time.Now()
			if over, err := t.showAnswer(n, f); over {
				return err
			}
		}
	}
}

// next are the notifications of the next fetch that has some.
func next(ctx context.Context, client *kgo.Client, timeout time.Duration) ([]schemas.Notification, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var out []schemas.Notification
		fetches.EachRecord(func(r *kgo.Record) {
			var n schemas.Notification
			if json.Unmarshal(r.Value, &n) == nil { // others may write here, too
				out = append(out, n)
			}
		})
		if err := fetches.Err(); err != nil || len(out) > 0 {
			return out, err
		}
	}
}

// showAnswer prints a notification about a signal and says whether it is the
// last one to wait for.
func (t *tool) showAnswer(n schemas.Notification, f signalFlags) (over bool, err error) {
	if f.output == "json" {
		line, err := json.Marshal(n)
		if err != nil {
			return true, fmt.Errorf("print a notification: %w", err)
		}
		fmt.Fprintln(t.Stdout, string(line))
	}
	switch n.Kind {
	case schemas.NotifySignalRefused:
		return true, &failure{codeNotOK, fmt.Errorf("refused (%s): %s", n.Code, n.Message)}
	case schemas.NotifySignalDone:
		over = !f.follow
	case schemas.NotifySnapshotCompleted:
		over = true
	case schemas.NotifySnapshotPlanned, schemas.NotifySnapshotProgress:
	default:
		return false, nil
	}
	if f.output == "text" {
		fmt.Fprintf(t.Stdout, "%s: %s\n", verb(n.Kind), n.Message)
	}
	return over, nil
}

// verb is the part of a kind behind its point.
func verb(kind schemas.NotificationKind) string {
	_, what, _ := strings.Cut(string(kind), ".")
	return what
}
