package source

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/internal/source/account"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// notifyEvery is how often notifications may cost a transaction of their own.
const notifyEvery = time.Second

// maxNotes bounds the notifications that wait for their topic.
const maxNotes = 1000

// outbox are the notifications of a workspace that are not written yet.
type outbox struct {
	notes   []schemas.Notification
	written time.Time // when a transaction last took them along
}

// notify tells operators and automations of something. It goes out with the
// workspace's next transaction, or with one of its own within about a second,
// and at most once: memory that is lost before takes it along. What belongs to
// a change of state goes with it instead: see notifyWith.
//
// At and Workspace are filled in. Only the workspace's own goroutine may call
// it; with w.mu held or not.
func (w *workspace) notify(n schemas.Notification) {
	w.outbox.notes = append(w.outbox.notes, w.stamped(n))
}

// notifyWith tells of what the pending changes and the cursor of a stream say
// once they are written: it goes out in their transaction, exactly once, and is
// forgotten with them where they are dropped. Stream is filled in, too.
func (w *workspace) notifyWith(s *stream, n schemas.Notification) {
	n.Stream = s.listing
	s.pending.notes = append(s.pending.notes, w.stamped(n))
}

func (w *workspace) stamped(n schemas.Notification) schemas.Notification {
	n.Workspace, n.At = w.cfg.Name, w.now().UTC()
	return n
}

// transact is the lease's Transact, with the notifications that wait. An error
// is the end of the lease. A topic of notifications that takes none stops
// nothing: they wait until it does.
func (w *workspace) transact(ctx context.Context, notes []schemas.Notification, fn func(tx *shard.Tx) error) error {
	notes = slices.Concat(w.outbox.notes, notes)
	var waiting []schemas.Notification
	if w.lease.Writable(ctx, w.notifications) != nil {
		notes, waiting = nil, notes[max(len(notes)-maxNotes, 0):]
	}
	records, err := w.noteRecords(notes)
	if err != nil {
		return err
	}
	err = w.lease.Transact(ctx, func(tx *shard.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return tx.Produce(records...)
	})
	if err != nil {
		return leaseError{err}
	}
	w.outbox = outbox{notes: waiting, written: w.now()}
	return nil
}

// deliver writes the notifications for which no other transaction came.
func (w *workspace) deliver(ctx context.Context) error {
	if len(w.outbox.notes) == 0 || w.now().Sub(w.outbox.written) < notifyEvery {
		return nil
	}
	if err := w.lease.Writable(ctx, w.notifications); err != nil {
		return nil //nolint:nilerr // they wait; the shard has logged why
	}
	return w.transact(ctx, nil, func(*shard.Tx) error { return nil })
}

func (w *workspace) noteRecords(notes []schemas.Notification) ([]*kgo.Record, error) {
	out := make([]*kgo.Record, 0, len(notes))
	for _, n := range notes {
		rec, err := noteRecord(w.notifications, n)
		if err != nil {
			return nil, err
		}
		out = append(out, rec)
	}
	return out, nil
}

// noteRecord is a notification for its topic.
func noteRecord(topic string, n schemas.Notification) (*kgo.Record, error) {
	value, err := json.Marshal(n)
	if err != nil {
		return nil, fmt.Errorf("encode a notification: %w", err)
	}
	key := streamName(n.Workspace, n.Stream)
	if n.Account != "" {
		key = account.Prefix + n.Account + "/" + n.Stream
	}
	return &kgo.Record{Topic: topic, Key: []byte(key), Value: value}, nil
}

// tellTurn notifies of a state that stops a stream, once, and of its end.
func (w *workspace) tellTurn(s *stream) {
	n := schemas.Notification{Stream: s.listing, Message: s.health.cause}
	switch was := s.health.told; s.health.state {
	case was:
		return
	case stateHeld:
		n.Kind = schemas.NotifyStreamHeld
	case stateForbidden:
		n.Kind = schemas.NotifyStreamForbidden
	case stateOK:
		n.Kind, n.Message = schemas.NotifyStreamReleased, "the stream goes on"
		if was == stateForbidden {
			n.Kind, n.Message = schemas.NotifyStreamAllowed, "the token may see the listing again"
		}
		s.health.told = ""
		if was != "" {
			w.notify(n)
		}
		return
	default:
		return
	}
	s.health.told = s.health.state
	w.notify(n)
}
