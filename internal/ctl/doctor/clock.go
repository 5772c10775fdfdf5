package doctor

import "time"

// How far the clocks may be apart.
const (
	skewWarn = 5 * time.Second
	skewFail = 2 * time.Minute
)

// whatClocksDo says what a wrong clock of the host breaks, and what not.
const whatClocksDo = "capture stays complete and in order (it goes by Planhat's stamps alone), but ts_ms of events, " +
	"notAfter of commands and the retention of topics go by the host's clock"

// clock compares the vendor's Date with the host's clock.
func (t tenant) clock() {
	skew, told := t.call.Skew()
	if !told {
		t.okf("clock", "not compared: no answer of Planhat had a Date")
		return
	}
	apart, side := skew.Abs().Round(time.Second), "behind"
	if skew < 0 {
		side = "ahead of"
	}
	const remedy = "synchronise the host's clock, by NTP or chrony"
	switch {
	case apart >= skewFail:
		t.failf("clock", remedy, "the host's clock is at least %s %s Planhat's: %s", apart, side, whatClocksDo)
	case apart >= skewWarn:
		t.warnf("clock", remedy, "the host's clock is at least %s %s Planhat's: %s", apart, side, whatClocksDo)
	default:
		t.okf("clock", "the host's clock and Planhat's agree within %s", skewWarn)
	}
}
