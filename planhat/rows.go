package planhat

import "github.com/planhat-bridge/planhat-bridge/internal/rest/walk"

// idDigits is the length of an id, idName the name of its member as it is written.
const (
	idDigits = 24
	idName   = `"_id"`
)

// plainRows takes a page apart in one pass: an array of objects, each with one _id
// spelled without escapes. ok is false for anything else, valid or not.
func plainRows(body []byte) (rows []Row, ok bool) {
	i := walk.Space(body, 0)
	if byteAt(body, i) != '[' {
		return nil, false
	}
	if i = walk.Space(body, i+1); byteAt(body, i) == ']' {
		return []Row{}, walk.Space(body, i+1) == len(body)
	}
	s := splitter{text: body}
	var ids []byte // of all rows: their text is one for the page
	for {
		id, end := s.row(i)
		if end < 0 {
			return nil, false
		}
		if rows == nil {
			likely := (len(body)-i)/(end-i+1) + 1
			rows, ids = make([]Row, 0, likely), make([]byte, 0, likely*idDigits)
		}
		rows, ids = append(rows, Row{Raw: body[i:end:end]}), append(ids, id...)
		i = walk.Space(body, end)
		switch byteAt(body, i) {
		case ',':
			i = walk.Space(body, i+1)
		case ']':
			return named(rows, string(ids)), walk.Space(body, i+1) == len(body)
		default:
			return nil, false
		}
	}
}

// named gives rows their ids, which follow each other in one text.
func named(rows []Row, ids string) []Row {
	for n := range rows {
		rows[n].ID = ids[n*idDigits : (n+1)*idDigits]
	}
	return rows
}

// isPlainID reports whether a value is an id without escapes, quotes and all.
func isPlainID(value []byte) bool {
	return len(value) == idDigits+2 && value[0] == '"' && isID(value[1:idDigits+1])
}
