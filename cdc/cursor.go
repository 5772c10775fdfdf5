package cdc

import (
	"encoding/json"
	"fmt"
	"slices"
)

// cursorVersion is stored with each cursor. A reader refuses a later one.
const cursorVersion = 1

// Cursor is how far the capture of a stream has got: what a new owner must
// know, besides the index, to go on. The zero value is a stream never read.
type Cursor struct {
	Watermark    int64          `json:"watermark"`            // of the delta, ms since 1970-01-01 UTC, 0 = none
	SweepDue     Reason         `json:"sweepDue,omitempty"`   // why a sweep must begin and be completed, "" = none must
	Sweep        *SweepPosition `json:"sweep,omitempty"`      // of a sweep under way
	Candidates   []ID           `json:"candidates,omitempty"` // deletion candidates not yet confirmed, ascending
	Held         bool           `json:"held,omitempty"`       // the mass-delete guard holds the candidates for an operator
	HeldBy       string         `json:"heldBy,omitempty"`     // which limit holds them
	Gone         int            `json:"gone,omitempty"`       // records that were gone when the hold began, or last
	Released     int            `json:"released,omitempty"`   // deletes that an operator has let go and that are not written yet
	Losses       Losses         `json:"losses,omitempty"`     // deletes of the last day that nobody had to let go
	SnapshotDone bool           `json:"snapshotDone"`         // every record was read once
	SnapshotRows int            `json:"snapshotRows"`         // rows of the listing, as the last complete sweep read them
}

// storedCursor is the JSON form. The cursor must not be embedded in it with its
// MarshalJSON, hence the type without methods.
type storedCursor struct {
	Version int `json:"version"`
	plainCursor
}

type plainCursor Cursor

// MarshalJSON adds the version to the fields; ids are hexadecimal text.
func (c Cursor) MarshalJSON() ([]byte, error) {
	return json.Marshal(storedCursor{Version: cursorVersion, plainCursor: plainCursor(c)})
}

// UnmarshalJSON reads what MarshalJSON wrote, and refuses later versions.
func (c *Cursor) UnmarshalJSON(text []byte) error {
	var stored storedCursor
	if err := json.Unmarshal(text, &stored); err != nil {
		return fmt.Errorf("read cursor: %w", err)
	}
	if stored.Version < 1 || stored.Version > cursorVersion {
		return fmt.Errorf("read cursor: version %d is not known (this release reads up to version %d)", stored.Version, cursorVersion)
	}
	*c = Cursor(stored.plainCursor)
	return nil
}

// AddCandidates puts found among the candidates, each id once.
func (c *Cursor) AddCandidates(found ...ID) {
	c.Candidates = append(c.Candidates, found...)
	slices.SortFunc(c.Candidates, ID.Compare)
	c.Candidates = slices.Compact(c.Candidates)
}

// DropCandidate takes an id off the candidates: it was seen, confirmed or
// deleted. It says whether the id was among them.
func (c *Cursor) DropCandidate(id ID) bool {
	i, found := slices.BinarySearchFunc(c.Candidates, id, ID.Compare)
	if found {
		c.Candidates = slices.Delete(c.Candidates, i, i+1)
	}
	return found
}
