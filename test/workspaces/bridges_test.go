package workspaces

import (
	"context"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/ops"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/test/rig"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wait"
)

// Two bridges with names and prefixes of their own, and the same name of a
// workspace: what each writes is its own, and one that is killed does not
// disturb the other.
func TestTwoBridgesOnOneCluster(t *testing.T) {
	t.Parallel()
	one := rig.New(t, rig.Options{Bridge: "one", Companies: 4})
	two := rig.New(t, rig.Options{Bridge: "two", Companies: 9, Broker: one.Stage.Broker})
	bridges := []*rig.Rig{one, two}
	processes := map[*rig.Rig][]*rig.Process{}
	for _, r := range bridges {
		processes[r] = []*rig.Process{r.Start("source", "", 0), r.Start("sink", "", 0)}
		r.Send(0, 3)
	}
	for _, r := range bridges {
		r.Judge()
	}
	for _, p := range processes[one] {
		p.Kill()
	}
	for i, r := range bridges {
		r.Stage.Simulator.Live(20)
		r.Send(3, 5+i)
	}
	two.Judge()
	one.Start("source", "", 0)
	one.Start("sink", "", 0)
	if a, b := one.Judge(), two.Judge(); a.Commands == b.Commands || a.Changes == b.Changes {
		t.Errorf("both bridges show %d commands and %d changes: they are not told apart", a.Commands, a.Changes)
	}
	ownNames(t, one)
	for _, p := range processes[two] {
		p.Stop(t)
		if log := p.Log(); strings.Contains(log, "fence") || strings.Contains(log, "taken over again") {
			t.Errorf("the bridge that was not killed was disturbed:\n%s", log)
		}
	}
}

// ownNames fails if a group or transactional id is not one bridge's.
func ownNames(t *testing.T, r *rig.Rig) {
	t.Helper()
	client, err := r.Kafka.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	groups, err := admin.ListGroups(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ids, err := admin.ListTransactions(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	names := append(groups.Groups(), ids.TransactionalIDs()...)
	own := map[string]int{}
	for _, name := range names {
		bridge, _, _ := strings.Cut(name, ".")
		own[bridge]++
	}
	if len(own) != 2 || own["one"] != own["two"] || own["one"] < 2*shard.DefaultShards {
		t.Errorf("groups and transactional ids by bridge: %v: %q", own, names)
	}
}

// The mistake: another bridge has the same workspace and TOPIC_PREFIX. Its sink
// does not start, and says why; when the first is gone it does.
func TestASecondSinkOfTheSameTopicsDoesNotStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "acme", "beta")
	acme := w.tenants[0]
	first := w.start("sink", w.tenants[:1], map[string]string{"BRIDGE_NAME": "first"})
	first.untilMetric("planhat_bridge_sink_shards_owned 12")
	second := func(tenants []*tenant, set map[string]string) (int, string) {
		t.Helper()
		all := map[string]string{"BRIDGE_NAME": "second", "STARTUP_TIMEOUT": "1s"}
		maps.Copy(all, set)
		return main(t, "sink", []string{"--check"}, w.env("sink-1", tenants, all))
	}
	unhurried := map[string]string{"STARTUP_TIMEOUT": "30s"}
	refused := func() bool { // before any command has come
		code, text := second(w.tenants, nil)
		return code == ops.CodeUnreachable && strings.Contains(text, "carried out by bridge") && strings.Contains(text, "first.planhat.commands.acme has positions there")
	}
	wait.Until(t, "the second sink is refused", patience, refused)
	for what, set := range map[string]map[string]string{
		"another prefix":  {"TOPIC_PREFIX": "crm.", "STARTUP_TIMEOUT": "30s"},
		"the same bridge": {"BRIDGE_NAME": "first", "STARTUP_TIMEOUT": "30s"},
	} {
		if code, text := second(w.tenants, set); code != 0 {
			t.Errorf("%s: code %d: %s", what, code, text)
		}
	}
	if code, text := second(w.tenants[1:], unhurried); code != 0 {
		t.Errorf("another workspace: code %d: %s", code, text)
	}
	w.watch.until(results(acme), w.watch.send("acme", upsert("a", "x")), patience)
	first.Stop()
	w.leave("first.sink-shards")
	if code, text := second(w.tenants, unhurried); code != 0 {
		t.Errorf("the first is gone: code %d: %s", code, text)
	}
}

// leave removes the static member that a stopped service leaves in its group
// for its restart, as its session's end would.
func (w *world) leave(group string) {
	w.t.Helper()
	client, err := w.kafka.NewClient()
	if err != nil {
		w.t.Fatal(err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).LeaveGroup(w.t.Context(), kadm.LeaveGroup(group).InstanceIDs("sink-0")); err != nil {
		w.t.Fatal(err)
	}
}

// The same mistake with sources cannot be seen before they write: then it shows
// in both, by the offsets.
func TestTwoSourcesOfTheSameTopicsShow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "acme")
	acme := w.tenants[0]
	first := w.start("source", w.tenants, map[string]string{"BRIDGE_NAME": "first"})
	w.watch.until(changes(acme), acme.add("alone"), patience)
	w.watch.until(changes(acme), acme.add("alone still"), patience)
	first.untilState(acme, "ok")
	second := w.start("source", w.tenants, map[string]string{"BRIDGE_NAME": "second", "INSTANCE_ID": "source-1"})
	shared := func(r *running) bool {
		states, _ := r.states()
		return states[acme.name] == "shared"
	}
	for n := 0; n < 20 && !(shared(first) && shared(second)); n++ { // two writes to one of three partitions are needed
		id := acme.add(fmt.Sprint("both ", n))
		wait.Until(t, "both have written a change", patience, func() bool { return w.watch.has(changes(acme), id) > 1 })
	}
	for _, r := range []*running{first, second} {
		cause := r.untilState(acme, "shared")
		if !strings.Contains(cause, changes(acme)) || !strings.Contains(cause, "TOPIC_PREFIX") {
			t.Errorf("the cause does not say what is shared and what to do: %s", cause)
		}
		r.untilMetric(`planhat_bridge_source_foreign_writes_total{topic="` + changes(acme) + `"}`)
		r.ready()
	}
}

// The other mistake: two deployments of one BRIDGE_NAME with different
// workspaces. A shard may go to the one that does not know its workspace.
func TestAWorkspaceWhoseOwnerDoesNotKnowIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, oneEach()...)
	first := w.start("source", w.tenants[:1], nil)
	first.untilMetric("planhat_bridge_source_shards_owned 12")
	second := w.start("source", w.tenants[1:], map[string]string{"INSTANCE_ID": "source-1"})
	var orphan *tenant
	wait.Until(t, "the second says that the first has its workspaces' shards", patience, func() bool {
		states, causes := second.states()
		for _, tn := range w.tenants[1:] {
			if states[tn.name] == "orphaned" && strings.Contains(causes[tn.name], "source-0") && strings.Contains(causes[tn.name], "PLANHAT_WORKSPACES") {
				orphan = tn
			}
		}
		return orphan != nil
	})
	second.untilMetric(`planhat_bridge_source_workspace_orphaned{workspace="` + orphan.name + `"} 1`)
	second.ready()
	if !strings.Contains(second.Log.String(), "nobody works on a token") {
		t.Errorf("the log does not say it:\n%s", second.Log)
	}
	first.Stop() // and comes back with the right configuration
	first = w.start("source", w.tenants, nil)
	id := orphan.add("captured after all")
	w.watch.until(changes(orphan), id, patience)
	second.untilMetric(`planhat_bridge_source_workspace_orphaned{workspace="` + orphan.name + `"} 0`)
	first.ready()
}

// oneEach are names of workspaces, one for each of the first shards.
func oneEach() []string {
	names := make([]string, 6)
	for i, left := 0, len(names); left > 0; i++ {
		name := fmt.Sprint("w-", i)
		if s := int(shard.ShardOf("planhat/"+name, shard.DefaultShards)); s < len(names) && names[s] == "" {
			names[s] = name
			left--
		}
	}
	return names
}

// Two deployments of one BRIDGE_NAME with different TOPIC_PREFIX: each has its
// own state and topics, but the transactional ids are the same. One ends and
// says what to look for; the other goes on, and what it has written is whole.
func TestOneNameWithTwoPrefixes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "acme")
	acme := w.tenants[0]
	type end struct {
		prefix string
		err    error
	}
	ended := make(chan end, 2)
	ctx, cancel := context.WithCancel(t.Context())
	prefixes := []string{"", "crm."}
	for i, prefix := range prefixes {
		cfg, err := config.Load(w.env(fmt.Sprint("source-", i), w.tenants, map[string]string{"TOPIC_PREFIX": prefix}), service.Objects())
		if err != nil {
			t.Fatal(err)
		}
		process := ops.NewProcess("source", cfg, io.Discard)
		go func() { ended <- end{prefix, service.Run(ctx, process, "source", builds["source"])} }()
	}
	var first end
	wait.Until(t, "one of the two ends", patience, func() bool {
		acme.add("another")
		select {
		case first = <-ended:
			return true
		default:
			return false
		}
	})
	if first.err == nil || !strings.Contains(first.err.Error(), "is another deployment running with the same BRIDGE_NAME?") {
		t.Errorf("it ended with %v", first.err)
	}
	w.names.Prefix = prefixes[0]
	if first.prefix == prefixes[0] {
		w.names.Prefix = prefixes[1]
	}
	w.judge(acme) // the other one goes on
	cancel()
	<-ended
}
