package planhatsim

import (
	"strconv"
	"strings"
	"time"
)

const ticketKind = "ticket"

// ticketModel is the second view of conversations of type ticket: sent by a helpdesk in its own words,
// and listed with the fields of a ticket.
var ticketModel = &model{
	object: "ticket", listing: "tickets", path: "/tickets", verbs: "GLDB", within: conversationModel, kind: ticketKind,
	pageDefault: 500, pageMax: 10000,
	keys: []string{"sourceId"}, globalExternalID: true, bulkOne: true,
	required: [][]string{{"companyId"}},
	writable: columns{
		kindText:   "sourceId email source title description url type severity product status name agentEmail",
		kindList:   "domains tags history",
		kindNumber: "timeSpent",
	}.table(),
	readOnly: names(`externalId subType subject snippet createDate updateDate date inDate days timeBucket companyName endusers users sender
		activityTags emailTemplateIds isOpen starred pinned archived waitsToBeFiltered createdAt updatedAt __v`),
	createStamps: []string{"createDate", "createdAt"},
	updateStamps: []string{"updatedAt"},
	stamps:       stampTicket,
	company:      "companyId", companyName: "companyName",
	archivedField: "archived", archivedListed: func(sw Switches) string { return sw.ArchivedConversations },
	shown: names(`_id externalId type subType source subject snippet email status history url createDate updateDate date inDate days timeBucket
		companyId companyName endusers users sender activityTags tags emailTemplateIds isOpen starred pinned archived waitsToBeFiltered custom`),
	defaults: conversationModel.defaults,
	filters:  map[string]filter{"companyId": byCompany, "status": byField("status"), "email": byEmail, "search": bySearch("subject", "snippet")},
	derive:   deriveConversation,
	admit:    admitTicket,
}

// admitTicket turns a helpdesk's words into the conversation that is kept: its sourceId is the
// conversation's externalId. Items of a bulk upsert without an e-mail are dropped without a word.
func admitTicket(tx *Tx, fields *document, create bool) *refusal {
	email := fields.text("email")
	if email == "" && (create || tx.bulk) {
		return &refusal{status: 400, message: "email is required", silent: true}
	}
	if create {
		if !hasAny(*fields, []string{"sourceId"}) {
			return refuse(400, "sourceId is required")
		}
		if err := admitTicketCompany(tx, fields, email); err != nil {
			return err
		}
		fields.setText("type", ticketKind)
	} else {
		fields.remove("type")
	}
	if email != "" {
		if err := admitTicketEnduser(tx, fields, email); err != nil {
			return err
		}
	}
	for _, name := range [][2]string{{"sourceId", "externalId"}, {"title", "subject"}} {
		if val := fields.get(name[0]); val != nil {
			fields.set(name[1], val)
			fields.remove(name[0])
		}
	}
	for _, name := range []string{"domains", "severity", "product", "timeSpent", "name", "agentEmail"} {
		fields.remove(name) // taken, and not seen again
	}
	return nil
}

// admitTicketCompany finds the company that a ticket names none of: by its enduser, then by its domains.
func admitTicketCompany(tx *Tx, fields *document, email string) *refusal {
	if fields.has("companyId") {
		return nil
	}
	if list := tx.s.store(enduserModel).byEmail[email]; len(list) > 0 && list[0].company != "" {
		fields.setText("companyId", list[0].company)
		return nil
	}
	if !fields.has("domains") {
		return refuse(400, "domains is required")
	}
	for _, item := range splitArray(fields.get("domains")) {
		domain, _ := textOf(item)
		if id := tx.s.store(companyModel).domains[strings.ToLower(domain)]; id != "" {
			fields.setText("companyId", id)
			return nil
		}
	}
	return nil // check says that companyId is required
}

// admitTicketEnduser puts the sender on the ticket; one that nobody knows becomes an enduser first.
func admitTicketEnduser(tx *Tx, fields *document, email string) *refusal {
	company := fields.text("companyId")
	r := tx.enduserByEmail(email, company)
	if r == nil && company != "" {
		doc := document{}
		doc.setText("email", email)
		doc.setText("companyId", company)
		if name := fields.get("name"); !isNull(name) {
			doc.set("firstName", name)
		}
		var err *refusal
		if r, err = tx.asVendor().create(enduserModel, "", doc); err != nil {
			return err
		}
	}
	if r != nil {
		fields.set("endusers", references([]*record{r}))
	}
	return nil
}

// enduserByEmail finds the enduser of a company that has an e-mail, or else the oldest that has it.
func (tx *Tx) enduserByEmail(email, company string) *record {
	list := tx.s.store(enduserModel).byEmail[email]
	for _, r := range list {
		if r.company == company {
			return r
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

// references gives records as the vendor embeds them: an id and a name.
func references(records []*record) []byte {
	out := []byte{'['}
	for _, r := range records {
		val := memberOf(r.body, "name")
		if val == nil {
			val = []byte(`""`)
		}
		out = append(append(comma(out), `{"id":`...), quoted(r.id)...)
		out = append(append(append(out, `,"name":`...), val...), '}')
	}
	return append(out, ']')
}

// deriveTicket fills in what every ticket has, whoever made it.
func deriveTicket(tx *Tx, doc *document, before document) {
	if !doc.has("subType") {
		doc.setText("subType", ticketKind)
		doc.setText("inDate", stamp(tx.at))
	}
	if !doc.has("status") {
		doc.setText("status", "open")
	}
	if differs(before, *doc, "status") {
		setIfNew(doc, "isOpen", strconv.AppendBool(nil, !closedStatuses[strings.ToLower(doc.text("status"))]))
	}
	if at, err := time.Parse(stampLayout, doc.text("date")); err == nil && differs(before, *doc, "date", "type") {
		setIfNew(doc, "days", strconv.AppendInt(nil, epochDay(at), 10))
	}
}

var closedStatuses = names("closed solved resolved done")

// epochDay is a date in the vendor's days since 1970-01-01.
func epochDay(at time.Time) int64 { return at.Unix() / (24 * 60 * 60) }

// stampTicket moves updateDate, which only tickets have.
func stampTicket(tx *Tx, doc *document) {
	if doc.text("type") == ticketKind {
		doc.setText("updateDate", stamp(tx.at))
	}
}
