package pipedrive

import (
	"strings"
	"testing"
)

// BenchmarkPage reads a full page of deals: 500 rows.
func BenchmarkPage(b *testing.B) {
	sample := string(readSamples(b).Rest["v2_deals_list_won"].Body)
	from, to := strings.Index(sample, "["), strings.LastIndex(sample, "]")
	row := sample[from+1 : to] // two of them
	body := list("", row)
	for range 249 {
		body = strings.Replace(body, `"data":[`, `"data":[`+row+",", 1)
	}
	c := clientFor(b, always(200, body))
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		page, err := c.Page(b.Context(), Deal, ListOptions{Limit: 500})
		if err != nil || len(page.Rows) != 500 {
			b.Fatalf("%d rows, %v", len(page.Rows), err)
		}
	}
}
