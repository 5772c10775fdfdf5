package oracle

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Mismatch is one broken promise and the record that shows it.
type Mismatch struct {
	Topic     string
	Partition int32  // -1: no record shows it
	Offset    int64  // -1: likewise
	ID        string // record id or command id
	What      string
}

func (m Mismatch) String() string {
	return fmt.Sprintf("mismatch: topic=%s partition=%d offset=%d id=%s: %s", m.Topic, m.Partition, m.Offset, m.ID, m.What)
}

func mismatchAt(p Place, id, format string, args ...any) Mismatch {
	return Mismatch{Topic: p.Topic, Partition: p.Partition, Offset: p.Offset, ID: id, What: fmt.Sprintf(format, args...)}
}

func nowhere(topic string) Place { return Place{Topic: topic, Partition: -1, Offset: -1} }

// Coverage counts what the run made happen.
type Coverage struct {
	Objects map[string]int // change events by object; an object asked for is present with 0
	Ops     map[string]int // commands with a result, by op
	Faults  map[string]int // injected faults by the simulator's kind
	// Webhooks is nil of vendors that send none.
	Webhooks *WebhookCoverage
}

// Report is the oracle's judgement.
type Report struct {
	Changes    int // change events, tombstones not counted
	Commands   int
	Results    int
	Mismatches []Mismatch
	Coverage   Coverage
}

// OK is true where no promise was broken.
func (r Report) OK() bool { return len(r.Mismatches) == 0 }

// Line is the judgement in one line.
func (r Report) Line() string {
	verdict := "ok"
	if !r.OK() {
		verdict = "FAILED"
	}
	return fmt.Sprintf("oracle: %s changes=%d commands=%d results=%d mismatches=%d", verdict, r.Changes, r.Commands, r.Results, len(r.Mismatches))
}

var (
	coveredOps    = []string{"create", "update", "upsert", "delete", "get"}
	coveredFaults = []struct {
		name  string
		kinds []string
	}{
		{"429", []string{"429", "429-burst"}},
		{"5xx", []string{"500", "502", "503", "504"}},
		{"timeout-after-effect", []string{"timeout-after"}},
		{"reset", []string{"reset"}},
		{"truncated", []string{"truncated"}},
	}
)

// CoverageLine tells in one line what the run made happen.
func (r Report) CoverageLine() string {
	objects, ops := 0, 0
	for _, n := range r.Coverage.Objects {
		objects += min(n, 1)
	}
	for _, op := range coveredOps {
		ops += min(r.Coverage.Ops[op], 1)
	}
	faults := make([]string, len(coveredFaults))
	for i, f := range coveredFaults {
		sum := 0
		for _, kind := range f.kinds {
			sum += r.Coverage.Faults[kind]
		}
		faults[i] = fmt.Sprintf("%s:%d", f.name, sum)
	}
	line := fmt.Sprintf("coverage: objects=%d/%d ops=%d/%d faults=%s",
		objects, len(r.Coverage.Objects), ops, len(coveredOps), strings.Join(faults, ","))
	if w := r.Coverage.Webhooks; w != nil {
		line += fmt.Sprintf(" webhooks=answered:%d,retried:%d,repeated:%d,lost:%d", w.Answered, w.Retried, w.Repeated, w.Lost)
	}
	return line
}

// And is the judgement of two vendors in one.
func (r Report) And(other Report) Report {
	sum := func(a, b map[string]int) map[string]int {
		out := maps.Clone(a)
		for name, n := range b {
			out[name] += n
		}
		return out
	}
	return Report{
		Changes: r.Changes + other.Changes, Commands: r.Commands + other.Commands, Results: r.Results + other.Results,
		Mismatches: slices.Concat(r.Mismatches, other.Mismatches),
		Coverage: Coverage{
			Objects: sum(r.Coverage.Objects, other.Coverage.Objects), Ops: sum(r.Coverage.Ops, other.Coverage.Ops),
			Faults: sum(r.Coverage.Faults, other.Coverage.Faults), Webhooks: cmp.Or(r.Coverage.Webhooks, other.Coverage.Webhooks),
		},
	}
}

// Write prints the judgement, the coverage and at most limit mismatches; 0
// prints all.
func (r Report) Write(w io.Writer, limit int) {
	shown := r.Mismatches
	if limit > 0 && len(shown) > limit {
		shown = shown[:limit]
	}
	for _, m := range shown {
		fmt.Fprintln(w, m)
	}
	if more := len(r.Mismatches) - len(shown); more > 0 {
		fmt.Fprintf(w, "... and %d more mismatches\n", more)
	}
	fmt.Fprintln(w, r.Line())
	fmt.Fprintln(w, r.CoverageLine())
}

// Judge runs every check.
func Judge(e Evidence) Report {
	r := Report{Commands: len(e.Commands), Results: len(e.Results), Coverage: cover(e)}
	for _, o := range e.Objects {
		r.Changes += countEvents(o.Changes)
	}
	for _, check := range []func(Evidence) []Mismatch{checkFold, checkHistory, checkDeletes, checkSequence, checkStamps, checkCleared, checkDelivered, checkResults, checkEffects, checkCreates} {
		r.Mismatches = append(r.Mismatches, check(e)...)
	}
	slices.SortStableFunc(r.Mismatches, func(a, b Mismatch) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.ID, b.ID))
	})
	return r
}

func cover(e Evidence) Coverage {
	c := Coverage{Objects: map[string]int{}, Ops: map[string]int{}, Faults: map[string]int{}}
	for _, o := range e.Objects {
		c.Objects[o.coveredAs()] += countEvents(o.Changes)
	}
	if e.Deliveries != nil {
		webhooks := coverWebhooks(e.Deliveries)
		c.Webhooks = &webhooks
	}
	answered := resultsByCommand(e.Results)
	for _, cmd := range e.Commands {
		if len(answered[cmd.Place]) > 0 && cmd.Problem == "" {
			c.Ops[cmd.Command.Op]++
		}
	}
	return c
}

// coveredAs is the object's name, told apart from another vendor's of that name.
func (f Form) coveredAs() string {
	if f.OwnIDs {
		return Pipedrive + "/" + f.Object
	}
	return f.Object
}

func countEvents(changes []Change) int {
	n := 0
	for _, c := range changes {
		if !c.Tombstone {
			n++
		}
	}
	return n
}
