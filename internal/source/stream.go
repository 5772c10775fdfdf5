package source

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/source/durable"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// stream is one listing of one workspace: the unit of capture. Several objects
// may share a listing; each record is on the topic of the object that its row
// says it is.
type stream struct {
	listing string
	objects []object // in the order of the objects table; an Entry's Object is an index into it
	shape   cdc.Shape
	stamped bool
	archive bool // records may be archived and then need a listing of their own

	companies []string // ids of the only companies wanted; empty: of all
	filter    []string // these, where they fit into a request; else the listing is read whole, and a poll stays one call

	index  *cdc.Index
	cursor cdc.Cursor
	// recorded is the cursor as the log has it, and pins likewise.
	recorded []byte
	pins     pins
	refused  error // the state cannot be used: the stream is held until a restart
	absent   map[cdc.ID]absence
	unseen   map[cdc.ID]time.Time // left out by the last sweep, which began then, where nobody can be asked
	blind    bool                 // nobody can be asked
	asked    cdc.ID               // the last deletion candidate asked for
	pending  pending

	graves    map[cdc.ID]grave
	sweeps    int // that this tenure has begun
	regressed map[cdc.ID]regress
	unlisted  int      // records that the sweep under way found gone and the cursor had no room for
	sample    []string // of the records whose deletes are held
	// What operators have said, and how the log has it.
	paused  *durable.Pause
	reread  *reread
	ordered []byte
	again   cdc.ID // a record that is to be written even if it has not changed

	skipped map[cdc.ID]bool // records that cannot be written and were told of

	scan     scan
	reading  reading
	schedule schedule
	health   health
	shown    StreamStatus
}

// object is one object of a stream with all that differs between objects.
type object struct {
	spec    planhat.Spec
	topic   string
	capture bool // false: rows of this object are not wanted
	reading bool // captured for the first time: what its first complete sweep finds was there before
}

// pending is the overlay of changes that are not yet committed.
type pending struct {
	changes []change
	latest  map[cdc.ID]int // id -> its last change in changes
	bytes   int
	notes   []schemas.Notification // that go out with the changes and the cursor
}

// change is one event to be written.
type change struct {
	id       cdc.ID
	op       string // r, c, u, d
	row      []byte // nil for a delete
	entry    cdc.Entry
	prior    cdc.Entry
	hasPrior bool
	gone     bool // a delete because the vendor does not know the record any more
}

func (p *pending) add(c change) {
	if p.latest == nil {
		p.latest = map[cdc.ID]int{}
	}
	p.latest[c.id] = len(p.changes)
	p.changes = append(p.changes, c)
	p.bytes += len(c.row)
}

func (p *pending) reset() { *p = pending{} }

// known is what the change topics will say of a record once the pending
// changes are committed.
func (s *stream) known(id cdc.ID) (entry cdc.Entry, exists, inFlight bool) {
	if i, ok := s.pending.latest[id]; ok {
		c := s.pending.changes[i]
		return c.entry, c.op != opDelete, true
	}
	e, ok := s.index.Get(id)
	return e, ok, false
}

// The operations of an event.
const (
	opRead   = "r"
	opCreate = "c"
	opUpdate = "u"
	opDelete = "d"
)

// sight appends sightings of a page's rows, without their facts, to out.
func (s *stream) sight(out []cdc.Sighting, rows []planhat.Row) ([]cdc.Sighting, error) {
	out = slices.Grow(out, len(rows))
	for i, row := range rows {
		seen, err := cdc.Sight(row.ID, row.Raw)
		if err != nil {
			return nil, fmt.Errorf("row %d of a %s page: %w", i, s.listing, err)
		}
		out = append(out, seen)
	}
	return out, nil
}

// inspect reads the facts of rows.
func (s *stream) inspect(rows []cdc.Sighting) error {
	for i := range rows {
		if err := rows[i].Inspect(&s.shape); err != nil {
			return fmt.Errorf("row %d of a %s page: %w", i, s.listing, err)
		}
	}
	return nil
}

// read reads the facts of rows that are likely to have changed, and their fingerprints.
func (s *stream) read(rows []cdc.Sighting) error {
	for i := range rows {
		if err := rows[i].Read(&s.shape); err != nil {
			return fmt.Errorf("row %d of a %s page: %w", i, s.listing, err)
		}
	}
	return nil
}

func (s *stream) admitRow(row cdc.Sighting) error {
	known, exists, inFlight := s.known(row.ID)
	again := exists && !inFlight && s.writesAgain(row.ID, known)
	if exists && !inFlight && known.Raw == row.RawHash && !again {
		return nil // the very bytes that were compared before
	}
	facts := row.Facts
	kind, wanted := s.objectOf(facts.Type)
	if exists && facts.HasStamp && facts.Stamp < known.Stamp {
		if inFlight || !s.wentBack(row) {
			return nil // older than what is known
		}
		known.Stamp = facts.Stamp // the vendor's clock stepped back
	}
	if !selected(s.companies, s.objects[kind].spec, row.Raw) {
		return nil // the listing does not keep to the companies asked for
	}
	if !wanted {
		if exists { // its type changed to one that is not captured: gone from its topic
			s.remove(row.ID, known)
		}
		return nil
	}
	if !exists && s.ghost(row) {
		return nil
	}
	fingerprint, err := row.Fingerprint(&s.shape)
	if err != nil {
		return err
	}
	next := cdc.Entry{Fingerprint: fingerprint, Raw: row.RawHash, Stamp: facts.Stamp, Object: kind, Archived: facts.Archived}
	if exists && known.Object != kind {
		s.remove(row.ID, known)
		s.pending.add(change{id: row.ID, op: opCreate, row: row.Raw, entry: next})
		return nil
	}
	switch cdc.Decide(known, exists, fingerprint, facts) {
	case cdc.VerdictNew:
		op := opCreate
		if !s.cursor.SnapshotDone || s.objects[kind].reading {
			op = opRead
		}
		s.pending.add(change{id: row.ID, op: op, row: row.Raw, entry: next})
	case cdc.VerdictChanged:
		s.pending.add(change{id: row.ID, op: opUpdate, row: row.Raw, entry: next, prior: known, hasPrior: true})
	case cdc.VerdictUnchanged:
		if again {
			s.pending.add(change{id: row.ID, op: opRead, row: row.Raw, entry: next})
			return nil
		}
		if !inFlight {
			known.Raw = row.RawHash // memory only: the next look at these bytes costs no parse
			s.index.Put(row.ID, known)
		}
	case cdc.VerdictStale:
	}
	return nil
}

// remove adds the delete of a record, unless its object is not captured any
// more: then its topic stays as it is.
func (s *stream) remove(id cdc.ID, known cdc.Entry) {
	if !s.objects[known.Object].capture {
		return
	}
	s.pending.add(change{id: id, op: opDelete, entry: known, prior: known, hasPrior: true})
}

// objectOf names the object of a row by its type field, and whether it is
// captured. A row of a type that no captured object claims belongs to the
// object without a type, if the listing has one.
func (s *stream) objectOf(rowType string) (uint8, bool) {
	for i, o := range s.objects {
		if o.spec.Holds(rowType) {
			return uint8(i), o.capture // a listing has a handful of objects
		}
	}
	return 0, false
}

// State keys of a stream: its name, a kind byte, and for entries the id.
const (
	keyEntry  = 'e'
	keyCursor = 'c'
	keyPins   = 'p'
)

// streamName is "planhat/<workspace>/<listing>".
func streamName(workspace, listing string) string {
	return "planhat/" + workspace + "/" + listing
}

func cursorKey(name string) []byte { return append([]byte(name), 0, keyCursor) }

func pinsKey(name string) []byte { return append([]byte(name), 0, keyPins) }

func entryKey(name string, id cdc.ID) []byte {
	key := make([]byte, 0, len(name)+2+len(id))
	return append(append(append(key, name...), 0, keyEntry), id[:]...)
}

// restore applies one state record of this stream.
func (s *stream) restore(kind byte, rest, value []byte) error {
	switch kind {
	case keyCursor:
		return json.Unmarshal(value, &s.cursor)
	case keyPins:
		return s.restorePins(value)
	case keyOrders:
		return s.restoreOrders(value)
	case keyEntry:
		var id cdc.ID
		if len(rest) != len(id) {
			return fmt.Errorf("index key of %d bytes, want %d", len(rest), len(id))
		}
		copy(id[:], rest)
		if value == nil {
			s.index.Delete(id)
			return nil
		}
		e, err := cdc.ParseEntry(value)
		if err != nil {
			return err
		}
		if int(e.Object) >= len(s.objects) {
			return fmt.Errorf("record %s is of object %d of the listing, written by a newer version", id, e.Object)
		}
		s.index.Put(id, e)
		return nil
	default:
		return fmt.Errorf("state record of kind %q, written by a newer version", kind)
	}
}

// health is what /status tells of a stream.
type health struct {
	state     string // "starting", "ok", "retrying", "forbidden", "held", "paused"
	cause     string
	told      string // the state that stops it and that was notified of, "" = none
	held      bool   // until its topics are what the state says
	failures  int
	denied    int // of these, answers of 401 in a row while the token was good for another listing
	lastScan  time.Time
	progress  time.Time // when a re-read last said how far it is
	lastFlush time.Time
}

// rewindCursor sets the cursor to what the log has, and what is captured for the
// first time to what is not yet read of it.
func (s *stream) rewindCursor() error {
	if err := s.restoreOrders(s.ordered); err != nil {
		return err
	}
	s.cursor = cdc.Cursor{}
	if s.recorded == nil {
		return nil
	}
	if err := json.Unmarshal(s.recorded, &s.cursor); err != nil {
		return err
	}
	s.widen()
	return nil
}
