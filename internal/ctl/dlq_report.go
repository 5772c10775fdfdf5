package ctl

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/internal/ctl/letters"
)

// settledJSON is what was done about a letter.
type settledJSON struct {
	Workspace string `json:"workspace"`
	Letter    string `json:"letter"`
	CommandID string `json:"commandId"`
	Code      string `json:"code"`
	Outcome   string `json:"outcome"` // REDRIVEN, DROPPED, REFUSED, WOULD_REDRIVE, WOULD_DROP
	NewID     string `json:"newCommandId,omitempty"`
	Topic     string `json:"topic,omitempty"` // where the command is now
	Partition *int32 `json:"partition,omitempty"`
	Offset    *int64 `json:"offset,omitempty"`
	Why       string `json:"why,omitempty"`
	Force     bool   `json:"forceHelps,omitempty"`
}

// outcomes are what a report says, by settlement and by whether it is a dry run.
var outcomes = map[letters.Settlement][2]string{
	letters.Open:     {"REFUSED", "REFUSED"},
	letters.Redriven: {"REDRIVEN", "WOULD_REDRIVE"},
	letters.Dropped:  {"DROPPED", "WOULD_DROP"},
}

func (j *letterJob) report(r letters.Report) {
	j.note(r.Letter)
	which := 0
	if j.flags.dryRun {
		which = 1
	}
	out := settledJSON{
		Workspace: j.workspace, Letter: letters.Name(r.Letter.At), CommandID: r.Letter.CommandID, Code: string(r.Letter.Code),
		Outcome: outcomes[r.State][which], NewID: r.NewID, Why: r.Why, Force: r.Why != "" && !r.Final,
	}
	j.counts[out.Outcome]++
	if r.State == letters.Open {
		j.found[refusedLetter] = true
	}
	if r.State == letters.Redriven {
		out.Topic, out.Partition = j.env.names.Commands(vendor, j.workspace), &r.To.Partition
		if r.To.Offset >= 0 {
			out.Offset = &r.To.Offset
		}
	}
	if j.flags.output == "json" {
		printJSON(j.Stdout, out)
		return
	}
	j.reportText(out, r)
}

func (j *letterJob) reportText(out settledJSON, r letters.Report) {
	words := []string{strings.ReplaceAll(out.Outcome, "_", " ")}
	if j.several {
		words = append(words, j.workspace)
	}
	words = append(words, out.Letter, orDash(out.CommandID), orDash(out.Code))
	if c := r.Command; c != nil {
		words = append(words, c.Op, c.Object)
		if name, value := c.Target.Key(); name != "" {
			words = append(words, name+"="+value)
		}
	}
	text := strings.Join(words, " ")
	switch {
	case r.Why != "" && r.Final:
		text += ": " + r.Why
	case r.Why != "":
		text += ": " + r.Why + "; --force sends it nevertheless"
	case r.State == letters.Redriven:
		text += fmt.Sprintf(" -> %s partition %d", out.Topic, r.To.Partition)
		if out.Offset != nil {
			text += fmt.Sprintf(" offset %d", r.To.Offset)
		}
		if out.NewID != "" {
			text += " as " + out.NewID
		}
	}
	fmt.Fprintln(j.Stdout, text)
}

// summary goes to stderr, so that stdout holds letters only.
func (j *letterJob) summary() {
	var parts []string
	for _, outcome := range slices.Sorted(maps.Keys(j.counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", j.counts[outcome], strings.ToLower(strings.ReplaceAll(outcome, "_", " "))))
	}
	if len(parts) == 0 {
		parts = []string{"no open dead letter is meant"}
	}
	fmt.Fprintf(j.Stderr, "%s: %s\n", j.workspace, strings.Join(parts, ", "))
}
