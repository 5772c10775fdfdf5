package sink

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
)

// place is where a command is in its topic.
type place struct {
	Partition int32 `json:"partition"`
	Offset    int64 `json:"offset"`
}

// intent is a create that has been begun: it may have been sent.
type intent struct {
	place
	// RecordID is what the create made; empty while nobody knows.
	RecordID string `json:"recordId,omitempty"`
}

// ledger holds the intents of the batch under way. It is in the state while
// creates are sent, and is emptied by the batch's transaction. Its use is
// what is found in it after a crash: those commands are looked up, not sent.
type ledger struct {
	mu      sync.Mutex
	intents map[place]*intent
	order   []place
	stored  bool // there is a state record
	dirty   bool // it lacks something that is known
}

type ledgerRecord struct {
	Version int       `json:"version"`
	Creates []*intent `json:"creates"`
}

func (l *ledger) restore(value []byte) error {
	l.intents, l.order, l.stored = map[place]*intent{}, nil, value != nil
	if value == nil {
		return nil
	}
	var r ledgerRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return fmt.Errorf("read intents: %w", err)
	}
	if r.Version > stateVersion {
		return fmt.Errorf("intents are of version %d, this bridge knows %d: use a newer one", r.Version, stateVersion)
	}
	for _, i := range r.Creates {
		l.intents[i.place] = i
		l.order = append(l.order, i.place)
	}
	return nil
}

// find returns the intent of a command that an earlier attempt at the batch
// has left.
func (l *ledger) find(at place) (intent, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := l.intents[at]; i != nil {
		return *i, true
	}
	return intent{}, false
}

// begin notes creates that are about to be sent.
func (l *ledger) begin(places []place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.intents == nil {
		l.intents = map[place]*intent{}
	}
	for _, at := range places {
		if l.intents[at] == nil {
			l.intents[at] = &intent{place: at}
			l.order = append(l.order, at)
			l.dirty = true
		}
	}
}

// made notes what a create made.
func (l *ledger) made(at place, recordID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := l.intents[at]; i != nil && i.RecordID != recordID {
		i.RecordID = recordID
		l.dirty = true
	}
}

// forget drops intents: of creates that were surely not carried out, or whose
// results are about to be written.
func (l *ledger) forget(at place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.intents[at] != nil {
		delete(l.intents, at)
		l.dirty = true
	}
}

// value is the state record: nil, a tombstone, if there are no intents.
func (l *ledger) value() []byte {
	r := ledgerRecord{Version: stateVersion}
	kept := l.order[:0]
	for _, at := range l.order {
		if i := l.intents[at]; i != nil {
			r.Creates = append(r.Creates, i)
			kept = append(kept, at)
		}
	}
	l.order = kept
	if len(r.Creates) == 0 {
		return nil
	}
	value, _ := json.Marshal(r) //nolint:errchkjson // numbers and strings
	return value
}

// unsaved returns the state record that is due: none if the state has it.
func (l *ledger) unsaved() (value []byte, due bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.dirty {
		return nil, false
	}
	l.dirty = false
	value = l.value()
	due = value != nil || l.stored
	l.stored = value != nil
	return value, due
}

// flushLedger writes the intents in a transaction of their own, if the state
// does not have them yet. An error ends the lease, so nothing is undone.
func (w *workspace) flushLedger() error {
	w.writing.Lock()
	defer w.writing.Unlock()
	value, due := w.ledger.unsaved()
	if !due {
		return nil
	}
	err := w.lease.Transact(w.ctx, func(tx *shard.Tx) error {
		tx.State(stateKey(w.cfg.Name, kindIntents), value)
		return nil
	})
	if err != nil {
		w.end()
	}
	return err
}
