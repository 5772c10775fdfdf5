package pipedrive

import "slices"

// Object names a kind of record, as webhooks do.
type Object string

// The objects of the table.
const (
	Deal         Object = "deal"
	Organization Object = "organization"
	Person       Object = "person"
	Note         Object = "note"
	Pipeline     Object = "pipeline"
	Stage        Object = "stage"
)

// What calls are labelled with, beside the objects, for observers.
const (
	labelUser    Object = "user"
	labelWebhook Object = "webhook"
	labelField   Object = "field"
	labelProduct Object = "deal_product"
)

// The versions of the API. Version 2 pages by cursor, version 1 by offset.
const (
	V1 = "v1"
	V2 = "v2"
)

// MaxIDs is how many records a listing can be asked for by id.
const MaxIDs = 100

// Spec is a row of the objects table: everything in which objects differ. Costs are in
// tokens of the daily budget. Its slices are shared between callers: read them only.
type Spec struct {
	Object   Object
	Listing  string // "deals"
	Version  string // V1 or V2
	Path     string // below the version: "/deals"
	PageSize int    // documented maximum of rows per page

	ListTokens int // of a page
	GetTokens  int // of one record

	Stamp        string // name of the field that moves with every change
	IDs          bool   // the listing takes ids, at most MaxIDs
	UpdatedSince bool   // the listing takes updated_since

	DeletedField string // boolean field of a deleted record
	DeletedWhen  bool   // its value then
	DeletedList  bool   // the listing can be asked for deleted records, of the last 30 days

	ArchivedPath   string // listing of archived records; "": there are none
	ArchivedTokens int
	ArchivedField  string // boolean field of an archived record; "": there are none

	FieldsPath string   // catalogue of its fields; "": none
	Sorts      []string // what the listing can be sorted by
	Filters    []string // what else the listing takes
}

var sorts = []string{"id", "update_time", "add_time"}

// specs has prices and filters from Pipedrive's OpenAPI documents of both versions.
var specs = []Spec{
	{
		Object: Pipeline, Listing: "pipelines", Version: V2, Path: "/pipelines", PageSize: 500, ListTokens: 5, GetTokens: 1,
		Stamp: "update_time", DeletedField: "is_deleted", DeletedWhen: true, Sorts: sorts,
	},
	{
		Object: Stage, Listing: "stages", Version: V2, Path: "/stages", PageSize: 500, ListTokens: 5, GetTokens: 1,
		Stamp: "update_time", DeletedField: "is_deleted", DeletedWhen: true, Sorts: append(slices.Clip(sorts), "order_nr"),
		Filters: []string{"pipeline_id"},
	},
	{
		Object: Organization, Listing: "organizations", Version: V2, Path: "/organizations", PageSize: 500, ListTokens: 10, GetTokens: 1,
		Stamp: "update_time", IDs: true, UpdatedSince: true, DeletedField: "is_deleted", DeletedWhen: true,
		FieldsPath: "/organizationFields", Sorts: sorts, Filters: []string{"owner_id"},
	},
	{
		Object: Person, Listing: "persons", Version: V2, Path: "/persons", PageSize: 500, ListTokens: 10, GetTokens: 1,
		Stamp: "update_time", IDs: true, UpdatedSince: true, DeletedField: "is_deleted", DeletedWhen: true,
		FieldsPath: "/personFields", Sorts: sorts, Filters: []string{"owner_id", "org_id", "deal_id"},
	},
	{
		Object: Deal, Listing: "deals", Version: V2, Path: "/deals", PageSize: 500, ListTokens: 10, GetTokens: 1,
		Stamp: "update_time", IDs: true, UpdatedSince: true, DeletedField: "is_deleted", DeletedWhen: true, DeletedList: true,
		ArchivedPath: "/deals/archived", ArchivedTokens: 20, ArchivedField: "is_archived",
		FieldsPath: "/dealFields", Sorts: sorts, Filters: []string{"owner_id", "org_id", "person_id", "pipeline_id", "stage_id", "status"},
	},
	{
		Object: Note, Listing: "notes", Version: V1, Path: "/notes", PageSize: 500, ListTokens: 20, GetTokens: 2,
		Stamp: "update_time", UpdatedSince: true, DeletedField: "active_flag", DeletedWhen: false,
		Sorts: sorts, Filters: []string{"owner_id", "org_id", "person_id", "deal_id"},
	},
}

// Objects returns the table: what others refer to goes before them.
func Objects() []Spec { return slices.Clone(specs) }

// Lookup returns the row of an object; false when the table has none.
func Lookup(o Object) (Spec, bool) {
	i := slices.IndexFunc(specs, func(s Spec) bool { return s.Object == o })
	if i < 0 {
		return Spec{}, false
	}
	return specs[i], true
}
