package faults_test

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wait"
	"github.com/planhat-bridge/planhat-bridge/test/share"
)

// story is one fault and what has to hold beside what holds after every fault.
type story struct {
	name string
	setting
	begin  func(*world) // the fault begins; it returns when the fault has struck
	end    func(*world) // the fault ends; nil: the vendor's faults are cleared
	after  func(*world) // once the oracle has judged
	silent string       // the listings, by commas, that the fault ends for later than for others: none of their news is waited for
	still  bool         // nobody edits while the fault lasts, but the story itself
}

const (
	// lifeRate is how many changes the tenant's users make in a second.
	lifeRate = 20
	// atOnce bounds the stories that run beside each other, of all tests: a story waits more than it works.
	atOnce = 14
	// oneOf is how many variants of a row stand for each that is told.
	oneOf = 4
	// soon is how long after the end of a fault something new may take to its topic.
	soon = 10 * time.Second
)

// tell runs stories beside each other.
func tell(t *testing.T, stories []story) {
	t.Helper()
	stories = share.Of(stories, oneOf)
	var all sync.WaitGroup // parallel subtests would be as many as there are cores
	for _, s := range stories {
		all.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			t.Run(s.name, func(t *testing.T) { s.run(t) })
		})
	}
	all.Wait()
}

// room is taken by each story under way.
var room = make(chan struct{}, atOnce)

func (s story) run(t *testing.T) {
	t.Helper()
	w := newWorld(t, s.setting)
	w.start()
	w.judge()
	w.live(10)
	if s.still {
		w.sim.SetLife(0)
	}
	s.begin(w)
	if !s.still {
		w.live(20)
	}
	if s.end == nil {
		w.sim.ClearFaults()
	} else {
		s.end(w)
	}
	w.freshSoon(s.silent)
	w.live(20)
	w.sim.SetLife(0)
	w.judge()
	if s.after != nil {
		s.after(w)
	}
	w.stop()
	w.nothingLeft()
}

// live waits until the tenant's users have made some more changes.
func (w *world) live(changes int) {
	w.t.Helper()
	rate, made := w.sim.Life()
	if rate == 0 {
		w.sim.SetLife(lifeRate)
	}
	w.until("the tenant's users", func() bool { _, now := w.sim.Life(); return now >= made+changes })
}

// news are records that are made to see when they arrive: with a stamp and without.
// Their mark keeps the tenant's users from deleting them meanwhile.
var news = []struct{ listing, fields string }{
	{"companies", `{"name":"News %[1]d","custom":{"cmd":"news"}}`},
	{"licenses", `{"_currency":"EUR","value":7,"fromDate":"2026-01-01","companyId":%[2]q,"custom":{"cmd":"news"}}`},
	{"conversations", `{"type":"note","subject":"News %[1]d","companyId":%[2]q,"custom":{"cmd":"news"}}`},
}

// freshSoon makes something new in the listings and holds that it arrives soon.
func (w *world) freshSoon(but string) {
	w.t.Helper()
	begun := time.Now()
	company := w.make("companies", `{"name":"Home of the news","custom":{"cmd":"news"}}`)
	var made []string
	for n, row := range news {
		if but != row.listing {
			made = append(made, w.make(row.listing, fmt.Sprintf(row.fields, n, company)))
		}
	}
	limit := time.Duration(float64(soon) * busy())
	for _, id := range made {
		if !wait.Within(limit-time.Since(begun), func() bool { return w.onTopic(id) }) {
			w.t.Errorf("%s after the end of the fault there is no event of record %s, which was made at its end; the source says %+v",
				time.Since(begun).Round(time.Millisecond), id, w.status())
			return
		}
	}
	w.t.Logf("what was made at the end of the fault was there %s later", time.Since(begun).Round(time.Millisecond))
}

// busy is how many times slower than alone and unwatched the source is here: by what
// else the machine does, and under the race detector.
func busy() float64 {
	slower := 1.0
	if raced {
		slower = 2
	}
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return slower // another system
	}
	var runnable float64
	if _, err := fmt.Sscan(string(text), &runnable); err != nil {
		return slower
	}
	return slower * max(1, runnable/float64(runtime.NumCPU()))
}

// strikes begins a fault of GETs.
func strikes(f planhatsim.Fault, times int64) func(*world) {
	return func(w *world) {
		f.Method = "GET"
		w.fault(f)
		w.struck(f.Kind, times)
	}
}
