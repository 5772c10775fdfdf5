package planhatsim

import (
	"bytes"
	"net/http"
	"slices"
)

// garbles are answers that are JSON, but not what the API promises; rows is the page that it would be.
var garbles = map[string]func(rows [][]byte) []byte{
	"object":  func([][]byte) []byte { return []byte(`{"message":"OK","items":[]}`) },
	"null":    func([][]byte) []byte { return []byte("null") },
	"strings": func([][]byte) []byte { return []byte(`["one","two"]`) },
	"no-id":   func(rows [][]byte) []byte { return joined(withMiddle(rows, `{"name":"a row without an id"}`)) },
	"bad-id": func(rows [][]byte) []byte {
		return joined(withMiddle(rows, `{"_id":"12-34","name":"an id of another form"}`))
	},
	"two-ids": func(rows [][]byte) []byte {
		return joined(withMiddle(rows, `{"_id":"66f0a1b2c3d4e5f600000101","_id":"66f0a1b2c3d4e5f600000102"}`))
	},
	"nested": func(rows [][]byte) []byte { return append(append([]byte{'['}, joined(rows)...), ']') },
	"twice": func(rows [][]byte) []byte {
		return joined(append(slices.Clip(rows), rows[:min(1, len(rows))]...))
	},
}

// withMiddle replaces the row in the middle, or is that row alone.
func withMiddle(rows [][]byte, row string) [][]byte {
	out := append([][]byte{}, rows...)
	if len(out) == 0 {
		return append(out, []byte(row))
	}
	out[len(out)/2] = []byte(row)
	return out
}

func joined(rows [][]byte) []byte {
	return append(append([]byte{'['}, bytes.Join(rows, []byte{','})...), ']')
}

// rowsOf takes a page of any envelope apart.
func rowsOf(body []byte) [][]byte {
	if data := memberOf(body, "data"); data != nil {
		body = data
	}
	if len(body) == 0 || body[0] != '[' {
		return nil
	}
	return splitArray(body)
}

// garble answers a page with what it should not be.
func garble(_ *Server, w http.ResponseWriter, _ *request, f Fault, a answer) int {
	if a.Status == http.StatusOK {
		mode := f.Mode
		if mode == "" {
			mode = "object"
		}
		a.Body = garbles[mode](rowsOf(a.Body))
	}
	return a.Write(w)
}

// shorten leaves the last rows of a page out, all of them where the rule gives no number.
func shorten(_ *Server, w http.ResponseWriter, _ *request, f Fault, a answer) int {
	if a.Status == http.StatusOK {
		rows := rowsOf(a.Body)
		left := 0
		if f.Rows > 0 {
			left = max(0, len(rows)-f.Rows)
		}
		a.Body, a.Items = joined(rows[:left]), left
	}
	return a.Write(w)
}
