package pipedrivesim

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"time"
)

// record is one stored record; its doc is replaced, never changed in place.
type record struct {
	object   *object
	id       int64
	doc      doc
	position int // in store.live; -1 for a deleted one
	row      []byte
	rowOf    rowKey // what row was printed for
	past     []version
}

// version is a doc that was replaced, or nil for the time before a record was made.
type version struct {
	doc   doc
	until time.Time
}

// asOf gives the doc as it was; nil where there was none yet.
func (r *record) asOf(at time.Time) doc {
	for _, v := range r.past {
		if v.until.After(at) {
			return v.doc
		}
	}
	return r.doc
}

// rowKey tells whether a printed row still holds.
type rowKey struct {
	fields  int
	details bool
	sync    bool
}

func (r *record) deleted() bool {
	name, value := r.object.deletedName()
	return r.doc[name] == value
}

// store holds the records of one object.
type store struct {
	object *object
	byID   map[int64]*record
	live   []*record // not deleted, in no order: for picking at random
	last   int64     // the last id given
	views  map[string]*view
	fields catalogue
	ofDeal map[int64][]*record // products that are or were attached to a deal
	lag    time.Duration       // how long replaced docs are remembered
}

func newStore(o *object, first int64) *store {
	return &store{object: o, byID: map[int64]*record{}, last: first, views: map[string]*view{}, ofDeal: map[int64][]*record{}}
}

// put stores a doc under its id, new or not.
func (st *store) put(d doc) *record {
	id := d.int("id")
	r := st.byID[id]
	if r == nil {
		r = &record{object: st.object, id: id, position: -1}
		st.byID[id] = r
		st.last = max(st.last, id)
		for _, v := range st.views {
			v.records, v.sorted = append(v.records, r), false
		}
	}
	before := r.doc
	st.remember(r)
	r.doc, r.row = d, nil
	for name, v := range st.views {
		v.sorted = v.sorted && before.text(name) == d.text(name) && before.int(name) == d.int(name)
	}
	st.place(r)
	if deal := d.int("deal_id"); st.object == products && before.int("deal_id") != deal {
		st.ofDeal[deal] = append(st.ofDeal[deal], r)
	}
	return r
}

// remember keeps the doc that is about to be replaced, as long as somebody may ask for it.
func (st *store) remember(r *record) {
	if st.lag == 0 {
		r.past = nil
		return
	}
	now := time.Now()
	r.past = slices.DeleteFunc(r.past, func(v version) bool { return now.Sub(v.until) > st.lag })
	r.past = append(r.past, version{r.doc, now})
}

// place keeps the list of the living.
func (st *store) place(r *record) {
	switch gone := r.deleted(); {
	case gone && r.position >= 0:
		last := st.live[len(st.live)-1]
		st.live[r.position], last.position = last, r.position
		st.live = st.live[:len(st.live)-1]
		r.position = -1
	case !gone && r.position < 0:
		r.position = len(st.live)
		st.live = append(st.live, r)
	}
}

// get gives a record that is not deleted; nil where there is none.
func (st *store) get(id int64) *record {
	if r := st.byID[id]; r != nil && !r.deleted() {
		return r
	}
	return nil
}

// view is all records in the order of a column, then of the id. Writes only note that the order may have changed.
type view struct {
	records []*record
	sorted  bool
}

// sortedBy gives the records in the order of id or of a column.
func (st *store) sortedBy(name string) []*record {
	v := st.views[name]
	if v == nil {
		v = &view{}
		for _, r := range st.byID {
			v.records = append(v.records, r)
		}
		st.views[name] = v
	}
	if !v.sorted {
		slices.SortFunc(v.records, func(a, b *record) int { return compareBy(name, a, keyOf(name, b), b.id) })
		v.sorted = true
	}
	return v.records
}

// sortKey is what a view orders by: a text, or a number.
type sortKey struct {
	text   string
	number int64
}

func keyOf(name string, r *record) sortKey {
	if name == "id" {
		return sortKey{}
	}
	return sortKey{text: r.doc.text(name), number: r.doc.int(name)}
}

// compareBy compares a record with a place in the order of a column.
func compareBy(name string, r *record, key sortKey, id int64) int {
	own := keyOf(name, r)
	if c := cmp.Compare(own.number, key.number); c != 0 {
		return c
	}
	if c := strings.Compare(own.text, key.text); c != 0 {
		return c
	}
	return cmp.Compare(r.id, id)
}

// after finds the first index of records behind a place.
func after(records []*record, name string, key sortKey, id int64) int {
	return sort.Search(len(records), func(i int) bool { return compareBy(name, records[i], key, id) > 0 })
}
