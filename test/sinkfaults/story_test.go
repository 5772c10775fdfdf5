package sinkfaults

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/planhat-bridge/planhat-bridge/test/rig"
	"github.com/planhat-bridge/planhat-bridge/test/rig/front"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wait"
	"github.com/planhat-bridge/planhat-bridge/test/share"
)

// In a child process this is the sink itself; else no goroutine may be left when all
// stories are told.
func TestMain(m *testing.M) {
	if os.Getenv("RIG_ROLE") != "" {
		os.Exit(rig.Main(m))
	}
	debug.SetGCPercent(400)
	flag.Parse()
	code := 1
	err := front.Install()
	if err == nil {
		err = flag.Set("test.parallel", strconv.Itoa(atOnce)) // stories wait much more than they compute
	}
	if err == nil {
		code = m.Run()
	}
	if code == 0 {
		http.DefaultClient.CloseIdleConnections()
		err = goleak.Find()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// atOnce bounds the worlds that there are at a time.
const atOnce = 10

// patience is how long anything may take that is not the subject of an assertion.
const patience = 40 * time.Second

// story is a fault, and what has to hold beside what holds after every fault.
type story struct {
	name  string
	begin func(*world) // the fault begins; it returns when the fault has struck
	end   func(*world) // the fault ends; nil: the vendor's faults are cleared
	after func(*world) // once the oracle has judged
	idle  bool         // no commands are sent beside the story's own while it lasts
}

// busy are the companies that are worked on in each part of a story.
const busy = 4

// tell runs a story in a world whose sink is at work.
func (w *world) tell(t *testing.T, s story) {
	t.Helper()
	w.t, w.sink.T = t, t
	if !s.idle {
		w.work(busy) // it is on its way when the fault strikes
	}
	s.begin(w)
	if !s.idle {
		w.work(busy)
	}
	if s.end == nil {
		w.sim.ClearFaults()
	} else {
		s.end(w)
	}
	took := w.fresh()
	w.work(busy)
	w.judge()
	t.Logf("a fresh command was answered %s after the end of the fault", took.Round(time.Millisecond))
	if s.after != nil {
		s.after(w)
	}
}

// each is how many stories a world sees; of a longer table one of oneOf is told, of
// which variants of a row have the same.
const each, oneOf = 6, 4

// inWorlds tells stories in worlds of their own, a few in each, one after the other.
// In the end the sink has left nothing behind, and one that is started again finds
// nothing to do.
func inWorlds(t *testing.T, s setting, stories ...story) {
	t.Helper()
	slices.SortFunc(stories, func(a, b story) int { return strings.Compare(a.name, b.name) })
	if len(stories) > each {
		stories = share.Of(stories, oneOf)
	}
	for n := 0; n < len(stories); n += each {
		told := stories[n:min(n+each, len(stories))]
		t.Run(told[0].name+" and on", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, s)
			w.start()
			for _, s := range told {
				ok := t.Run(s.name, func(t *testing.T) { w.tell(t, s) })
				w.t, w.sink.T = t, t
				if !ok {
					t.Fatal("the world is not whole any more: the other stories are not told")
				}
			}
			w.sink.Stop()
			w.nothingLeft()
		})
	}
}

// nothingLeft holds that a sink that has stopped leaves no goroutine and no connection.
func (w *world) nothingLeft() {
	w.t.Helper()
	w.registry.Close() // a process asks it to its end
	left, open := "", 0
	if !wait.Within(10*time.Second, func() bool {
		left = rig.Goroutines(w.name)
		open, _ = w.front.Connections()
		return left == "" && open == 0 && w.wire.Open() == 0
	}) {
		w.t.Errorf("the sink has stopped and leaves %d connections to the vendor, %d to Kafka, and these goroutines:\n%s", open, w.wire.Open(), left)
	}
}

// soon is how long after the end of a fault a new command may take to its result, on a
// machine that has nothing else to do.
const soon = 10 * time.Second

// runnable tells how many times slower than alone the sink is here.
func runnable() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	var load float64
	if _, scan := fmt.Sscan(string(text), &load); err != nil || scan != nil {
		return 1
	}
	return max(1, load/float64(runtime.NumCPU()))
}
