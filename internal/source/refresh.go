package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// A record signal looks at one record now. Its row has to be that of the
// listing, since a GET shows other fields: the listing is sorted by id, and the
// index knows about where the record is in it.

const (
	refreshWithin = time.Minute
	nearRows      = 50 // of a page around a record
	nearTries     = 40 // pages, where the listing is another than the index says
)

// errUnlisted says that a listing surely does not show a record.
var errUnlisted = errors.New("the listing does not show it")

// refreshRecord writes one record again as Planhat has it, or its delete.
func (w *workspace) refreshRecord(ctx context.Context, s *stream, sig schemas.Signal) (outcome, error) {
	if why := w.asksInVain(s); why != "" {
		return notNow("%s", why)
	}
	pinned, err := w.checkPins(ctx, s)
	if refusal, ok := errors.AsType[*shard.Refusal](err); ok {
		return notNow("the stream is held: %v", refusal)
	}
	if err != nil {
		return outcome{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, refreshWithin)
	defer cancel()
	if err := w.identify(ctx, s); err != nil { // it may be heard before the first step of a tenure
		return unrefreshed(err)
	}
	s.letPollGo(w.now())
	id, err := w.idOf(ctx, s, sig)
	if err != nil {
		return unrefreshed(err)
	}
	before := len(s.pending.changes)
	row, err := w.findRow(ctx, s, id)
	switch {
	case errors.Is(err, errUnlisted):
		err = w.settleUnlisted(ctx, s, id)
	case err == nil:
		err = s.admitAgain(row)
	}
	if err != nil {
		return unrefreshed(err)
	}
	o := done(s, "%s %s is as it was", s.listing, id)
	for _, c := range s.pending.changes[before:] {
		o.answer.Message = fmt.Sprintf("%s %s is written, as %s", s.objects[c.entry.Object].spec.Object, id, c.op)
		o.answer.Record = id.String()
	}
	if len(s.pending.changes) == before {
		return unrefreshed(fmt.Errorf("%w: what Planhat answered with is older than what is on the topic, or of an object or a company that is not captured", errStaleRow))
	}
	o.pins = &pinned
	return o, nil
}

// admitAgain writes a row even if nothing changed.
func (s *stream) admitAgain(row cdc.Sighting) error {
	if err := row.Inspect(&s.shape); err != nil {
		return err
	}
	s.again = row.ID
	defer func() { s.again = cdc.ID{} }()
	return s.admitRow(row)
}

// errStaleRow and errUnknownRecord are why a record is not written.
var (
	errStaleRow      = errors.New("the record was not written")
	errUnknownRecord = errors.New("there is no such record")
)

func unrefreshed(err error) (outcome, error) {
	code := schemas.SignalVendor
	if errors.Is(err, errUnknownRecord) {
		code = schemas.SignalUnknownRecord
	}
	return refused(code, "%v", err)
}

// letPollGo ends a delta poll: its rows are older than what is about to be
// read, and would be compared after it.
func (s *stream) letPollGo(now time.Time) {
	if s.scan.delta != nil {
		s.scan.delta = nil
		s.scan.takeFresh()
		s.schedule.deltaAt = now
	}
}

// idOf is the record that a signal names.
func (w *workspace) idOf(ctx context.Context, s *stream, sig schemas.Signal) (cdc.ID, error) {
	if sig.Record != "" {
		id, err := cdc.ParseID(sig.Record)
		if err != nil {
			return id, fmt.Errorf("%w: %w", errUnknownRecord, err)
		}
		return id, nil
	}
	object := planhat.Object(s.chosen(sig)[0])
	found, err := w.client.Get(ctx, object, planhat.ByExternalID(sig.ExternalID))
	kind := planhat.KindOf(err)
	if kind == planhat.KindNotFound {
		return cdc.ID{}, fmt.Errorf("%w: %w", errUnknownRecord, err)
	}
	if kind == planhat.KindInvalid { // the object has no such key
		return cdc.ID{}, fmt.Errorf("%w: %w; name it by its _id: record, or --id of planhatctl", errUnknownRecord, err)
	}
	if err != nil {
		return cdc.ID{}, err
	}
	var record struct {
		ID string `json:"_id"`
	}
	if err := json.Unmarshal(found, &record); err != nil {
		return cdc.ID{}, fmt.Errorf("read the id of %s: %w", object, err)
	}
	return cdc.ParseID(record.ID)
}

// findRow is the record's row in one of its listings. errUnlisted means that
// none shows it.
func (w *workspace) findRow(ctx context.Context, s *stream, id cdc.ID) (cdc.Sighting, error) {
	listings := []bool{false}
	if s.archive {
		listings = append(listings, true)
	}
	for _, archived := range listings {
		row, err := w.findIn(ctx, s, id, archived)
		if !errors.Is(err, errUnlisted) {
			return row, err
		}
	}
	return cdc.Sighting{}, errUnlisted
}

// findIn asks for pages of a listing, nearer and nearer to the record.
func (w *workspace) findIn(ctx context.Context, s *stream, id cdc.ID, archived bool) (cdc.Sighting, error) {
	n := newNearing(id, s.rank(id, archived), min(nearRows, s.pageSize()))
	for range nearTries {
		page, err := w.page(ctx, s, "_id", cdc.Request{Offset: n.offset, Limit: n.limit, Archived: archived}, nil)
		if err != nil {
			return cdc.Sighting{}, err
		}
		rows, err := s.sight(nil, page.Rows)
		if err != nil {
			return cdc.Sighting{}, err
		}
		row, found, err := n.take(rows)
		if err != nil || found {
			return row, err
		}
	}
	return cdc.Sighting{}, fmt.Errorf("%s %s is not found in %d pages around where it was: does the listing keep to its order?", s.listing, id, nearTries)
}

// rank is how many records of a listing have smaller ids.
func (s *stream) rank(id cdc.ID, archived bool) (n int) {
	for other, e := range s.index.Range(cdc.ID{}, id) {
		if other != id && e.Archived == archived {
			n++
		}
	}
	return n
}

// settleUnlisted asks for a record that no listing shows, as for every deletion
// candidate.
func (w *workspace) settleUnlisted(ctx context.Context, s *stream, id cdc.ID) error {
	known, exists, _ := s.known(id)
	if !exists {
		return fmt.Errorf("%w: neither Planhat's listing of %s nor the topic has %s", errUnknownRecord, s.listing, id)
	}
	if err := w.readyToAsk(ctx, s, known.Object); err != nil {
		return err
	}
	got, err := w.ask(ctx, s, id, known.Object)
	switch {
	case got == s.scan.confirm.missing:
		return w.buryUnlisted(ctx, s, id, known)
	case err != nil:
		return fmt.Errorf("confirm the deletion of %s %s: %w", s.listing, id, err)
	}
	return fmt.Errorf("%s %s exists, but its listing does not show it: its last event stands", s.listing, id)
}

// buryUnlisted deletes a record that is gone, if another one still answers.
func (w *workspace) buryUnlisted(ctx context.Context, s *stream, id cdc.ID, known cdc.Entry) error {
	c := &s.scan.confirm
	asked := c.again
	if err := w.proveExisting(ctx, s, known.Object, &c.again); err != nil {
		return err
	}
	if !c.again.has(known.Object) {
		return fmt.Errorf("it cannot be proved any more how Planhat answers for a record of %s: nothing is deleted", s.listing)
	}
	c.again = asked // candidates under way are proved by an answer of their own
	s.bereave(id, known, w.now())
	s.cursor.DropCandidate(id)
	return nil
}

// readyToAsk makes sure that the vendor's word for a missing record means what
// it says, as before every deletion.
func (w *workspace) readyToAsk(ctx context.Context, s *stream, kind uint8) error {
	const questions = 4 // two at each of the two addresses that a record may have
	c := &s.scan.confirm
	for range questions {
		var err error
		switch {
		case c.blind:
			return fmt.Errorf("the listing of %s does not show the record, and nobody can be asked for it: two complete sweeps decide", s.listing)
		case c.missing == (answer{}):
			err = w.learnMissing(ctx, s)
		case !c.proved.has(kind):
			err = w.proveExisting(ctx, s, kind, &c.proved)
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("it cannot be learned how Planhat answers for a missing record of %s", s.listing)
}
