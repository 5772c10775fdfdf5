package cdc

import (
	"errors"
	"fmt"
)

// Sighting is a row of a listing's page.
type Sighting struct {
	ID          ID
	Raw         []byte // the row as received
	RawHash     uint64 // RawHash(Raw)
	Facts       Facts  // see Inspect: a delta needs them, a sweep does not
	fingerprint uint64
	read        bool // the fingerprint is known
}

// Sight makes the sighting of a row: id parsed, bytes hashed. That is all that
// an unchanged row of a sweep costs; its facts are read by Inspect or Read.
func Sight(id string, raw []byte) (Sighting, error) {
	parsed, err := ParseID(id)
	return Sighting{ID: parsed, Raw: raw, RawHash: RawHash(raw)}, err
}

// Inspect reads the facts of the row.
func (s *Sighting) Inspect(shape *Shape) error {
	facts, err := Inspect(s.Raw, shape)
	if err != nil {
		return fmt.Errorf("inspect row %s: %w", s.ID, err)
	}
	s.Facts = facts
	return nil
}

// Read reads the facts and the fingerprint of the row in one pass.
func (s *Sighting) Read(shape *Shape) error {
	var facts Facts
	sum, err := fingerprint(s.Raw, shape, &facts)
	if err != nil {
		return fmt.Errorf("read row %s: %w", s.ID, err)
	}
	s.Facts, s.fingerprint, s.read = facts, sum, true
	return nil
}

// Fingerprint is that of the row: see [Fingerprint].
func (s *Sighting) Fingerprint(shape *Shape) (uint64, error) {
	if s.read {
		return s.fingerprint, nil
	}
	return Fingerprint(s.Raw, shape)
}

// Request is the page that a scan wants next. A shell asks for exactly these
// rows, and for no other page of the stream until this one is admitted.
type Request struct {
	Offset, Limit int
	Archived      bool // list archived records (only them, or also them: vendors differ)
}

// Errors of scans. The scan stays as it was: the same request may be made again.
var (
	// ErrOrder says that the ids of a page do not strictly ascend.
	ErrOrder = errors.New("ids do not ascend")
	// ErrFinished says that a page was given to a scan that wants none.
	ErrFinished = errors.New("the scan is over")
	// ErrStalled says that a sweep reads on and on without getting further, as
	// if the listing ignored offsets or moved faster than it can be read. The
	// sweep can go on from its position; to begin a new one is better.
	ErrStalled = errors.New("the listing does not get further")
)

// fitPage makes limit and overlap at least what is asked for, and overlap less
// than limit.
func fitPage(limit, overlap, leastLimit, leastOverlap int) (int, int) {
	limit = max(limit, leastLimit)
	return limit, min(max(overlap, leastOverlap), limit-1)
}
