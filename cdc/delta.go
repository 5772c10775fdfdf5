package cdc

import "fmt"

// Reason says why a sweep is due; "" = it is not.
type Reason string

// The reasons.
const (
	ReasonNoStamp     Reason = "no-stamp"     // a row has no change stamp
	ReasonOrder       Reason = "out-of-order" // stamps do not descend
	ReasonOverlap     Reason = "overlap"      // nothing proves that two pages leave no gap
	ReasonEqualStamps Reason = "equal-stamps" // a page border lies inside a run of equal stamps
	ReasonStalled     Reason = "stalled"      // pages bring nothing new: changes outrun the scan, or offsets are ignored
)

// deltaPatience is how many pages in a row may bring nothing new.
const deltaPatience = 4

// Delta reads a listing that is sorted by change stamp, newest first, down to
// the watermark: the stamp up to which all changes are known. It finds every
// record whose stamp is the watermark or newer, or says that a sweep is due.
//
// Pages overlap. A page is known to leave no gap behind the former ones if its
// first row is strictly newer than the oldest row reached so far (so every row
// not yet read sorts behind it) and it holds a row of the page that reached it.
//
// A scan without a watermark (0) reads one page, only to find where to begin:
// limit 1 will do. The existing records are then found by a sweep.
//
// Use: ask Next, make the call, give the rows to Page, until Next says no.
type Delta struct {
	watermark      int64
	limit, overlap int

	offset  int
	begun   bool
	done    bool
	newest  int64         // newest stamp of the first page
	ceiling int64         // stamps above it define no watermark; 0 = none
	reached int64         // oldest stamp read so far without a gap
	former  map[ID]uint64 // raw hashes of the page that reached it
	stamps  map[ID]int64  // its stamps
	idle    int           // pages in a row that brought nothing new
	reason  Reason
}

// DeltaOutcome is what a scan amounts to.
type DeltaOutcome struct {
	// Watermark for the next scan: of a scan that is over, the newest stamp of
	// its first page (never less than before); else the watermark it began with.
	Watermark int64
	// SweepDue says that the scan may have missed changes: a sweep that begins
	// after it must be completed. It is to be stored together with Watermark.
	SweepDue bool
	Reason   Reason
}

// NewDelta begins a scan. watermark is in ms since 1970-01-01 UTC, by the
// vendor's clock, 0 = none. limit (at least 1) and overlap are in rows. overlap
// is at least 2, as one row cannot be strictly newer than itself, and less than
// limit: with a limit below 3 no second page can be proved.
func NewDelta(watermark int64, limit, overlap int) *Delta {
	limit, overlap = fitPage(limit, overlap, 1, 2)
	return &Delta{watermark: watermark, limit: limit, overlap: overlap}
}

// SetCeiling keeps stamps of the future out of the watermark, where they would
// hide all changes to come: stamps above ms define none. ms is the vendor's own
// time of the first page (its Date header) and some tolerance; 0 = no ceiling.
func (d *Delta) SetCeiling(ms int64) { d.ceiling = ms }

// Next is the page to ask for; more is false when the scan is over.
func (d *Delta) Next() (r Request, more bool) {
	if d.done {
		return Request{}, false
	}
	return Request{Offset: d.offset, Limit: d.limit}, true
}

// Outcome may be asked at any time.
func (d *Delta) Outcome() DeltaOutcome {
	out := DeltaOutcome{Watermark: d.watermark, SweepDue: d.reason != "", Reason: d.reason}
	if d.done {
		out.Watermark = max(d.watermark, d.newest)
	}
	return out
}

// Page takes the rows of the page that Next asked for. fresh are the rows to
// compare with the index, newest first: all but those that the former page
// brought already, bit by bit; rows older than the watermark are among them, as
// they cost nothing more. The error is ErrFinished.
func (d *Delta) Page(rows []Sighting) (fresh []Sighting, err error) {
	if d.done {
		return nil, fmt.Errorf("take a page of a delta: %w", ErrFinished)
	}
	for _, row := range rows {
		if hash, known := d.former[row.ID]; !known || hash != row.RawHash {
			fresh = append(fresh, row)
		}
	}
	first := !d.begun
	if first {
		d.begin(rows)
	}
	d.reason = d.objection(rows, first)
	d.done = d.reason != "" || d.ends(rows)
	if d.done {
		return fresh, nil
	}
	d.advance(rows, len(fresh) > 0)
	return fresh, nil
}

// begin takes the watermark of the next scan from the first page.
func (d *Delta) begin(rows []Sighting) {
	d.begun = true
	for _, row := range rows {
		if row.Facts.HasStamp && (d.ceiling == 0 || row.Facts.Stamp <= d.ceiling) {
			d.newest = max(d.newest, row.Facts.Stamp)
		}
	}
	if len(rows) == 0 {
		d.newest = 1 // an empty listing: whatever comes is newer
	}
}

// objection is the reason why rows prove nothing, "" if there is none.
func (d *Delta) objection(rows []Sighting, first bool) Reason {
	for i, row := range rows {
		switch {
		case !row.Facts.HasStamp:
			return ReasonNoStamp
		case i > 0 && row.Facts.Stamp > rows[i-1].Facts.Stamp:
			return ReasonOrder
		}
	}
	if first {
		return ""
	}
	return d.gap(rows)
}

// gap is the reason why rows may lie behind a gap, "" if they do not.
func (d *Delta) gap(rows []Sighting) Reason {
	if len(rows) == 0 { // quiet listings give the overlap again
		return ReasonOverlap
	}
	top, bottom := rows[0].Facts.Stamp, rows[len(rows)-1].Facts.Stamp
	switch {
	case top == d.reached:
		return ReasonEqualStamps
	case bottom > d.reached: // the listing moved down by a page: nothing is claimed
		return ""
	}
	// A row that was there before, unchanged, is as new as the oldest one reached
	// or newer, and so is all above it: rows that begin behind a gap hold none.
	for _, row := range rows {
		if stamp, known := d.stamps[row.ID]; known && stamp == row.Facts.Stamp {
			return ""
		}
	}
	return ReasonOverlap
}

// ends says that rows are the last page: the end of the listing, or a row older
// than the watermark.
func (d *Delta) ends(rows []Sighting) bool {
	return d.watermark == 0 || len(rows) < d.limit || rows[len(rows)-1].Facts.Stamp < d.watermark
}

// advance moves to the next page.
func (d *Delta) advance(rows []Sighting, news bool) {
	d.offset += len(rows) - d.overlap
	bottom := rows[len(rows)-1].Facts.Stamp
	if d.former == nil || bottom <= d.reached {
		d.remember(rows, bottom)
	} else {
		news = false
	}
	if d.idle++; news {
		d.idle = 0
	}
	if d.idle >= deltaPatience {
		d.reason, d.done = ReasonStalled, true
	}
}

// remember makes rows the page that the next one must overlap.
func (d *Delta) remember(rows []Sighting, bottom int64) {
	d.reached = bottom
	d.former = make(map[ID]uint64, len(rows))
	d.stamps = make(map[ID]int64, len(rows))
	for _, row := range rows {
		d.former[row.ID] = row.RawHash
		d.stamps[row.ID] = row.Facts.Stamp
	}
}
