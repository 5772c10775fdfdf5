package simkit

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// LifeLoop edits what a server holds as its users do, at a rate, until it is stopped.
type LifeLoop struct {
	change func(n int) (made int)
	made   atomic.Int64

	mu      sync.Mutex
	rate    float64
	stop    chan struct{} // nil: no life
	stopped chan struct{}
}

// NewLifeLoop makes a loop that is not under way. The function makes n changes and gives how many took effect.
func NewLifeLoop(change func(n int) (made int)) *LifeLoop { return &LifeLoop{change: change} }

// SetLife sets the changes per second; 0 stops, and returns when no change is under way any more.
func (l *LifeLoop) SetLife(rate float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stop != nil {
		close(l.stop)
		<-l.stopped
		l.stop, l.rate = nil, 0
	}
	if rate <= 0 {
		return
	}
	l.rate, l.stop, l.stopped = rate, make(chan struct{}), make(chan struct{})
	go l.live(rate, l.stop, l.stopped)
}

// Life gives the rate under way and how many changes life has made.
func (l *LifeLoop) Life() (rate float64, changes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rate, int(l.made.Load())
}

// Live makes n changes at once, as life does: for tests that want no clock. It gives how many took effect.
func (l *LifeLoop) Live(n int) (made int) { return l.change(n) }

// GetLife says the rate and the changes to the control API.
func (l *LifeLoop) GetLife(w http.ResponseWriter, _ *http.Request) {
	rate, changes := l.Life()
	Say(w, map[string]any{"rate": rate, "changes": changes})
}

// Changes of one tick share a stamp. What a tick cannot do is not made up for later: a slow machine gets
// a slower life, not a life that keeps everybody else from the server.
const (
	lifeTick = 5 * time.Millisecond
	lifeMost = 25 // changes in one tick
)

// live makes the changes that are due, every few milliseconds, until it is told to stop.
func (l *LifeLoop) live(rate float64, stop <-chan struct{}, stopped chan<- struct{}) {
	defer close(stopped)
	ticker := time.NewTicker(max(lifeTick, min(time.Duration(float64(time.Second)/rate), time.Minute)))
	defer ticker.Stop()
	last, owed := time.Now(), 0.0
	for {
		select {
		case <-stop:
			return
		case now := <-ticker.C:
			owed = min(owed+now.Sub(last).Seconds()*rate, lifeMost)
			last = now
			due := int(owed)
			owed -= float64(due)
			l.made.Add(int64(l.change(due)))
		}
	}
}

// Pick gives one of the habits at random, each as often as its weight says.
func Pick[H any](rng *rand.Rand, habits []H, weight func(H) int) (picked H) {
	total := 0
	for _, h := range habits {
		total += weight(h)
	}
	at := rng.IntN(total)
	for _, h := range habits {
		if at -= weight(h); at < 0 {
			return h
		}
	}
	return picked
}
