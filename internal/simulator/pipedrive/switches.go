package pipedrivesim

import "github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"

// Switches choose among the answers that a real company might give where nothing public says which.
// Every field is one unknown; its tag lists the values, the default first; "" means the default.
type Switches struct {
	// LimitBody: body of a 429.
	LimitBody string `json:"limit_body" values:"json,text,html,empty"`
	// RetryAfter: Retry-After on a 429 of the burst limit.
	RetryAfter string `json:"retry_after" values:"seconds,absent"`
	// RateReset: unit of x-ratelimit-reset: seconds or milliseconds from now, or seconds since the epoch.
	RateReset string `json:"rate_reset" values:"seconds,milliseconds,epoch"`
	// DailyHeaders: x-daily-ratelimit-token-*: seen live, can be missing.
	DailyHeaders string `json:"daily_headers" values:"present,absent"`
	// QueryToken: whether ?api_token= is still accepted.
	QueryToken string `json:"query_token" values:"accepted,refused"`
	// BudgetMidnight: in which zone the day of the budget ends: UTC, or the company's.
	BudgetMidnight string `json:"budget_midnight" values:"utc,company"`
	// DeprecatedV1: whether v1 deals, persons, organizations, pipelines and stages still answer.
	DeprecatedV1 string `json:"deprecated_v1" values:"gone,answers"`
	// UnknownParams: query parameters that a v2 call does not know.
	UnknownParams string `json:"unknown_params" values:"reject,ignore"`
	// LimitAboveMax: limit greater than 500.
	LimitAboveMax string `json:"limit_above_max" values:"reject,clamp"`
	// LastPage: a full page that is the last one has no cursor, or a cursor to an empty page.
	LastPage string `json:"last_page" values:"exact,empty"`
	// EmptyList: data of an empty v1 list.
	EmptyList string `json:"empty_list" values:"null,array"`
	// DeletedGet: GET of a deleted deal, organization, person, pipeline or stage.
	DeletedGet string `json:"deleted_get" values:"200,404"`
	// DeletedNoteGet: GET of a deleted note.
	DeletedNoteGet string `json:"deleted_note_get" values:"200,404"`
	// MissingV1: v1 GET of a record that does not exist.
	MissingV1 string `json:"missing_v1" values:"404,204"`
	// NoteLists: whether lists of notes include deleted ones.
	NoteLists string `json:"note_lists" values:"active,all"`
	// NoteLimit: longest note: none, or 100 kB.
	NoteLimit string `json:"note_limit" values:"none,100kB"`
	// NoteSanitiser: what the server does to a note's HTML: drops scripts and event handlers, or nothing.
	NoteSanitiser string `json:"note_sanitiser" values:"scripts,none"`
	// PersonsOfDeal: persons?deal_id= lists participants as well, or the primary person alone.
	PersonsOfDeal string `json:"persons_of_deal" values:"participants,primary"`
	// ContactSync: whether persons have the fields of contact sync.
	ContactSync string `json:"contact_sync" values:"off,on"`
	// OrganizationDetails: website, linkedin, industry, annual_revenue, employee_count of organizations.
	OrganizationDetails string `json:"organization_details" values:"present,absent"`
	// SameValue: PATCH that changes nothing: moves update_time and is an event, or is ignored.
	SameValue string `json:"same_value" values:"moves,ignored"`
	// Reparented: records of a merge's loser get the survivor with a new stamp but no event, with an event, or
	// with neither.
	Reparented string `json:"reparented" values:"stamp,event,nothing"`
	// Reopened: won_time, lost_time and close_time of a deal that is opened again.
	Reopened string `json:"reopened" values:"cleared,kept"`
	// ArchivedEvent: archiving and unarchiving a deal is a change event, or none.
	ArchivedEvent string `json:"archived_event" values:"change,none"`
	// RestoredEvent: restoring a deleted record is a change, a create, or no event.
	RestoredEvent string `json:"restored_event" values:"change,create,none"`
	// MergeOrder: which of a merge's two events comes first.
	MergeOrder string `json:"merge_order" values:"delete-first,change-first"`

	// HookProbe: whether the subscription URL is called on creation.
	HookProbe string `json:"hook_probe" values:"none,post"`
	// LocalURLs: whether http and loopback subscription URLs are refused.
	LocalURLs string `json:"local_urls" values:"accepted,refused"`
	// HookName: whether a webhook without a name is refused.
	HookName string `json:"hook_name" values:"optional,required"`
	// HookV1Words: v1 action words with version 2.0: refused, accepted and never fired, or understood.
	HookV1Words string `json:"hook_v1_words" values:"refused,silent,understood"`
	// HookLimitBody: body of the 422 at the limit of webhooks.
	HookLimitBody string `json:"hook_limit_body" values:"errors,error,empty"`
	// HookLimitScope: the limit counts webhooks by user_id or by creator.
	HookLimitScope string `json:"hook_limit_scope" values:"user,creator"`
	// HookPasswords: passwords in the list of webhooks.
	HookPasswords string `json:"hook_passwords" values:"clear,masked,null"`
	// BannedHooks: is_active of a webhook that is banned.
	BannedHooks string `json:"banned_hooks" values:"active,inactive"`
	// RemovedHooks: whether the list shows removed webhooks.
	RemovedHooks string `json:"removed_hooks" values:"hidden,listed"`
	// FieldHooks: names of the webhook objects of field definitions; refused: none exists.
	FieldHooks string `json:"field_hooks" values:"refused,dealField,deal_field"`
	// OwnerRemoved: webhooks of a removed user.
	OwnerRemoved string `json:"owner_removed" values:"removed,kept"`
	// TokenRegenerated: webhooks of a user whose token was regenerated.
	TokenRegenerated string `json:"token_regenerated" values:"kept,removed"`

	// BanCounter: failed first attempts are counted since the last ban, or since the last success.
	BanCounter string `json:"ban_counter" values:"plain,consecutive"`
	// BanRetries: retries that are due while the webhook is banned.
	BanRetries string `json:"ban_retries" values:"dropped,sent"`
	// IdleHooks: webhooks that had nothing to deliver for three days.
	IdleHooks string `json:"idle_hooks" values:"kept,deleted"`
	// RetryIDs: meta.id and correlation_id of a retry.
	RetryIDs string `json:"retry_ids" values:"same,new,new-correlation"`
	// DeliveryAgent: User-Agent of deliveries.
	DeliveryAgent string `json:"delivery_agent" values:"pipedrive,none"`
	// ClearedHash: a cleared custom field in data.custom_fields.
	ClearedHash string `json:"cleared_hash" values:"absent,null"`
	// PreviousStamp: whether previous has update_time.
	PreviousStamp string `json:"previous_stamp" values:"present,absent"`
	// AddressShape: an organization's address in webhooks v2.
	AddressShape string `json:"address_shape" values:"object,string,null"`
	// Permitted: meta.permitted_user_ids.
	Permitted string `json:"permitted" values:"present,absent"`
	// ChangeSource: meta.change_source.
	ChangeSource string `json:"change_source" values:"present,absent"`
	// HookIDv1: type of meta.webhook_id in payload v1.
	HookIDv1 string `json:"hook_id_v1" values:"string,number"`
}

// SwitchValues lists the values of every switch by its JSON name, the default first.
func SwitchValues() map[string][]string { return simkit.Values[Switches]() }

// DefaultSwitches gives every switch its default.
func DefaultSwitches() Switches { return simkit.Filled(Switches{}) }

// With gives a copy with one switch set by its JSON name.
func (s Switches) With(name, value string) (Switches, error) { return simkit.With(s, name, value) }
