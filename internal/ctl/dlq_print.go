package ctl

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/planhat-bridge/planhat-bridge/internal/ctl/letters"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// letterJSON is a dead letter in a list.
type letterJSON struct {
	Workspace string     `json:"workspace"`
	Letter    string     `json:"letter"` // <partition>/<offset>
	Time      time.Time  `json:"time"`
	State     string     `json:"state"` // open, redriven, dropped
	Code      string     `json:"code"`
	Message   string     `json:"message"`
	Remedy    string     `json:"remedy"`
	CommandID string     `json:"commandId"`
	FirstID   string     `json:"firstCommandId,omitempty"` // of a command that was driven again
	Op        string     `json:"op"`
	Object    string     `json:"object"`
	Key       *string    `json:"key"`
	Topic     string     `json:"topic"` // of the command
	Partition int32      `json:"partition"`
	Offset    int64      `json:"offset"`
	NewID     string     `json:"newCommandId,omitempty"`
	Reason    string     `json:"reason,omitempty"`
	SettledAt *time.Time `json:"settledAt,omitempty"`
}

// wholeLetter is a dead letter with the command itself.
type wholeLetter struct {
	letterJSON
	Headers map[string]string `json:"headers"` // the command's
	Value   any               `json:"value"`
}

// command decodes a letter's command for show. A registry that does not answer
// is a warning: everything else of the letter can be shown.
func (j *letterJob) command(ctx context.Context, l *letters.Letter) (schemas.Command, error) {
	c, problem, err := letters.Decode(ctx, l, j.env.resolver)
	switch {
	case err != nil:
		j.warnOf("commands in Avro are not decoded", err)
		return schemas.Command{}, err
	case problem != nil:
		return c, fmt.Errorf("%s", problem)
	}
	return c, nil
}

func (t *tool) warnOf(what string, err error) {
	if !t.warned {
		fmt.Fprintf(t.Stderr, "planhatctl: warning: %s: %v\n", what, err)
	}
	t.warned = true
}

func stateName(s letters.Settlement) string {
	if s == letters.Open {
		return "open"
	}
	return string(s)
}

func (j *letterJob) line(ctx context.Context, l *letters.Letter) letterJSON {
	c, _ := j.command(ctx, l)
	out := letterJSON{
		Workspace: j.workspace, Letter: letters.Name(l.At), Time: l.Time.UTC(), State: stateName(l.State), Code: string(l.Code), Message: l.Message, Remedy: l.Remedy,
		CommandID: l.CommandID, FirstID: l.Of, Op: c.Op, Object: c.Object, Topic: l.Topic, Partition: l.Command.Partition, Offset: l.Command.Offset,
		NewID: l.NewID, Reason: l.Reason,
	}
	if l.Topic == "" {
		out.Partition, out.Offset = -1, -1
	}
	if l.Key != nil {
		key := string(l.Key)
		out.Key = &key
	}
	if l.State != letters.Open {
		at := l.Since.UTC()
		out.SettledAt = &at
	}
	return out
}

func (j *letterJob) full(ctx context.Context, l *letters.Letter) wholeLetter {
	out := wholeLetter{letterJSON: j.line(ctx, l), Headers: map[string]string{}}
	for _, h := range l.Headers {
		out.Headers[h.Key] = string(h.Value)
	}
	c, err := j.command(ctx, l)
	switch {
	case l.Omitted || l.Value == nil:
	case err != nil:
		out.Value = undecodableJSON{err.Error(), base64.StdEncoding.EncodeToString(l.Value)}
	default:
		raw, err := schemas.CommandJSON(c)
		if err == nil {
			out.Value = json.RawMessage(raw)
		}
	}
	return out
}

// describe prints a letter over several lines.
func (j *letterJob) describe(ctx context.Context, l *letters.Letter) {
	w := tabwriter.NewWriter(j.Stdout, 0, 0, 2, ' ', 0)
	say := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s\t%s\n", name, value)
		}
	}
	whole := j.full(ctx, l)
	say("letter", letters.Name(l.At)+" of "+j.env.names.DeadLetters(vendor, j.workspace))
	say("time", whole.Time.Format(timeLayout))
	switch l.State {
	case letters.Open:
		say("state", "open")
	case letters.Redriven:
		say("state", "redriven "+l.Since.UTC().Format(timeLayout)+" as "+orDash(l.NewID))
	default:
		say("state", strings.TrimSuffix(string(l.State)+" "+l.Since.UTC().Format(timeLayout)+": "+l.Reason, ": "))
	}
	say("code", string(l.Code))
	say("message", l.Message)
	say("remedy", l.Remedy)
	say("command", l.CommandID)
	if l.Of != "" {
		say("sent first as", l.Of+" at "+letters.Name(l.Origin))
	}
	if l.Topic != "" {
		say("read from", letters.Name(l.Command)+" of "+l.Topic)
	}
	if l.Key != nil {
		say("key", shown(l.Key))
	}
	for _, h := range l.Headers {
		say("header", h.Key+": "+shown(h.Value))
	}
	switch v := whole.Value.(type) {
	case json.RawMessage:
		say("value", string(v))
	case undecodableJSON:
		say("value", fmt.Sprintf("%d bytes: %s", len(l.Value), shown(l.Value)))
	default:
		say("value", "left out, since it is too large for a letter: it is where the command was read from")
	}
	_ = w.Flush() // as any print
}

// shown is text as it is, and anything else in quotes.
func shown(b []byte) string {
	if s := string(b); utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' }) {
		return s
	}
	return fmt.Sprintf("%q", b)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// letterTable prints letters as a table, whose columns are aligned over some
// lines at a time: a list may be longer than memory.
type letterTable struct {
	out     *tabwriter.Writer
	json    io.Writer
	several bool
	settled bool
	rows    int
}

const alignedRows = 500

func newLetterTable(w io.Writer, j *letterJob) *letterTable {
	t := &letterTable{several: j.several, settled: j.flags.settled}
	if j.flags.output == "json" {
		t.json = w
		return t
	}
	t.out = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	t.print(t.cells(letterJSON{
		Workspace: "WORKSPACE", Letter: "LETTER", State: "STATE", Code: "CODE", Op: "OP", Object: "OBJECT", CommandID: "COMMAND", Message: "MESSAGE",
	}, "TIME"))
	return t
}

func (t *letterTable) cells(l letterJSON, at string) []string {
	var out []string
	if t.several {
		out = append(out, l.Workspace)
	}
	out = append(out, l.Letter, at)
	if t.settled {
		out = append(out, l.State)
	}
	return append(out, orDash(l.Code), orDash(l.Op), orDash(l.Object), orDash(l.CommandID), brief(l.Message))
}

// brief keeps a table's line in sight.
func brief(s string) string {
	const most = 100
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}

func (t *letterTable) print(cells []string) {
	fmt.Fprintln(t.out, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
	if t.rows++; t.rows%alignedRows == 0 {
		t.flush()
	}
}

func (t *letterTable) row(ctx context.Context, j *letterJob, l *letters.Letter) {
	line := j.line(ctx, l)
	if t.json != nil {
		printJSON(t.json, line)
		return
	}
	t.print(t.cells(line, line.Time.Format(timeLayout)))
}

func (t *letterTable) flush() {
	if t != nil && t.out != nil {
		_ = t.out.Flush() // as any print
	}
}
