package schemas

// maxRowDepth is how deep the values of a row may nest.
const maxRowDepth = 512

type slotState uint8

const (
	slotAbsent slotState = iota
	slotTyped            // the value fits its field
	slotAside            // null, or in extra
)

// slot remembers where the value of a schema's field is in the row, and what was
// learnt of it when it was read.
type slot struct {
	state slotState
	token token
	num   int64   // long, instant, day; number of elements of an array
	float float64 // double
}

// pair is a member of the row: where key and value are.
type pair struct{ key, value token }

// rowState is the scratch memory of one row on its way into Avro.
type rowState struct {
	slots   []slot
	order   []int // field that came n-th in the last row: rows repeat their order
	extra   []pair
	nulls   []token
	others  nameSet // keys that no field has
	scratch []byte
}

func newRowState(fields int) *rowState {
	return &rowState{slots: make([]slot, fields)}
}

func (st *rowState) reset() {
	clear(st.slots)
	st.extra = st.extra[:0]
	st.nulls = st.nulls[:0]
	st.others.reset()
}

// collect reads a row once: every value is checked and put into its slot, into extra
// or among the nulls.
func (c *Codec) collect(st *rowState, row []byte) error {
	st.reset()
	i := skipSpace(row, 0)
	if i >= len(row) || row[i] != '{' {
		return &TextError{Fault: FaultNotObject, Offset: i}
	}
	i = skipSpace(row, i+1)
	if i < len(row) && row[i] == '}' {
		return onlySpace(row, i+1)
	}
	for n := 0; ; n++ {
		key, at, err := scanKey(row, i)
		if err != nil {
			return err
		}
		value, err := scanValue(row, at, maxRowDepth-1)
		if err != nil {
			return err
		}
		if err := c.place(st, row, n, pair{key, value}); err != nil {
			return err
		}
		next, more, err := afterElement(row, value.end, '}')
		if err != nil {
			return err
		}
		if !more {
			return onlySpace(row, next)
		}
		i = next
	}
}

func onlySpace(text []byte, i int) error {
	if i = skipSpace(text, i); i < len(text) {
		return &TextError{Fault: FaultSyntax, Offset: i, Detail: "text goes on behind the value"}
	}
	return nil
}

// place decides where the n-th member of a row goes.
func (c *Codec) place(st *rowState, row []byte, n int, p pair) error {
	name := p.key.inner(row)
	if p.key.escaped {
		st.scratch = unquote(st.scratch[:0], name)
		name = st.scratch
	}
	var twice bool
	i, known := c.lookup(st, n, name)
	if known {
		twice = st.slots[i].state != slotAbsent
	} else {
		twice = !st.others.add(name)
	}
	switch {
	case twice:
		return &TextError{Fault: FaultDuplicate, Offset: p.key.start, Detail: string(name)}
	case known && p.value.kind != 'n' && fit(&st.slots[i], c.fields[i].typ, row, p.value, &st.scratch):
		st.slots[i].state = slotTyped
		return nil
	case known:
		st.slots[i].state = slotAside
	}
	if p.value.kind == 'n' {
		st.nulls = append(st.nulls, p.key)
	} else {
		st.extra = append(st.extra, p)
	}
	return nil
}

// lookup finds the field of a name. The field that stood at the same place in the row
// before is tried first.
func (c *Codec) lookup(st *rowState, n int, name []byte) (int, bool) {
	if n < len(st.order) {
		if i := st.order[n]; i >= 0 && c.fields[i].name == string(name) {
			return i, true
		}
	}
	i, ok := c.index[string(name)]
	if n < len(c.fields) {
		for len(st.order) <= n {
			st.order = append(st.order, -1)
		}
		if ok {
			st.order[n] = i
		}
	}
	return i, ok
}

// fit tells whether a value that is not null comes back from a field of type t as the
// same JSON, and remembers in the slot what writing it will need.
func fit(s *slot, t FieldType, row []byte, v token, scratch *[]byte) bool {
	s.token = v
	var ok bool
	switch t {
	case TypeString:
		return v.kind == '"' && !v.lone
	case TypeLong, TypeDate:
		if v.kind != '0' || !v.whole {
			return false
		}
		s.num, ok = exactLong(v.raw(row))
		return ok && (t == TypeLong || s.num == int64(int32(s.num)))
	case TypeDouble:
		if v.kind != '0' {
			return false
		}
		s.float, ok = exactDouble(v.raw(row))
		return ok
	case TypeBoolean:
		return v.kind == 't' || v.kind == 'f'
	case TypeMillis, TypeSeconds, TypeSpaced, TypeDay:
		return fitInstant(s, t, row, v, scratch)
	case TypeStrings:
		return v.kind == '[' && fitStrings(s, row, v)
	default: // TypeJSON
		return true
	}
}

func fitInstant(s *slot, t FieldType, row []byte, v token, scratch *[]byte) bool {
	if v.kind != '"' {
		return false
	}
	text := v.inner(row)
	if v.escaped {
		*scratch = unquote((*scratch)[:0], text)
		text = *scratch
	}
	var ok bool
	s.num, ok = exactStamp(t, text)
	return ok
}

// fitStrings counts the elements of an array that was scanned before.
func fitStrings(s *slot, row []byte, v token) bool {
	s.num = 0
	i := skipSpace(row, v.start+1)
	for row[i] != ']' {
		if row[i] != '"' {
			return false
		}
		t, err := scanString(row, i)
		if err != nil || t.lone {
			return false
		}
		s.num++
		next, more, err := afterElement(row, t.end, ']')
		if err != nil {
			return false
		}
		if !more {
			break
		}
		i = next
	}
	return true
}
