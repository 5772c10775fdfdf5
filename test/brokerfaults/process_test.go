package brokerfaults

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/test/rig"
)

// starved is a stage for sources that are real processes.
func starved(t *testing.T) (*rig.Rig, *world) {
	t.Helper()
	r := rig.New(t, rig.Options{Companies: 20, Env: map[string]string{
		"SHARD_SESSION_TIMEOUT": "6s", "CALL_DEADLINE": "1s", "PLANHAT_OBJECTS": strings.Join(objects, ","),
	}})
	return r, &world{t: t, stage: r.Stage, kafka: r.Kafka, objects: objects}
}

// What a container may lack: the source keeps nothing that it needs on a disk,
// and where it cannot go on it is replaced without loss or repeat.
func TestStarvedProcess(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*exec.Cmd)
		killed bool // as the kernel does for want of memory
		poor   bool // may be unable to work at all
	}{
		"nowhere to write": {change: func(c *exec.Cmd) {
			c.Dir = "/proc"
			c.Env = append(c.Env, "HOME=/proc", "TMPDIR=/proc/none", "XDG_CACHE_HOME=/proc/none")
		}},
		"no byte of disk":       {change: rig.Shell("ulimit -f 0")},
		"few file descriptors":  {change: rig.Shell("ulimit -n 24"), poor: true},
		"little memory, killed": {change: func(c *exec.Cmd) { c.Env = append(c.Env, "GOMEMLIMIT=24MiB", "GOGC=20") }, killed: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, w := starved(t)
			p := r.StartIn("source", "source-0", tc.change)
			if !tc.poor {
				w.judge()
			}
			w.live(40)
			if !tc.poor {
				w.fresh()
				w.judge()
			}
			if !tc.poor && !tc.killed {
				p.Stop(t)
				return
			}
			p.Kill()
			w.live(20)
			next := r.Start("source", "", 0)
			w.fresh()
			w.live(20)
			w.judge()
			next.Stop(t)
		})
	}
}

// A tenth of a processor: heartbeats are late, but nobody else takes over, and
// what is written is exact.
func TestThrottledProcess(t *testing.T) {
	t.Parallel()
	r, w := starved(t)
	p := r.Start("source", "", 0)
	w.judge()
	p.Throttle(6*time.Second, func() { w.live(1) })
	took := w.fresh()
	w.live(20)
	w.judge()
	p.Stop(t)
	if log := p.Log(); strings.Contains(log, "fenced") {
		t.Errorf("it was taken for dead:\n%s", log)
	}
	t.Logf("a fresh change took %s", took.Round(time.Millisecond))
}

// A process that is stopped for longer than its session, as a virtual machine
// is that moves, wakes up when another one has its work: it writes nothing, not
// even what readers of everything would see out of order.
func TestZombie(t *testing.T) {
	t.Parallel()
	r, w := starved(t)
	first := r.StartAs("source", "source-0", "", 0)
	w.judge()
	second := r.StartAs("source", "source-1", "", 0)
	w.live(20)
	w.fresh()
	w.live(20) // whoever has our shard is in mid-flight
	first.Freeze()
	w.live(20)
	began := time.Now()
	w.seen(w.company(`{"name":"while one is frozen"}`), 6*time.Second+prompt)
	t.Logf("while one is frozen, a change took %s", time.Since(began).Round(time.Millisecond))
	second.Freeze()
	first.Thaw()
	w.live(20)
	w.seen(w.company(`{"name":"while the other is frozen"}`), 6*time.Second+prompt)
	second.Thaw()
	w.live(20)
	w.fresh()
	w.judge()
	first.Stop(t)
	second.Stop(t)
}
