package rig

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"syscall"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/test/rig/logbook"
)

// Chaos is what happens to the processes of one role, at random, while the
// vendor lives. The seed names the decisions; the moments are the machine's.
type Chaos struct {
	Role     string
	Replicas int
	Points   []string // where processes may be told to die
	Kills    int      // SIGKILLs, from outside and at points, to be dealt
	Between  time.Duration
	Life     float64 // changes a second at the vendor
	// Judge is called every JudgeEvery kills, and at the end: the vendor is quiet,
	// and every replica runs and will not die by itself.
	Judge      func()
	JudgeEvery int
	Tally      *Tally
}

// pod is a replica's place: an instance id and the process that has it.
type pod struct {
	name    string
	process *Process // nil: down
	point   string   // where it will die; "": nowhere
	back    time.Time
}

// chaos is a Chaos under way.
type chaos struct {
	Chaos

	t     *testing.T
	rig   *Rig
	rng   *rand.Rand
	pods  []*pod
	calls *Calls
	dealt int
	last  []*logbook.Book // of the processes that ended last
}

// Wreak deals the kills and returns when all are dealt and judged.
func (r *Rig) Wreak(c Chaos, rng *rand.Rand) {
	r.t.Helper()
	w := &chaos{Chaos: c, t: r.t, rig: r, rng: rng, calls: r.WatchCalls()}
	for i := range c.Replicas {
		w.pods = append(w.pods, &pod{name: fmt.Sprintf("%s-%d", c.Role, i)})
	}
	r.t.Cleanup(w.end)
	r.vendor.SetLife(c.Life)
	for next := c.JudgeEvery; w.dealt < c.Kills && !r.t.Failed(); {
		w.turn()
		if w.dealt >= next && w.dealt < c.Kills {
			next = w.dealt + c.JudgeEvery
			w.judge()
			r.vendor.SetLife(c.Life)
		}
	}
	w.judge()
	for _, p := range w.pods {
		p.process.Stop(r.t)
	}
}

// turn starts who is down, lets some time pass, half of the time from when the
// bridge is at work, and does something to somebody.
func (w *chaos) turn() {
	w.start()
	if w.rng.IntN(2) == 0 {
		w.awaitWork()
	}
	w.wait(time.Duration(w.rng.ExpFloat64() * float64(w.Between)))
	up := w.up()
	if len(up) == 0 {
		return
	}
	p := up[w.rng.IntN(len(up))]
	switch dice := w.rng.IntN(100); {
	case dice < 60:
		w.kill(atRandom, p)
	case dice < 72:
		w.kill(together, up...)
	case dice < 84:
		w.drain(p)
	case dice < 87:
		w.freeze(p)
	default: // it lives on
	}
}

// start brings replicas up: each at once, a little later, or when the others
// have long taken its shards over. One is up in any case.
func (w *chaos) start() {
	now := time.Now()
	for _, p := range w.pods {
		if p.process == nil && !now.Before(p.back) {
			w.launch(p, w.rng.IntN(2) == 0)
		}
	}
	if len(w.up()) == 0 {
		w.launch(w.pods[w.rng.IntN(len(w.pods))], w.rng.IntN(2) == 0)
	}
}

func (w *chaos) launch(p *pod, armed bool) {
	p.point = ""
	after := 0
	if armed && len(w.Points) > 0 {
		p.point = w.Points[w.rng.IntN(len(w.Points))]
		after = w.rng.IntN(1 << w.rng.IntN(6)) // mostly early, sometimes late
	}
	p.process = w.rig.launch(w.Role, p.name, p.point, after, nil)
	p.process.log.Limit = 1 << 16
	w.Tally.count(&w.Tally.starts)
}

// soon is how long the bridge is waited for to be at work, and recent how lately
// the vendor was asked if it is.
const (
	soon   = 5 * time.Second
	recent = 200 * time.Millisecond
)

// awaitWork waits until the vendor is asked for something, or a process dies.
func (w *chaos) awaitWork() {
	for end := time.Now().Add(soon); time.Now().Before(end) && !w.calls.lately(recent); {
		if w.wait(recent / 10) {
			return
		}
	}
}

// wait lets time pass, or less where a process dies at its point: then it says so.
func (w *chaos) wait(d time.Duration) (died bool) {
	over := make(chan struct{})
	limit := time.AfterFunc(d, func() { close(over) })
	defer limit.Stop()
	cases := []reflect.SelectCase{{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(over)}}
	for _, p := range w.pods {
		if p.process != nil && p.point != "" {
			cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(p.process.Done())})
		}
	}
	chosen, _, _ := reflect.Select(cases)
	return chosen > 0
}

// up are the replicas that run. Those that have died at their points are noted.
func (w *chaos) up() (up []*pod) {
	for _, p := range w.pods {
		switch {
		case p.process == nil:
		case !p.process.ended():
			up = append(up, p)
		case p.point != "" && p.process.wasKilled():
			w.count(p, p.point)
		default:
			w.t.Errorf("%s ended by itself with %v:\n%s", p.name, p.process.err, p.process.log)
			w.gone(p)
		}
	}
	return up
}

// kill ends processes at the same moment.
func (w *chaos) kill(how string, pods ...*pod) {
	for _, p := range pods {
		_ = p.process.cmd.Process.Signal(syscall.SIGKILL)
	}
	for _, p := range pods {
		<-p.process.done
		if !p.process.wasKilled() {
			w.t.Errorf("%s ended with %v before it was killed:\n%s", p.name, p.process.err, p.process.log)
		}
		w.count(p, how)
	}
}

func (w *chaos) count(p *pod, how string) {
	w.dealt++
	w.Tally.killed(how)
	if w.calls.lately(recent) {
		w.Tally.count(&w.Tally.atWork)
	}
	w.gone(p)
}

// gone notes the end of a process and when there will be another one.
func (w *chaos) gone(p *pod) {
	w.last = append(w.last, p.process.log)
	if keep := 2 * len(w.pods); len(w.last) > keep {
		w.last = w.last[len(w.last)-keep:]
	}
	p.process, p.back = nil, time.Now()
	switch dice := w.rng.IntN(100); {
	case dice < 50: // back at once
	case dice < 97:
		p.back = p.back.Add(w.upTo(time.Second))
	default:
		p.back = p.back.Add(w.rig.Session + w.upTo(2*time.Second))
		w.Tally.count(&w.Tally.away)
	}
}

// drain ends a process in good order, unless it comes to its point on the way.
func (w *chaos) drain(p *pod) {
	err := p.process.drain()
	if p.point != "" && p.process.wasKilled() {
		w.count(p, p.point)
		return
	}
	if err != nil {
		w.t.Errorf("%s: %v: %s", p.name, err, p.process.log)
	}
	w.Tally.count(&w.Tally.drained)
	w.gone(p)
}

// freeze stops a process for longer than the group waits for it. To the others
// it was dead, to itself no time has passed.
func (w *chaos) freeze(p *pod) {
	p.process.Freeze()
	<-time.After(w.rig.Session + w.upTo(2*time.Second))
	p.process.Thaw()
	w.Tally.count(&w.Tally.frozen)
}

// judge lets the oracle look at a bridge whose replicas all run.
func (w *chaos) judge() {
	w.rig.vendor.SetLife(0)
	for _, p := range w.pods {
		if p.process != nil && p.point != "" {
			w.kill(atRandom, p)
		}
		if p.process == nil {
			w.launch(p, false)
		}
	}
	w.Judge()
}

// end leaves nothing behind, and says what there was to hear if it failed.
func (w *chaos) end() {
	for _, p := range w.pods {
		if p.process != nil {
			p.process.Kill()
			w.last = append(w.last, p.process.log)
		}
	}
	if w.t.Failed() {
		for _, l := range w.last {
			w.t.Logf("one of the last processes said:\n%s", l)
		}
	}
}

func (w *chaos) upTo(d time.Duration) time.Duration { return time.Duration(w.rng.Int64N(int64(d))) }
