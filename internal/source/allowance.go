package source

import "time"

// What records that stay hidden from their listing may cost: they exist, and
// are asked for again only because they may be deleted some day.
const (
	againShare = 0.015 // of the calls that look at the listing once a target
	againBurst = 60    // calls at once, after a quiet time
	againCost  = 3     // calls for one record: before the first two more are asked, see confirmation
)

// allowance are the calls that a stream may spend on asking again. The zero
// value is a full one.
type allowance struct {
	spent float64
	at    time.Time // when spent was right
}

// take takes the calls for one record, if they are there. perMinute is what
// comes in.
func (a *allowance) take(now time.Time, perMinute float64) bool {
	if !a.at.IsZero() {
		a.spent = max(a.spent-perMinute*now.Sub(a.at).Minutes(), 0)
	}
	a.at = now
	if a.spent+againCost > againBurst {
		return false
	}
	a.spent += againCost
	return true
}

// mayAskAgain tells whether a record that was found to exist may be asked for
// now: the more of them there are, the more rarely each is.
func (s *stream) mayAskAgain(now time.Time) bool {
	return s.schedule.again.take(now, againShare*float64(s.pages())/s.schedule.target.Minutes())
}
