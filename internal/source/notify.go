package source

import (
	"context"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// notify tells operators and automations of something. What belongs to a change
// of state goes with it instead: see notifyWith.
//
// At and Workspace are filled in. Only the workspace's own goroutine may call
// it; with w.mu held or not.
func (w *workspace) notify(n schemas.Notification) {
	w.outbox.Add(w.stamped(n))
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

// transact is the lease's Transact, with the notifications that wait.
func (w *workspace) transact(ctx context.Context, notes []schemas.Notification, fn func(tx *shard.Tx) error) error {
	return w.outbox.Transact(ctx, w.lease, notes, fn)
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
