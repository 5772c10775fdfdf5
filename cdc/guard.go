package cdc

import "time"

// DeleteLimits say how many deletes at once are plausible. The zero value lets
// all pass.
type DeleteLimits struct {
	Share float64 // of the records, 0.2 = one in five; 0 = no limit
	Count int     // 0 = no limit
	Few   int     // so many are plausible whatever Share says, for small streams
	Last  int     // likewise where nothing would be left; not more than Few
}

// MassDelete says that so many records gone, of so many that there were, are
// more than limits allow. Then nothing may be deleted before an operator has
// looked: a vendor's fault, or a token that sees less than it did, looks the
// same as an emptied workspace.
func MassDelete(gone, records int, limits DeleteLimits) bool {
	if limits.Count > 0 && gone > limits.Count {
		return true
	}
	few := limits.Few
	if gone >= records {
		few = limits.Last
	}
	return limits.Share > 0 && gone > few && float64(gone) > limits.Share*float64(records)
}

// lossWindow is how long a delete counts: what stays below the limits in each
// sweep must not empty a stream by the day.
const lossWindow = 24 * time.Hour

// Losses count the deletes of a day, by the hour. Only records that were older
// than a day count: a stream whose records come and go within one loses nothing.
type Losses []HourOfLosses

// HourOfLosses is how many records were deleted in an hour.
type HourOfLosses struct {
	Hour    int64 `json:"hour"` // since 1970-01-01 UTC
	Deleted int   `json:"deleted"`
}

// Add notes that the record of id was deleted at now, and forgets what is older
// than a day.
func (l *Losses) Add(id ID, now time.Time) {
	if now.Sub(id.Time()) < lossWindow {
		return
	}
	hour := now.Unix() / 3600
	kept := Losses{}
	for _, h := range *l {
		if h.within(now) {
			kept = append(kept, h)
		}
	}
	if n := len(kept); n == 0 || kept[n-1].Hour != hour {
		kept = append(kept, HourOfLosses{Hour: hour})
	}
	kept[len(kept)-1].Deleted++
	*l = kept
}

// Sum is how many records were deleted within a day before now.
func (l Losses) Sum(now time.Time) (n int) {
	for _, h := range l {
		if h.within(now) {
			n += h.Deleted
		}
	}
	return n
}

func (h HourOfLosses) within(now time.Time) bool {
	return now.Unix()/3600-h.Hour < int64(lossWindow/time.Hour)
}
