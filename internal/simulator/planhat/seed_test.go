package planhatsim

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestSeedsAreCompactJSON holds the templates to what reading them takes for granted.
func TestSeedsAreCompactJSON(t *testing.T) {
	s := start(t, Options{Companies: 60})
	for _, st := range s.stores {
		for _, r := range st.all {
			var compact bytes.Buffer
			if err := json.Compact(&compact, r.body); err != nil || compact.String() != string(r.body) {
				t.Fatalf("%s: %v in %s", st.model.listing, err, r.body)
			}
		}
	}
}

func TestSeedsAreOfAllModelsOrTheCore(t *testing.T) {
	all, core := start(t, Options{Companies: 24}), start(t, Options{Companies: 24, CoreOnly: true})
	want := map[string][2]int{
		"companies": {24, 24}, "endusers": {72, 72}, "conversations": {72, 72}, "licenses": {24, 24}, "users": {5, 5}, "customfields": {43, 17},
		"tasks": {24, 0}, "issues": {12, 0}, "invoices": {24, 0}, "churn": {4, 0}, "assets": {12, 0}, "campaigns": {4, 0}, "nps": {8, 0}, "opportunities": {12, 0},
		"objectives": {8, 0}, "projects": {8, 0}, "sales": {6, 0}, "timeentries": {12, 0}, "timesheets": {3, 0}, "tickets": {10, 10},
	}
	for i, s := range []*sim{all, core} {
		s.Mutate(func(tx *Tx) {
			for listing := range modelByName {
				if got := len(tx.IDs(listing)); got != want[listing][i] {
					t.Errorf("%d %s, want %d", got, listing, want[listing][i])
				}
			}
		})
	}
	core.Live(500)
	entries, _ := core.Journal(0)
	for _, e := range entries {
		if !slices.Contains([]string{"company", "enduser", "note", "conversation", "license", "user", "customfield"}, e.Object) || e.Via == "life" && strings.HasSuffix(e.Object, "r") && e.Object != "enduser" {
			t.Fatalf("life of the core touched %s", e.Object)
		}
	}
}

// TestCatalogueHasWhatRecordsCarry: custom fields that seeds and life set are in the catalogue of their model.
func TestCatalogueHasWhatRecordsCarry(t *testing.T) {
	catalogue := map[string]set{}
	for _, f := range slices.Concat(seededFields, otherFields) {
		parent := strings.ToLower(f.parent)
		if catalogue[parent] == nil {
			catalogue[parent] = set{}
		}
		catalogue[parent][f.name] = true
	}
	s := start(t, Options{Companies: 60})
	s.Live(2000)
	for _, m := range childModels() {
		odd := set{}
		for _, text := range oddities[m] {
			doc, err := parseObject([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range splitObject(doc.get("custom")) {
				odd[f.name] = true
			}
		}
		for _, r := range s.store(m).all {
			for _, f := range splitObject(memberOf(r.body, "custom")) {
				if !catalogue[m.object][f.name] && !odd[f.name] {
					t.Fatalf("%s of %s is not in the catalogue %v", f.name, m.object, slices.Sorted(maps.Keys(catalogue[m.object])))
				}
			}
		}
	}
}
