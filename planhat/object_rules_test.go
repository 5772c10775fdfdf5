package planhat

import (
	"slices"
	"testing"
)

// What holds for every row of the table, column by column.
func TestEveryRow(t *testing.T) {
	for _, spec := range Objects() {
		t.Run(string(spec.Object), func(t *testing.T) {
			for _, k := range spec.Keys {
				f, _ := spec.Field(spec.KeyField(k))
				if f.Type != String || f.Writable == (k == KeyID || spec.ReadOnly) {
					t.Errorf("the key %s is the field %+v", k, f)
				}
			}
			if f, ok := spec.Field(spec.Stamp); ok && (f.Type != TimestampMillis || f.Writable) {
				t.Errorf("the stamp is the field %+v", f)
			}
			if f, ok := spec.Field(spec.ArchivedField); ok && f.Type != Boolean {
				t.Errorf("the archived flag is the field %+v", f)
			}
			if (spec.ArchivedField == "") != (spec.ArchivedParam == "") {
				t.Errorf("archived: field %q, parameter %q", spec.ArchivedField, spec.ArchivedParam)
			}
			for _, name := range spec.Volatile {
				if f, _ := spec.Field(name); f.Writable {
					t.Errorf("%s changes without an edit and can be written", name)
				}
			}
			readOnlyRules(t, spec)
			companyRules(t, spec)
			for _, f := range spec.Fields {
				referenceRules(t, spec, f)
			}
		})
	}
}

func readOnlyRules(t *testing.T, spec Spec) {
	t.Helper()
	canWrite := slices.ContainsFunc(spec.Fields, func(f Field) bool { return f.Writable })
	if canWrite == spec.ReadOnly || spec.ReadOnly && len(spec.Required) > 0 {
		t.Errorf("read only: %t, a field can be written: %t, required: %v", spec.ReadOnly, canWrite, spec.Required)
	}
}

// companyRules: a record is of the company that its field names, or is one; of objects
// that refer to a company only those without a company field are of none.
func companyRules(t *testing.T, spec Spec) {
	t.Helper()
	f, named := spec.Field(spec.CompanyField)
	switch {
	case spec.Object == Company:
		if spec.CompanyField != "_id" {
			t.Errorf("the company of a company is in %q", spec.CompanyField)
		}
	case named:
		if f.Ref != Company || f.RefKey != "" || f.Type != String && f.Type != StringArray {
			t.Errorf("the company is the field %+v", f)
		}
	case slices.ContainsFunc(spec.Fields, func(f Field) bool { return f.Ref == Company }):
		t.Errorf("there is a company among the references and no company field")
	}
}

func referenceRules(t *testing.T, spec Spec, f Field) {
	t.Helper()
	if f.Ref == "" {
		if f.RefKey != "" || f.ByKey {
			t.Errorf("%+v is no reference", f)
		}
		return
	}
	other, ok := Lookup(f.Ref)
	switch {
	case !ok:
		t.Errorf("field %s refers to the unknown %s", f.Name, f.Ref)
	case f.Writable && other.Rank >= spec.Rank && other.Object != spec.Object:
		t.Errorf("field %s refers to a %s of rank %d, the %s itself has rank %d", f.Name, f.Ref, other.Rank, spec.Object, spec.Rank)
	case f.RefKey != "" && !other.hasKey(f.RefKey):
		t.Errorf("field %s goes by the %s of a %s", f.Name, f.RefKey, f.Ref)
	case !slices.Contains([]FieldType{String, StringArray, JSON}, f.Type):
		t.Errorf("field %s is a reference and a %s", f.Name, f.Type)
	case f.ByKey && (f.Ref != Company || f.Name != "companyId"):
		t.Errorf("prefixed keys are documented for companyId, not for %s", f.Name)
	}
}

// What the documentation says of each listing.
func TestDocumentedListings(t *testing.T) {
	type listing struct {
		path, stamp string
		page        int
		readOnly    bool
	}
	want := map[Object]listing{
		User:         {"/users", "updatedAt", 10000, false},
		Company:      {"/companies", "updatedAt", 5000, false},
		Enduser:      {"/endusers", "updatedAt", 2000, false},
		Asset:        {"/assets", "updatedAt", 2000, false},
		Campaign:     {"/campaigns", "", 2000, false},
		Project:      {"/projects", "", 2000, false},
		Objective:    {"/objectives", "", 2000, false},
		Opportunity:  {"/opportunities", "", 2000, false},
		License:      {"/licenses", "", 2000, false},
		Sale:         {"/sales", "", 2000, false},
		Invoice:      {"/invoices", "lastUpdated", 2000, false},
		Churn:        {"/churn", "updatedAt", 1000, false},
		Task:         {"/tasks", "updatedAt", 10000, false},
		TimeEntry:    {"/timeentries", "", 2000, false},
		Note:         {"/conversations", "updatedAt", 2000, false},
		Conversation: {"/conversations", "updatedAt", 2000, false},
		Ticket:       {"/tickets", "updateDate", 10000, true},
		CustomField:  {"/customfields", "", 2000, true},
		NPS:          {"/nps", "", 10000, false},
		Issue:        {"/issues", "updatedAt", 2000, false},
		Timesheet:    {"/timesheets", "updatedAt", 2000, false},
	}
	for _, s := range Objects() {
		if got := (listing{s.Path, s.Stamp, s.PageSize, s.ReadOnly}); got != want[s.Object] {
			t.Errorf("%s: %+v, want %+v", s.Object, got, want[s.Object])
		}
		if s.Path != "/"+s.Listing {
			t.Errorf("%s: the listing %s has the path %s", s.Object, s.Listing, s.Path)
		}
	}
	if len(want) != len(Objects()) {
		t.Errorf("%d objects, want %d", len(Objects()), len(want))
	}
}

// Objects of one listing are told apart by the type of a row, the exact type first.
func TestObjectsOfASharedListing(t *testing.T) {
	for _, tt := range []struct {
		object  Object
		rowType string
		want    Object
	}{
		{Conversation, "note", Note}, {Note, "note", Note},
		{Conversation, "email", Conversation}, {Note, "email", Conversation},
		{Note, "ticket", Conversation}, {Note, "", Conversation},
		{Company, "note", Company}, {Task, "todo", Task},
	} {
		spec, _ := Lookup(tt.object)
		if got := spec.ObjectOf(tt.rowType); got != tt.want || spec.Holds(tt.rowType) != (tt.want == tt.object) {
			t.Errorf("a row of %s with type %q is a %s, want %s", spec.Listing, tt.rowType, got, tt.want)
		}
	}
	for _, spec := range Objects() {
		if want := spec.Listing == "conversations"; spec.Shared() != want {
			t.Errorf("%s: shared %t", spec.Object, !want)
		}
	}
}

func TestCompaniesOfARecord(t *testing.T) {
	for _, tt := range []struct {
		object Object
		record string
		want   []string
	}{
		{Company, `{"_id":"a","companyId":"b"}`, []string{"a"}},
		{Enduser, `{"_id":"a","companyId":"b"}`, []string{"b"}},
		{Enduser, `{"_id":"a","companyId":null}`, nil},
		{Invoice, `{"companyId":"a","cId":"b"}`, []string{"b"}},
		{Issue, `{"companyIds":["a",7,"b"]}`, []string{"a", "b"}},
		{Issue, `{"companyIds":[]}`, nil},
		{User, `{"companyId":"a"}`, nil},
		{Enduser, ``, nil},
	} {
		spec, _ := Lookup(tt.object)
		if got := spec.Companies([]byte(tt.record)); !slices.Equal(got, tt.want) {
			t.Errorf("%s %s: %v, want %v", tt.object, tt.record, got, tt.want)
		}
	}
}
