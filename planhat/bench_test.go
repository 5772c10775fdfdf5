package planhat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/internal/rest/walk"
)

const benchRows = 2000

// samplePage is a page of rows like one of the vendor's documents, each with an id of
// its own and, where vary says so, with values that no other row has.
func samplePage(tb testing.TB, kinds []string, vary bool) []byte {
	tb.Helper()
	text, err := os.ReadFile("testdata/samples.json")
	if err != nil {
		tb.Fatal(err)
	}
	var samples map[string]json.RawMessage
	if err := json.Unmarshal(text, &samples); err != nil {
		tb.Fatal(err)
	}
	page := []byte{'['}
	for i := range benchRows {
		var row bytes.Buffer
		if err := json.Compact(&row, walk.Member(samples[kinds[i%len(kinds)]], "row")); err != nil {
			tb.Fatal(err)
		}
		if i > 0 {
			page = append(page, ',')
		}
		page = fmt.Appendf(page, `{"_id":%q`, hexID(i))
		for name, value := range walk.Members(without(row.Bytes(), "_id")) {
			page = append(append(append(append(page, ','), name...), ':'), varied(value, i, vary)...)
		}
		page = append(page, '}')
	}
	return append(page, ']')
}

// varied is the value, or one of its kind.
func varied(value []byte, n int, vary bool) []byte {
	number := n * 7919 % 10007
	switch {
	case !vary:
		return value
	case isText(value):
		return fmt.Appendf(nil, `%s%d"`, value[:len(value)-1], number)
	case value[0] >= '1' && value[0] <= '9':
		return fmt.Append(nil, number)
	default:
		return value
	}
}

func BenchmarkSplitRows(b *testing.B) {
	for _, test := range []struct {
		name  string
		kinds []string
		vary  bool
	}{
		{"alike", []string{"license"}, false},
		{"varied", []string{"license"}, true},
		{"mixed", []string{"license", "company_list_row", "enduser", "task"}, true},
	} {
		b.Run(test.name, func(b *testing.B) {
			page := samplePage(b, test.kinds, test.vary)
			b.SetBytes(int64(len(page)))
			b.ReportAllocs()
			for b.Loop() {
				if rows, err := splitRows(page); err != nil || len(rows) != benchRows {
					b.Fatal(len(rows), err)
				}
			}
		})
	}
}
