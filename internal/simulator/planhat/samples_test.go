package planhatsim

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit/simtest"
)

// TestSamplesHaveKnownNames holds the table to documented records: each name of theirs is one that the model
// has, and what can be written of them is taken.
func TestSamplesHaveKnownNames(t *testing.T) {
	raw, err := os.ReadFile("testdata/samples.json")
	if err != nil {
		t.Fatal(err)
	}
	var samples []struct {
		Sample  string          `json:"sample"`
		Listing string          `json:"listing"`
		Record  json.RawMessage `json:"record"`
	}
	simtest.Decode(t, string(raw), &samples)
	covered := map[*model]bool{}
	for _, sample := range samples {
		m := modelByName[sample.Listing]
		covered[m] = true
		doc, err := parseObject(sample.Record)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range doc {
			known := f.name == "_id" || f.name == "custom" || f.name == m.company || m.writable[f.name] != 0 || m.readOnly[f.name] || m.shown[f.name] || modelByName["tickets"] == m && f.name == "type"
			if !known {
				t.Errorf("%s: %s is no name of %s", sample.Sample, f.name, m.listing)
			}
			if k := m.writable[f.name]; k != 0 && !strings.HasSuffix(sample.Sample, "_list_row") {
				if _, refusal := cast(f.name, k, f.val); refusal != nil {
					t.Errorf("%s: %s", sample.Sample, refusal.message)
				}
			}
		}
		s := start(t, Options{Companies: -1})
		s.Mutate(func(tx *Tx) {
			if err := tx.Put(m.listing, string(sample.Record)); err != nil {
				t.Error(err)
			}
		})
		if rows := s.list(m.path + "?sort=_id"); !slices.Contains(column(rows, "_id"), doc.text("_id")) {
			t.Errorf("%s is listed as %v", sample.Sample, rows)
		}
	}
	for _, m := range modelRows {
		if !covered[m] {
			t.Errorf("no sample of %s", m.listing)
		}
	}
}
