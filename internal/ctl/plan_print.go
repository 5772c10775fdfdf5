package ctl

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/internal/ctl/foresight"
	"github.com/planhat-bridge/planhat-bridge/internal/ctl/letters"
	"github.com/planhat-bridge/planhat-bridge/internal/plan"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// forecastJSON is what one command would do.
type forecastJSON struct {
	Kind      string           `json:"kind"` // command
	CommandID string           `json:"commandId"`
	Place     string           `json:"place,omitempty"` // <partition>/<offset>
	Key       *string          `json:"key"`
	Op        string           `json:"op"`
	Object    string           `json:"object"`
	Target    schemas.Target   `json:"target"`
	Status    string           `json:"status"` // UNTOLD if it cannot be told
	Effect    string           `json:"effect"`
	RecordID  *string          `json:"recordId"`
	Error     *resultErrorJSON `json:"error"`
	Changes   []differenceJSON `json:"changes"`
	Notes     []string         `json:"notes"`
	Batch     int              `json:"batch"`
	Call      int              `json:"call"` // 0: refused before any call
	Merged    int              `json:"commandsOfItem"`
}

type differenceJSON struct {
	Field string          `json:"field"`
	From  json.RawMessage `json:"from"`
	To    json.RawMessage `json:"to"`
}

// callJSON is a call that the sink would make.
type callJSON struct {
	Kind     string `json:"kind"` // call
	Batch    int    `json:"batch"`
	Call     int    `json:"call"`
	Stage    int    `json:"stage"`
	Way      string `json:"way"` // bulk, post, put, resolve, remove, read
	Object   string `json:"object"`
	Key      string `json:"matchedBy,omitempty"`
	Items    int    `json:"items"`
	Commands int    `json:"commands"`
	Lookups  int    `json:"lookups"`
}

// planSummary counts.
type planSummary struct {
	Kind     string         `json:"kind"` // summary
	Commands int            `json:"commands"`
	Calls    int            `json:"calls"` // at least
	Merged   int            `json:"merged"`
	Outcomes map[string]int `json:"outcomes"` // by effect, or by code
}

// untold is the status of a command of which nothing can be foretold.
const untold = "UNTOLD"

func (t *tool) showPlan(f *planFlags, commands []seen, told foresight.Foresight) error {
	summary := planSummary{Kind: "summary", Commands: len(commands), Outcomes: map[string]int{}}
	fine := true
	for n, c := range commands {
		forecast := told.Forecasts[n]
		fine = fine && (forecast.Status == schemas.StatusOK || f.offline && forecast.Status == "")
		summary.Outcomes[outcomeName(forecast)]++
		if f.output == "json" {
			printJSON(t.Stdout, forecastValue(c, forecast))
		} else {
			if f.offline {
				forecast.Notes = nil
			}
			t.printForecast(c, forecast)
		}
	}
	for _, c := range told.Calls {
		summary.Calls += c.Calls()
		summary.Merged += c.Commands - c.Items
		if f.output == "json" {
			printJSON(t.Stdout, callJSON{"call", c.Batch, c.Number, c.Stage, c.Way.String(), string(c.Object), string(c.Key), c.Items, c.Commands, c.Lookups})
		}
	}
	if f.output == "json" {
		printJSON(t.Stdout, summary)
	} else {
		t.printCalls(told)
		t.printSummary(summary)
	}
	if !fine {
		return errNotOK
	}
	return nil
}

func outcomeName(f foresight.Forecast) string {
	switch {
	case f.Status == "":
		return untold
	case f.Refusal != nil:
		return string(f.Refusal.Code)
	}
	return string(f.Effect)
}

func forecastValue(c seen, f foresight.Forecast) forecastJSON {
	out := forecastJSON{
		Kind: "command", CommandID: c.id, Op: c.Command.Command.Op, Object: c.Command.Command.Object, Target: c.Command.Command.Target,
		Status: string(f.Status), Effect: string(f.Effect), Changes: []differenceJSON{}, Notes: f.Notes, Batch: f.Batch, Call: f.Call, Merged: f.Merged,
	}
	if c.at != nil {
		out.Place = letters.Name(*c.at)
	}
	if c.Keyed {
		out.Key = &c.Key
	}
	if f.Status == "" {
		out.Status = untold
	}
	if out.Notes == nil {
		out.Notes = []string{}
	}
	if f.RecordID != "" {
		out.RecordID = &f.RecordID
	}
	if r := f.Refusal; r != nil {
		out.Error = &resultErrorJSON{string(r.Code), r.Message, r.Remedy}
	}
	for _, d := range f.Changes {
		out.Changes = append(out.Changes, differenceJSON{d.Field, orNull(d.From), orNull(d.To)})
	}
	return out
}

func (t *tool) printForecast(c seen, f foresight.Forecast) {
	result := schemas.Result{CommandID: c.id, Object: c.Command.Command.Object, Status: f.Status, Effect: f.Effect, RecordID: f.RecordID}
	if r := f.Refusal; r != nil {
		result.Error = &schemas.ResultError{Code: r.Code, Message: r.Message, Remedy: r.Remedy}
	}
	if f.Status == "" {
		fmt.Fprintf(t.Stdout, "%s %s %s (%s)\n", untold, c.Command.Command.Op, result.Object, c.id)
	} else {
		fmt.Fprintln(t.Stdout, resultText(&result))
	}
	for _, d := range f.Changes {
		if d.From == nil {
			fmt.Fprintf(t.Stdout, "    %s: %s\n", d.Field, value(d.To))
			continue
		}
		fmt.Fprintf(t.Stdout, "    %s: %s -> %s\n", d.Field, value(d.From), value(d.To))
	}
	if f.Merged > 1 {
		fmt.Fprintf(t.Stdout, "    merged: %d commands for this record are one of call %d\n", f.Merged, f.Call)
	}
	for _, note := range f.Notes {
		fmt.Fprintf(t.Stdout, "    %s\n", note)
	}
}

// value is a value on a line.
func value(raw json.RawMessage) string {
	const most = 200
	if len(raw) == 0 {
		return "null"
	}
	if len(raw) > most {
		return strings.ToValidUTF8(string(raw[:most]), "") + "..."
	}
	return string(raw)
}

// printCalls lists bulk calls one by one and others by their kinds.
func (t *tool) printCalls(told foresight.Foresight) {
	type kind struct {
		batch, stage int
		way          plan.Way
		object       string
	}
	var order []kind
	sums := map[kind]foresight.Call{}
	for _, c := range told.Calls {
		k := kind{c.Batch, c.Stage, c.Way, string(c.Object)}
		if c.Way == plan.Bulk {
			k.object = fmt.Sprintf("%s by %s, call %d", c.Object, c.Key, c.Number)
		}
		sum, ok := sums[k]
		if !ok {
			order = append(order, k)
		}
		sum.Number++
		sum.Items += c.Items
		sum.Commands += c.Commands
		sum.Lookups += c.Lookups
		sums[k] = sum
	}
	for _, k := range order {
		c := sums[k]
		where := fmt.Sprintf("stage %d", k.stage)
		if told.Batches > 1 {
			where = fmt.Sprintf("batch %d %s", k.batch, where)
		}
		text := fmt.Sprintf("%s: %s %s: %s", where, k.way, k.object, plural(c.Number, "call"))
		if k.way == plan.Bulk {
			text = fmt.Sprintf("%s: %s %s: %s", where, k.way, k.object, plural(c.Items, "record"))
		}
		if n := c.Commands - c.Items; n > 0 {
			text += fmt.Sprintf(" of %s", plural(c.Commands, "command"))
		}
		if c.Lookups > 0 {
			text += ", and " + plural(c.Lookups, "look-up")
		}
		fmt.Fprintln(t.Stdout, text)
	}
}

func (t *tool) printSummary(s planSummary) {
	var parts []string
	for _, name := range sortedKeys(s.Outcomes) {
		parts = append(parts, fmt.Sprintf("%d %s", s.Outcomes[name], name))
	}
	text := fmt.Sprintf("%s in %s, %d merged", plural(s.Commands, "command"), plural(s.Calls, "call"), s.Merged)
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	fmt.Fprintln(t.Stderr, text)
}
