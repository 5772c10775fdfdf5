package planhat

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
)

func TestTable(t *testing.T) {
	rank := -1
	for _, spec := range Objects() {
		t.Run(string(spec.Object), func(t *testing.T) {
			if spec.Rank < rank {
				t.Errorf("rank %d after %d", spec.Rank, rank)
			}
			rank = spec.Rank
			if spec.Keys[0] != KeyID || spec.Path == "" || spec.Listing == "" || spec.PageSize == 0 {
				t.Errorf("incomplete: %+v", spec)
			}
			seen := map[string]bool{}
			for _, f := range spec.Fields {
				if seen[f.Name] {
					t.Errorf("field %s twice", f.Name)
				}
				seen[f.Name] = true
			}
			for _, name := range mentioned(spec) {
				if !seen[name] {
					t.Errorf("%s is mentioned and is no field", name)
				}
			}
			for _, group := range spec.Required {
				for _, name := range group {
					if f, _ := spec.Field(name); !f.Writable {
						t.Errorf("%s is required and cannot be written", name)
					}
				}
			}
		})
	}
	if _, ok := Lookup("unicorn"); ok {
		t.Error("there are unicorns")
	}
}

func mentioned(s Spec) []string {
	names := slices.Concat(slices.Concat(s.Required...), s.Volatile, s.Limited, []string{"_id"})
	for _, k := range s.Keys {
		names = append(names, s.KeyField(k))
	}
	for _, name := range []string{s.Stamp, s.ArchivedField, s.CompanyField} {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// fits says which JSON values a field type takes, null aside.
var fits = map[FieldType]func(any) bool{
	String:  func(v any) bool { _, ok := v.(string); return ok },
	Boolean: func(v any) bool { _, ok := v.(bool); return ok },
	Long:    func(v any) bool { f, ok := v.(float64); return ok && f == float64(int64(f)) },
	Double:  func(v any) bool { _, ok := v.(float64); return ok },
	Date:    func(v any) bool { f, ok := v.(float64); return ok && f == float64(int64(f)) },
	TimestampMillis: func(v any) bool {
		s, ok := v.(string)
		return ok && len(s) == len("2026-03-04T15:21:10.000Z")
	},
	StringArray: func(v any) bool {
		list, ok := v.([]any)
		return ok && !slices.ContainsFunc(list, func(e any) bool { _, ok := e.(string); return !ok })
	},
	JSON: func(any) bool { return true },
}

// Every field of the sample records is in the table, with a type that takes its
// value. The one known misfit is the object form of an owner in company lists.
func TestSamplesFitTheTable(t *testing.T) {
	var samples map[string]struct {
		Object Object
		Row    map[string]any
	}
	raw, err := os.ReadFile("testdata/samples.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &samples); err != nil {
		t.Fatal(err)
	}
	misfits := []string{"company_list_row.owner"}
	for name, sample := range samples {
		spec, ok := Lookup(sample.Object)
		if !ok {
			t.Fatalf("%s: unknown object %s", name, sample.Object)
		}
		for field, value := range sample.Row {
			f, ok := spec.Field(field)
			if !ok {
				t.Errorf("%s: field %s is not in the table", name, field)
				continue
			}
			if value != nil && !fits[f.Type](value) && !slices.Contains(misfits, name+"."+field) {
				t.Errorf("%s: %v does not fit %s, a %s", name, value, field, f.Type)
			}
		}
	}
}

func TestKeys(t *testing.T) {
	for object, want := range map[Object][]Key{
		Company: {KeySourceID, KeyExternalID},
		Enduser: {KeySourceID, KeyExternalID, KeyEmail},
		License: {KeySourceID, KeyExternalID},
		Note:    {},
		User:    {KeyExternalID, KeyEmail}, Task: {KeySourceID, KeyExternalID}, Issue: {KeySourceID},
		Invoice: {KeySourceID, KeyExternalID}, Conversation: {KeyExternalID}, Churn: {KeySourceID},
		Asset: {KeySourceID, KeyExternalID}, Campaign: {KeySourceID, KeyExternalID}, NPS: {KeySourceID},
		Opportunity: {KeySourceID, KeyExternalID}, Objective: {KeySourceID, KeyExternalID},
		Project: {KeySourceID, KeyExternalID}, Sale: {KeySourceID, KeyExternalID},
		TimeEntry: {}, Timesheet: {},
	} {
		spec, _ := Lookup(object)
		if got := spec.UpsertKeys(); !slices.Equal(got, want) {
			t.Errorf("%s: upsert keys %v, want %v", object, got, want)
		}
	}
	for object, want := range map[Object]string{Company: "externalId", Invoice: "extId"} {
		spec, _ := Lookup(object)
		if got := spec.KeyField(KeyExternalID); got != want {
			t.Errorf("%s: the vendor's spelling is %q, want %q", object, got, want)
		}
	}
}

func TestWithArticle(t *testing.T) {
	for o, want := range map[Object]string{
		Company: "a company", User: "a user", Enduser: "an enduser", Asset: "an asset",
		Issue: "an issue", Opportunity: "an opportunity", NPS: "an nps", Timesheet: "a timesheet",
	} {
		if got := o.WithArticle(); got != want {
			t.Errorf("%s is %q, not %q", o, got, want)
		}
	}
}
