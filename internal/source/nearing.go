package source

import (
	"fmt"

	"github.com/planhat-bridge/planhat-bridge/cdc"
)

// nearing finds a record in a listing that is sorted by id, by pages: from the
// offset where it should be in growing steps, and between two offsets that are
// known to be before and behind it by halves.
type nearing struct {
	id     cdc.ID
	offset int // of the page to ask for
	limit  int

	before, behind int // offsets whose rows are smaller, greater; -1: none is known
	step           int
}

func newNearing(id cdc.ID, rank, limit int) *nearing {
	return &nearing{id: id, offset: max(rank-limit/2, 0), limit: limit, before: -1, behind: -1, step: limit}
}

// take looks at the page that was asked for. errUnlisted means that the page
// has a place for the record, and the record is not in it.
func (n *nearing) take(rows []cdc.Sighting) (row cdc.Sighting, found bool, err error) {
	for i := range rows {
		if i > 0 && rows[i].ID.Compare(rows[i-1].ID) <= 0 {
			return row, false, fmt.Errorf("row %d of a page at offset %d: %w", i, n.offset, cdc.ErrOrder)
		}
		if rows[i].ID == n.id {
			return rows[i], true, nil
		}
	}
	switch {
	case len(rows) == 0, rows[0].ID.Compare(n.id) > 0:
		if n.offset == 0 {
			return row, false, errUnlisted
		}
		n.behind = n.offset
	case rows[len(rows)-1].ID.Compare(n.id) > 0, len(rows) < n.limit:
		return row, false, errUnlisted
	default:
		n.before = n.offset + len(rows) - 1
	}
	n.move()
	return row, false, nil
}

// move goes on to the next page. Pages overlap, so that nothing hides between
// two of them.
func (n *nearing) move() {
	switch {
	case n.before >= n.behind && n.before >= 0 && n.behind >= 0: // the listing has moved: begin again from here
		n.before, n.behind, n.step = -1, -1, n.limit
		n.offset = max(n.offset-n.limit/2, 0)
	case n.before >= 0 && n.behind >= 0 && n.behind-n.before < n.limit:
		n.offset = n.before
	case n.before >= 0 && n.behind >= 0:
		n.offset = n.before + (n.behind-n.before)/2
	case n.behind >= 0:
		n.offset = max(n.behind-n.step, 0)
		n.step *= 2
	default:
		n.offset = n.before + n.step - n.limit
		n.step *= 2
	}
}
