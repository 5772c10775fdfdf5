package planhat

import (
	"slices"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/internal/rest/walk"
)

// Object names a kind of record.
type Object string

// The objects of the table.
const (
	User         Object = "user"
	Company      Object = "company"
	Enduser      Object = "enduser"
	Asset        Object = "asset"
	Campaign     Object = "campaign"
	Project      Object = "project"
	Objective    Object = "objective"
	Opportunity  Object = "opportunity"
	License      Object = "license"
	Sale         Object = "sale"
	Invoice      Object = "invoice"
	Churn        Object = "churn"
	Task         Object = "task"
	TimeEntry    Object = "timeentry"
	Note         Object = "note"         // a conversation of type "note"
	Conversation Object = "conversation" // of any other type
	Ticket       Object = "ticket"       // read only
	CustomField  Object = "customfield"  // read only
	NPS          Object = "nps"
	Issue        Object = "issue"
	Timesheet    Object = "timesheet"
)

// WithArticle is the object as a sentence names it: "a company", "an enduser".
func (o Object) WithArticle() string {
	const vowels = "aeiou"
	name := string(o)
	starts := strings.IndexAny(name, vowels) == 0 && !strings.HasPrefix(name, "us") // a you-ser
	if starts || !strings.ContainsAny(name, vowels) {                               // an en-pee-ess
		return "an " + name
	}
	return "a " + name
}

// Key is our name of a property that identifies a record.
type Key string

// The keys. Not every object has every key: see [Spec.Keys].
const (
	KeyID         Key = "_id"
	KeySourceID   Key = "sourceId"
	KeyExternalID Key = "externalId"
	KeyEmail      Key = "email"
)

// MaxBulkItems is the largest bulk upsert: Planhat documents 5,000 items per bulk call.
const MaxBulkItems = 5000

// Spec is a row of the objects table: everything in which objects differ.
// Its slices and maps are shared between callers: read them only.
type Spec struct {
	Object  Object
	Listing string // name of the listing, as a stream: "companies"
	Path    string // path of the listing: "/companies"
	Type    string // value of the field "type" that makes a row of a shared listing this object; "": every other is

	PageSize int    // documented maximum of rows per page
	Stamp    string // name of the change stamp; "": the object has none

	Keys      []Key          // in the vendor's match order; Keys[0] is KeyID
	KeyFields map[Key]string // the vendor's spelling, where it differs from the key's name

	// Unmatched are keys of which no documentation says that a bulk upsert finds a record
	// by them: it may create a second one instead. Records are looked up by them.
	Unmatched []Key

	ArchivedField string // boolean field of archived records that the default listing leaves out; "": none
	ArchivedParam string // query parameter that lists them; "": none

	// CompanyField names the field that says of which company, or companies, a record
	// is; "": records are of no company. That of a company is its id.
	CompanyField string

	ReadOnly bool // records are read, never written

	Required [][]string // a create names at least one field of each group
	Fields   []Field    // documented fields and those seen in real answers
	Volatile []string   // fields that change without an edit: no part of a fingerprint

	// Limited are the fields whose values Planhat takes only in part, by a list or range
	// of its own or by what else the record holds. Of other fields it is known to take
	// every value of their type.
	Limited []string

	DeleteReturnsDocument bool // a delete answers with the deleted record instead of a count

	// GetUnproven: no documentation names a GET by id. Where it turns out to be none, a
	// record can be asked for as one of Twin, under the same id: it is the same record if
	// its field "type" is TwinType.
	GetUnproven bool
	Twin        Object
	TwinType    string

	Rank int // dependency rank: records of a lower rank are written first
}

// specs is sorted by rank. Where objects share a listing, captured state numbers them
// in this order: one that is new goes behind the others.
var specs = []Spec{
	userSpec, companySpec, enduserSpec,
	assetSpec, campaignSpec, projectSpec, objectiveSpec, opportunitySpec, licenseSpec, saleSpec, invoiceSpec,
	churnSpec, taskSpec, timeEntrySpec, noteSpec, conversationSpec, ticketSpec, customFieldSpec,
	npsSpec, issueSpec, timesheetSpec,
}

// Objects returns the table, lowest rank first.
func Objects() []Spec { return slices.Clone(specs) }

// Lookup returns the row of an object; false when the table has none.
func Lookup(o Object) (Spec, bool) {
	i := slices.IndexFunc(specs, func(s Spec) bool { return s.Object == o })
	if i < 0 {
		return Spec{}, false
	}
	return specs[i], true
}

// Field returns the field of that name; false when the table does not name it.
func (s Spec) Field(name string) (Field, bool) {
	i := slices.IndexFunc(s.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return s.Fields[i], true
}

// UpsertKeys returns the keys by which a bulk upsert finds a record whose id is not
// known, in match order; empty when the object has none.
func (s Spec) UpsertKeys() []Key {
	return slices.DeleteFunc(slices.Clone(s.Keys), func(k Key) bool { return k == KeyID })
}

// KeyField returns the vendor's name of the field that holds a key.
func (s Spec) KeyField(k Key) string {
	if name, ok := s.KeyFields[k]; ok {
		return name
	}
	return string(k)
}

// Shared tells whether another object has the same listing: then only the field "type"
// of a row says of which object it is.
func (s Spec) Shared() bool {
	for i := range specs {
		if specs[i].Listing == s.Listing && specs[i].Object != s.Object {
			return true
		}
	}
	return false
}

// ObjectOf names the object of which a row of this listing is, by the row's field
// "type": the object with that type, else the object without one; "": there is none.
func (s Spec) ObjectOf(rowType string) Object {
	var rest Object
	for i := range specs {
		switch o := &specs[i]; {
		case o.Listing != s.Listing:
		case o.Type == "":
			rest = o.Object
		case o.Type == rowType:
			return o.Object
		}
	}
	return rest
}

// Holds tells whether a row of the listing with that value of the field "type" is of
// this object.
func (s Spec) Holds(rowType string) bool { return s.ObjectOf(rowType) == s.Object }

// Companies returns the ids of the companies of which a record is: of none where the
// record does not say, or where the object has no company field.
func (s Spec) Companies(record []byte) []string {
	if s.CompanyField == "" {
		return nil
	}
	value := walk.Member(record, s.CompanyField)
	if id := walk.Text(value); id != "" {
		return []string{id}
	}
	var ids []string
	for element := range walk.Elements(value) {
		if id := walk.Text(element); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

func (s Spec) hasKey(k Key) bool { return slices.Contains(s.Keys, k) }
