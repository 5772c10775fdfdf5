package sink

import (
	"sync"
	"time"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// proven remembers when the token was last seen to be allowed something. An answer of
// "not found" is believed at once where the batch has seen it: where not, that costs a look.
type proven struct {
	mu sync.Mutex
	at map[right]time.Time
}

// right is what a token may do with an object.
type right struct {
	object planhat.Object
	verb   verb
}

type verb int

const (
	reads verb = iota + 1
	updates
)

func (p *proven) note(o planhat.Object, v verb) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at == nil {
		p.at = map[right]time.Time{}
	}
	p.at[right{o, v}] = time.Now()
}

// since tells whether a right was seen after a moment. What was seen before says nothing
// of a call after it: rights are taken away at any time.
func (p *proven) since(o planhat.Object, v verb, moment time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at[right{o, v}].After(moment)
}

// forget is for another token.
func (p *proven) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.at)
}

// wording remembers how deletes of an object are answered. Nobody documents what Planhat
// answers for a record that does not exist. As long as that may be the same as for one
// that does, a record is looked up before it is deleted.
type wording struct {
	mu  sync.Mutex
	of  map[deletes]answerWords
	now map[deletes]chan struct{} // by whom it is being learned
}

// deletes names those of an object at a workspace's Planhat.
type deletes struct {
	workspace string
	object    planhat.Object
}

type answerWords int

const (
	wordsUnknown answerWords = iota
	wordsCount               // they count, or are, what was deleted
	wordsNothing             // they say nothing
)

// learn tells how deletes are answered. Where that is not known, the first who asks is to
// find out, and calls done after it; the others wait for that, but no longer than it suits them.
func (w *wording) learn(of deletes, patience time.Duration) (words answerWords, done func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.of[of] != wordsUnknown {
		return w.of[of], func() {}
	}
	learning := w.now[of]
	if learning == nil {
		if w.now == nil {
			w.now = map[deletes]chan struct{}{}
		}
		ended := make(chan struct{})
		w.now[of] = ended
		return wordsUnknown, sync.OnceFunc(func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			delete(w.now, of)
			close(ended)
		})
	}
	w.mu.Unlock()
	wait := time.NewTimer(patience)
	select {
	case <-learning:
	case <-wait.C:
	}
	wait.Stop()
	w.mu.Lock()
	return w.of[of], func() {}
}

// heard notes how the delete of a record that was there is answered.
func (w *wording) heard(of deletes, told bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.of == nil {
		w.of = map[deletes]answerWords{}
	}
	switch {
	case told:
		w.of[of] = wordsCount
	case w.of[of] == wordsUnknown:
		w.of[of] = wordsNothing
	}
}
