package cdc

import (
	"bytes"
	"cmp"
	"slices"
	"sync"
)

// Canonical appends the canonical form of the JSON value raw to dst: names
// sorted by their UTF-8 bytes as written (quote, backslash and control
// characters escaped) at every level, no white space, one spelling per string
// ("\u00e9" and "é" are equal; broken UTF-8 and lone surrogates become U+FFFD).
// Of members with the same name the last one counts. Arrays keep their order.
//
// The text of numbers is kept as sent: 1, 1.0 and 1e0 differ, and no digit of
// a long integer is lost. A vendor that begins to write 1.0 for 1 has changed
// the record as far as this package can tell.
//
// The error is a [*SyntaxError]; dst is then given back as it came.
func Canonical(dst, raw []byte) ([]byte, error) {
	f := takeForm(nil)
	defer f.release()
	if err := f.document(raw); err != nil {
		return dst, err
	}
	return append(dst, f.out...), nil
}

// form writes canonical text. Its buffers are used again by later rows.
type form struct {
	out     []byte
	spare   []byte   // a copy of out's tail while its members are put in order
	members []member // of all objects that are open, innermost last
	long    []byte   // scratch for "custom." and a name
	orders  [scopes][]int
	shape   *Shape
	facts   *Facts // of the row, if they are wanted
}

// member is where a member of an open object stands in out: its opening quote,
// its colon, and the byte after its value.
type member struct{ start, colon, end int }

// scope says which volatile names can occur among the members of an object.
type scope uint8

const (
	scopeInner  scope = iota // none
	scopeRow                 // the row itself: names as they are
	scopeCustom              // the row's custom fields: names after "custom."
	scopes
)

const customName = "custom"

var forms = sync.Pool{New: func() any { return new(form) }}

// maxKept bounds the buffers that stay in the pool, in bytes.
const maxKept = 1 << 20

// noShape is that of a value of which nothing is known.
var noShape Shape

// takeForm gives a form; s may be nil.
func takeForm(s *Shape) *form {
	f := forms.Get().(*form) //nolint:forcetypeassert // the pool holds nothing else
	if f.shape = s; s == nil {
		f.shape = &noShape
	}
	return f
}

func (f *form) release() {
	f.out, f.spare, f.members, f.shape, f.facts = f.out[:0], f.spare[:0], f.members[:0], nil, nil
	if cap(f.out)+cap(f.spare) <= maxKept {
		forms.Put(f)
	}
}

// document writes the one value that src holds.
func (f *form) document(src []byte) error {
	end, err := f.value(src, skipSpace(src, 0), 0, scopeRow)
	if err != nil {
		return err
	}
	if end = skipSpace(src, end); end != len(src) {
		return syntax(end, reasonTrailing)
	}
	return nil
}

// value writes the value at src[i]; in is the scope of its members if it is an object.
func (f *form) value(src []byte, i, depth int, in scope) (int, error) {
	if i >= len(src) {
		return i, syntax(i, reasonEnd)
	}
	switch src[i] {
	case '"':
		return f.text(src, i)
	case '{':
		return f.object(src, i, depth+1, in)
	case '[':
		return f.array(src, i, depth+1)
	}
	end, err := skipScalar(src, i)
	if err == nil {
		f.out = append(f.out, src[i:end]...)
	}
	return end, err
}

func (f *form) text(src []byte, i int) (int, error) {
	end, plain, err := skipString(src, i)
	if err != nil {
		return end, err
	}
	if plain {
		f.out = append(f.out, src[i:end]...)
		return end, nil
	}
	f.out = append(f.out, '"')
	f.out = appendCanonicalText(f.out, src[i+1:end-1])
	f.out = append(f.out, '"')
	return end, nil
}

func (f *form) array(src []byte, i, depth int) (int, error) {
	if depth > MaxDepth {
		return i, syntax(i, reasonDepth)
	}
	f.out = append(f.out, '[')
	i = skipSpace(src, i+1)
	if i < len(src) && src[i] == ']' {
		f.out = append(f.out, ']')
		return i + 1, nil
	}
	for {
		end, err := f.value(src, i, depth, scopeInner)
		if err != nil {
			return end, err
		}
		next, closed, err := skipSeparator(src, end, ']')
		if err != nil {
			return next, err
		}
		if closed {
			f.out = append(f.out, ']')
			return next, nil
		}
		f.out = append(f.out, ',')
		i = next
	}
}

func (f *form) object(src []byte, i, depth int, in scope) (int, error) {
	if depth > MaxDepth {
		return i, syntax(i, reasonDepth)
	}
	base := len(f.members)
	f.out = append(f.out, '{')
	i = skipSpace(src, i+1)
	if i < len(src) && src[i] == '}' {
		f.out = append(f.out, '}')
		return i + 1, nil
	}
	for {
		end, err := f.member(src, i, depth, in)
		if err != nil {
			return end, err
		}
		next, closed, err := skipSeparator(src, end, '}')
		if err != nil {
			return next, err
		}
		if closed {
			f.closeObject(base, in)
			return next, nil
		}
		i = next
	}
}

// member writes one member and a comma, unless its name is volatile.
func (f *form) member(src []byte, i, depth int, in scope) (int, error) {
	from, past, value, plain, err := skipName(src, i)
	if err != nil {
		return i, err
	}
	start, name := len(f.out), src[from:past]
	if plain {
		f.out = append(f.out, src[from-1:past+1]...)
	} else {
		f.out = append(appendCanonicalText(append(f.out, '"'), name), '"')
		name = readText(nil, name)
	}
	colon := len(f.out)
	inner := scopeInner
	if in == scopeRow && string(name) == customName {
		inner = scopeCustom
	}
	var end int
	if in != scopeInner && f.isVolatile(name, in) {
		f.out = f.out[:start]
		end, err = skipValue(src, value, depth)
	} else {
		f.out = append(f.out, ':')
		end, err = f.value(src, value, depth, inner)
		f.members = append(f.members, member{start: start, colon: colon, end: len(f.out)})
		f.out = append(f.out, ',')
	}
	if err == nil && in == scopeRow && f.facts != nil {
		f.facts.note(f.shape, name, src[value:end])
	}
	return end, err
}

func (f *form) isVolatile(name []byte, in scope) bool {
	if len(f.shape.Volatile) == 0 {
		return false
	}
	if in == scopeRow {
		return f.shape.Volatile[string(name)]
	}
	f.long = append(append(f.long[:0], customName+"."...), name...)
	return f.shape.Volatile[string(f.long)]
}

// closeObject puts the members since base in order and closes their object.
func (f *form) closeObject(base int, in scope) {
	members := f.members[base:]
	if len(members) == 0 { // all of them were volatile
		f.out = append(f.out, '}')
		return
	}
	if !f.sorted(members) {
		f.order(members, in)
	}
	f.out[len(f.out)-1] = '}' // in place of the last comma
	f.members = f.members[:base]
}

// sorted says that the names of members strictly ascend.
func (f *form) sorted(members []member) bool {
	for i := 1; i < len(members); i++ {
		if bytes.Compare(f.nameOf(members[i-1]), f.nameOf(members[i])) >= 0 {
			return false
		}
	}
	return true
}

// order writes members again, sorted by name; of equal names the last stays. Rows of
// a listing have their members in the same order: that of the last row is tried first.
func (f *form) order(members []member, in scope) {
	order := f.orders[in]
	if !f.sortedBy(members, order) {
		order = order[:0]
		for i := range members {
			order = append(order, i)
		}
		slices.SortFunc(order, func(i, j int) int {
			if c := bytes.Compare(f.nameOf(members[i]), f.nameOf(members[j])); c != 0 {
				return c
			}
			return cmp.Compare(i, j)
		})
		f.orders[in] = order
	}
	from := members[0].start
	f.spare = append(f.spare[:0], f.out[from:]...)
	f.out = f.out[:from]
	for n, i := range order {
		m := members[i]
		if n+1 < len(order) && bytes.Equal(nameIn(f.spare, from, m), nameIn(f.spare, from, members[order[n+1]])) {
			continue
		}
		f.out = append(f.out, f.spare[m.start-from:m.end+1-from]...) // with the comma
	}
}

// sortedBy says that the names of members strictly ascend when they are taken in order.
func (f *form) sortedBy(members []member, order []int) bool {
	if len(order) != len(members) {
		return false
	}
	for n := 1; n < len(order); n++ {
		if bytes.Compare(f.nameOf(members[order[n-1]]), f.nameOf(members[order[n]])) >= 0 {
			return false
		}
	}
	return true
}

// nameOf is the name of m without its quotes.
func (f *form) nameOf(m member) []byte { return nameIn(f.out, 0, m) }

// nameIn is the same for text that is the part of out from an index on.
func nameIn(text []byte, from int, m member) []byte { return text[m.start+1-from : m.colon-1-from] }
