package workspaces

import (
	"fmt"
	"strings"
	"testing"
	"time"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wait"
)

// prompt is how late a change may be on its topic, and a command be answered,
// while other workspaces are in trouble: the target of a second, and room for a
// machine that is very busy. Whoever waited for another's trouble would wait
// longer: no trouble here ends by itself within this time.
const prompt = 15 * time.Second

// works has a tenant's change captured and a command answered, each in time,
// and returns how long they took.
func (w *world) works(tn *tenant, n int) (change, command time.Duration) {
	w.t.Helper()
	change = w.watch.until(changes(tn), tn.add(fmt.Sprintf("added %d", n)), prompt)
	command = w.watch.until(results(tn), w.watch.send(tn.name, upsert(fmt.Sprintf("works-%d", n), "by command")), prompt)
	return change, command
}

// Everything that can be wrong with a workspace is wrong with three of four,
// which one shard owns: the fourth does not notice, /status and metrics tell
// them apart, and afterwards nothing is lost or repeated anywhere.
func TestTheTroublesOfAWorkspaceAreItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ofOneShard("healthy", "refused", "broken", "throttled")...)
	healthy, refused, broken, throttled := w.tenants[0], w.tenants[1], w.tenants[2], w.tenants[3]
	services := []*running{w.start("source", w.tenants, nil), w.start("sink", w.tenants, nil)}
	for i, tn := range w.tenants {
		w.watch.until(changes(tn), tn.add("first"), patience)
		w.watch.until(results(tn), w.watch.send(tn.name, upsert("first", fmt.Sprint(i))), patience)
	}

	refused.accept("rotated")
	throttled.trouble(planhatsim.Fault{Kind: "429", RetryAfter: 60})
	broken.trouble(planhatsim.Fault{Kind: "timeout-before"})
	for _, tn := range w.tenants[1:] {
		tn.add("during the trouble")
		for i := range 3 {
			w.watch.send(tn.name, upsert(fmt.Sprintf("waits-%d", i), "written later"))
		}
		w.watch.produce(tn.name, "poison", []byte("{not json"))
	}
	slowest := [2]time.Duration{}
	round := 0
	look := func() {
		t.Helper()
		change, command := w.works(healthy, round)
		slowest = [2]time.Duration{max(slowest[0], change), max(slowest[1], command)}
		round++
	}
	look()
	for _, r := range services {
		r.untilState(refused, "unauthorized")
		if cause := r.untilState(throttled, "retrying"); !strings.Contains(cause, "429") {
			t.Errorf("%s does not say what is wrong with the throttled one: %s", r.Role, cause)
		}
		r.untilState(broken, "retrying")
		r.untilState(healthy, "ok")
		r.untilMetric(`planhat_bridge_` + r.Role + `_workspace_paused{workspace="` + refused.name + `"} 1`)
		r.ready()
	}
	for _, fault := range []planhatsim.Fault{
		{Kind: "503"}, {Kind: "html"}, {Kind: "truncated", Mode: "json"}, {Kind: "empty-body"}, {Kind: "reset"}, {Kind: "429", RetryAfter: 1}, {Kind: "latency", Ms: 1500},
	} {
		broken.trouble(fault)
		look()
		for _, r := range services {
			r.ready()
		}
	}
	t.Logf("while three others were in trouble: slowest change %s, slowest command %s, %d rounds", slowest[0], slowest[1], round)

	broken.trouble()
	refused.rotate("rotated")
	for _, tn := range []*tenant{healthy, refused, broken} {
		w.watch.until(changes(tn), tn.add("last"), patience)
		report := w.judge(tn)
		if report.Commands < 4 {
			t.Errorf("%s: only %d commands: the run proves little", tn.name, report.Commands)
		}
	}
	for _, r := range services {
		for _, tn := range []*tenant{healthy, refused, broken} {
			r.untilState(tn, "ok")
		}
		r.untilState(throttled, "retrying") // its minute is not over
		began := time.Now()
		r.Stop()
		if took := time.Since(began); took > drain+5*time.Second {
			t.Errorf("%s took %s to stop beside a vendor that asks for a minute", r.Role, took)
		}
		if n := strings.Count(r.Log.String(), "fenced"); n != 0 {
			t.Errorf("%s was fenced %d times", r.Role, n)
		}
	}
}

// A topic of one workspace that is gone holds that workspace, or its stream,
// and says so; the others of the shard, whose producer and transactions are the
// same, go on. After a repair and a restart what waited is done.
func TestAWorkspaceWithoutItsTopicsIsHeldAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ofOneShard("whole", "torn")...)
	whole, torn := w.tenants[0], w.tenants[1]
	source, sink := w.start("source", w.tenants, nil), w.start("sink", w.tenants, nil)
	for _, tn := range w.tenants {
		w.watch.until(changes(tn), tn.add("first"), patience)
		w.watch.until(results(tn), w.watch.send(tn.name, upsert("first", "x")), patience)
	}

	w.drop(results(torn), changes(torn))
	w.watch.send(torn.name, upsert("waits", "x"))
	torn.add("not captured")
	if cause := sink.untilState(torn, "held"); !strings.Contains(cause, results(torn)) {
		t.Errorf("the cause does not name the topic: %s", cause)
	}
	wait.Until(t, "the stream is held", patience, func() bool {
		_, text := source.Page("/status")
		return strings.Contains(text, changes(torn)+" is not there any more") ||
			strings.Contains(text, "produce to "+changes(torn)+": UNKNOWN_TOPIC_OR_PARTITION") // it was about to be written
	})
	for n := range 3 {
		w.works(whole, n)
	}
	for _, r := range []*running{source, sink} {
		r.untilState(whole, "ok")
		r.ready()
		r.Stop()
	}
	if n := strings.Count(sink.Log.String(), "taken over again"); n > 2 {
		t.Errorf("the shard was taken over %d times for one workspace", n)
	}

	sink = w.start("sink", w.tenants, nil) // creates what is missing
	sink.untilMetric(`planhat_bridge_sink_commands_total{code="",object="company",operation="upsert",status="OK",workspace="` + torn.name + `"} 1`)
	sink.untilState(torn, "ok")
}
