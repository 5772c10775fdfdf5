package cdc

import (
	"iter"
	"slices"
)

// Sizes of chunks, in records.
const (
	chunkMax   = 512 // a chunk that is full is split, or a new one is begun behind it
	chunkMin   = 128 // a smaller one is joined with a neighbour
	chunkJoin  = 384 // ... if both together hold no more than this
	growthStep = 8   // a chunk grows by an eighth of its length,
	growthMin  = 8   // and by this at least, so that little room stands empty
)

// Index maps ids to entries, in the order of ids. It keeps packed records in
// sorted chunks: some 55 bytes of heap a record, whether ids come ascending (as
// from a sweep, the cheapest way) or in any order (as from a log).
//
// An Index is not safe for concurrent use and must not be changed while one of
// its iterators runs.
type Index struct {
	chunks [][]packed // none is empty
	length int
}

// NewIndex gives an empty index.
func NewIndex() *Index { return &Index{} }

// Len is the number of records.
func (x *Index) Len() int { return x.length }

// Get gives the entry of id, if there is one.
func (x *Index) Get(id ID) (Entry, bool) {
	c := x.chunkOf(id)
	if c < 0 {
		return Entry{}, false
	}
	rows := x.chunks[c]
	i, found := search(rows, id)
	if !found {
		return Entry{}, false
	}
	return rows[i].entry(), true
}

// Put sets the entry of id.
func (x *Index) Put(id ID, e Entry) {
	p := pack(id, e)
	c := max(x.chunkOf(id), 0)
	if len(x.chunks) == 0 {
		x.chunks = append(x.chunks, nil)
	}
	i, found := search(x.chunks[c], id)
	if found {
		x.chunks[c][i] = p
		return
	}
	x.length++
	if len(x.chunks[c]) < chunkMax {
		x.chunks[c] = insert(x.chunks[c], i, p)
		return
	}
	if i == chunkMax && c == len(x.chunks)-1 { // ascending ids: leave a full chunk behind
		x.chunks = append(x.chunks, insert(nil, 0, p))
		return
	}
	x.split(c)
	if i > len(x.chunks[c]) {
		i -= len(x.chunks[c])
		c++
	}
	x.chunks[c] = insert(x.chunks[c], i, p)
}

// Delete removes id, if it is there.
func (x *Index) Delete(id ID) {
	c := x.chunkOf(id)
	if c < 0 {
		return
	}
	i, found := search(x.chunks[c], id)
	if !found {
		return
	}
	x.length--
	x.chunks[c] = slices.Delete(x.chunks[c], i, i+1)
	x.tidy(c)
}

// All gives every record, ids ascending.
func (x *Index) All() iter.Seq2[ID, Entry] { return x.Range(ID{}, MaxID) }

// Range gives the records from lo to hi, both included, ids ascending.
func (x *Index) Range(lo, hi ID) iter.Seq2[ID, Entry] {
	return func(yield func(ID, Entry) bool) {
		at := x.seek(lo)
		for p := at.here(); p != nil && p.id.Compare(hi) <= 0; p = at.next() {
			if !yield(p.id, p.entry()) {
				return
			}
		}
	}
}

// place is a record of an index, or its end.
type place struct {
	chunks [][]packed // the record's and those behind it; none: the end
	row    int
}

// seek finds the first record at or behind id.
func (x *Index) seek(id ID) place {
	c := max(x.chunkOf(id), 0)
	p := place{chunks: x.chunks[min(c, len(x.chunks)):]}
	if len(p.chunks) > 0 {
		if p.row, _ = search(p.chunks[0], id); p.row == len(p.chunks[0]) {
			p.row--
			p.next()
		}
	}
	return p
}

// here is the record at the place, nil at the end. It is valid until the index changes.
func (p *place) here() *packed {
	if len(p.chunks) == 0 {
		return nil
	}
	return &p.chunks[0][p.row]
}

// next moves on and gives the record there.
func (p *place) next() *packed {
	if len(p.chunks) == 0 {
		return nil
	}
	if p.row++; p.row == len(p.chunks[0]) {
		p.chunks, p.row = p.chunks[1:], 0
	}
	return p.here()
}

// chunkOf is the last chunk that starts at or before id, -1 if there is none.
func (x *Index) chunkOf(id ID) int {
	low, high := 0, len(x.chunks)
	if high > 0 && x.chunks[high-1][0].id.Compare(id) <= 0 {
		return high - 1
	}
	for low < high {
		middle := int(uint(low+high) / 2)
		if x.chunks[middle][0].id.Compare(id) <= 0 {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low - 1
}

// search is where id is, or belongs, among rows.
func search(rows []packed, id ID) (int, bool) {
	if n := len(rows); n == 0 || rows[n-1].id.Compare(id) < 0 {
		return n, false
	}
	low, high := 0, len(rows)
	for low < high {
		middle := int(uint(low+high) / 2)
		if rows[middle].id.Compare(id) < 0 {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < len(rows) && rows[low].id == id
}

// insert puts p at rows[i] and lets rows grow in small steps.
func insert(rows []packed, i int, p packed) []packed {
	n := len(rows)
	if n == cap(rows) {
		rows = resize(rows, min(n+max(growthMin, n/growthStep), max(chunkMax, n+1)))
	}
	rows = rows[:n+1]
	copy(rows[i+1:], rows[i:n])
	rows[i] = p
	return rows
}

// resize gives rows room for want records, and for what the allocator adds anyway.
func resize(rows []packed, want int) []packed {
	fresh := append([]packed(nil), make([]packed, want)...)
	return fresh[:copy(fresh, rows)]
}

// split puts the upper half of chunk c into a chunk of its own.
func (x *Index) split(c int) {
	rows := x.chunks[c]
	half := len(rows) / 2
	x.chunks = slices.Insert(x.chunks, c+1, resize(rows[half:], len(rows)-half+growthMin))
	x.chunks[c] = resize(rows[:half], half+growthMin)
}

// tidy gives back the room of chunk c after a delete.
func (x *Index) tidy(c int) {
	rows := x.chunks[c]
	switch {
	case len(rows) == 0:
		x.chunks = slices.Delete(x.chunks, c, c+1)
	case len(rows) < chunkMin && c+1 < len(x.chunks) && len(rows)+len(x.chunks[c+1]) <= chunkJoin:
		x.join(c)
	case len(rows) < chunkMin && c > 0 && len(rows)+len(x.chunks[c-1]) <= chunkJoin:
		x.join(c - 1)
	case cap(rows) > len(rows)+max(2*growthMin, len(rows)/growthStep*2):
		x.chunks[c] = resize(rows, len(rows)+growthMin)
	}
}

// join puts chunks c and c+1 into one.
func (x *Index) join(c int) {
	low, high := x.chunks[c], x.chunks[c+1]
	rows := resize(low, len(low)+len(high)+growthMin)
	x.chunks[c] = append(rows, high...)
	x.chunks = slices.Delete(x.chunks, c+1, c+2)
}
