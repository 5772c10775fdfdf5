package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// maxConfirmed is how many candidates are settled before a flush, and before a
// sweep that is due may begin.
const maxConfirmed = 100

// confirmation is what has to be known of the vendor before its word that a
// record does not exist is a delete. Nobody documents how Planhat answers for
// a missing id, and a token that has lost a right may answer in the same way
// for everything: so an id that never was shows what "missing" looks like, and
// records that the listing has just shown must not look like it, neither before
// the candidates are asked for nor after.
type confirmation struct {
	missing answer
	proved  objectSet // objects of which a record has answered
	again   objectSet // ... and again, when all candidates had been asked for
	twin    bool      // records are asked for at their other address
	blind   bool      // no address tells a record that exists from one that does not
	asked   int       // candidates asked for so far
	gone    map[cdc.ID]cdc.Entry
}

// objectSet are some of a stream's objects.
type objectSet uint64

func (o objectSet) has(kind uint8) bool { return o>>kind&1 == 1 }

func (o *objectSet) add(kind uint8) { *o |= 1 << kind }

// answer is how a GET ended.
type answer struct {
	kind   planhat.Kind
	status int
}

// never is an id of 1970: no record was created then.
var never = cdc.ID{11: 1}

// confirmError is trouble with asking for deletion candidates: they wait, the
// scans go on.
type confirmError struct{ error }

func (e confirmError) Unwrap() error { return e.error }

// stepConfirm asks for one deletion candidate, or asks one of the questions that
// come before the first and after the last.
func (w *workspace) stepConfirm(ctx context.Context, s *stream) error {
	c := &s.scan.confirm
	if !c.blind && c.missing == (answer{}) {
		return w.learnMissing(ctx, s)
	}
	id, more := s.nextCandidate()
	if !more {
		return w.endBatch(ctx, s)
	}
	known, exists, _ := s.known(id)
	if exists && !c.blind && !c.proved.has(known.Object) {
		return w.proveExisting(ctx, s, known.Object, &c.proved)
	}
	if s.asked = id; !exists {
		s.cursor.DropCandidate(id)
	} else if err := w.settleCandidate(ctx, s, id, known); err != nil {
		if err := w.unanswered(s, id, err); err != nil {
			return err
		}
		s.cursor.DropCandidate(id)
	}
	s.schedule.confirmFailures = 0
	if c.asked++; c.asked < maxConfirmed && len(s.cursor.Candidates) > len(c.gone) {
		return nil
	}
	return w.endBatch(ctx, s)
}

// settleCandidate asks for one candidate. What is gone stays one until the batch
// ends.
func (w *workspace) settleCandidate(ctx context.Context, s *stream, id cdc.ID, known cdc.Entry) error {
	c := &s.scan.confirm
	if c.blind {
		if s.unseenTwice(id) {
			c.bury(id, known)
			return nil
		}
		s.cursor.DropCandidate(id)
		return nil
	}
	got, err := w.ask(ctx, s, id, known.Object)
	switch {
	case got == c.missing:
		c.bury(id, known)
	case err != nil:
		return fmt.Errorf("confirm the deletion of %s %s: %w", s.listing, id, err)
	default:
		// It exists: missed, archived or moved to another listing. The next
		// sweep settles which.
		s.setAside(id, w.now())
		s.cursor.DropCandidate(id)
	}
	return nil
}

func (c *confirmation) bury(id cdc.ID, known cdc.Entry) {
	if c.gone == nil {
		c.gone = map[cdc.ID]cdc.Entry{}
	}
	c.gone[id] = known
}

// endBatch writes the deletes of the candidates that are gone: if a record of each
// of their objects still answers. A token that has lost a right while they were
// asked for would have answered for all of them as if they were gone.
func (w *workspace) endBatch(ctx context.Context, s *stream) error {
	c := &s.scan.confirm
	for _, e := range c.gone {
		if !c.blind && !c.again.has(e.Object) {
			return w.proveExisting(ctx, s, e.Object, &c.again)
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(c.gone), cdc.ID.Compare) {
		if known, exists, _ := s.known(id); exists {
			s.bereave(id, known, w.now())
		}
		s.cursor.DropCandidate(id)
	}
	s.scan.confirm, s.schedule.owed = confirmation{}, false
	return w.flush(ctx, s)
}

// bereave adds the delete of a record that is gone.
func (s *stream) bereave(id cdc.ID, known cdc.Entry, now time.Time) {
	before := len(s.pending.changes)
	s.remove(id, known)
	if len(s.pending.changes) == before {
		return
	}
	s.pending.changes[before].gone = true
	if s.cursor.Released > 0 {
		s.cursor.Released--
		return
	}
	s.cursor.Losses.Add(id, now)
}

// nextCandidate goes round, so that one that is found again and again does not
// keep the others waiting. There is none when all are known to be gone.
func (s *stream) nextCandidate() (next cdc.ID, more bool) {
	for _, id := range s.cursor.Candidates {
		if _, gone := s.scan.confirm.gone[id]; gone {
			continue
		}
		if id.Compare(s.asked) > 0 {
			return id, true
		}
		if !more {
			next, more = id, true
		}
	}
	return next, more
}

// unanswered decides what an error means that came instead of a record. One
// record that cannot be asked for must not keep the others waiting: it is a
// candidate again after a later sweep.
func (w *workspace) unanswered(s *stream, id cdc.ID, err error) error {
	switch planhat.KindOf(err) {
	case planhat.KindNotFound, planhat.KindForbidden, planhat.KindInvalid, planhat.KindMalformed:
		s.setAside(id, w.now())
		w.metrics.failures.WithLabelValues(w.cfg.Name, s.listing).Inc()
		w.log.Warn("a deletion is not confirmed", "workspace", w.cfg.Name, "stream", s.listing, "error", err.Error())
		return nil
	default:
		return err
	}
}

// unseenTwice says that the sweep before this one left a record out, too, of which
// nobody can be asked. A candidate may come back from the log within one sweep:
// that is no second witness.
func (s *stream) unseenTwice(id cdc.ID) bool {
	since, unseen := s.unseen[id]
	if unseen && since.Before(s.schedule.swept) {
		return true
	}
	if s.unseen == nil {
		s.unseen = map[cdc.ID]time.Time{}
	}
	s.unseen[id] = s.schedule.swept
	return false
}

// ask GETs a record by its id and says how that ended; the error is nil if the
// record answered.
func (w *workspace) ask(ctx context.Context, s *stream, id cdc.ID, kind uint8) (answer, error) {
	defer w.passed(PointCandidateAnswered)
	spec := s.objects[kind].spec
	if !s.scan.confirm.twin {
		_, err := w.get(ctx, spec.Object, id)
		return answerOf(err)
	}
	record, err := w.get(ctx, spec.Twin, id)
	if err != nil {
		return answerOf(err)
	}
	var row struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(record, &row); err != nil {
		return answerOf(&planhat.Error{Kind: planhat.KindMalformed, Action: "read the type of", Subject: string(spec.Twin) + " " + id.String(), Err: err})
	}
	if row.Type != spec.TwinType {
		return s.scan.confirm.missing, fmt.Errorf("%s %s is %s of another type", spec.Object, id, spec.Twin.WithArticle())
	}
	return answer{}, nil
}

// get is a GET for the tenant that was found to be the right one.
func (w *workspace) get(ctx context.Context, o planhat.Object, id cdc.ID) (json.RawMessage, error) {
	record, err := w.client.Get(ctx, o, planhat.ByID(id.String()))
	if !w.tokenStands() {
		return nil, errTokenChanged
	}
	return record, err
}

func answerOf(err error) (answer, error) {
	if err == nil {
		return answer{}, nil
	}
	if apiErr, ok := errors.AsType[*planhat.Error](err); ok {
		return answer{kind: apiErr.Kind, status: apiErr.Status}, err
	}
	return answer{kind: planhat.KindOf(err)}, err
}
