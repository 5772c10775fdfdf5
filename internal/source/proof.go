package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// learnMissing asks for an id that never was.
func (w *workspace) learnMissing(ctx context.Context, s *stream) error {
	got, err := w.ask(ctx, s, never, 0)
	switch {
	case got.kind == planhat.KindNotFound, got.kind == planhat.KindInvalid && got.status == http.StatusBadRequest:
		s.scan.confirm.missing = got
		return nil
	case errors.Is(err, errTokenChanged):
		return err
	case err == nil && !s.scan.confirm.twin:
		return fmt.Errorf("planhat answers with a record for %s id %s, which cannot exist: no delete can be confirmed", s.listing, never)
	default:
		return w.unproved(s, got, fmt.Errorf("learn how a missing %s id is answered: %w", s.listing, err))
	}
}

// proveExisting asks for records of an object that are not candidates until one
// answers, and notes it. A right may be had for one object of a listing and not
// for another; only an object that has no such record is proved by another one.
func (w *workspace) proveExisting(ctx context.Context, s *stream, kind uint8, proved *objectSet) error {
	const tries = 3
	var (
		got  answer
		last error
	)
	present := s.present(kind, tries)
	for _, p := range present {
		if got, last = w.ask(ctx, s, p.id, p.kind); last == nil {
			proved.add(kind)
			s.blind = false
			return nil
		}
		if errors.Is(last, errTokenChanged) {
			return last
		}
	}
	switch {
	case len(present) == 0 && s.objects[0].spec.GetUnproven:
		return w.unproved(s, s.scan.confirm.missing, nil)
	case len(present) == 0:
		return w.proveElsewhere(ctx, s, kind, proved)
	}
	return w.unproved(s, got, fmt.Errorf("records that the listing of %s shows do not answer: no delete is confirmed: %w", s.listing, last))
}

// witness is a record that the listing has shown.
type witness struct {
	id   cdc.ID
	kind uint8
}

// present are some records that the listing shows: of the object if it has any,
// else of the others, first those next to what was asked for last.
func (s *stream) present(kind uint8, most int) []witness {
	var same, others []witness
	look := func(from, to cdc.ID) {
		for id, e := range s.index.Range(from, to) {
			switch {
			case s.missed(id):
			case e.Object == kind:
				if same = append(same, witness{id, e.Object}); len(same) == most {
					return
				}
			case len(others) < most:
				others = append(others, witness{id, e.Object})
			}
		}
	}
	if look(s.asked, cdc.MaxID); len(same) < most {
		look(cdc.ID{}, s.asked)
	}
	if same == nil {
		same = others
	}
	return same[:min(len(same), most)]
}

// proveElsewhere is for a listing that shows nothing any more: a record of
// another one has to answer. Where all that was captured of a tenant is gone,
// nothing is deleted; where nothing but this listing was captured, there is
// nobody else to ask.
func (w *workspace) proveElsewhere(ctx context.Context, s *stream, kind uint8, proved *objectSet) error {
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
		if _, err := w.get(ctx, o.objects[e.Object].spec.Object, id); err != nil {
			return fmt.Errorf("the listing of %s is empty, and a record of %s does not answer: no delete is confirmed: %w", s.listing, o.listing, err)
		}
		proved.add(kind)
		return nil
	}
	if others > 0 {
		return fmt.Errorf("the listing of %s is empty, and so are all others: no delete is confirmed", s.listing)
	}
	proved.add(kind)
	return nil
}

// someRecord is one that the listing has shown.
func (s *stream) someRecord() (cdc.ID, cdc.Entry, bool) {
	for id, e := range s.index.All() {
		if !s.missed(id) && s.health.state == stateOK {
			return id, e, true
		}
	}
	return cdc.ID{}, cdc.Entry{}, false
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
