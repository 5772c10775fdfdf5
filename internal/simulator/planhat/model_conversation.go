package planhatsim

import "strconv"

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
		autoTags owner followers userId note nickName subType source email status url inDate days updateDate __v`),
	createStamps: []string{"createDate", "createdAt"},
	updateStamps: []string{"updatedAt"},
	stamps:       stampTicket,
	company:      "companyId", companyName: "companyName",
	archivedField: "archived", archivedListed: func(sw Switches) string { return sw.ArchivedConversations },
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

// Types of conversations that this tenant has; any other becomes a note.
var (
	reservedTypes = names("email chat ticket call")
	customTypes   = []string{"Meeting", "QBR"}
)

func admitConversation(tx *Tx, fields *document, create bool) *refusal {
	kind := fields.text("type")
	switch {
	case !fields.has("type"):
		fields.remove("type")
	case kind == "note" || kind == customTypes[0] || kind == customTypes[1]:
	case !reservedTypes[kind]:
		fields.setText("type", "note")
	case tx.sw.ReservedType == "reject" && create && tx.via == "api":
		return &refusal{status: 400, validation: true, message: "type " + kind + " is reserved"}
	case tx.sw.ReservedType == "note" && create && tx.via == "api":
		fields.setText("type", "note")
	}
	return nil
}

func deriveConversation(tx *Tx, doc *document, before document) {
	deriveSnippet(doc, before)
	if before == nil && !doc.has("date") {
		doc.setText("date", stamp(tx.at))
	}
	if kind := doc.text("type"); differs(before, *doc, "type") {
		setIfNew(doc, "isCustomType", strconv.AppendBool(nil, kind != "note" && !reservedTypes[kind]))
	}
	if doc.has("users") && differs(before, *doc, "users") {
		setIfNew(doc, "userIds", userIDs(doc.get("users")))
	}
	if doc.text("type") == ticketKind {
		deriveTicket(tx, doc, before)
	}
}

func userIDs(users []byte) []byte {
	out := []byte{'['}
	for _, item := range splitArray(users) {
		if len(item) == 0 || item[0] != '{' {
			continue
		}
		if id := splitObject(item).get("id"); id != nil {
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(out, id...)
		}
	}
	return append(out, ']')
}
