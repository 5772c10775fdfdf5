package planhatsim

import "strings"

// model is a row of the table of models: everything that differs between them.
type model struct {
	object  string   // permission and journal name
	aliases []string // further names that a token's denials may use
	listing string   // name in /_sim/state
	path    string
	verbs   string // C create, U update, G get, L list, D delete, B bulk upsert

	pageDefault, pageMax int

	keys             []string   // keys of a bulk upsert after _id, in match order
	globalExternalID bool       // externalId is unique in the model, not per company
	required         [][]string // groups: a create needs one name of each
	writable         map[string]kind
	readOnly         set // computed by the vendor
	createStamps     []string
	updateStamps     []string
	archivedField    string
	hasCompany       bool // belongs to a company by companyId

	detail       set // names that a thin listing leaves out
	minimal      set // the only names of a minimal listing; nil leaves the listing thin
	listOnly     set // names that answers to create and update do not have
	defaults     string
	filters      map[string]filter
	deleteAnswer string // "document" where DELETE answers with what was deleted
	derive       func(tx *Tx, doc *document, before document)
	admit        func(tx *Tx, fields *document, create bool) *refusal
}

// kind is the type of a writable field; it decides what is cast and what is refused.
type kind uint8

const (
	kindText kind = iota + 1
	kindNumber
	kindBool
	kindDate
	kindID
	kindList
	kindObject
)

type set map[string]bool

func names(list string) set {
	out := set{}
	for name := range strings.FieldsSeq(list) {
		out[name] = true
	}
	return out
}

// columns maps kinds to space-separated names.
type columns map[kind]string

func (c columns) table() map[string]kind {
	out := map[string]kind{}
	for k, list := range c {
		for name := range strings.FieldsSeq(list) {
			out[name] = k
		}
	}
	return out
}

var (
	modelRows   = []*model{companyModel, enduserModel, conversationModel, licenseModel, userModel, customFieldModel}
	modelByPath = indexModels(func(m *model) string { return strings.TrimPrefix(m.path, "/") })
	modelByName = indexModels(func(m *model) string { return m.listing })
)

func indexModels(key func(*model) string) map[string]*model {
	out := map[string]*model{}
	for _, m := range modelRows {
		out[key(m)] = m
	}
	return out
}

var companyModel = &model{
	object: "company", listing: "companies", path: "/companies", verbs: "CUGLDB",
	pageDefault: 100, pageMax: 5000,
	keys: []string{"sourceId", "externalId"}, globalExternalID: true,
	required: [][]string{{"name"}},
	writable: columns{
		kindText:   "name externalId sourceId phase status description address country city zip phonePrimary web",
		kindID:     "owner coOwner",
		kindList:   "tags domains",
		kindNumber: "csmScore",
	}.table(),
	readOnly: names(`h hProfile mrr arr mr mrrTotal mrTotal nrr30 nrrTotal renewalMrr renewalArr renewalDate renewalDaysFromNow
		customerFrom customerTo lastRenewal lastActive lastTouch lastTouchType alerts lastActivities orgRootId orgPath orgLevel
		orgUnits orgMrr orgArr orgMrrTotal orgArrTotal orgHealthTotal slug shareable followers collaborators products
		lastPerformedTriggers features sunits usage documents links csmScoreLog licenses sales autoRenews headId hDiff hDiffDate
		nps phaseSince lastTouchByType lastTouchTime lastActiveTime nextTouch nextTouchDate orgCount orgPathCount
		createDate lastUpdated createdAt updatedAt __v`),
	createStamps: []string{"createDate", "createdAt"},
	updateStamps: []string{"lastUpdated", "updatedAt"},
	detail:       names("slug shareable followers collaborators lastPerformedTriggers features sunits usage documents links csmScoreLog __v"),
	minimal: names(`_id name externalId sourceId owner phase status h mrr mrrTotal mr mrTotal nrr30 nrrTotal customerFrom
		lastRenewal domains tags custom createdAt updatedAt`),
	defaults: `{"owner":null,"coOwner":null,"domains":[],"tags":[],"h":null,"mrr":0,"arr":0,"mrrTotal":0,"renewalDate":null,` +
		`"orgLevel":0,"orgUnits":0,"headId":null,"licenses":[],"alerts":[],"shareable":{"enabled":false,"euIds":[]},"followers":[]}`,
	filters: map[string]filter{"companyId": byID},
	derive:  deriveCompany,
	admit:   admitCompany,
}

var enduserModel = &model{
	object: "enduser", listing: "endusers", path: "/endusers", verbs: "CUGLDB",
	pageDefault: 100, pageMax: 2000,
	keys:     []string{"sourceId", "externalId", "email"},
	required: [][]string{{"email", "externalId", "sourceId"}, {"companyId"}},
	writable: columns{
		kindText:   "email firstName lastName externalId sourceId position phone",
		kindList:   "tags otherEmails",
		kindBool:   "featured primary archived npsUnsubscribed",
		kindObject: "sharedNotificationsPrefs",
	}.table(),
	readOnly: names(`name companyName lastActive beats beatsTotal beatTrend convs14 convsTotal experience lastTouch lastTouchType
		lastTouchByType nps npsComment npsDate npsSent lastActivities relatedEndusers personas emailMd5 relevance usage lastTouchTime
		linkedInUrl createDate createdAt updatedAt __v`),
	createStamps:  []string{"createDate", "createdAt"},
	updateStamps:  []string{"updatedAt"},
	archivedField: "archived", hasCompany: true,
	detail: names("emailMd5 sharedNotificationsPrefs __v"),
	defaults: `{"tags":[],"otherEmails":[],"featured":false,"primary":false,"archived":false,"npsUnsubscribed":false,"beats":0,` +
		`"beatsTotal":0,"convs14":0,"lastActivities":[],"relatedEndusers":[]}`,
	filters: map[string]filter{"companyId": byCompany, "email": byEmail, "euId": byID},
	derive:  deriveEnduser,
	admit:   admitEnduser,
}

var conversationModel = &model{
	object: "conversation", aliases: []string{"note"}, listing: "conversations", path: "/conversations", verbs: "CUGLDB",
	pageDefault: 30, pageMax: 2000,
	keys:     []string{"externalId"},
	required: [][]string{{"companyId"}},
	writable: columns{
		kindText: "subject description type externalId",
		kindDate: "date outDate",
		kindList: "users endusers activityTags",
		kindBool: "starred pinned archived",
	}.table(),
	readOnly: names(`companyName companySourceId snippet createDate createdAt updatedAt emailTemplateIds isOpen tags waitsToBeFiltered
		timeBucket numberOfParts numberOfRelevantParts sender history isCustomType isSeen hasAttachments hasMore assigneeName userIds
		autoTags owner followers userId note nickName __v`),
	createStamps:  []string{"createDate", "createdAt"},
	updateStamps:  []string{"updatedAt"},
	archivedField: "archived", hasCompany: true,
	detail:   names("description autoTags emailTemplateIds timeBucket sender history isOpen waitsToBeFiltered __v"),
	listOnly: names("userIds isSeen hasAttachments hasMore isCustomType assigneeName"),
	defaults: `{"type":"note","users":[],"userIds":[],"endusers":[],"assigneeName":"","activityTags":[],"tags":[],"hasAttachments":false,` +
		`"hasMore":false,"isCustomType":false,"isSeen":false,"starred":false,"pinned":false,"archived":false,"autoTags":[],` +
		`"emailTemplateIds":[],"timeBucket":[],"sender":[],"history":[],"isOpen":false,"waitsToBeFiltered":true}`,
	filters:      map[string]filter{"companyId": byCompany, "type": byType},
	deleteAnswer: "document",
	derive:       deriveConversation,
	admit:        admitConversation,
}

var licenseModel = &model{
	object: "license", listing: "licenses", path: "/licenses", verbs: "CUGLDB",
	pageDefault: 100, pageMax: 2000,
	keys:     []string{"sourceId", "externalId"},
	required: [][]string{{"_currency"}, {"companyId"}, {"fromDate"}, {"value", "mrr"}},
	writable: columns{
		kindText:   "_currency product externalId sourceId renewalStatus renewalUnit noticeUnit invoiceCycle",
		kindDate:   "fromDate toDate",
		kindBool:   "fixedPeriod autoRenews",
		kindNumber: "value mrr renewalPeriod noticePeriod",
	}.table(),
	readOnly: names(`companyName arr length renewalDate renewalDaysFromNow renewalArr renewalMrr isOverdue toDateIncluded
		invoicesGenerated invoiceMuted invoiceCycleInterval parent fcNewArr fcNewMrr fcNewStartDate issues status lastUpdated __v`),
	hasCompany: true,
	detail:     names("__v"),
	defaults: `{"renewalStatus":"ongoing","renewalPeriod":1,"toDateIncluded":true,"isOverdue":false,"invoiceCycleInterval":0,` +
		`"invoiceMuted":false,"invoicesGenerated":false}`,
	filters: map[string]filter{"companyId": byCompany},
	derive:  deriveLicense,
}

// userModel and customFieldModel are seeded and read-only here.
var userModel = &model{
	object: "user", listing: "users", path: "/users", verbs: "GL",
	pageDefault: 10000, pageMax: 10000,
	keys:         []string{"externalId", "email"},
	createStamps: []string{"createDate", "createdAt"},
	updateStamps: []string{"updatedAt"},
	detail:       names("__v"),
	filters:      map[string]filter{"email": byEmail},
}

var customFieldModel = &model{
	object: "customfield", listing: "customfields", path: "/customfields", verbs: "GL",
	pageDefault: 100, pageMax: 2000,
	detail:  names("__v"),
	filters: map[string]filter{"parent": byField("parent")},
}

func (m *model) can(verb byte) bool { return strings.IndexByte(m.verbs, verb) >= 0 }

// objectOf names a record as people do: conversations of type note are notes.
func (m *model) objectOf(kind string) string {
	if m == conversationModel && kind == "note" {
		return "note"
	}
	return m.object
}
