package source

import (
	"context"
	"fmt"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/internal/source/guard"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// holdDeletes keeps the deletes of a stream from being written.
func (w *workspace) holdDeletes(s *stream, gone int, by string) {
	fresh := guard.Hold(&s.cursor, by, gone)
	s.scan.confirm = confirmation{}
	s.sample = guard.Sample(&s.cursor, cdc.ID.String)
	if !fresh {
		return
	}
	w.log.Error("too many records are gone at once: no delete is written before an operator releases the stream",
		"workspace", w.cfg.Name, "stream", s.listing, "limit", by, "gone", gone, "records", s.index.Len(),
		"for_example", s.sample, "remedy", releaseCommand(w.cfg.Name, s.listing))
	w.notifyWith(s, schemas.Notification{Kind: schemas.NotifyDeletesHeld, Message: w.heldText(s)})
}

// heldText tells an operator all that is needed to decide.
func (w *workspace) heldText(s *stream) string {
	if s.sample == nil {
		s.sample = guard.Sample(&s.cursor, cdc.ID.String)
	}
	of := "of this listing"
	if s.heldBy() == heldByWorkspace {
		of = "of all listings together"
	}
	return fmt.Sprintf("%d of %d records are gone, for example %s: with what was deleted within a day more %s than PLANHAT_<NAME>_DELETE_GUARD lets pass. "+
		"Nothing is deleted. Compare with Planhat, and look at what the token may see. If they are deleted there: %s. If not, and the token sees them again, the hold ends with the next sweep.",
		max(s.cursor.Gone, len(s.cursor.Candidates)), s.index.Len(), strings.Join(s.sample, ", "), of, releaseCommand(w.cfg.Name, s.listing))
}

// heldFor is what /status says of a hold.
func (w *workspace) heldFor(s *stream) string {
	if !s.cursor.Held {
		return ""
	}
	return w.heldText(s)
}

// letGo ends a hold because the records were found again.
func (w *workspace) letGo(s *stream) {
	if !s.cursor.Held {
		return
	}
	s.cursor.Held, s.cursor.HeldBy = false, ""
	w.log.Info("the records are there again: deletes are no longer held", "workspace", w.cfg.Name, "stream", s.listing)
	w.notifyWith(s, schemas.Notification{Kind: schemas.NotifyDeletesReleased, Message: "the records are there again: deletes are no longer held"})
}

// release lets the deletes of a stream go that an operator has looked at: as
// many as were gone, and no more. They are asked for at once.
func (w *workspace) release(s *stream) string {
	now := w.now()
	n := guard.Release(&s.cursor, len(s.cursor.Candidates))
	s.schedule.due, s.schedule.confirmAt, s.schedule.confirmFailures, s.schedule.owed = now, now, 0, true
	w.notifyWith(s, schemas.Notification{Kind: schemas.NotifyDeletesReleased, Message: "an operator let the deletes go"})
	return fmt.Sprintf("%d records are asked for, and deleted where Planhat says that they do not exist", n)
}

// releaseStream lets the held deletes of a stream go.
func (w *workspace) releaseStream(_ context.Context, s *stream, _ schemas.Signal) (outcome, error) {
	if !s.cursor.Held {
		return notNow("the deletes of the stream are not held")
	}
	return done(s, "%s", w.release(s)), nil
}

// releaseAll lets all go that is held of the workspace. What it changes of each
// stream is written before the answer: a crash in between leaves nothing held
// for the second time that the signal is obeyed.
func (w *workspace) releaseAll(ctx context.Context, _ schemas.Signal) (outcome, error) {
	released, words := w.releaseHeld()
	if words == nil {
		return notNow("nothing of the workspace is held")
	}
	for _, s := range released {
		if err := w.flush(ctx, s); err != nil {
			return outcome{}, err
		}
	}
	return done(nil, "%s", strings.Join(words, "; ")), nil
}

func (w *workspace) releaseHeld() (released []*stream, words []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pause.state == service.StateWrongTenant {
		words = append(words, w.acceptTenant())
	}
	for _, s := range w.streams {
		if s.cursor.Held {
			released, words = append(released, s), append(words, s.listing+": "+w.release(s))
			w.show(s)
		}
	}
	return released, words
}

// releaseCommand is what an operator types; without a listing, for all that is
// held of the workspace.
func releaseCommand(workspace, listing string) string {
	command := "planhatctl signal release --workspace " + workspace
	if listing != "" {
		command += " --stream " + listing
	}
	return command
}
