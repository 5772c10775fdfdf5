package planhatsim

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// view is the records of a store sorted by one property, ascending, then by _id. It is kept between
// calls: writes only note what they touched, and the next call merges that in, so that a page costs no sort.
type view struct {
	property string
	entries  []entry
	touched  map[*record]struct{}
	used     uint64
}

type entry struct {
	key sortKey
	rec *record
}

// sortKey orders values as MongoDB does: missing and null, numbers, strings, objects, arrays, booleans.
type sortKey struct {
	class  uint8
	number float64
	text   string
}

const maxViews = 8

func newView(property string, all []*record) *view {
	v := &view{property: property, touched: map[*record]struct{}{}, entries: make([]entry, len(all))}
	for i, r := range all {
		v.entries[i] = entry{keyOf(r, property), r}
	}
	slices.SortFunc(v.entries, compareEntries)
	return v
}

func (v *view) touch(r *record) { v.touched[r] = struct{}{} }

// refresh merges what was touched since the last call; mark is a number never used before.
func (v *view) refresh(mark uint64) {
	if len(v.touched) == 0 {
		return
	}
	fresh := make([]entry, 0, len(v.touched))
	for r := range v.touched {
		r.mark = mark
		if !r.deleted {
			fresh = append(fresh, entry{keyOf(r, v.property), r})
		}
	}
	clear(v.touched)
	slices.SortFunc(fresh, compareEntries)
	merged := make([]entry, 0, len(v.entries)+len(fresh))
	for _, e := range v.entries {
		if e.rec.mark == mark {
			continue
		}
		for len(fresh) > 0 && compareEntries(fresh[0], e) < 0 {
			merged, fresh = append(merged, fresh[0]), fresh[1:]
		}
		merged = append(merged, e)
	}
	merged = append(merged, fresh...)
	v.entries = merged
}

func compareEntries(a, b entry) int {
	if c := compareKeys(a.key, b.key); c != 0 {
		return c
	}
	return strings.Compare(a.rec.id, b.rec.id)
}

func compareKeys(a, b sortKey) int {
	if a.class != b.class {
		return cmp.Compare(a.class, b.class)
	}
	if c := cmp.Compare(a.number, b.number); c != 0 {
		return c
	}
	return strings.Compare(a.text, b.text)
}

func keyOf(r *record, property string) sortKey {
	if property == "_id" {
		return sortKey{class: 2, text: r.id}
	}
	if name, nested := strings.CutPrefix(property, "custom."); nested {
		return keyOfValue(memberOf(memberOf(r.body, "custom"), name))
	}
	return keyOfValue(memberOf(r.body, property))
}

// memberOf gives one value of a stored object.
func memberOf(body []byte, name string) (val []byte) {
	if len(body) == 0 || body[0] != '{' {
		return nil
	}
	eachMember(body, func(m member) bool {
		if m.name == name {
			val = m.val
		}
		return m.name != name
	})
	return val
}

func keyOfValue(raw []byte) sortKey {
	if isNull(raw) {
		return sortKey{}
	}
	switch raw[0] {
	case '"':
		s, _ := textOf(raw)
		return sortKey{class: 2, text: strings.Clone(s)}
	case '{':
		return sortKey{class: 3, text: string(raw)}
	case '[':
		return sortKey{class: 4, text: string(raw)}
	case 't', 'f':
		return sortKey{class: 5, text: string(raw)}
	}
	n, _ := strconv.ParseFloat(string(raw), 64)
	return sortKey{class: 1, number: n}
}
