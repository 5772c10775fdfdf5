package planhatsim

import "github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"

// Switches choose among the answers that a real tenant might give where nothing public says which.
// Every field is one unknown; its tag lists the values, the default first; "" means the default.
type Switches struct {
	// MissingGet: GET of a record that does not exist.
	MissingGet string `json:"missing_get" values:"404-text,404-json,404-empty,200-null,400-text"`
	// MissingPut: PUT by id of a record that does not exist.
	MissingPut string `json:"missing_put" values:"404-text,404-json,404-empty,200-null,400-text"`
	// MissingDelete: DELETE of a record that does not exist.
	MissingDelete string `json:"missing_delete" values:"200-zero,404-text,404-json,404-empty,200-empty"`
	// DeleteAnswer: DELETE that deleted, for models that answer with counts.
	DeleteAnswer string `json:"delete_answer" values:"counts,empty"`
	// DeleteConversation: DELETE of a conversation answers with the deleted document or with counts.
	DeleteConversation string `json:"delete_conversation" values:"document,counts"`
	// DeleteByPrefix: DELETE by extid- or srcid- is a missing id, is refused with 400, or works.
	DeleteByPrefix string `json:"delete_by_prefix" values:"missing,refused,allowed"`
	// ErrorBody: body of 400 and 403: {"message"}, {"error"}, a JSON string, plain text, nothing, a proxy's page.
	ErrorBody string `json:"error_body" values:"message,error,string,text,empty,html"`
	// UnauthorizedBody: body of 401.
	UnauthorizedBody string `json:"unauthorized_body" values:"text,json,empty"`
	// Forbidden: status for a token without permission for the model.
	Forbidden string `json:"forbidden" values:"403,404,401"`
	// ErrorElements: elements of the error arrays of a bulk answer: keys nested, keys beside the message, strings.
	ErrorElements string `json:"error_elements" values:"item,flat,string,bare"`
	// BulkValidation: where a bulk answer puts values of the wrong type.
	BulkValidation string `json:"bulk_validation" values:"operation,validation"`
	// ConflictStatus: create or update that breaks uniqueness.
	ConflictStatus string `json:"conflict_status" values:"400,409"`
	// DefaultSort: order of a listing without sort.
	DefaultSort string `json:"default_sort" values:"id,id-desc,shuffled"`
	// TieOrder: order of rows whose sort values are equal; shuffled anew in every answer.
	TieOrder string `json:"tie_order" values:"id,id-desc,shuffled"`
	// NestedSort: sort=custom.<name>.
	NestedSort string `json:"nested_sort" values:"honoured,ignored"`
	// LimitAboveMax: limit greater than the documented maximum: the maximum, 400, or the default page.
	LimitAboveMax string `json:"limit_above_max" values:"clamp,reject,default"`
	// UnknownParams: query parameters that the listing does not know.
	UnknownParams string `json:"unknown_params" values:"ignore,reject"`
	// PageEnvelope: a listing is a bare array or {"data":[...]}.
	PageEnvelope string `json:"page_envelope" values:"array,data"`
	// ListShape: rows of listings without details, with the few columns of older tenants, or as GET.
	ListShape string `json:"list_shape" values:"thin,minimal,full"`
	// ListUpdatedAt: updatedAt on rows of listings.
	ListUpdatedAt string `json:"list_updated_at" values:"present,absent"`
	// OwnerInList: a company's owner in listings is an id or an object with a nickname.
	OwnerInList string `json:"owner_in_list" values:"id,object"`
	// RolesInList: a user's roles in listings are objects or ids (GET always gives ids).
	RolesInList string `json:"roles_in_list" values:"objects,ids"`
	// ArchivedTrue: archived=true lists archived rows also, or only those.
	ArchivedTrue string `json:"archived_true" values:"also,only"`
	// ArchivedConversations: archived conversations are listed without archived=true, or not.
	ArchivedConversations string `json:"archived_conversations" values:"listed,hidden"`
	// ArchivedIssues: archived issues are listed without archived=true, or not.
	ArchivedIssues string `json:"archived_issues" values:"listed,hidden"`
	// TicketsAsConversations: conversations of type ticket are in /conversations too, or in /tickets only.
	TicketsAsConversations string `json:"tickets_as_conversations" values:"listed,hidden"`
	// TicketGet: GET of one ticket works, or is no route.
	TicketGet string `json:"ticket_get" values:"allowed,no-route"`
	// ChurnShape: churn has the fields of real tenants, or those of its page (which calls itself a placeholder).
	ChurnShape string `json:"churn_shape" values:"tenant,docs"`
	// RequiredFields: a create needs what the documentation says, or also what a client of 2023 sends always:
	// an issue's sourceId and archived, a project's currency, an NPS answer's campaignId.
	RequiredFields string `json:"required_fields" values:"docs,strict"`
	// TaskStatus: a status whose spelling is not exact ("done" for "Done") is a 400 or 500 in plain text, or stored.
	TaskStatus string `json:"task_status" values:"400-text,500-text,any"`
	// NullWrite: a written null is stored and read back, or removes the field.
	NullWrite string `json:"null_write" values:"null,unset"`
	// IdenticalPut: a single PUT that changes nothing keeps the stamps or moves them.
	IdenticalPut string `json:"identical_put" values:"keep,bump"`
	// CreateStatus: status of a create.
	CreateStatus string `json:"create_status" values:"200,201"`
	// PutBodyID: _id in the body of a single PUT is refused with 400 or ignored.
	PutBodyID string `json:"put_body_id" values:"refused,ignored"`
	// PutCompanyPrefix: extid- and srcid- in companyId of a single PUT (documented for create and bulk only).
	PutCompanyPrefix string `json:"put_company_prefix" values:"refused,accepted"`
	// CIDPrefix: extid- and srcid- in the cId of invoices and NPS answers, where companyId takes them.
	CIDPrefix string `json:"cid_prefix" values:"refused,accepted"`
	// Patch: PATCH by id is no route, or works as PUT.
	Patch string `json:"patch" values:"refused,allowed"`
	// UnknownFields: names at the top level that the model does not have.
	UnknownFields string `json:"unknown_fields" values:"ignore,store,reject"`
	// ReadOnlyFields: names that the vendor computes.
	ReadOnlyFields string `json:"read_only_fields" values:"ignore,reject"`
	// DanglingCompany: companyId with the form of an id, but of no company.
	DanglingCompany string `json:"dangling_company" values:"reject,accept"`
	// EnduserWithoutCompany: bulk item of an enduser without a company is an error or is dropped without a word.
	EnduserWithoutCompany string `json:"enduser_without_company" values:"error,skip"`
	// AmbiguousExternalID: extid- or a bulk key that several companies' records share: the oldest or the newest record.
	AmbiguousExternalID string `json:"ambiguous_external_id" values:"first,last"`
	// AmbiguousEmail: bulk by an e-mail that several endusers have: an error, the oldest, or one more enduser.
	AmbiguousEmail string `json:"ambiguous_email" values:"error,first,insert"`
	// UserBulkEmail: users are matched by e-mail in bulk upserts, or (as documented for endusers only) not.
	UserBulkEmail string `json:"user_bulk_email" values:"honoured,ignored"`
	// BulkExternalIDScope: an item with externalId and companyId matches within the company or in the whole model.
	BulkExternalIDScope string `json:"bulk_external_id_scope" values:"company,model"`
	// BulkUnknownID: bulk item with an _id that matches nothing is inserted under it, or is an error.
	BulkUnknownID string `json:"bulk_unknown_id" values:"insert,error"`
	// BulkDuplicateKeys: two items of one request with the same key are applied in order, or the later is an error.
	BulkDuplicateKeys string `json:"bulk_duplicate_keys" values:"sequential,error"`
	// BulkOverLimit: more than 5,000 items.
	BulkOverLimit string `json:"bulk_over_limit" values:"reject,accept"`
	// BulkSingleObject: a bare object where an array is documented.
	BulkSingleObject string `json:"bulk_single_object" values:"reject,accept"`
	// NoteExternalID: notes are matched by externalId in bulk upserts, or (as their page says) by _id only.
	NoteExternalID string `json:"note_external_id" values:"ignored,matched"`
	// ReservedType: create of a conversation of type email, chat, ticket or call.
	ReservedType string `json:"reserved_type" values:"accept,note,reject"`
	// CompanyDelete: a company's records of all models outlive it, or go with it.
	CompanyDelete string `json:"company_delete" values:"keep,cascade"`
	// CompanyRename: companyName of related records stays as written, or follows without a stamp.
	CompanyRename string `json:"company_rename" values:"keep,propagate"`
	// NameCase: company names are stored as sent, or with a capital first letter.
	NameCase string `json:"name_case" values:"keep,capitalise"`
	// LicenseStamps: licenses have no change stamp, or lastUpdated.
	LicenseStamps string `json:"license_stamps" values:"absent,lastUpdated"`
	// DerivedStamps: a change of computed fields (Derive) leaves the stamps or moves them.
	DerivedStamps string `json:"derived_stamps" values:"keep,bump"`
	// MinuteLimit: more calls a minute than the quota are counted only, or answered 429.
	MinuteLimit string `json:"minute_limit" values:"soft,hard"`
	// MinuteWindow: the minute slides, or starts anew every 60 s.
	MinuteWindow string `json:"minute_window" values:"sliding,fixed"`
	// RateHeaders: X-Rate-Limit-*, x-ratelimit-*, both, or none.
	RateHeaders string `json:"rate_headers" values:"both,dashed,plain,none"`
	// RateReset: x-ratelimit-reset in seconds from now, or since the epoch.
	RateReset string `json:"rate_reset" values:"seconds,epoch"`
	// RetryAfter: Retry-After on 429.
	RetryAfter string `json:"retry_after" values:"absent,seconds,date"`
	// DateHeader: the Date header of every answer.
	DateHeader string `json:"date_header" values:"present,absent"`
}

// SwitchValues lists the values of every switch by its JSON name, the default first.
func SwitchValues() map[string][]string { return simkit.Values[Switches]() }

// DefaultSwitches gives every switch its default.
func DefaultSwitches() Switches { return simkit.Filled(Switches{}) }

// With gives a copy with one switch set by its JSON name.
func (s Switches) With(name, value string) (Switches, error) { return simkit.With(s, name, value) }
