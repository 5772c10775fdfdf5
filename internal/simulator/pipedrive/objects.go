package pipedrivesim

import "slices"

// column is one field of an object as REST v2 names it.
type column struct {
	name string
	kind kind
	ops  string // c: may be sent on create, u: on update
	null bool   // may be null
	must bool   // required on create
	when string // who sees it: "" all; include: only who asks by include_fields; sync, details: as the switch says
	to   string // what an id refers to
}

// object is a kind of record.
type object struct {
	name    string // as webhooks and the control API say: deal
	path    string // as REST says: deals
	columns []column
	custom  bool // has custom fields
	price   int  // of a list in v2
	byName  map[string]*column
	payload []string // top-level names of data in payload v2
}

// objects in the order in which each refers to those before it.
var objects = []*object{pipelines, stages, organizations, persons, deals, notes, products}

var (
	pipelines = &object{name: "pipeline", path: "pipelines", price: 5, columns: []column{
		{name: "id", kind: kInt},
		{name: "name", kind: kText, ops: "cu", must: true},
		{name: "order_nr", kind: kInt, ops: "cu"},
		{name: "is_deleted", kind: kBool},
		{name: "is_deal_probability_enabled", kind: kBool, ops: "cu"},
		{name: "add_time", kind: kTime},
		{name: "update_time", kind: kTime},
	}}
	stages = &object{name: "stage", path: "stages", price: 5, columns: []column{
		{name: "id", kind: kInt},
		{name: "order_nr", kind: kInt, ops: "cu"},
		{name: "name", kind: kText, ops: "cu", must: true},
		{name: "is_deleted", kind: kBool},
		{name: "deal_probability", kind: kInt, ops: "cu"},
		{name: "pipeline_id", kind: kInt, ops: "cu", must: true, to: "pipeline"},
		{name: "is_deal_rot_enabled", kind: kBool, ops: "cu"},
		{name: "days_to_rotten", kind: kInt, ops: "cu", null: true},
		{name: "add_time", kind: kTime},
		{name: "update_time", kind: kTime, null: true},
	}}
	organizations = &object{name: "organization", path: "organizations", price: 10, custom: true, columns: []column{
		{name: "id", kind: kInt},
		{name: "name", kind: kText, ops: "cu", must: true},
		{name: "owner_id", kind: kInt, ops: "cu", to: "user"},
		{name: "add_time", kind: kTime, ops: "c"},
		{name: "update_time", kind: kTime},
		{name: "address", kind: kAddress, ops: "cu", null: true},
		{name: "is_deleted", kind: kBool},
		{name: "visible_to", kind: kVisible, ops: "cu"},
		{name: "label_ids", kind: kInts, ops: "cu"},
		{name: "picture_id", kind: kInt, null: true},
		{name: "website", kind: kText, ops: "cu", null: true, when: "details"},
		{name: "linkedin", kind: kText, ops: "cu", null: true, when: "details"},
		{name: "industry", kind: kInt, ops: "cu", null: true, when: "details"},
		{name: "annual_revenue", kind: kNumber, ops: "cu", null: true, when: "details"},
		{name: "employee_count", kind: kInt, ops: "cu", null: true, when: "details"},
	}}
	persons = &object{name: "person", path: "persons", price: 10, custom: true, columns: []column{
		{name: "id", kind: kInt},
		{name: "name", kind: kText, ops: "cu"},
		{name: "first_name", kind: kText, ops: "cu", null: true},
		{name: "last_name", kind: kText, ops: "cu", null: true},
		{name: "owner_id", kind: kInt, ops: "cu", to: "user"},
		{name: "org_id", kind: kInt, ops: "cu", null: true, to: "organization"},
		{name: "add_time", kind: kTime, ops: "c"},
		{name: "update_time", kind: kTime},
		{name: "emails", kind: kContacts, ops: "cu"},
		{name: "phones", kind: kContacts, ops: "cu"},
		{name: "is_deleted", kind: kBool},
		{name: "visible_to", kind: kVisible, ops: "cu"},
		{name: "label_ids", kind: kInts, ops: "cu"},
		{name: "picture_id", kind: kInt, null: true},
		{name: "im", kind: kContacts, ops: "cu", when: "sync"},
		{name: "notes", kind: kText, ops: "cu", null: true, when: "sync"},
		{name: "birthday", kind: kDate, ops: "cu", null: true, when: "sync"},
		{name: "job_title", kind: kText, ops: "cu", null: true, when: "sync"},
		{name: "postal_address", kind: kAddress, ops: "cu", null: true, when: "sync"},
	}}
	deals = &object{name: "deal", path: "deals", price: 10, custom: true, columns: []column{
		{name: "id", kind: kInt},
		{name: "title", kind: kText, ops: "cu", must: true},
		{name: "creator_user_id", kind: kInt},
		{name: "owner_id", kind: kInt, ops: "cu", to: "user"},
		{name: "value", kind: kNumber, ops: "cu"},
		{name: "person_id", kind: kInt, ops: "cu", null: true, to: "person"},
		{name: "org_id", kind: kInt, ops: "cu", null: true, to: "organization"},
		{name: "stage_id", kind: kInt, ops: "cu", to: "stage"},
		{name: "pipeline_id", kind: kInt, ops: "cu", to: "pipeline"},
		{name: "currency", kind: kCurrency, ops: "cu"},
		{name: "archive_time", kind: kTime, ops: "cu", null: true},
		{name: "add_time", kind: kTime, ops: "c"},
		{name: "update_time", kind: kTime},
		{name: "stage_change_time", kind: kTime, null: true},
		{name: "status", kind: kStatus, ops: "cu"},
		{name: "is_archived", kind: kBool, ops: "cu"},
		{name: "is_deleted", kind: kBool, ops: "cu"},
		{name: "probability", kind: kNumber, ops: "cu", null: true},
		{name: "lost_reason", kind: kText, ops: "cu", null: true},
		{name: "visible_to", kind: kVisible, ops: "cu"},
		{name: "close_time", kind: kTime, ops: "cu", null: true},
		{name: "won_time", kind: kTime, ops: "cu", null: true},
		{name: "lost_time", kind: kTime, ops: "cu", null: true},
		{name: "local_won_date", kind: kDate, null: true},
		{name: "local_lost_date", kind: kDate, null: true},
		{name: "local_close_date", kind: kDate, null: true},
		{name: "expected_close_date", kind: kDate, ops: "cu", null: true},
		{name: "label_ids", kind: kInts, ops: "cu"},
		{name: "origin", kind: kText},
		{name: "origin_id", kind: kText, null: true},
		{name: "channel", kind: kInt, null: true},
		{name: "channel_id", kind: kText, null: true},
		{name: "acv", kind: kNumber, null: true},
		{name: "arr", kind: kNumber, null: true},
		{name: "mrr", kind: kNumber, null: true},
		{name: "first_won_time", kind: kTime, null: true, when: "include"},
		{name: "next_activity_id", kind: kInt, null: true, when: "include"},
		{name: "last_activity_id", kind: kInt, null: true, when: "include"},
		{name: "products_count", kind: kInt, when: "include"},
		{name: "files_count", kind: kInt, when: "include"},
		{name: "notes_count", kind: kInt, when: "include"},
		{name: "followers_count", kind: kInt, when: "include"},
		{name: "email_messages_count", kind: kInt, when: "include"},
		{name: "activities_count", kind: kInt, when: "include"},
		{name: "done_activities_count", kind: kInt, when: "include"},
		{name: "undone_activities_count", kind: kInt, when: "include"},
		{name: "participants_count", kind: kInt, when: "include"},
		{name: "last_incoming_mail_time", kind: kTime, null: true, when: "include"},
		{name: "last_outgoing_mail_time", kind: kTime, null: true, when: "include"},
		{name: "smart_bcc_email", kind: kText, null: true, when: "include"},
		{name: "source_lead_id", kind: kText, null: true, when: "include"},
	}}
	// notes are v1: times are printed with a blank, and small objects are embedded.
	notes = &object{name: "note", path: "notes", columns: []column{
		{name: "id", kind: kInt},
		{name: "active_flag", kind: kBool},
		{name: "add_time", kind: kTimeV1, ops: "cu"},
		{name: "content", kind: kText, ops: "cu", must: true},
		{name: "lead_id", kind: kText, ops: "cu", null: true},
		{name: "deal_id", kind: kInt, ops: "cu", null: true, to: "deal"},
		{name: "last_update_user_id", kind: kInt, null: true},
		{name: "org_id", kind: kInt, ops: "cu", null: true, to: "organization"},
		{name: "person_id", kind: kInt, ops: "cu", null: true, to: "person"},
		{name: "project_id", kind: kInt, ops: "cu", null: true},
		{name: "task_id", kind: kInt, ops: "cu", null: true},
		{name: "pinned_to_lead_flag", kind: kFlag, ops: "cu"},
		{name: "pinned_to_deal_flag", kind: kFlag, ops: "cu"},
		{name: "pinned_to_organization_flag", kind: kFlag, ops: "cu"},
		{name: "pinned_to_person_flag", kind: kFlag, ops: "cu"},
		{name: "pinned_to_project_flag", kind: kFlag, ops: "cu"},
		{name: "pinned_to_task_flag", kind: kFlag, ops: "cu"},
		{name: "update_time", kind: kTimeV1},
		{name: "user_id", kind: kInt, ops: "cu", to: "user"},
	}}
	// products here are those attached to deals.
	products = &object{name: "deal_product", path: "products", columns: []column{
		{name: "id", kind: kInt},
		{name: "sum", kind: kNumber},
		{name: "tax", kind: kNumber, ops: "cu"},
		{name: "deal_id", kind: kInt},
		{name: "name", kind: kText},
		{name: "product_id", kind: kInt, ops: "c", must: true},
		{name: "product_variation_id", kind: kInt, ops: "cu", null: true},
		{name: "order_nr", kind: kInt},
		{name: "add_time", kind: kTime},
		{name: "update_time", kind: kTime},
		{name: "comments", kind: kText, ops: "cu"},
		{name: "currency", kind: kCurrency},
		{name: "discount", kind: kNumber, ops: "cu"},
		{name: "discount_type", kind: kText, ops: "cu"},
		{name: "quantity", kind: kNumber, ops: "cu", must: true},
		{name: "item_price", kind: kNumber, ops: "cu", must: true},
		{name: "tax_method", kind: kText, ops: "cu"},
		{name: "is_enabled", kind: kBool, ops: "cu"},
		{name: "billing_frequency", kind: kFrequency, ops: "cu"},
		{name: "billing_frequency_cycles", kind: kInt, ops: "cu", null: true},
		{name: "billing_start_date", kind: kDate, ops: "cu", null: true},
	}}
)

// The fields of data in payload v2; what differs from REST in name or type is in payload.go.
var payloadNames = map[*object][]string{
	deals: {"id", "title", "value", "currency", "status", "stage_id", "pipeline_id", "org_id", "person_id", "owner_id", "creator_user_id",
		"probability", "label_ids", "visible_to", "origin", "origin_id", "channel", "channel_id", "lost_reason", "add_time", "update_time",
		"stage_change_time", "close_time", "won_time", "lost_time", "first_won_time", "expected_close_date"},
	organizations: {"id", "name", "owner_id", "address", "country_code", "label", "picture_id", "visible_to", "add_time", "update_time",
		"website", "linkedin", "industry", "annual_revenue", "employee_count"},
	persons: {"id", "name", "first_name", "last_name", "org_id", "owner_id", "emails", "phones", "label", "label_ids", "visible_to", "add_time", "update_time"},
	notes: {"id", "content", "user_id", "deal_id", "person_id", "org_id", "lead_id", "project_id", "active_flag", "pinned_to_deal_flag",
		"pinned_to_person_flag", "pinned_to_organization_flag", "add_time", "update_time"},
	pipelines: {"id", "name", "url_title", "order_nr", "active_flag", "deal_probability", "add_time", "update_time"},
	stages:    {"id", "name", "pipeline_id", "order_nr", "active_flag", "deal_probability", "rotten_flag", "rotten_days", "add_time", "update_time"},
	products:  {"id", "deal_id", "product_id", "name", "quantity", "item_price", "sum", "currency", "billing_frequency", "billing_frequency_cycles", "billing_start_date", "add_time", "update_time"},
}

// index fills what is looked up by name.
func (o *object) index() *object {
	o.byName = make(map[string]*column, len(o.columns))
	for i := range o.columns {
		o.byName[o.columns[i].name] = &o.columns[i]
	}
	o.payload = payloadNames[o]
	return o
}

// objectsByName finds an object by what webhooks call it.
var objectsByName = func() map[string]*object {
	byName := map[string]*object{}
	for _, o := range []*object{pipelines, stages, organizations, persons, deals, notes, products} {
		byName[o.name] = o.index()
	}
	return byName
}()

// v2 are the objects that REST v2 serves by the same rules.
var v2 = slices.DeleteFunc(slices.Clone(objects), func(o *object) bool { return o == notes || o == products })

// deletedName is the column that tells a deleted record, and whether it then is true.
func (o *object) deletedName() (name string, value bool) {
	if o == notes {
		return "active_flag", false
	}
	return "is_deleted", true
}
