package schemas

// appendRow writes the collected row as Avro, field by field in the schema's order.
func (c *Codec) appendRow(dst []byte, st *rowState, row []byte) []byte {
	for i := range c.fields {
		switch c.fields[i].name {
		case fieldExtra:
			dst = appendExtra(dst, st, row)
			continue
		case fieldNulls:
			dst = appendNulls(dst, st, row)
			continue
		}
		s := &st.slots[i]
		if s.state != slotTyped {
			dst = append(dst, branchNull)
			continue
		}
		dst = st.appendTyped(append(dst, branchValue), c.fields[i].typ, s, row)
	}
	return dst
}

func (st *rowState) appendTyped(dst []byte, t FieldType, s *slot, row []byte) []byte {
	switch t {
	case TypeString:
		return st.appendString(dst, row, s.token)
	case TypeLong, TypeDate, TypeMillis, TypeSeconds, TypeSpaced, TypeDay:
		return appendLong(dst, s.num)
	case TypeDouble:
		return appendDoubleBits(dst, s.float)
	case TypeBoolean:
		if s.token.kind == 't' {
			return append(dst, 1)
		}
		return append(dst, 0)
	case TypeStrings:
		return st.appendStrings(dst, row, s)
	default: // TypeJSON
		return appendBytes(dst, s.token.raw(row))
	}
}

func appendBytes(dst, b []byte) []byte {
	return append(appendLong(dst, int64(len(b))), b...)
}

func (st *rowState) appendString(dst, row []byte, t token) []byte {
	if !t.escaped {
		return appendBytes(dst, t.inner(row))
	}
	st.scratch = unquote(st.scratch[:0], t.inner(row))
	return appendBytes(dst, st.scratch)
}

func (st *rowState) appendStrings(dst, row []byte, s *slot) []byte {
	if s.num == 0 {
		return append(dst, 0)
	}
	dst = appendLong(dst, s.num)
	i := skipSpace(row, s.token.start+1)
	for range s.num {
		t, _ := scanString(row, i) // scanned twice before
		dst = st.appendString(dst, row, t)
		i, _, _ = afterElement(row, t.end, ']')
	}
	return append(dst, 0)
}

// appendExtra writes the members set aside as one JSON object, keys and values as
// they came, in their order.
func appendExtra(dst []byte, st *rowState, row []byte) []byte {
	if len(st.extra) == 0 {
		return append(dst, branchNull)
	}
	size := 1 + len(st.extra)*2 // braces, colons, commas
	for _, p := range st.extra {
		size += p.key.end - p.key.start + p.value.end - p.value.start
	}
	dst = appendLong(append(dst, branchValue), int64(size))
	sep := byte('{')
	for _, p := range st.extra {
		dst = append(append(dst, sep), p.key.raw(row)...)
		dst = append(append(dst, ':'), p.value.raw(row)...)
		sep = ','
	}
	return append(dst, '}')
}

func appendNulls(dst []byte, st *rowState, row []byte) []byte {
	if len(st.nulls) == 0 {
		return append(dst, branchNull)
	}
	size := 1 + len(st.nulls) // brackets, commas
	for _, k := range st.nulls {
		size += k.end - k.start
	}
	dst = appendLong(append(dst, branchValue), int64(size))
	sep := byte('[')
	for _, k := range st.nulls {
		dst = append(append(dst, sep), k.raw(row)...)
		sep = ','
	}
	return append(dst, ']')
}
