package source

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// everyStream is what a signal says instead of a stream to release all that is
// held of a workspace.
const everyStream = "all"

// holdDeletes keeps the deletes of a stream from being written.
func (w *workspace) holdDeletes(s *stream, gone int, by string) {
	fresh := !s.cursor.Held
	s.cursor.Held, s.cursor.HeldBy, s.cursor.Gone, s.cursor.Released = true, by, gone, 0
	s.scan.confirm = confirmation{}
	s.sample = s.someGone()
	if !fresh {
		return
	}
	w.log.Error("too many records are gone at once: no delete is written before an operator releases the stream",
		"workspace", w.cfg.Name, "stream", s.listing, "limit", by, "gone", gone, "records", s.index.Len(),
		"for_example", s.sample, "remedy", releaseCommand(w.cfg.Name, s.listing))
	w.notify(s.listing, schemas.EventHeld, w.heldText(s))
}

// heldText tells an operator all that is needed to decide.
func (w *workspace) heldText(s *stream) string {
	if s.sample == nil {
		s.sample = s.someGone()
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

// someGone are ids to look for at the vendor: the first, the middle and the last.
func (s *stream) someGone() []string {
	c := s.cursor.Candidates
	switch n := len(c); {
	case n == 0:
		return nil
	case n < 3:
		return []string{c[0].String()}
	default:
		return []string{c[0].String(), c[n/2].String(), c[n-1].String()}
	}
}

// letGo ends a hold because the records were found again.
func (w *workspace) letGo(s *stream) {
	if !s.cursor.Held {
		return
	}
	s.cursor.Held, s.cursor.HeldBy = false, ""
	w.log.Info("the records are there again: deletes are no longer held", "workspace", w.cfg.Name, "stream", s.listing)
	w.notify(s.listing, schemas.EventHoldEnded, "the records are there again: deletes are no longer held")
}

// release lets the deletes of a stream go that an operator has looked at: as
// many as were gone, and no more. It is written with the stream's next flush.
func (w *workspace) release(s *stream) string {
	n := max(s.cursor.Gone, len(s.cursor.Candidates))
	s.cursor.Held, s.cursor.HeldBy, s.cursor.Gone, s.cursor.Released, s.cursor.Losses = false, "", 0, n, nil
	s.schedule.due = w.now()
	w.show(s)
	return fmt.Sprintf("%d records are asked for, and deleted where Planhat says that they do not exist", n)
}

// releaseAll lets all go that is held of the workspace.
func (w *workspace) releaseAll() (done bool, message string) {
	var words []string
	if w.pause.state == stateWrongTenant {
		words = append(words, w.acceptTenant())
	}
	for _, s := range w.streams {
		if s.cursor.Held {
			words = append(words, s.listing+": "+w.release(s))
		}
	}
	if words == nil {
		return false, "nothing of the workspace is held"
	}
	return true, strings.Join(words, "; ")
}

// notify puts a word for operators on the notifications topic; tell sends it.
func (w *workspace) notify(stream, event, message string) {
	w.notices = append(w.notices, schemas.Notification{
		Event: event, Workspace: w.cfg.Name, Stream: stream, Done: true, Message: message, At: w.now().UTC(),
	})
}

// tell sends what notify has noted.
func (w *workspace) tell(ctx context.Context) error {
	if len(w.notices) == 0 {
		return nil
	}
	records := make([]*kgo.Record, len(w.notices))
	for i, n := range w.notices {
		value, err := json.Marshal(n)
		if err != nil {
			return fmt.Errorf("encode a notification: %w", err)
		}
		records[i] = &kgo.Record{Topic: w.notifications, Key: []byte(streamName(n.Workspace, n.Stream)), Value: value}
	}
	w.notices = nil
	return w.lease.Transact(ctx, func(tx *shard.Tx) error { return tx.Produce(records...) })
}

func releaseCommand(workspace, listing string) string {
	return fmt.Sprintf("planhatctl signal release --workspace %s --stream %s", workspace, listing)
}
