package sinkfaults

import (
	"os/exec"
	"testing"
	"time"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/test/rig"
)

// writesEach is how many of the commands for a company write.
const writesEach = 4

// processes is a stage for sinks that are real processes.
func processes(t *testing.T) *rig.Rig {
	t.Helper()
	return rig.New(t, rig.Options{Companies: 2, WithoutSource: true, Unlimited: true, Session: 6 * time.Second})
}

// Row 6: a sink that is told to end under load answers what it has begun: after a clean
// stop nothing is done twice, by one process or by replicas that are rolled.
func TestDrainedUnderLoad(t *testing.T) {
	t.Parallel()
	const companies = 60
	for name, instances := range map[string][]string{"one": {"sink-0"}, "two, rolled": {"sink-0", "sink-1"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := processes(t)
			writes := r.WatchWrites()
			running := map[string]*rig.Process{}
			for _, instance := range instances {
				running[instance] = r.StartAs("sink", instance, "", 0)
			}
			r.AwaitMembers("sink", len(instances))
			if err := r.Stage.Simulator.AddFault(planhatsim.Fault{Kind: "latency", Ms: 100}); err != nil {
				t.Fatal(err)
			}
			for n, instance := range instances {
				sent := time.Now()
				r.SendAtOnce(n*companies, (n+1)*companies)
				writes.FirstAfter(t, sent, patience)
				running[instance].Stop(t)
				if n == 0 && r.Writes() == writesEach*companies {
					t.Error("all was done before the stop: nothing is proved")
				}
				running[instance] = r.StartAs("sink", instance, "", 0)
				r.AwaitMembers("sink", len(instances))
			}
			report := r.Judge()
			if n, want := r.Writes(), writesEach*companies*len(instances); n != want {
				t.Errorf("%d writes for %d commands that write", n, want)
			}
			if want := rig.CommandsEach * companies * len(instances); report.Results != want {
				t.Errorf("%d results for %d commands", report.Results, want)
			}
		})
	}
}

// Row 25: what a container may lack: the sink needs nothing on a disk, and where it
// cannot go on it is replaced.
func TestStarvedProcess(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*exec.Cmd)
		killed bool // as the kernel does for want of memory
	}{
		"nowhere to write": {change: func(c *exec.Cmd) {
			c.Dir = "/proc"
			c.Env = append(c.Env, "HOME=/proc", "TMPDIR=/proc/none", "XDG_CACHE_HOME=/proc/none")
		}},
		"no byte of disk":       {change: rig.Shell("ulimit -f 0")},
		"few file descriptors":  {change: rig.Shell("ulimit -n 24"), killed: true},
		"little memory, killed": {change: func(c *exec.Cmd) { c.Env = append(c.Env, "GOMEMLIMIT=24MiB", "GOGC=20") }, killed: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := processes(t)
			p := r.StartIn("sink", "sink-0", tc.change)
			r.Send(0, 10)
			if tc.killed {
				p.Kill()
				p = r.Start("sink", "", 0)
			}
			r.Send(10, 20)
			r.Judge()
			p.Stop(t)
		})
	}
}

// Row 25: a tenth of a processor. Heartbeats are late, and nobody else takes over.
func TestThrottledProcess(t *testing.T) {
	t.Parallel()
	r := processes(t)
	p := r.Start("sink", "", 0)
	r.Send(0, 5)
	p.Throttle(3*time.Second, func() {})
	r.Send(5, 10)
	r.Judge()
	p.Stop(t)
}
