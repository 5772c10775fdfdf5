package plan

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestManyFieldsAreCheap merges and compares bodies of so many fields that a
// step which looks at each field for each field would take minutes.
func TestManyFieldsAreCheap(t *testing.T) {
	body := func(prefix string) Fields {
		var b strings.Builder
		for n := range 40_000 {
			if n > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `"%s%d":%d`, prefix, n, n)
		}
		return Fields{{Name: customField, Raw: []byte("{" + b.String() + "}")}}
	}
	started := time.Now()
	merged := body("a").Over(body("b"))
	merged = merged.Over(body("a"))
	custom, err := members(merged.Get(customField))
	if err != nil || len(custom) != 80_000 || custom[0].Name != "a0" || custom[79_999].Name != "b39999" {
		t.Fatalf("%d custom fields, %v", len(custom), err)
	}
	differing := customDifferences(merged.Get(customField), merged.Get(customField))
	if len(differing) != 0 {
		t.Fatalf("%d fields differ", len(differing))
	}
	if took := time.Since(started); took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
}
