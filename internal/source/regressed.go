package source

import (
	"github.com/planhat-bridge/planhat-bridge/cdc"
)

// maxRegressed bounds what is remembered of rows whose stamps went back.
const maxRegressed = 10_000

// regressedSweeps is how many sweeps in a row have to show a row whose stamp went
// back before it is believed.
const regressedSweeps = 3

// regress is what is remembered of a row with an older stamp than was written. A part
// of the vendor that lags behind shows such rows for a while; a vendor whose clock
// stepped back shows them for good, and to drop them would lose the edit.
type regress struct {
	raw         uint64
	first, last int // sweeps that showed it
}

// wentBack says that a row is to be believed although its stamp is older than that of
// what was written: as many sweeps in a row as it takes have shown these very bytes.
func (s *stream) wentBack(row cdc.Sighting) bool {
	if s.scan.sweep == nil || s.scan.delta != nil {
		return false
	}
	r, seen := s.regressed[row.ID]
	if !seen || r.raw != row.RawHash || r.last < s.sweeps-1 {
		r = regress{raw: row.RawHash, first: s.sweeps}
	}
	r.last = s.sweeps
	if r.last-r.first+1 >= regressedSweeps {
		delete(s.regressed, row.ID)
		return true
	}
	if s.regressed == nil {
		s.regressed = map[cdc.ID]regress{}
	}
	if seen || len(s.regressed) < maxRegressed { // the others' turn comes when these are believed, or gone
		s.regressed[row.ID] = r
	}
	return false
}

// forgetRegressed drops what the sweep that ends did not show.
func (s *stream) forgetRegressed() {
	for id, r := range s.regressed {
		if r.last < s.sweeps {
			delete(s.regressed, id)
		}
	}
}
