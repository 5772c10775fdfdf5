package source

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// TargetStatus is told where the calls that may be spent do not suffice for the
// freshness targets: which streams cost most, and what would do.
type TargetStatus struct {
	Granted  float64        `json:"calls_per_minute"`        // that the source may spend
	Needed   float64        `json:"calls_per_minute_needed"` // for all targets
	Polls    float64        `json:"changes_later_by"`        // changes are found so many times later than wanted
	Sweeps   float64        `json:"deletes_later_by"`        // deletes of listings of more than a page
	Streams  []StreamTarget `json:"streams"`                 // dearest first
	Remedies []string       `json:"remedies"`                // one of these suffices
}

// StreamTarget is what the target of one stream costs.
type StreamTarget struct {
	Name   string  `json:"name"`
	Target string  `json:"target"`
	Pages  int     `json:"pages"`
	Calls  float64 `json:"calls_per_minute"`
	both   float64 // not rounded
}

// dearest is how many streams are told of at most, and dear the share of the
// calls from which on they are.
const (
	dearest = 5
	dear    = 0.05
)

func (w *workspace) needs() (polls, sweeps float64) { return needOf(w.working()) }

// required are the calls a minute of which polls and sweeps would be no more
// than their shares.
func required(polls, sweeps float64) float64 {
	return max(polls/pollCallShare, sweeps/sweepCallShare)
}

// shortfall says what the targets cost where they cannot be met; nil where they can.
func (w *workspace) shortfall() *TargetStatus {
	polls, sweeps := w.needs()
	needed := required(polls, sweeps)
	if needed <= w.callsPerMinute {
		return nil
	}
	st := &TargetStatus{
		Granted: round2(w.callsPerMinute), Needed: round2(needed),
		Polls: round2(max(polls/(pollCallShare*w.callsPerMinute), 1)), Sweeps: round2(max(sweeps/(sweepCallShare*w.callsPerMinute), 1)),
	}
	byCost := w.byCost()
	for _, c := range byCost {
		if len(st.Streams) < dearest && (len(st.Streams) == 0 || c.both >= dear*needed) {
			st.Streams = append(st.Streams, c)
		}
	}
	st.Remedies = w.remedies(needed, byCost[0].Name)
	return st
}

// byCost are all streams, dearest first.
func (w *workspace) byCost() []StreamTarget {
	working := w.working()
	out := make([]StreamTarget, len(working))
	for i, s := range working {
		polls, sweeps := s.need()
		out[i] = StreamTarget{
			Name: s.listing, Target: short(s.schedule.target), Pages: s.pages(), Calls: round2(polls + sweeps),
			both: max(polls/pollCallShare, sweeps/sweepCallShare),
		}
	}
	slices.SortStableFunc(out, func(a, b StreamTarget) int { return cmp.Compare(b.both, a.both) })
	return out
}

// remedies are what would do, each by itself.
func (w *workspace) remedies(needed float64, dearest string) []string {
	share := w.callsPerMinute / float64(w.cfg.CallsPerMinute)
	out := []string{fmt.Sprintf("grant the token %d calls a minute: %s=%d", ceil(needed/share), w.variable("CALLS_PER_MINUTE"), ceil(needed/share))}
	if fits := math.Ceil(100*needed/float64(w.cfg.CallsPerMinute)) / 100; fits <= 1 {
		out = append(out, fmt.Sprintf("give the source a larger share of them: SOURCE_BUDGET_SHARE=%.2f", fits))
	}
	if target, names := w.targetThatFits(dearest); target > 0 {
		pairs := make([]string, len(names))
		for i, name := range names {
			pairs[i] = name + ":" + short(target)
		}
		out = append(out, fmt.Sprintf("want %s less often: %s in %s", dearest, strings.Join(pairs, ","), w.variable("FRESHNESS")))
	} else {
		out = append(out, fmt.Sprintf("make all targets %.1f times longer in %s", math.Ceil(10*needed/w.callsPerMinute)/10, w.variable("FRESHNESS")))
	}
	return append(out, fmt.Sprintf("capture less: leave objects out of %s, or name the companies that matter in %s", w.variable("OBJECTS"), w.variable("COMPANY_IDS")))
}

// targetThatFits is the shortest target of a stream with which all targets can be
// met, and the objects that it is for; 0 where that stream alone cannot help.
func (w *workspace) targetThatFits(listing string) (time.Duration, []string) {
	var dear *stream
	others := make([]*stream, 0, len(w.streams))
	for _, s := range w.working() {
		if s.listing == listing {
			dear = s
		} else {
			others = append(others, s)
		}
	}
	polls, sweeps := needOf(others)
	leftPolls, leftSweeps := pollCallShare*w.callsPerMinute-polls, sweepCallShare*w.callsPerMinute-sweeps
	mine, swept := dear.need() // of its target; half as much with twice the target
	if leftPolls <= 0 || leftSweeps < 0 || swept > 0 && leftSweeps == 0 {
		return 0, nil
	}
	times := mine / leftPolls
	if swept > 0 {
		times = max(times, swept/leftSweeps)
	}
	return roundUp(time.Duration(times * float64(dear.schedule.target))), dear.captured()
}

// roundUp gives a duration that people would write.
func roundUp(d time.Duration) time.Duration {
	unit := time.Second
	switch {
	case d > 10*time.Minute:
		unit = time.Minute
	case d > time.Minute:
		unit = 10 * time.Second
	}
	if rest := d % unit; rest > 0 {
		d += unit - rest
	}
	return d
}

// tellTargets says once what cannot be met and what would do, again when
// something else cannot be met or it becomes much worse or better, and that all
// is met again.
func (w *workspace) tellTargets() {
	polls, sweeps := w.needs()
	w.metrics.needed.WithLabelValues(w.cfg.Name).Set(round2(required(polls, sweeps)))
	w.metrics.granted.WithLabelValues(w.cfg.Name).Set(round2(w.callsPerMinute))
	was := w.targetsTold
	w.targetsShown = w.shortfall()
	st := w.targetsShown
	switch {
	case st == nil && was == nil, st != nil && was != nil && st.like(was):
		return
	case st == nil:
		w.log.Info("the calls that may be spent suffice for the freshness targets", "workspace", w.cfg.Name, "calls_per_minute", w.callsPerMinute)
		w.notify(schemas.Notification{Kind: schemas.NotifyTargetsMet, Message: "the calls that may be spent suffice for the freshness targets"})
	default:
		w.log.Warn("the calls that may be spent do not suffice for the freshness targets", "workspace", w.cfg.Name, "calls_per_minute", st.Granted,
			"calls_per_minute_needed", st.Needed, "changes_later_by", st.Polls, "deletes_later_by", st.Sweeps, "dearest", st.dearest(), "remedies", st.Remedies)
		w.notify(schemas.Notification{Kind: schemas.NotifyTargetsStretched, Factor: max(st.Polls, st.Sweeps), Message: fmt.Sprintf(
			"the freshness targets need %g calls a minute of the source, which may spend %g: changes are found %g times later than wanted, deletes %g times; dearest: %s; to repair, one of: %s",
			st.Needed, st.Granted, st.Polls, st.Sweeps, st.dearest(), strings.Join(st.Remedies, "; "))})
	}
	w.targetsTold = st
}

// like tells whether two shortfalls are the same for whoever has to act.
func (t *TargetStatus) like(other *TargetStatus) bool {
	const much = 1.25
	return t.Needed < other.Needed*much && t.Needed > other.Needed/much &&
		slices.EqualFunc(t.Streams, other.Streams, func(a, b StreamTarget) bool { return a.Name == b.Name })
}

// dearest names the dear streams in one line.
func (t *TargetStatus) dearest() string {
	out := make([]string, len(t.Streams))
	for i, s := range t.Streams {
		out[i] = fmt.Sprintf("%s (%d pages, wanted every %s, %g calls a minute)", s.Name, s.Pages, s.Target, s.Calls)
	}
	return strings.Join(out, ", ")
}

// variable is how a setting of the workspace is written.
func (w *workspace) variable(suffix string) string {
	return "PLANHAT_" + strings.ToUpper(strings.ReplaceAll(w.cfg.Name, "-", "_")) + "_" + suffix
}

// short writes a duration as people do: 25m, not 25m0s.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func ceil(f float64) int { return int(math.Ceil(f)) }

func round2(f float64) float64 { return math.Round(100*f) / 100 }
