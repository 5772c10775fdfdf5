package source

import (
	"fmt"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// deleteLimits are what one sweep may find gone before somebody has to look: a
// third of the records, but never fewer than a hundred.
var deleteLimits = cdc.DeleteLimits{Share: 1.0 / 3, Free: 100}

// blindLimits are those where a delete is written without a question.
var blindLimits = cdc.DeleteLimits{Share: 1.0 / 3, Free: 10}

// guard holds the deletes of a stream when a sweep has found more records gone
// than is plausible: a listing that is empty by mistake, while the vendor
// answers "not found" to everything, looks like an emptied tenant. Nothing is
// deleted until a later sweep finds the records again, or an operator releases
// the stream.
func (w *workspace) guard(s *stream) {
	limits := deleteLimits
	if s.blind {
		limits = blindLimits
	}
	much := cdc.MassDelete(s.gone(), s.index.Len(), limits)
	switch {
	case !much:
		if s.cursor.Held {
			w.log.Info("the records are there again: deletes are no longer held", "workspace", w.cfg.Name, "stream", s.listing)
			w.notifyWith(s, schemas.Notification{Kind: schemas.NotifyDeletesReleased, Message: "the records are there again: deletes are no longer held"})
		}
		s.cursor.Held, s.released = false, false
	case s.released: // an operator has looked at these
	case !s.cursor.Held:
		s.cursor.Held = true
		w.notifyWith(s, schemas.Notification{Kind: schemas.NotifyDeletesHeld, Message: fmt.Sprintf(
			"%d of %d records are gone at once: nothing is deleted before they are there again, or an operator says that it is true: %s",
			s.gone(), s.index.Len(), releaseCommand(w.cfg.Name, s.listing))})
		w.log.Error("too many records are gone at once: no delete is written before an operator releases the stream",
			"workspace", w.cfg.Name, "stream", s.listing, "gone", s.gone(), "records", s.index.Len(), "remedy", releaseCommand(w.cfg.Name, s.listing))
	}
	s.unlisted = 0
}

// forgetHeld begins the count anew with a sweep: what is still gone is found
// again, what came back is not.
func (s *stream) forgetHeld() {
	s.unlisted = 0
	if s.cursor.Held {
		s.cursor.Candidates = nil
	}
}

func releaseCommand(workspace, listing string) string {
	return fmt.Sprintf("planhatctl signal release --workspace %s --stream %s", workspace, listing)
}
