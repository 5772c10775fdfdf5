package ctl

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// sendFlags are the flags of send.
type sendFlags struct {
	object, op                 string
	id, externalID, sourceID   string
	email                      string
	set, unset                 []string
	commandID, key             string
	ifUnchangedSince, notAfter string
	allowUnknownFields         bool
	file, format, output       string
	timeout                    time.Duration
	noWait, quiet              bool
}

func (f *sendFlags) register(cmd *cobra.Command) {
	f.describing(cmd)
	flags := cmd.Flags()
	flags.DurationVar(&f.timeout, "timeout", time.Minute, "give up when no result has come for this long")
	flags.BoolVar(&f.noWait, "no-wait", false, "do not wait for results")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "of many results print only those that are not OK")
}

// describing are the flags that say what the commands are.
func (f *sendFlags) describing(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.object, "object", "", "kind of record: "+strings.Join(objectNames(), ", "))
	flags.StringVar(&f.op, "op", "", "what to do: "+strings.Join(schemas.Operations(), ", "))
	flags.StringVar(&f.externalID, "external-id", "", "the record with this externalId (create: the new record's)")
	flags.StringVar(&f.id, "id", "", "the record with this _id")
	flags.StringVar(&f.sourceID, "source-id", "", "the record with this sourceId (create: the new record's)")
	flags.StringVar(&f.email, "email", "", "the enduser with this e-mail address (create: the new record's)")
	flags.StringArrayVar(&f.set, "set", nil, "name=value or custom.<name>=value, repeatable; the value is JSON or text, null clears")
	flags.StringArrayVar(&f.unset, "unset", nil, "name to clear, repeatable; the same as --set name=null")
	flags.StringVar(&f.commandID, "command-id", "", "the command's id; of a CSV file's commands the start, before -<row>")
	flags.StringVar(&f.key, "key", "", "Kafka key, within which commands keep their order; default <object>/<externalId or _id>")
	flags.StringVar(&f.ifUnchangedSince, "if-unchanged-since", "", "refuse the write if the record changed after this time")
	flags.StringVar(&f.notAfter, "not-after", "", "do nothing after this time")
	flags.BoolVar(&f.allowUnknownFields, "allow-unknown-fields", false, "send fields that nobody documented")
	flags.StringVarP(&f.file, "file", "f", "", "commands from a file, - for stdin: a JSON object a line, or CSV with --object and --op")
	flags.StringVar(&f.format, "format", "", "jsonl or csv; default by the file's name, jsonl for stdin")
	flags.StringVarP(&f.output, "output", "o", "text", "text or json (an object a line)")
	complete(cmd, "object", objectNames())
	complete(cmd, "op", schemas.Operations())
	complete(cmd, "output", []string{"text", "json"})
	complete(cmd, "format", []string{"jsonl", "csv"})
}

func complete(cmd *cobra.Command, flag string, words []string) {
	err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err) // a flag that this package does not have: found by the first test
	}
}

func (f *sendFlags) check() error {
	switch {
	case f.output != "text" && f.output != "json":
		return usage("--output %q: write text or json", f.output)
	case f.format != "" && f.format != "jsonl" && f.format != "csv":
		return usage("--format %q: write jsonl or csv", f.format)
	case f.timeout <= 0:
		return usage("--timeout %s: write a time above 0, such as 1m", f.timeout)
	case f.file == "" && (f.object == "" || f.op == ""):
		return usage("say what to do with --object and --op, or name a file of commands with -f")
	case f.op != "" && checkOp(f.op) != nil:
		return checkOp(f.op)
	}
	return f.checkFile()
}

// checkFile refuses flags that a file of commands would leave without effect.
func (f *sendFlags) checkFile() error {
	keys, more := f.given()
	switch {
	case f.file == "":
	case len(keys) > 0:
		return usage("%s names one record: in a file each command, or a column of its CSV, does", keys[0])
	case !f.isCSV() && len(more) > 0:
		return usage("%s is for commands of flags or CSV: a line of JSON says all of its command", more[0])
	}
	return nil
}

func (f *sendFlags) isCSV() bool {
	return f.format == "csv" || f.format == "" && strings.HasSuffix(strings.ToLower(f.file), ".csv")
}

// given are the flags that name a record, and those that say more of a command
// than its operation and its object, as far as they were written.
func (f *sendFlags) given() (keys, more []string) {
	for _, name := range keyOrder {
		if f.keys()[name] != "" {
			keys = append(keys, keyFlags[name])
		}
	}
	for _, other := range []struct {
		flag    string
		written bool
	}{
		{"--set", len(f.set) > 0}, {"--unset", len(f.unset) > 0}, {"--command-id", f.commandID != ""},
		{"--if-unchanged-since", f.ifUnchangedSince != ""}, {"--not-after", f.notAfter != ""}, {"--allow-unknown-fields", f.allowUnknownFields},
	} {
		if other.written {
			more = append(more, other.flag)
		}
	}
	return keys, more
}

var keyFlags = map[string]string{"externalId": "--external-id", "_id": "--id", "sourceId": "--source-id", "email": "--email"}

// keys are the record's keys as flags, in the order of keyOrder.
func (f *sendFlags) keys() map[string]string {
	out := map[string]string{}
	for name, value := range map[string]string{"externalId": f.externalID, "_id": f.id, "sourceId": f.sourceID, "email": f.email} {
		if value != "" {
			out[name] = value
		}
	}
	return out
}

// base is what all commands of one call have in common.
func (f *sendFlags) base() (schemas.Command, error) {
	c := schemas.Command{Op: f.op, Object: f.object, AllowUnknownFields: f.allowUnknownFields}
	var err error
	if c.IfUnchangedSince, err = instant("if-unchanged-since", f.ifUnchangedSince); err != nil {
		return c, err
	}
	c.NotAfter, err = instant("not-after", f.notAfter)
	return c, err
}

// single is the command that the flags alone describe.
func (f *sendFlags) single(newID func() string) (outgoing, error) {
	c, err := f.base()
	if err != nil {
		return outgoing{}, err
	}
	if c.ID = f.commandID; c.ID == "" {
		c.ID = newID()
	}
	fields := members{}
	keys := f.keys()
	switch {
	case f.op == schemas.OpCreate && f.id != "":
		return outgoing{}, usage("--id: a create makes the record's _id; take it away, or use --op upsert")
	case f.op != schemas.OpCreate && len(keys) > 1:
		return outgoing{}, usage("name the record by one of --external-id, --id, --source-id, --email; set the others with --set")
	}
	for name, value := range keys {
		if f.op != schemas.OpCreate {
			aim(&c.Target, name, value)
			continue
		}
		if err := fields.set(name, valueOf(f.object, name, value)); err != nil {
			return outgoing{}, err
		}
	}
	if err := f.assign(fields); err != nil {
		return outgoing{}, err
	}
	return finish(c, fields, f.key)
}

// assign puts --set and --unset into fields.
func (f *sendFlags) assign(fields members) error {
	for _, pair := range f.set {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return usage("--set %q: write name=value", pair)
		}
		if err := fields.set(name, valueOf(f.object, name, value)); err != nil {
			return err
		}
	}
	for _, name := range f.unset {
		if err := fields.set(name, []byte("null")); err != nil {
			return err
		}
	}
	return nil
}
