package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
)

// TestAnyFaults throws faults of all kinds at a source, some at a time and in any
// order, while the tenant lives. FAULTS_SEED is the first world's seed, FAULTS_ROUNDS
// how many worlds there are.
func TestAnyFaults(t *testing.T) {
	t.Parallel()
	seed, rounds := fromEnv(t, "FAULTS_SEED", uint64(time.Now().UnixNano()%1_000_000)), fromEnv(t, "FAULTS_ROUNDS", 1)
	var stories []story
	for n := range rounds {
		d := &dice{Rand: rand.New(rand.NewPCG(seed+n, 1)), seed: seed + n}
		stories = append(stories, story{
			name: fmt.Sprint("seed ", d.seed), setting: setting{sim: d.tenant}, begin: d.play, end: d.mend,
		})
	}
	tell(t, stories)
}

func fromEnv(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// dice decide what happens in a world.
type dice struct {
	*rand.Rand
	seed uint64
}

func of[T any](d *dice, list ...T) T { return list[d.IntN(len(list))] }

// tenant answers as some tenant might.
func (d *dice) tenant(o *planhatsim.Options) {
	o.Seed, o.Companies = int64(d.seed), 10+d.IntN(40)
	values := planhatsim.SwitchValues()
	for _, name := range []string{
		"missing_get", "tie_order", "page_envelope", "list_shape", "archived_true", "company_delete", "license_stamps", "date_header", "error_body", "company_rename",
	} {
		if sw, err := o.Switches.With(name, of(d, values[name]...)); err == nil {
			o.Switches = sw
		}
	}
}

// fault is any one that ends by itself, or when all are cleared.
func (d *dice) fault() planhatsim.Fault {
	f := of(d,
		planhatsim.Fault{Kind: of(d, "500", "502", "503", "504")}, planhatsim.Fault{Kind: "429", RetryAfter: d.IntN(2), Mode: of(d, "seconds", "date", "reset", "epoch", "dashed")},
		planhatsim.Fault{Kind: "latency", Ms: d.IntN(400)}, planhatsim.Fault{Kind: "timeout-before", Close: d.IntN(2) == 0}, planhatsim.Fault{Kind: "reset"},
		planhatsim.Fault{Kind: "truncated", Mode: of(d, "length", "chunked", "json")}, planhatsim.Fault{Kind: "html"}, planhatsim.Fault{Kind: "empty-body"},
		planhatsim.Fault{Kind: "stall"}, planhatsim.Fault{Kind: "short", Mode: of(d, "", "any"), Rows: d.IntN(30)}, planhatsim.Fault{Kind: "shifted", Rows: d.IntN(9) - 4},
		planhatsim.Fault{Kind: "garbled", Mode: of(d, "object", "null", "strings", "no-id", "bad-id", "two-ids", "nested", "twice")},
		planhatsim.Fault{Kind: "unsorted", Mode: of(d, "shuffled", "reversed", "ignored")},
		planhatsim.Fault{Kind: "stale", Ms: 200 + d.IntN(2000), Mode: of(d, "", "all")}, planhatsim.Fault{Kind: "late", Ms: 200 + d.IntN(2000), Mode: of(d, "", "all")},
	)
	f.Method, f.Path, f.Count = "GET", of(d, "", "", "/companies", "/endusers", "/conversations", "/licenses"), 1+d.IntN(4)
	if f.Mode == "all" {
		f.Ms = min(f.Ms, lag)
	}
	if f.Kind == "stale" || f.Kind == "late" || f.Kind == "unsorted" {
		f.Count, f.Probability = 5+d.IntN(20), 0.3+0.7*d.Float64()
	}
	return f
}

// play lets things happen for some seconds.
func (d *dice) play(w *world) {
	for range 6 {
		for range 1 + d.IntN(3) {
			f := d.fault()
			w.t.Logf("fault %+v", f)
			w.fault(f)
		}
		switch d.IntN(8) {
		case 0:
			w.sim.SetTokens(map[string]planhatsim.Token{"another": {}})
			w.live(5)
			w.sim.SetTokens(map[string]planhatsim.Token{stage.Token: {}})
		case 1:
			w.front.Cut(func(context.Context) error { return &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded} })
			w.front.HangUp()
			w.live(5)
			w.front.Cut(nil)
		case 2:
			w.front.HangUp()
		case 3:
			w.clock.set(time.Duration(d.IntN(120)-60) * time.Second)
		case 4:
			w.stop()
			w.start()
		case 5:
			w.sim.Live(60)
		default:
		}
		w.live(15)
	}
}

func (d *dice) mend(w *world) { w.sim.ClearFaults() }
