package account

import (
	"fmt"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

// A sweep reads the live listings of an object whole, sorted by id: it finds
// what changed without a webhook and without a stamp, and what is gone.

// sweepPlace is how far a sweep has got. It is stored with the cursor.
type sweepPlace struct {
	Began  int64              `json:"began"`            // ms since 1970-01-01 UTC, by the vendor's clock where it tells
	Part   int                `json:"part"`             // of the object's live listings
	Cursor string             `json:"cursor,omitempty"` // of the page to ask for; listings that go by cursor
	Last   cdc.ID             `json:"last"`             // greatest id read of the part
	Offset *cdc.SweepPosition `json:"offset,omitempty"` // listings that go by offset
	Rows   int                `json:"rows"`             // read of all parts
	Calls  int                `json:"calls"`

	live *cdc.Sweep // of the listing by offset that is under way
}

// sweepOverlap is how many rows of a listing that goes by offset are asked for
// twice, so that a page border that moved is noticed.
const sweepOverlap = 1

// request is the page that a sweep asks for next.
func (p *sweepPlace) request(o *object) pipedrive.ListOptions {
	opts := o.live[p.Part].options()
	opts.SortBy, opts.Limit, opts.Cursor = "id", o.PageSize, p.Cursor
	if o.offset() {
		r, _ := p.sweep(o).Next()
		opts.Start, opts.Limit, opts.Cursor = r.Offset, r.Limit, ""
	}
	return opts
}

// sweep is the one under way, or goes on from where another process has been.
func (p *sweepPlace) sweep(o *object) *cdc.Sweep {
	if p.live == nil {
		var at cdc.SweepPosition
		if p.Offset != nil {
			at = *p.Offset
		}
		p.live = cdc.NewSweep(at, o.PageSize, sweepOverlap, o.live[p.Part].archived)
	}
	return p.live
}

// take moves the place behind a page, and gives the ids that the index holds in
// the part of the listing that the page covers and that it does not show: they
// may be deleted. done says that it was the last page of the last part.
func (p *sweepPlace) take(o *object, page pipedrive.Page, index *cdc.Index) (missing []cdc.ID, done bool, err error) {
	var last bool
	if p.Calls++; o.offset() {
		missing, last, err = p.takeOffset(o, page, index)
	} else {
		missing, last, err = p.takeCursor(o, page, index)
	}
	if err != nil || !last {
		return missing, false, err
	}
	if p.Part++; p.Part == len(o.live) {
		return missing, true, nil
	}
	p.Cursor, p.Last, p.Offset, p.live = "", cdc.ID{}, nil, nil
	return missing, false, nil
}

func (p *sweepPlace) takeOffset(o *object, page pipedrive.Page, index *cdc.Index) ([]cdc.ID, bool, error) {
	rows := make([]cdc.Sighting, len(page.Rows))
	for i, r := range page.Rows {
		rows[i].ID = idOf(r.ID)
	}
	sweep := p.sweep(o)
	before := sweep.Position().Rows
	_, missing, err := sweep.Page(rows, index, nil)
	if err != nil {
		return nil, false, fmt.Errorf("sweep of %s: %w", o.Listing, err)
	}
	at := sweep.Position()
	p.Offset, p.Last, p.Rows = &at, at.Last, p.Rows+at.Rows-before
	return missing, at.Done, nil
}

func (p *sweepPlace) takeCursor(o *object, page pipedrive.Page, index *cdc.Index) ([]cdc.ID, bool, error) {
	behind, shown := p.Last, make(map[cdc.ID]bool, len(page.Rows))
	for i, r := range page.Rows {
		id := idOf(r.ID)
		if id.Compare(behind) <= 0 {
			return nil, false, fmt.Errorf("sweep of %s: row %d of a page: %w", o.Listing, i, cdc.ErrOrder)
		}
		shown[id], behind = true, id
	}
	last := !page.More
	upTo := behind
	if last {
		upTo = cdc.MaxID
	}
	var missing []cdc.ID
	for id, known := range index.Range(p.Last, upTo) {
		if id != p.Last && !shown[id] && known.Archived == o.live[p.Part].archived {
			missing = append(missing, id)
		}
	}
	p.Cursor, p.Last, p.Rows = page.Next, behind, p.Rows+len(page.Rows)
	return missing, last, nil
}

// recent reads what changed since a moment, oldest first. It lives in memory: a
// new owner begins it anew.
type recent struct {
	since  int64 // ms since 1970-01-01 UTC
	part   int
	cursor string
	start  int    // listings that go by offset
	tail   cdc.ID // the last row of the page before, of such a listing
	newest int64  // stamp
	limit  int64  // no stamp is taken for newer than this: the vendor's clock when it began
	rows   int
}

// recentOverlap is how many rows of a listing that goes by offset are asked for
// twice: a row that changes while the listing is read leaves its place, and those
// behind it move up.
const recentOverlap = 10

func (r *recent) request(o *object) pipedrive.ListOptions {
	opts := o.recent[r.part].options()
	opts.UpdatedSince, opts.SortBy, opts.Limit, opts.Cursor = timeOf(r.since), "update_time", o.PageSize, r.cursor
	if o.offset() {
		opts.Start = r.start
	}
	return opts
}

// take moves behind a page. done says that it was the last one.
func (r *recent) take(o *object, page pipedrive.Page) (done bool, err error) {
	last := !page.More
	if o.offset() {
		if last, err = r.takeOffset(o, page); err != nil {
			return false, err
		}
	}
	r.cursor, r.rows = page.Next, r.rows+len(page.Rows)
	if !last {
		return false, nil
	}
	r.part, r.cursor, r.start, r.tail = r.part+1, "", 0, cdc.ID{}
	return r.part == len(o.recent), nil
}

func (r *recent) takeOffset(o *object, page pipedrive.Page) (last bool, err error) {
	joined := r.start == 0
	for _, row := range page.Rows {
		joined = joined || idOf(row.ID) == r.tail
	}
	if !joined {
		return false, fmt.Errorf("rows of %s that changed moved while they were listed: %w", o.Listing, errMoved)
	}
	if !page.More || len(page.Rows) == 0 {
		return true, nil
	}
	r.tail = idOf(page.Rows[len(page.Rows)-1].ID)
	r.start = max(r.start+len(page.Rows)-recentOverlap, r.start+1)
	return false, nil
}

// see notes the stamp of a row.
func (r *recent) see(stamp int64) {
	if r.limit == 0 || stamp <= r.limit {
		r.newest = max(r.newest, stamp)
	}
}
