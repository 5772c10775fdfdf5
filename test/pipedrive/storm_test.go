package pipedrive

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/oracle"
	pipedrivesim "github.com/planhat-bridge/planhat-bridge/internal/simulator/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/test/rig"
)

// usualEvents is the size of the storm of every day; STORM_EVENTS asks for another.
const usualEvents = 300

func stormSize(t *testing.T) int {
	t.Helper()
	text := os.Getenv("STORM_EVENTS")
	if text == "" {
		return usualEvents
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < usualEvents {
		t.Fatalf("STORM_EVENTS=%q: write a number of events, %d or more", text, usualEvents)
	}
	return n
}

// engineScale is how much faster than the machine's the clock of the vendor's deliveries
// runs: a ban of half an hour takes six seconds.
const engineScale = 300

// weather is what happens to deliveries and to calls all through the storm. Milliseconds
// are of the vendor's clock.
var weather = []pipedrivesim.Fault{
	{Kind: "drop", Probability: 0.05},
	{Kind: "duplicate", Probability: 0.10},
	{Kind: "reorder", Probability: 0.10},
	{Kind: "delay", Probability: 0.15, Ms: int(5 * time.Minute / time.Millisecond), Mode: "upto"},
	{Kind: "create-change", Probability: 0.10},
	{Kind: "v1-payload", Probability: 0.05},
	{Kind: "500", Probability: 0.03},
	{Kind: "429-burst", Probability: 0.02},
	{Kind: "reset", Probability: 0.01},
	{Kind: "truncated", Probability: 0.01},
	{Kind: "500", Count: 1}, {Kind: "429-burst", Count: 1}, // whatever chance wants
}

// storm is a storm under way.
type storm struct {
	*world
	rng       *rand.Rand
	size      int
	receivers []*pod
	sources   []*pod
	kills     map[string]int
	seen      int64 // of the journal
	made      int   // events
}

// pod is the place of a process that is started again whenever it has died.
type pod struct {
	role    string
	start   func() *rig.Process
	process *rig.Process
}

// TestStorm: whatever happens to webhooks, to calls and to processes, after the last
// fault a reconciliation and a sweep later the topics are the vendor's state.
func TestStorm(t *testing.T) {
	t.Parallel()
	size := stormSize(t)
	s := &storm{
		world: newWorld(t, 2, pipedrivesim.Options{
			Seed: 11, Organizations: 30, Persons: 40, Deals: 60, Notes: 40, Scale: engineScale, MinTimeout: time.Second, RequestsPerWindow: 100, DailyTokens: -1,
		}, map[string]string{"PIPEDRIVE_RECONCILE_INTERVAL": "4s", "PIPEDRIVE_SWEEP_INTERVAL": "8s", "PIPEDRIVE_REQUESTS_PER_2S": "60"}),
		rng: rand.New(rand.NewPCG(11, uint64(size))), size: size, kills: map[string]int{},
	}
	s.Patience = max(3*time.Minute, time.Duration(size/usualEvents)*20*time.Second) // for what waits in the topic
	s.deploy()
	s.registered()
	s.rage()
	s.calm()
	begun := time.Now()
	report := s.Judge()
	t.Logf("exact %s after the last fault", time.Since(begun).Round(time.Second))
	s.JudgeSequences()
	s.tell(report)
}

func (s *storm) deploy() {
	for n := range 2 {
		s.receivers = append(s.receivers, &pod{role: "receiver", start: func() *rig.Process { return s.receive(n) }})
		name := fmt.Sprintf("source-%d", n)
		s.sources = append(s.sources, &pod{role: "source", start: func() *rig.Process { return s.StartAs("source", name, "", 0) }})
	}
	for _, p := range slices.Concat(s.receivers, s.sources) {
		p.process = p.start()
	}
}

// events is how many of the company's changes the vendor has made events of.
func (s *storm) events() int {
	entries, last := s.sim.Journal(s.seen)
	s.seen = last
	for _, e := range entries {
		if e.Via == "life" && slices.Contains([]string{"create", "change", "delete", "merge"}, e.Op) {
			s.made++
		}
	}
	return s.made
}

// blows are what is done to processes and webhooks, in turn: how many of each there are
// follows from the storm's size.
func (s *storm) blows() []func() {
	return []func(){
		func() { s.kill(s.any(s.receivers)) },
		func() { s.kill(s.any(s.sources)) },
		func() { s.kill(s.receivers...) },
		func() {
			s.sources[s.rng.IntN(2)].process.Stop(s.t)
			s.kills["source, in good order"]++
			s.back(s.sources)
		},
		s.ban,
		s.slam,
		func() { s.kill(slices.Concat(s.receivers[:1], s.sources)...) },
		s.unhook,
	}
}

// rage lets the company live until it has made its events, with a blow every so many.
func (s *storm) rage() {
	for _, f := range weather {
		if err := s.sim.AddFault(f); err != nil {
			s.t.Fatal(err)
		}
	}
	blows := s.blows()
	every := max(s.size/20, usualEvents/(len(blows)+1))
	s.sim.SetLife(max(25, float64(s.size)/80))
	begun := s.events()
	for n := 0; s.events()-begun < s.size; n++ {
		goal := begun + min(s.size, (n+1)*every)
		s.await(fmt.Sprintf("%d events", goal), 5*time.Minute, func() bool { return s.events() >= goal })
		blows[n%len(blows)]()
	}
	s.sim.SetLife(0)
}

func (s *storm) any(pods []*pod) *pod { return pods[s.rng.IntN(len(pods))] }

// kill ends processes at the same moment, and starts them again.
func (s *storm) kill(pods ...*pod) {
	for _, p := range pods {
		p.process.Kill()
		s.kills[p.role]++
	}
	s.back(pods)
}

func (s *storm) back(pods []*pod) {
	for _, p := range pods {
		select {
		case <-p.process.Done():
			p.process = p.start()
		default:
		}
	}
}

// ban shuts the door until the vendor has banned a webhook for it.
func (s *storm) ban() {
	s.door.Lead()
	s.await("a ban", 2*time.Minute, func() bool {
		return slices.ContainsFunc(s.sim.Hooks(), func(h pipedrivesim.HookState) bool { return h.Banned })
	})
	s.door.Lead(s.at...)
	s.kills["ban"]++
}

// slam shuts the door until one that knocked has to come again.
func (s *storm) slam() {
	_, last := s.sim.Deliveries(0)
	s.door.Lead()
	s.await("a delivery that fails", 2*time.Minute, func() bool {
		since, _ := s.sim.Deliveries(last)
		return slices.ContainsFunc(since, func(d pipedrivesim.Delivery) bool { return d.Outcome == "failed" })
	})
	s.door.Lead(s.at...)
	s.kills["door shut"]++
}

// unhook deletes all webhooks; the next owner of the account finds it.
func (s *storm) unhook() {
	if err := s.sim.DeleteHook(0); err != nil {
		s.t.Fatal(err)
	}
	s.kills["webhooks deleted"]++
	s.kill(s.sources...)
	s.registered()
}

// calm ends the faults and waits until nothing is on its way any more.
func (s *storm) calm() {
	s.sim.ClearFaults()
	if !s.sim.Settle(time.Minute) {
		s.t.Fatalf("%d deliveries are still on their way", s.sim.Pending())
	}
}

// tell prints what it was, and fails where too little happened to prove anything.
func (s *storm) tell(r oracle.Report) {
	s.t.Helper()
	c, injected := r.Coverage.Webhooks, s.sim.Injected()
	banned := 0
	all, _ := s.sim.Deliveries(0)
	for _, d := range all {
		if d.Outcome == "banned" {
			banned++
		}
	}
	s.t.Logf("%s", r.Line())
	s.t.Logf("%d events, %d of them while there were webhooks: %d answered, %d sent again after an answer, %d after none, %d never arrived (%d of them by bans); faults %v; blows %v",
		s.made, c.Events, c.Answered, c.Repeated, c.Retried, c.Lost, banned, injected, s.kills)
	for what, n := range map[string]int{
		"events": s.made / s.size, "repeated events": c.Repeated, "retried events": c.Retried, "lost events": c.Lost, "events lost by bans": banned,
		"receivers killed": s.kills["receiver"], "sources killed": s.kills["source"], "webhooks deleted": s.kills["webhooks deleted"],
		"errors of the API": int(injected["500"]), "bursts": int(injected["429-burst"]),
	} {
		if n == 0 {
			s.t.Errorf("no %s: the storm proves too little", what)
		}
	}
}
