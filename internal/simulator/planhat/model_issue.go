package planhatsim

import "bytes"

var issueModel = &model{
	object: "issue", listing: "issues", path: "/issues", verbs: "CUGLDB",
	pageDefault: 100, pageMax: 2000,
	keys:     []string{"sourceId"},
	required: [][]string{{"title"}},
	requires: strictly([]string{"sourceId"}, []string{"archived"}),
	writable: columns{
		kindText: "title description sourceId source sourceUrl priority status",
		kindIDs:  "companyIds enduserIds conversationIds followers",
		kindBool: "archived",
	}.table(),
	readOnly:      names("companies endusers mrrCombined arrCombined companyMatchingValue createdAt updatedAt __v"),
	createStamps:  []string{"createdAt"},
	updateStamps:  []string{"updatedAt"},
	company:       "companyIds",
	archivedField: "archived", archivedListed: func(sw Switches) string { return sw.ArchivedIssues },
	detail:   names("__v"),
	defaults: `{"companyIds":[],"companies":[],"enduserIds":[],"endusers":[],"conversationIds":[],"archived":false,"followers":[],"mrrCombined":0,"arrCombined":0}`,
	filters:  map[string]filter{"companyId": byCompany},
	admit:    admitIssue,
	derive:   deriveIssue,
}

func admitIssue(tx *Tx, fields *document, _ bool) *refusal {
	for _, item := range splitArray(fields.get("companyIds")) {
		id, _ := textOf(item)
		if tx.sw.DanglingCompany == "reject" && tx.s.store(companyModel).byID[id] == nil {
			return refuse(400, "company %s not found", id)
		}
	}
	return nil
}

// deriveIssue embeds the names of companies and endusers, and adds up what the companies are worth.
func deriveIssue(tx *Tx, doc *document, before document) {
	if differs(before, *doc, "companyIds") {
		companies := tx.referred(companyModel, doc.get("companyIds"))
		mrr, arr := 0.0, 0.0
		for _, c := range companies {
			mrr += floatOf(memberOf(c.body, "mrr"))
			arr += floatOf(memberOf(c.body, "arr"))
		}
		setIfNew(doc, "companies", references(companies))
		setIfNew(doc, "mrrCombined", number(mrr))
		setIfNew(doc, "arrCombined", number(arr))
	}
	if differs(before, *doc, "enduserIds") {
		setIfNew(doc, "endusers", references(tx.referred(enduserModel, doc.get("enduserIds"))))
	}
}

// referred gives the records of a list of ids that exist.
func (tx *Tx) referred(m *model, ids []byte) []*record {
	var out []*record
	for _, item := range splitArray(ids) {
		id, _ := textOf(item)
		if r := tx.s.store(m).byID[id]; r != nil {
			out = append(out, r)
		}
	}
	return out
}

// leave takes a deleted company off a record that has others.
func (tx *Tx) leave(m *model, r *record, company string) {
	before := splitObject(r.body)
	rest := []byte{'['}
	for _, item := range splitArray(before.get(m.company)) {
		if id, _ := textOf(item); id != company {
			rest = append(comma(rest), item...)
		}
	}
	rest = append(rest, ']')
	doc := before.clone()
	doc.set(m.company, bytes.Clone(rest))
	m.derive(tx, &doc, before)
	tx.bump(m, &doc)
	tx.s.store(m).put(doc)
	tx.log(m, r, "update", "updated", document{{name: m.company, key: quoted(m.company), val: rest}})
}
