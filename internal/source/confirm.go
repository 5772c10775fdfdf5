package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
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
// a record that the listing has just shown must not look like it.
type confirmation struct {
	missing answer
	proved  bool
	twin    bool // records are asked for at their other address
	blind   bool // no address tells a record that exists from one that does not
	asked   int  // candidates settled so far
}

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

// stepConfirm settles one deletion candidate, or asks one of the questions that
// come before the first.
func (w *workspace) stepConfirm(ctx context.Context, s *stream) error {
	c := &s.scan.confirm
	switch {
	case c.blind:
	case c.missing == (answer{}):
		return w.learnMissing(ctx, s)
	case !c.proved:
		return w.proveExisting(ctx, s)
	}
	id := s.nextCandidate()
	if err := w.settleCandidate(ctx, s, c, id); err != nil {
		if err := w.unanswered(s, id, err); err != nil {
			return err
		}
	}
	s.cursor.DropCandidate(id)
	s.schedule.confirmFailures = 0
	if c.asked++; len(s.cursor.Candidates) > 0 && c.asked < maxConfirmed {
		return nil
	}
	s.scan.confirm, s.schedule.owed = confirmation{}, false
	return w.flush(ctx, s)
}

// settleCandidate asks for one candidate.
func (w *workspace) settleCandidate(ctx context.Context, s *stream, c *confirmation, id cdc.ID) error {
	if known, exists, _ := s.known(id); exists {
		if c.blind {
			s.settleUnseen(id, known)
			return nil
		}
		got, err := w.ask(ctx, s, id, known.Object)
		switch {
		case got == c.missing:
			s.remove(id, known)
		case err != nil:
			return fmt.Errorf("confirm the deletion of %s %s: %w", s.listing, id, err)
		default:
			// It exists: missed, archived or moved to another listing. The next
			// sweep settles which.
			s.setAside(id, w.now())
		}
	}
	return nil
}

// nextCandidate goes round, so that one that is found again and again does not
// keep the others waiting.
func (s *stream) nextCandidate() cdc.ID {
	for _, id := range s.cursor.Candidates {
		if id.Compare(s.asked) > 0 {
			s.asked = id
			return id
		}
	}
	s.asked = s.cursor.Candidates[0]
	return s.asked
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

// learnMissing asks for an id that never was.
func (w *workspace) learnMissing(ctx context.Context, s *stream) error {
	got, err := w.ask(ctx, s, never, 0)
	switch {
	case got.kind == planhat.KindNotFound, got.kind == planhat.KindInvalid && got.status == http.StatusBadRequest:
		s.scan.confirm.missing = got
		return nil
	case err == nil && !s.scan.confirm.twin:
		return fmt.Errorf("planhat answers with a record for %s id %s, which cannot exist: no delete can be confirmed", s.listing, never)
	default:
		return w.unproved(s, got, fmt.Errorf("learn how a missing %s id is answered: %w", s.listing, err))
	}
}

// unproved goes on at the other address where the one that was tried tells
// nothing, and without any where that one tells nothing either and no
// documentation promises that it does. Everywhere else it is trouble.
func (w *workspace) unproved(s *stream, got answer, err error) error {
	c, spec := &s.scan.confirm, s.objects[0].spec
	tellsNothing := got == c.missing || got.kind == planhat.KindNotFound || got.kind == planhat.KindInvalid ||
		c.twin && got.kind == planhat.KindForbidden
	switch {
	case !spec.GetUnproven || !tellsNothing:
		return err
	case !c.twin && spec.Twin != "":
		*c = confirmation{twin: true}
		return nil
	}
	if !s.blind {
		w.log.Warn("no GET tells whether a record exists: one that two complete sweeps in a row leave out is deleted",
			"workspace", w.cfg.Name, "stream", s.listing)
	}
	*c, s.blind = confirmation{blind: true}, true
	return nil
}

// settleUnseen deletes a record that nobody can be asked for and that the sweep
// before this one left out, too. A candidate may come back from the log within
// one sweep: that is no second witness.
func (s *stream) settleUnseen(id cdc.ID, known cdc.Entry) {
	since, unseen := s.unseen[id]
	if unseen && since.Before(s.schedule.swept) {
		s.remove(id, known)
		return
	}
	if s.unseen == nil {
		s.unseen = map[cdc.ID]time.Time{}
	}
	s.unseen[id] = s.schedule.swept
}

// proveExisting asks for records that are not candidates until one answers. A
// stream without such a record has none to prove it by.
func (w *workspace) proveExisting(ctx context.Context, s *stream) error {
	candidates := make(map[cdc.ID]bool, len(s.cursor.Candidates))
	for _, id := range s.cursor.Candidates {
		candidates[id] = true
	}
	const tries = 3
	tried := 0
	var (
		got  answer
		last error
	)
	for id, e := range s.index.All() {
		if _, absent := s.absent[id]; absent || candidates[id] {
			continue
		}
		if tried++; tried > tries {
			break
		}
		if got, last = w.ask(ctx, s, id, e.Object); last == nil {
			s.scan.confirm.proved, s.blind = true, false
			return nil
		}
	}
	if tried == 0 && s.objects[0].spec.GetUnproven {
		return w.unproved(s, s.scan.confirm.missing, nil)
	}
	if tried == 0 {
		return w.proveElsewhere(ctx, s)
	}
	return w.unproved(s, got, fmt.Errorf("records that the listing of %s shows do not answer: no delete is confirmed: %w", s.listing, last))
}

// proveElsewhere is for a listing that shows nothing any more: a record of
// another one has to answer. Where all that was captured of a tenant is gone,
// nothing is deleted; where nothing but this listing was captured, there is
// nobody else to ask.
func (w *workspace) proveElsewhere(ctx context.Context, s *stream) error {
	others := 0
	for _, o := range w.streams {
		if o == s || o.blind || o.objects[0].spec.GetUnproven {
			continue
		}
		others += o.index.Len()
		id, e, ok := o.someRecord()
		if !ok {
			continue
		}
		if _, err := w.client.Get(ctx, o.objects[e.Object].spec.Object, planhat.ByID(id.String())); err != nil {
			return fmt.Errorf("the listing of %s is empty, and a record of %s does not answer: no delete is confirmed: %w", s.listing, o.listing, err)
		}
		s.scan.confirm.proved = true
		return nil
	}
	if others > 0 {
		return fmt.Errorf("the listing of %s is empty, and so are all others: no delete is confirmed", s.listing)
	}
	s.scan.confirm.proved = true
	return nil
}

// someRecord is one that the listing has shown.
func (s *stream) someRecord() (cdc.ID, cdc.Entry, bool) {
	for id, e := range s.index.All() {
		_, absent := s.absent[id]
		_, candidate := slices.BinarySearchFunc(s.cursor.Candidates, id, cdc.ID.Compare)
		if !absent && !candidate && s.health.state == stateOK {
			return id, e, true
		}
	}
	return cdc.ID{}, cdc.Entry{}, false
}

// ask GETs a record by its id and says how that ended; the error is nil if the
// record answered.
func (w *workspace) ask(ctx context.Context, s *stream, id cdc.ID, kind uint8) (answer, error) {
	defer w.passed(PointCandidateAnswered)
	spec := s.objects[kind].spec
	if !s.scan.confirm.twin {
		_, err := w.client.Get(ctx, spec.Object, planhat.ByID(id.String()))
		return answerOf(err)
	}
	record, err := w.client.Get(ctx, spec.Twin, planhat.ByID(id.String()))
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

func answerOf(err error) (answer, error) {
	if err == nil {
		return answer{}, nil
	}
	if apiErr, ok := errors.AsType[*planhat.Error](err); ok {
		return answer{kind: apiErr.Kind, status: apiErr.Status}, err
	}
	return answer{kind: planhat.KindOf(err)}, err
}
