package doctor

import (
	"fmt"
	"time"
)

// How far the clocks may be apart.
const (
	skewWarn = 5 * time.Second
	skewFail = 2 * time.Minute
)

// whatClocksDo says what a wrong clock of the host breaks, and what not.
const whatClocksDo = "capture stays complete and in order (it goes by %s's stamps alone), but ts_ms of events, " +
	"notAfter of commands and the retention of topics go by the host's clock"

// clock compares the Date of a vendor's answers with the host's clock.
func (p part) clock(vendor string, call interface{ Skew() (time.Duration, bool) }) {
	skew, told := call.Skew()
	if !told {
		p.okf("clock", "not compared: no answer of %s had a Date", vendor)
		return
	}
	does := fmt.Sprintf(whatClocksDo, vendor)
	apart, side := skew.Abs().Round(time.Second), "behind"
	if skew < 0 {
		side = "ahead of"
	}
	const remedy = "synchronise the host's clock, by NTP or chrony"
	switch {
	case apart >= skewFail:
		p.failf("clock", remedy, "the host's clock is at least %s %s %s's: %s", apart, side, vendor, does)
	case apart >= skewWarn:
		p.warnf("clock", remedy, "the host's clock is at least %s %s %s's: %s", apart, side, vendor, does)
	default:
		p.okf("clock", "the host's clock and %s's agree within %s", vendor, skewWarn)
	}
}
