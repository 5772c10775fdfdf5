package planhat

import "bytes"

// plainRows takes a page apart in one pass: an array of objects, each with one _id
// spelled without escapes. ok is false for anything else, valid or not.
func plainRows(body []byte) (rows []Row, ok bool) {
	v := validator{text: body}
	i := skipSpace(body, 0)
	if v.at(i) != '[' {
		return nil, false
	}
	rows = []Row{}
	if i = skipSpace(body, i+1); v.at(i) == ']' {
		return rows, skipSpace(body, i+1) == len(body)
	}
	for {
		row, end := v.plainRow(i)
		if end < 0 {
			return nil, false
		}
		rows = append(rows, row)
		i = skipSpace(body, end)
		switch v.at(i) {
		case ',':
			i = skipSpace(body, i+1)
		case ']':
			return rows, skipSpace(body, i+1) == len(body) && v.isUTF8()
		default:
			return nil, false
		}
	}
}

// plainRow reads one row of a page.
func (v *validator) plainRow(i int) (Row, int) {
	if v.at(i) != '{' {
		return Row{}, -1
	}
	var id string
	ids := 0
	end := v.object(i, 2, func(name, value []byte) {
		if string(name) == `"_id"` {
			id = stringOf(value)
			ids++
		} else if bytes.IndexByte(name, '\\') >= 0 {
			ids += 2 // it may be another spelling
		}
	})
	if end < 0 || ids != 1 || !isID(id) {
		return Row{}, -1
	}
	return Row{ID: id, Raw: v.text[i:end:end]}, end
}
