package source

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// maxCandidates bounds the deletion candidates that wait, and with them the
// size of the cursor in the state. The next sweep finds those left out.
const maxCandidates = 10_000

// addCandidates notes what a sweep did not find: as much of it as the cursor may
// hold, each record once, however often its page is read; of the rest the number.
func (s *stream) addCandidates(found []cdc.ID) {
	room := max(maxCandidates-len(s.cursor.Candidates), 0)
	found = slices.DeleteFunc(found, func(id cdc.ID) bool {
		_, noted := slices.BinarySearchFunc(s.cursor.Candidates, id, cdc.ID.Compare)
		return noted
	})
	s.cursor.AddCandidates(found[:min(len(found), room)]...)
	s.unlisted += max(len(found)-room, 0)
}

// gone is how many records are gone as far as is known, by the word of sweeps.
func (s *stream) gone() int { return len(s.cursor.Candidates) + s.unlisted }

// hiddenMost is the longest time after which a record that exists although its
// listing leaves it out is asked for again.
const hiddenMost = 24 * time.Hour

// absence is what is known of a record that the listing leaves out and that
// was found not to be deleted, or could not be asked for.
type absence struct {
	until   time.Time // not asked for before
	wait    time.Duration
	outside bool // of a company that is not selected: never asked for
}

// setAside makes an absent record wait: it is asked for again after the next
// sweep, then after as long again as it has been absent.
func (s *stream) setAside(id cdc.ID, now time.Time) {
	if s.absent == nil {
		s.absent = map[cdc.ID]absence{}
	}
	a := s.absent[id]
	a.until = now.Add(a.wait)
	a.wait = min(max(2*a.wait, s.schedule.sweepEvery), hiddenMost)
	s.absent[id] = a
}

// listed notes that rows were seen: they are not absent any more, and no
// candidates.
func (s *stream) listed(rows []cdc.Sighting) {
	if len(s.absent) == 0 && len(s.unseen) == 0 && len(s.cursor.Candidates) == 0 {
		return
	}
	for _, row := range rows {
		delete(s.absent, row.ID)
		delete(s.unseen, row.ID)
		delete(s.scan.confirm.gone, row.ID)
		s.cursor.DropCandidate(row.ID)
	}
}

// missed says that the listing left a record out when it was last read.
func (s *stream) missed(id cdc.ID) bool {
	_, absent := s.absent[id]
	_, candidate := slices.BinarySearchFunc(s.cursor.Candidates, id, cdc.ID.Compare)
	return absent || candidate
}

// youngest is the age below which a record that is missing is no candidate: a
// part of the vendor that lags behind does not know it yet, neither in a listing
// nor by its id.
const youngest = time.Minute

// settled leaves out records that were made just before now, by the vendor's clock.
func (s *stream) settled(found []cdc.ID, now time.Time) []cdc.ID {
	least := min(youngest, s.schedule.target) + time.Second // ids and the vendor's clock count whole seconds
	return slices.DeleteFunc(found, func(id cdc.ID) bool {
		age := now.Sub(id.Time())
		return age < least && age > -least
	})
}

// worthAsking leaves out of a sweep's candidates those that have been asked
// for lately, and those of objects and companies that are not selected: a
// selection that has become narrower deletes nothing, costs no calls and holds
// no deletes of others.
func (w *workspace) worthAsking(ctx context.Context, s *stream, found []cdc.ID) ([]cdc.ID, error) {
	now := w.now()
	found = slices.DeleteFunc(found, func(id cdc.ID) bool {
		known, exists := s.index.Get(id)
		a, ok := s.absent[id]
		return exists && !s.objects[known.Object].capture || ok && (a.outside || now.Before(a.until) || !s.mayAskAgain(now))
	})
	if len(s.companies) > 0 && len(found) > 0 {
		var err error
		if found, err = w.inside(ctx, s, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// inside are the records whose last event does not say that they belong to
// another company than those selected. The others are remembered.
func (w *workspace) inside(ctx context.Context, s *stream, found []cdc.ID) ([]cdc.ID, error) {
	events := make([]change, 0, len(found))
	places := map[string][]kafka.Place{}
	for _, id := range found {
		entry, exists := s.index.Get(id)
		if !exists {
			continue
		}
		events = append(events, change{id: id, prior: entry})
		topic := s.objects[entry.Object].topic
		places[topic] = append(places[topic], kafka.Place{Partition: entry.Partition, Offset: entry.Offset})
	}
	records, err := w.readAt(ctx, places)
	if err != nil {
		return nil, err
	}
	var inside []cdc.ID
	for _, c := range events {
		rec := records[s.objects[c.prior.Object].topic][kafka.Place{Partition: c.prior.Partition, Offset: c.prior.Offset}]
		if selected(s.companies, s.objects[c.prior.Object].spec, w.beforeImage(ctx, s, c, rec)) {
			inside = append(inside, c.id)
			continue
		}
		if s.absent == nil {
			s.absent = map[cdc.ID]absence{}
		}
		s.absent[c.id] = absence{outside: true}
	}
	return inside, nil
}

// selected is true for records of the selected companies and for those that
// do not say to which they belong.
func selected(companies []string, spec planhat.Spec, row []byte) bool {
	if len(companies) == 0 {
		return true
	}
	of := spec.Companies(row)
	return len(of) == 0 || slices.ContainsFunc(companies, func(id string) bool {
		return slices.ContainsFunc(of, func(company string) bool { return strings.EqualFold(id, company) })
	})
}
