package planhat

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"github.com/planhat-bridge/planhat-bridge/internal/rest/walk"
)

// splitter reads the rows of a page. Rows have mostly the same names in the same
// order, and many of the same values: bytes that equal those of a former row, from
// the beginning of a member on, are as valid as those, and are not looked at again.
type splitter struct {
	text   []byte
	model  []span // the members of a former row
	misses int    // members of the last row whose names the model did not have
}

// span is where a member is: its name begins at start, its value takes value to end.
type span struct{ start, value, end int }

// reach is how far behind the expected member of the model a name is looked for.
const reach = 8

// row reads the row that begins at i: its id, and where it ends; -1 if it is not
// plain.
func (s *splitter) row(i int) (id []byte, end int) {
	if byteAt(s.text, i) != '{' {
		return nil, -1
	}
	r := rowReader{splitter: s, learn: s.unlike()}
	if r.learn {
		s.model = s.model[:0]
	}
	s.misses = 0
	i = walk.Space(s.text, i+1) // an empty row has no id
	for i >= 0 {
		if i = r.member(i); i < 0 {
			break
		}
		i = walk.Space(s.text, i)
		switch byteAt(s.text, i) {
		case ',':
			i = walk.Space(s.text, i+1)
		case '}':
			if r.id == nil {
				return nil, -1
			}
			return r.id, i + 1
		default:
			return nil, -1
		}
	}
	return nil, -1
}

// unlike reports whether a row has too little in common with the model.
func (s *splitter) unlike() bool { return 4*s.misses >= len(s.model) }

// rowReader reads one row.
type rowReader struct {
	*splitter
	learn bool // the row becomes the model
	next  int  // the member of the model that is expected
	id    []byte
}

// member reads the member that begins at i, and with it those that equal the model's.
// It returns where the last of them ends, -1 if one is not plain.
func (r *rowReader) member(i int) int {
	if r.learn || r.next >= len(r.model) {
		return r.anotherMember(i)
	}
	b, first := r.text, r.model[r.next].start
	same := first + common(b, i, first, r.model[len(r.model)-1].end+1)
	shift, end := i-first, -1
	for ; r.next < len(r.model) && r.model[r.next].end < same; r.next++ {
		m := r.model[r.next]
		if end = m.end + shift; !r.noted(m.start+shift, m.value+shift, end) {
			return -1
		}
	}
	if r.next == len(r.model) || same < r.model[r.next].value {
		if end < 0 {
			return r.anotherMember(i)
		}
		return end
	}
	m := r.model[r.next]
	r.next++
	end = validValue(b, m.value+shift, 2)
	if !r.noted(m.start+shift, m.value+shift, end) {
		return -1
	}
	return end
}

// anotherMember reads a member that the model does not help with.
func (r *rowReader) anotherMember(i int) int {
	b := r.text
	nameEnd, value := validName(b, i)
	if value < 0 || bytes.IndexByte(b[i:nameEnd], '\\') >= 0 { // it may be another spelling of _id
		return -1
	}
	end := validValue(b, value, 2)
	if !r.noted(i, value, end) {
		return -1
	}
	if r.learn {
		r.model = append(r.model, span{i, value, end})
		r.next = len(r.model)
		return end
	}
	r.misses++
	if r.unlike() {
		r.next = len(r.model)
	}
	for n := r.next; n < min(len(r.model), r.next+reach); n++ {
		if m := r.model[n]; bytes.Equal(b[m.start:m.value], b[i:value]) {
			r.next = n + 1
			break
		}
	}
	return end
}

// noted takes the id where the member is one. It is false for a member that is not
// plain.
func (r *rowReader) noted(start, value, end int) bool {
	if end < 0 {
		return false
	}
	b := r.text
	if value-start < len(idName) || b[start+1] != '_' || string(b[start:start+len(idName)]) != idName {
		return true
	}
	if r.id != nil || !isPlainID(b[value:end]) {
		return false
	}
	r.id = b[value+1 : end-1]
	return true
}

// common counts the bytes from i on that equal those from j on, which is before i, up
// to end at most.
func common(b []byte, i, j, end int) int {
	here := b[i:min(len(b), i+end-j)]
	there := b[j:]
	n := 0
	for ; n+8 <= len(here); n += 8 {
		if differ := binary.LittleEndian.Uint64(here[n:]) ^ binary.LittleEndian.Uint64(there[n:]); differ != 0 {
			return n + bits.TrailingZeros64(differ)/8
		}
	}
	for n < len(here) && here[n] == there[n] {
		n++
	}
	return n
}
