package source

// probe finds out how many calls the reading of a listing takes. Planhat gives
// no counts: a listing is as long as the last of its rows that can be asked for
// by its place. Each answer doubles what is known to be there, until a row is
// not, then halves what is open: some two questions for each doubling of pages.
// What the answers show is not captured.
type probe struct {
	step      int // rows that each further call brings
	from      int // calls that are known to be needed before the first question
	low, high int // low calls are needed, more than high are not; high 0: not known yet
}

// maxProbed is where a probe gives up: a listing that shows a row there shows
// one everywhere, whatever it is asked for.
const maxProbed = 1 << 17

// newProbe is for a listing of which the calls before offset were made already.
func newProbe(pageSize, offset int) *probe {
	step := max(pageSize-sweepOverlap, 1)
	from := offset/step + 1
	return &probe{step: step, from: from, low: from}
}

// next is the place of the row to ask for; more is false when the calls are known,
// or cannot be.
func (p *probe) next() (offset int, more bool) {
	calls := (p.low + p.high + 1) / 2
	switch {
	case p.high == 0:
		calls = p.low + max(p.low-p.from, 1)
		more = p.low < maxProbed
	default:
		more = p.low < p.high
	}
	return (calls - 1) * p.step, more
}

// answer takes whether the row that next named is there.
func (p *probe) answer(there bool) {
	offset, _ := p.next()
	calls := offset/p.step + 1
	if there {
		p.low = calls
		return
	}
	p.high = calls - 1
}

// calls is how many the listing takes in all, from its beginning; 0: nobody knows.
func (p *probe) calls() int {
	if p.high == 0 {
		return 0
	}
	return p.low
}
