package account

import (
	"fmt"
	"slices"
	"time"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

// looker is who asked for a row.
type looker int

const (
	byEvent     looker = iota // a webhook
	byReconcile               // reconciliation by updated_since
	bySweep                   // a sweep, or the confirmation of what it missed
	bySignal                  // an operator
)

// look is a row that REST has shown, and what is known of it besides.
type look struct {
	row     pipedrive.Row
	by      looker
	created bool  // an event says that the record is new
	told    names // fields that held a value, as an event says
}

// verdict is what a look has come to.
type verdict int

const (
	unchanged verdict = iota
	changed           // there is a pending change
	stale             // the row is older than what is known, or shows a record that was deleted before
	gone              // the row shows a deleted record
	echo              // the row is of the very second of its delete: from before it, or restored
)

// ghostTime is how long after a delete an older row is taken for an echo of the
// time before. After it the record was restored.
const ghostTime = 10 * time.Minute

// seen is a look whose row has been read.
type seen struct {
	look
	id   cdc.ID
	read row
	raw  uint64 // RawHash
}

// admit compares a row with the index and adds the change, if it is one, to the
// pending ones. It must see an answer's rows before the next request is sent.
func (a *Account) admit(s *stream, l look) (verdict, error) {
	v := seen{look: l, id: idOf(l.row.ID), raw: cdc.RawHash(l.row.Raw)}
	s.shown(v.id)
	known, exists := s.index.Get(v.id)
	if exists && known.Raw == v.raw && len(l.told) == 0 && s.again != v.id && !s.cursor.Reread.owes(known) {
		return unchanged, nil // the very bytes that were compared before
	}
	var err error
	if v.read, err = readRow(l.row.Raw); err != nil {
		return stale, fmt.Errorf("%s %d: %w", s.Object, l.row.ID, err)
	}
	v.told = v.read.empty(l.told)
	stamp := v.read.stamp()
	if pipedrive.Deleted(l.row) {
		if !exists || stamp == 0 || stamp >= known.Stamp {
			return gone, nil
		}
		return stale, nil
	}
	if shown := a.ghost(s, v.id, stamp); shown != changed {
		return shown, nil
	}
	if exists && stamp != 0 && stamp < known.Stamp {
		return stale, nil
	}
	return a.compare(s, v, known, exists)
}

// shown takes a record that was seen off those that may be gone.
func (s *stream) shown(id cdc.ID) {
	s.cursor.Capture.DropCandidate(id)
	delete(s.gone, id)
}

// ghost says whether a row shows a record as it was before it was deleted. Stamps
// are whole seconds: one of the same second is believed when it is still shown a
// little later.
func (a *Account) ghost(s *stream, id cdc.ID, stamp int64) verdict {
	g, buried := s.graves[id]
	dead := a.now().Sub(timeOf(g.died))
	switch {
	case !buried || stamp > g.stamp:
		return changed
	case stamp == g.stamp && dead < a.times.Echo:
		return echo
	case stamp < g.stamp && dead < ghostTime:
		return stale
	}
	return changed
}

func (a *Account) compare(s *stream, v seen, known cdc.Entry, exists bool) (verdict, error) {
	fingerprint, err := cdc.Fingerprint(v.read.write(nil), &s.shape)
	if err != nil {
		return stale, fmt.Errorf("%s %d: %w", s.Object, v.row.ID, err)
	}
	next := cdc.Entry{Fingerprint: fingerprint, Raw: v.raw, Stamp: v.read.stamp(), Archived: string(v.read.values["is_archived"]) == "true"}
	c := change{stream: s, id: v.id, read: v.read, told: v.told, entry: next, prior: known, hasPrior: exists, bytes: len(v.row.Raw)}
	switch {
	case !exists:
		c.op = opCreate
		if _, buried := s.graves[v.id]; !buried && !v.created && !s.snapshotDone() {
			c.op = opRead
		}
	case fingerprint != known.Fingerprint:
		c.op = opUpdate
	case s.again == v.id || s.cursor.Reread.owes(known):
		c.op = opRead
	case len(v.told) > 0:
		c.op, c.onlyCleared = opUpdate, true
	default:
		known.Raw = v.raw // memory only: the next look at these bytes costs no parse
		s.index.Put(v.id, known)
		return unchanged, nil
	}
	c.unheard = a.unheard(s, v, known, exists)
	a.pending.add(c)
	return changed, nil
}

// bury adds the delete of a record. Stamp is that of the delete, if it is known.
// Unheard says that no webhook told of it.
func (a *Account) bury(s *stream, id cdc.ID, stamp int64, unheard bool) {
	known, exists := s.index.Get(id)
	if !exists {
		return
	}
	s.cursor.Capture.DropCandidate(id)
	a.pending.add(change{stream: s, id: id, op: opDelete, entry: known, prior: known, hasPrior: true, stamp: max(stamp, known.Stamp), unheard: unheard})
}

// pending are the changes that are not yet committed, of all streams.
type pending struct {
	changes []change
	ids     map[*stream]map[cdc.ID]bool
	bytes   int
}

// change is one event to be written.
type change struct {
	stream      *stream
	id          cdc.ID
	op          string
	read        row
	told        names
	entry       cdc.Entry
	prior       cdc.Entry
	hasPrior    bool
	onlyCleared bool  // it is a change only if a field is told to be cleared that was not before
	stamp       int64 // of a delete
	bytes       int
	unheard     bool // no webhook has told of it

	before, after []byte // rows, once they are made
}

func (p *pending) add(c change) {
	if p.ids == nil {
		p.ids = map[*stream]map[cdc.ID]bool{}
	}
	if p.ids[c.stream] == nil {
		p.ids[c.stream] = map[cdc.ID]bool{}
	}
	p.ids[c.stream][c.id] = true
	p.changes = append(p.changes, c)
	p.bytes += c.bytes
}

// of is the change of a record, nil: there is none.
func (p *pending) of(s *stream, id cdc.ID) *change {
	if !p.has(s, id) {
		return nil
	}
	i := slices.IndexFunc(p.changes, func(c change) bool { return c.stream == s && c.id == id })
	return &p.changes[i]
}

// drop takes the change of a record out: a newer one stands in its place.
func (p *pending) drop(s *stream, id cdc.ID) {
	p.bytes -= p.of(s, id).bytes
	p.changes = slices.DeleteFunc(p.changes, func(c change) bool { return c.stream == s && c.id == id })
	delete(p.ids[s], id)
}

// outdatedBy says that a row of the same record is newer than the one to be written.
func (c *change) outdatedBy(r pipedrive.Row) bool {
	return c.op != opDelete && c.entry.Raw != cdc.RawHash(r.Raw) && rowStamp(r) >= c.entry.Stamp
}

func (p *pending) has(s *stream, id cdc.ID) bool { return p.ids[s][id] }
