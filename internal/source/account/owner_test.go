package account_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/internal/source/account"
)

// A process that stops at any point of its work, and wakes when another one has
// taken over, has written nothing twice and nothing older over newer; what it was
// at is done by the other one.
func TestAnOwnerThatStopsAnywhere(t *testing.T) {
	t.Parallel()
	r := newRig(t, seedOf(40), nil)
	deal := must[int64](t)(r.sim.Create("deal", `{"title":"one"}`))
	want := "r"
	for _, point := range account.Points() {
		var armed atomic.Bool
		var once sync.Once
		stopped, wake := make(chan struct{}), make(chan struct{})
		r.point = func(at string) {
			if at != point || !armed.Load() {
				return
			}
			once.Do(func() { close(stopped); <-wake })
		}
		_, stop := r.startFrozen()
		r.waitOps("deal", deal, want)
		armed.Store(true)
		ok(t, r.sim.Update("deal", deal, `{"title":"at `+point+`"}`))
		until(t, "the first owner to be at "+point, func() bool { return isClosed(stopped) })
		r.point = nil
		_, end := r.start()
		want += "u"
		r.waitOps("deal", deal, want)
		close(wake)
		stop()
		r.judge()
		end()
	}
	r.waitOps("deal", deal, want)
}

// The positions of webhooks and what they changed are written together, or not.
func TestPositionsMoveWithTheirChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t, seedOf(41), nil)
	deal := must[int64](t)(r.sim.Create("deal", `{"title":"one"}`))
	var armed, early, seen atomic.Bool
	r.point = func(at string) {
		if armed.Load() && (at == account.PointBeforeFlush || at == account.PointChangesAcked) {
			seen.Store(true)
			early.Store(early.Load() || r.settled(1))
		}
	}
	r.started()
	armed.Store(true)
	ok(t, r.sim.Update("deal", deal, `{"title":"two"}`))
	until(t, "the change, or its position", func() bool { return r.settled(1) || early.Load() })
	if early.Load() || !seen.Load() {
		t.Errorf("the position was written before its change: %v, looked: %v", early.Load(), seen.Load())
	}
	if got := ops(of(r.events("deal"), deal)); got != "ru" {
		t.Errorf("the position is there, and the events are %q", got)
	}
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
