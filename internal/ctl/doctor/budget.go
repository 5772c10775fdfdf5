package doctor

import (
	"fmt"
	"time"
)

// freshness compares what may be spent with what the freshness targets need.
func (t tenant) freshness(all []listing) {
	share := float64(t.ws.CallsPerMinute) * t.x.Config.Budget.SourceShare
	need := 0.0
	for _, l := range all {
		need += float64(time.Minute) / float64(l.target)
	}
	text := fmt.Sprintf("looking at %s in time takes at least %.3g calls a minute, one page each (how many records there are is not known); "+
		"the source's share is %.4g (%s=%d, SOURCE_BUDGET_SHARE=%g)", count(len(all), "listing"), need, share,
		t.variable("CALLS_PER_MINUTE"), t.ws.CallsPerMinute, t.x.Config.Budget.SourceShare)
	if need > share {
		t.warnf("freshness", fmt.Sprintf("lengthen the targets in %s, leave objects out of %s, or raise SOURCE_BUDGET_SHARE", t.variable("FRESHNESS"), t.variable("OBJECTS")),
			"%s: the targets are missed", text)
		return
	}
	t.okf("freshness", "%s", text)
}

// quota compares what may be spent with what the vendor grants.
func (t tenant) quota() {
	q, mine := t.call.Quota(), t.ws.CallsPerMinute
	switch {
	case q.Limit >= 0 && q.Limit < mine:
		t.warnf("budget", fmt.Sprintf("set %s=%d", t.variable("CALLS_PER_MINUTE"), q.Limit), "Planhat grants %d calls, %d a minute are configured: calls will be refused and wait", q.Limit, mine)
	case q.Remaining == 0:
		t.warnf("budget", "see who else uses this token, and leave calls to them with "+t.variable("CALLS_PER_MINUTE"), "none of the token's calls remains now; %d a minute are configured", mine)
	case q.Limit >= 0 && q.Remaining >= 0:
		t.okf("budget", "Planhat grants %d calls and %d remain; %d a minute are configured", q.Limit, q.Remaining, mine)
	case q.Remaining >= 0:
		t.okf("budget", "%d calls remain; %d a minute are configured", q.Remaining, mine)
	default:
		t.okf("budget", "Planhat does not say what it grants; %d calls a minute are configured", mine)
	}
}
