package cdc

import "fmt"

// SweepPosition is how far a sweep has got. It is stored in a [Cursor], and
// NewSweep goes on from it, in another process as well. The zero value is the
// beginning.
type SweepPosition struct {
	Last     ID   `json:"last"`               // greatest id read, zero = none
	Offset   int  `json:"offset"`             // of the page to ask for
	Archived bool `json:"archived,omitempty"` // which listing
	Done     bool `json:"done,omitempty"`
	Rows     int  `json:"rows"`  // records read
	Calls    int  `json:"calls"` // pages taken
}

// Sweep reads a whole listing that is sorted by id, ascending, while records
// come and go. No record that stays in the listing is missed, and every record
// that left it before the sweep began is named as a deletion candidate.
//
// A page is accepted only if it starts at or before the last id read: then no
// record can hide between the two. Else rows vanished before the page, and the
// sweep steps back by growing steps, at last to the beginning. For a quiet
// listing of n rows it makes at most ceil((n-overlap)/(limit-overlap)) + 1 calls.
//
// A page with fewer rows than its limit is taken for the last one, unless the
// index knows records behind it: then the listing is asked once more, at the
// place where it seems to end. The limit must not exceed what the vendor allows.
type Sweep struct {
	pos            SweepPosition
	limit, overlap int
	step           int  // rows of the last step back in a row of them, 0 = none
	short          bool // the last page was shorter than its limit, with known records behind it
	idle           int  // calls since the sweep last got further
	patience       int  // how many of them are too many
}

// NewSweep begins at pos. limit is at least 2; overlap, in rows, at least 1 and
// less than limit. archived must be that of pos if pos is not the beginning:
// a position of the other listing is dropped.
func NewSweep(pos SweepPosition, limit, overlap int, archived bool) *Sweep {
	limit, overlap = fitPage(limit, overlap, 2, 1)
	if pos.Archived != archived {
		pos = SweepPosition{Archived: archived}
	}
	pos.Offset = max(pos.Offset, 0)
	s := &Sweep{pos: pos, limit: limit, overlap: overlap}
	s.further()
	return s
}

// Position is where the sweep stands; it may be asked at any time.
func (s *Sweep) Position() SweepPosition { return s.pos }

// Next is the page to ask for; more is false when the sweep is over.
func (s *Sweep) Next() (r Request, more bool) {
	if s.pos.Done {
		return Request{}, false
	}
	return Request{Offset: s.pos.Offset, Limit: s.limit, Archived: s.pos.Archived}, true
}

// Page takes the rows of the page that Next asked for. fresh are the rows whose
// bytes are not those that the index knows. candidates are the ids, ascending,
// that the index holds in the part of the listing that the page covers and that
// the page does not show; only entries whose archived flag is that of the
// listing count. They may be deleted, archived or hidden: a GET must tell.
//
// heldBefore says whether the index held an id when the request was sent; nil
// stands for an index that did not change since. A record that was put in later
// may be missing from the page although it exists.
//
// A page that is not accepted gives neither. ErrOrder leaves the sweep as it
// was, so that the page may be asked for again; ErrStalled is told after the
// page was taken.
func (s *Sweep) Page(rows []Sighting, index *Index, heldBefore func(ID) bool) (fresh []Sighting, candidates []ID, err error) {
	if s.pos.Done {
		return nil, nil, fmt.Errorf("take a page of a sweep: %w", ErrFinished)
	}
	for i := 1; i < len(rows); i++ {
		if rows[i].ID.Compare(rows[i-1].ID) <= 0 {
			return nil, nil, fmt.Errorf("take page at offset %d of a sweep: row %d: %w", s.pos.Offset, i, ErrOrder)
		}
	}
	s.pos.Calls++
	if !s.joins(rows) {
		s.stepBack()
		return nil, nil, s.stalled()
	}
	s.step = 0
	last := s.ends(rows, index)
	fresh, candidates = s.compare(rows, index, heldBefore, last)
	s.advance(rows, last)
	return fresh, candidates, s.stalled()
}

// ends says that rows are the last page. A page may have been cut short: where the
// index knows records behind it, only the second in a row that brings nothing new is.
func (s *Sweep) ends(rows []Sighting, index *Index) bool {
	if len(rows) >= s.limit {
		s.short = false
		return false
	}
	reached, again := s.pos.Last, s.short
	if n := len(rows); n > 0 && rows[n-1].ID.Compare(reached) > 0 {
		reached, again = rows[n-1].ID, false
	}
	s.short = s.knows(index, reached)
	return again || !s.short
}

// knows reports whether the index holds records of the listing behind an id.
func (s *Sweep) knows(index *Index, behind ID) bool {
	if index == nil {
		return false
	}
	for id, entry := range index.Range(behind, MaxID) {
		if id != behind && entry.Archived == s.pos.Archived {
			return true
		}
	}
	return false
}

// joins says that nothing can hide between what was read and rows.
func (s *Sweep) joins(rows []Sighting) bool {
	return s.pos.Offset == 0 || len(rows) > 0 && rows[0].ID.Compare(s.pos.Last) <= 0
}

// stepBack moves the offset back: by an eighth of a page, then by twice as much
// as the last time.
func (s *Sweep) stepBack() {
	s.step = max(2*s.step, s.limit/8, 1)
	s.pos.Offset = max(s.pos.Offset-s.step, 0)
	s.idle++
}

// advance moves to the page after rows, which were accepted; last says that there is none.
func (s *Sweep) advance(rows []Sighting, last bool) {
	behind := s.pos.Last
	for i := len(rows); i > 0 && (behind.IsZero() || rows[i-1].ID.Compare(behind) > 0); i-- {
		s.pos.Rows++
	}
	if len(rows) > 0 && rows[len(rows)-1].ID.Compare(behind) > 0 {
		s.pos.Last = rows[len(rows)-1].ID
	}
	if last {
		s.pos.Done = true
		return
	}
	s.pos.Offset = max(s.pos.Offset+len(rows)-s.overlap, 0)
	if s.pos.Last != behind {
		s.further()
		return
	}
	s.idle++
}

// further notes that the sweep got further. Until it does again it may read, at
// worst, all pages from the beginning, and step back some times.
func (s *Sweep) further() {
	s.idle = 0
	s.patience = 16 + 2*(s.pos.Offset/(s.limit-s.overlap)+1)
}

func (s *Sweep) stalled() error {
	if s.pos.Done || s.idle < s.patience {
		return nil
	}
	return fmt.Errorf("sweep past id %s: %d calls in vain: %w", s.pos.Last, s.idle, ErrStalled)
}

// compare walks along rows and the index, both of which ascend. It gives the rows
// whose bytes the index does not know, and the ids that the index holds in the range
// of rows, but rows do not: of the last page, to the end.
func (s *Sweep) compare(rows []Sighting, index *Index, heldBefore func(ID) bool, last bool) (fresh []Sighting, missing []ID) {
	if index == nil {
		return append(fresh, rows...), nil
	}
	pass := func(known *packed) {
		if s.expects(known) && (heldBefore == nil || heldBefore(known.id)) {
			missing = append(missing, known.id)
		}
	}
	start := s.pos.Last
	if len(rows) > 0 && rows[0].ID.Compare(start) < 0 {
		start = rows[0].ID
	}
	at := index.seek(start)
	for i := range rows {
		known := at.here()
		for ; known != nil && known.id.Compare(rows[i].ID) < 0; known = at.next() {
			pass(known)
		}
		held := known != nil && known.id == rows[i].ID
		if !held || rows[i].RawHash == 0 || known.rawHash() != rows[i].RawHash {
			fresh = append(fresh, rows[i])
		}
		if held {
			at.next()
		}
	}
	if last {
		for known := at.here(); known != nil; known = at.next() {
			pass(known)
		}
	}
	return fresh, missing
}

// expects says that the listing should show a record behind what was read.
func (s *Sweep) expects(known *packed) bool {
	behind := s.pos.Last.IsZero() || known.id.Compare(s.pos.Last) > 0
	return behind && known.archived() == s.pos.Archived
}
