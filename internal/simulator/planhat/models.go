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

	keys             []string                  // keys of a bulk upsert after _id, in match order
	externalID       string                    // spelling of externalId where it is another
	globalExternalID bool                      // externalId is unique in the model, not per company
	required         [][]string                // groups: a record needs one name of each
	requires         func(Switches) [][]string // further groups of a create
	writable         map[string]kind
	readOnly         set // computed by the vendor
	noCustom         bool
	createStamps     []string
	updateStamps     []string
	company          string // the name that refers to the record's company, or companies; "" for none
	companyName      string // the name that the company's is copied to

	archivedField  string                // and parameter: archived records are left out of listings
	archivedListed func(Switches) string // "listed" where they are not

	detail       set                // names that a thin listing leaves out
	minimal      set                // the only names of a minimal listing; nil leaves the listing thin
	listOnly     set                // names that answers to create and update do not have
	shown        set                // the only names of any answer; nil shows all
	variant      func(Switches) set // the only names that this tenant's model has; nil has all
	defaults     string
	filters      map[string]filter
	rollups      []string // numbers that move daily without an edit
	deleteAnswer string   // "document" where DELETE answers with what was deleted
	bulkOne      bool     // a bulk upsert takes a bare object as well

	admit  func(tx *Tx, fields *document, create bool) *refusal
	derive func(tx *Tx, doc *document, before document)
	stamps func(tx *Tx, doc *document)                     // change stamps that not all records have
	after  func(tx *Tx, r *record, before, after document) // what a write does elsewhere; after is nil for a delete

	within *model // the model whose records these are, if it is another
	kind   string // which of those
}

// kind is the type of a writable field; it decides what is cast and what is refused.
type kind uint8

const (
	kindText kind = iota + 1
	kindNumber
	kindBool
	kindDate
	kindID
	kindIDs
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
	modelRows = []*model{
		userModel, companyModel, enduserModel, taskModel, issueModel, invoiceModel, conversationModel, ticketModel, churnModel, assetModel,
		campaignModel, npsModel, opportunityModel, objectiveModel, projectModel, saleModel, timeEntryModel, timesheetModel, licenseModel, customFieldModel,
	}
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

func (m *model) can(verb byte) bool { return strings.IndexByte(m.verbs, verb) >= 0 }

// stored is the model that keeps the records.
func (m *model) stored() *model {
	if m.within != nil {
		return m.within
	}
	return m
}

func (m *model) externalName() string {
	if m.externalID != "" {
		return m.externalID
	}
	return "externalId"
}

// objectOf names a record as people do: conversations of type note are notes.
func (m *model) objectOf(kind string) string {
	if m.stored() == conversationModel && kind == "note" {
		return "note"
	}
	return m.stored().object
}

// holds tells whether a stored record is one of the model's: a ticket is a conversation of type ticket,
// and it depends on the tenant whether it is among the conversations too.
func (m *model) holds(sw Switches, r *record) bool {
	if m.kind != "" {
		return r.kind == m.kind
	}
	return m != conversationModel || sw.TicketsAsConversations == "listed" || r.kind != ticketKind
}
