package pairs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/planhat-bridge/planhat-bridge/internal/service"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/test/pairs"
	"github.com/planhat-bridge/planhat-bridge/test/share"
)

// atOnce bounds the rows that run beside each other: a row waits more than it
// works.
const atOnce = 12

// TestSwitchPairs runs a whole bridge under rows of the covering array: a share of
// them, or all.
func TestSwitchPairs(t *testing.T) {
	t.Parallel()
	axes := append(switches(), pairs.Axis{Name: shareAxis, Values: shareNames()})
	var rows errgroup.Group // parallel subtests would be as many as there are cores
	rows.SetLimit(atOnce)
	for n, row := range pairs.Cover(axes) {
		if !share.Has(n, 3) {
			continue
		}
		rows.Go(func() error {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Cleanup(func() {
					if t.Failed() {
						t.Logf("switches: %s", strings.Join(differing(axes, row), " "))
					}
				})
				runRow(t, n, chosen(axes, row))
			})
			return nil
		})
	}
	_ = rows.Wait() // no row gives an error
}

// chosen is a row as switches.
func chosen(axes []pairs.Axis, row []int) map[string]string {
	out := map[string]string{}
	for i, a := range axes {
		out[a.Name] = a.Values[row[i]]
	}
	return out
}

// differing are the switches that a row does not leave at their defaults.
func differing(axes []pairs.Axis, row []int) []string {
	var out []string
	for i, a := range axes {
		if row[i] > 0 {
			out = append(out, a.Name+"="+a.Values[row[i]])
		}
	}
	return out
}

func runRow(t *testing.T, n int, set map[string]string) {
	t.Helper()
	b := newBridge(t, n, set)
	b.start()
	b.snapshot()
	b.live(40)
	b.tell()
	report := b.judge(service.Objects())
	if t.Failed() {
		return
	}
	whole(t, report.Coverage.Objects)
	b.loseRight(n)
}

// TestDeniedFromTheStart runs the bridge with a token that has never been allowed
// to see some objects: between the three ways to say so, every object is one.
func TestDeniedFromTheStart(t *testing.T) {
	t.Parallel()
	const name = "forbidden"
	words := planhatsim.SwitchValues()[name]
	for n, word := range words {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			var denied, allowed []string
			listings := map[string]bool{}
			for i, spec := range planhat.Objects() {
				if i%len(words) == n {
					denied = append(denied, string(spec.Object))
					listings[spec.Listing] = true
				}
			}
			for _, spec := range planhat.Objects() {
				if !listings[spec.Listing] {
					allowed = append(allowed, string(spec.Object))
				}
			}
			b := newBridge(t, n, map[string]string{name: word})
			b.deny(denied...)
			b.start()
			b.until("the states of the streams", func() bool { return b.settled(listings) })
			b.live(20)
			b.send(each(b.actors(), func(a *actor) []command {
				if listings[a.spec.Listing] {
					return []command{
						a.command("get", "nobody", forbidden).to(planhat.KeyID, nobody),
						a.command("delete", "nobody", forbidden).to(planhat.KeyID, nobody),
						a.command("create", "a", forbidden).with(a.record("a", "acct-1002")),
					}
				}
				return []command{a.command("get", "nobody", notFound).to(planhat.KeyID, nobody), a.command("delete", "nobody", unchanged).to(planhat.KeyID, nobody)}
			}))
			b.judge(allowed)
		})
	}
}

// settled: the streams that are denied say so, and the others have their snapshot.
func (b *bridge) settled(denied map[string]bool) bool {
	streams := b.streams()
	for name, s := range streams {
		if denied[name] && s.State != "forbidden" || !denied[name] && !s.SnapshotDone {
			return false
		}
	}
	return len(streams) > 0
}

// whole holds a run to having had a change of every object.
func whole(t *testing.T, objects map[string]int) {
	t.Helper()
	for o, n := range objects {
		if n == 0 {
			t.Errorf("no change of object %s: the run proves nothing about it", o)
		}
	}
}

// loseRight takes the right to one object from the token while all goes on: each row
// takes another one of those that take part in it.
func (b *bridge) loseRight(n int) {
	b.t.Helper()
	var playing []planhat.Spec
	for i, spec := range planhat.Objects() {
		if b.plays(i, spec.Object) {
			playing = append(playing, spec)
		}
	}
	spec := playing[n%len(playing)]
	b.deny(string(spec.Object))
	b.until("the stream "+spec.Listing+" to be forbidden", func() bool { return b.streams()[spec.Listing].State == "forbidden" })
	b.live(10)
	b.send(each(b.actors(), func(a *actor) []command { return a.afterwards(a.spec.Listing == spec.Listing) }))
	for name, s := range b.streams() {
		if name != spec.Listing && s.State != "ok" {
			b.t.Errorf("stream %s is %s (%s) while only %s is forbidden", name, s.State, s.Cause, spec.Listing)
		}
	}
	var others []string
	for _, other := range planhat.Objects() {
		if other.Listing != spec.Listing {
			others = append(others, string(other.Object))
		}
	}
	b.judge(slices.Clip(others))
}

// afterwards are commands of a token that may not do all.
func (a *actor) afterwards(denied bool) []command {
	out := []command{
		a.command("get", "a", read).as("late").to(planhat.KeyID, a.id(a.born())),
		a.command("create", "late", created).with(a.keyed("late", home)),
	}
	out = append(out, a.command("update", "a", updated).as("late").to(planhat.KeyID, a.id(a.born())).with(map[string]any{a.text(): "late"}))
	for _, k := range a.keys() {
		out = append(out, a.upsert(k, "late-"+strings.ToLower(string(k)), created))
	}
	out = append(out, a.command("delete", "a", deleted).as("late").to(planhat.KeyID, a.id(a.born())))
	if denied {
		for n := range out {
			out[n].want = forbidden
		}
	}
	return out
}
