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
	own := f.out
	f.out = dst
	err := f.document(raw)
	out := f.out
	f.out = own
	if err != nil {
		return dst, err
	}
	return out, nil
}

// form writes canonical text. Its buffers are used again by later rows.
type form struct {
	out      []byte
	spare    []byte   // a copy of out's tail while its members are put in order
	members  []member // of all objects that are open, innermost last
	name     []byte   // scratch for a member's name that has escapes
	long     []byte   // scratch for "custom." and a name
	volatile map[string]bool
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
)

const customName = "custom"

var forms = sync.Pool{New: func() any { return new(form) }}

// maxKept bounds the buffers that stay in the pool, in bytes.
const maxKept = 1 << 20

func takeForm(volatile map[string]bool) *form {
	f := forms.Get().(*form) //nolint:forcetypeassert // the pool holds nothing else
	f.volatile = volatile
	return f
}

func (f *form) release() {
	f.out, f.spare, f.members, f.volatile = f.out[:0], f.spare[:0], f.members[:0], nil
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
			f.closeObject(base)
			return next, nil
		}
		i = next
	}
}

// member writes one member and a comma, unless its name is volatile.
func (f *form) member(src []byte, i, depth int, in scope) (int, error) {
	from, past, value, err := skipName(src, i)
	if err != nil {
		return i, err
	}
	start := len(f.out)
	if _, err := f.text(src, from-1); err != nil {
		return i, err
	}
	colon := len(f.out)
	inner := scopeInner
	if in != scopeInner {
		name := readText(f.name, src[from:past])
		if f.isVolatile(name, in) {
			f.out = f.out[:start]
			return skipValue(src, value, depth)
		}
		if in == scopeRow && string(name) == customName {
			inner = scopeCustom
		}
	}
	f.out = append(f.out, ':')
	end, err := f.value(src, value, depth, inner)
	if err != nil {
		return end, err
	}
	f.members = append(f.members, member{start: start, colon: colon, end: len(f.out)})
	f.out = append(f.out, ',')
	return end, nil
}

func (f *form) isVolatile(name []byte, in scope) bool {
	if len(f.volatile) == 0 {
		return false
	}
	if in == scopeRow {
		return f.volatile[string(name)]
	}
	f.long = append(append(f.long[:0], customName+"."...), name...)
	return f.volatile[string(f.long)]
}

// closeObject puts the members since base in order and closes their object.
func (f *form) closeObject(base int) {
	members := f.members[base:]
	if len(members) == 0 { // all of them were volatile
		f.out = append(f.out, '}')
		return
	}
	if !f.sorted(members) {
		f.order(members)
	}
	f.out[len(f.out)-1] = '}' // in place of the last comma
	f.members = f.members[:base]
}

// sorted says that the names of members strictly ascend.
func (f *form) sorted(members []member) bool {
	for i := 1; i < len(members); i++ {
		if bytes.Compare(nameIn(f.out, members[i-1]), nameIn(f.out, members[i])) >= 0 {
			return false
		}
	}
	return true
}

// order writes members again, sorted by name; of equal names the last stays.
func (f *form) order(members []member) {
	from := members[0].start
	text := f.out
	slices.SortFunc(members, func(a, b member) int {
		if c := bytes.Compare(nameIn(text, a), nameIn(text, b)); c != 0 {
			return c
		}
		return cmp.Compare(a.start, b.start)
	})
	f.spare = append(f.spare[:0], text[from:]...)
	f.out = f.out[:from]
	for i, m := range members {
		shifted := member{start: m.start - from, colon: m.colon - from, end: m.end - from}
		if i+1 < len(members) {
			next := members[i+1]
			next.start, next.colon = next.start-from, next.colon-from
			if bytes.Equal(nameIn(f.spare, shifted), nameIn(f.spare, next)) {
				continue
			}
		}
		f.out = append(f.out, f.spare[shifted.start:shifted.end]...)
		f.out = append(f.out, ',')
	}
}

// nameIn is the name of m without its quotes.
func nameIn(text []byte, m member) []byte { return text[m.start+1 : m.colon-1] }
