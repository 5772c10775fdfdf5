package ctl

import (
	"fmt"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// printer prints results in the order of their commands, as soon as that order
// allows, and a summary where there are many.
type printer struct {
	tool     *tool
	flags    *sendFlags
	commands []outgoing
	place    map[string]int // id -> index of the command
	results  []*schemas.Result
	printed  int // commands whose result was printed
	came     int
	counts   map[schemas.Status]int
	bar      *progressbar.ProgressBar
}

func newPrinter(t *tool, f *sendFlags, commands []outgoing) *printer {
	p := &printer{tool: t, flags: f, commands: commands, place: map[string]int{}, results: make([]*schemas.Result, len(commands)), counts: map[schemas.Status]int{}}
	for i, c := range commands {
		p.place[c.id] = i
	}
	if t.Terminal && len(commands) > 1 && !f.noWait {
		p.bar = progressbar.NewOptions(len(commands), progressbar.OptionSetWriter(t.Stderr), progressbar.OptionSetDescription("results"),
			progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	return p
}

func (p *printer) waitsFor(id string) bool {
	i, ok := p.place[id]
	return ok && p.results[i] == nil
}

func (p *printer) complete() bool { return p.came == len(p.commands) }

func (p *printer) result(r schemas.Result) {
	i, ok := p.place[r.CommandID]
	if !ok || p.results[i] != nil {
		return
	}
	p.results[i] = &r
	p.came++
	p.counts[r.Status]++
	if p.bar != nil {
		_ = p.bar.Add(1) // a terminal that went away is no reason to stop
	}
	for p.printed < len(p.results) && p.results[p.printed] != nil {
		p.print(p.results[p.printed])
		p.printed++
	}
}

func (p *printer) print(r *schemas.Result) {
	if p.flags.quiet && len(p.commands) > 1 && r.Status == schemas.StatusOK {
		return
	}
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	printResult(p.tool, p.flags.output, r)
}

func printResult(t *tool, output string, r *schemas.Result) {
	if output == "json" {
		printJSON(t.Stdout, resultValue(r))
		return
	}
	fmt.Fprintln(t.Stdout, resultText(r))
	if len(r.Record) > 0 {
		fmt.Fprintln(t.Stdout, string(r.Record))
	}
}

// missing prints what came behind a gap, and which commands have no result.
func (p *printer) missing() {
	for i := p.printed; i < len(p.results); i++ {
		if r := p.results[i]; r != nil {
			p.print(r)
			continue
		}
		fmt.Fprintf(p.tool.Stderr, "no result: %s\n", p.commands[i].id)
	}
	p.printed = len(p.results)
	p.summary()
}

func (p *printer) verdict() error {
	p.summary()
	if p.counts[schemas.StatusOK] < len(p.commands) {
		return errNotOK
	}
	return nil
}

// summary goes to stderr, so that stdout holds results only.
func (p *printer) summary() {
	if len(p.commands) == 1 {
		return
	}
	var parts []string
	for _, status := range []schemas.Status{schemas.StatusOK, schemas.StatusRejected, schemas.StatusConflict, schemas.StatusExpired, schemas.StatusUnknown} {
		if n := p.counts[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
		}
	}
	if n := len(p.commands) - p.came; n > 0 {
		parts = append(parts, fmt.Sprintf("%d without result", n))
	}
	fmt.Fprintf(p.tool.Stderr, "%d commands: %s\n", len(p.commands), strings.Join(parts, ", "))
}

func (p *printer) sent(c *outgoing, rec *kgo.Record) {
	if p.flags.output == "json" {
		printJSON(p.tool.Stdout, sentValue{c.id, c.key, rec.Topic, rec.Partition, rec.Offset})
		return
	}
	fmt.Fprintf(p.tool.Stdout, "SENT %s (%s) %s partition %d offset %d\n", c.key, c.id, rec.Topic, rec.Partition, rec.Offset)
}

type sentValue struct {
	CommandID string `json:"commandId"`
	Key       string `json:"key"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

func (p *printer) close() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
