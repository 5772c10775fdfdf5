package planhatsim

import "strconv"

// Models of what is sold and owed: invoices, sales, opportunities, churn.

var invoiceModel = &model{
	object: "invoice", listing: "invoices", path: "/invoices", verbs: "CUGLDB",
	pageDefault: 100, pageMax: 2000,
	keys: []string{"sourceId", "extId"}, externalID: "extId",
	required: [][]string{{"currency"}, {"cId"}},
	writable: columns{
		kindText:   "currency product extId sourceId status",
		kindNumber: "invoiceDate dueDate paidDate amountTotal", // dates are days since 1970-01-01
	}.table(),
	readOnly:     names("cName lastUpdated invoiceNo lineItems emails addressCountry invoiceCycle __v"),
	updateStamps: []string{"lastUpdated"},
	company:      "cId", companyName: "cName",
	detail:   names("__v"),
	defaults: `{"invoiceDate":null,"dueDate":null,"paidDate":null,"status":"pending","lineItems":[],"emails":[]}`,
	filters:  map[string]filter{"companyId": byCompany, "cId": byCompany},
	derive:   deriveInvoice,
}

// deriveInvoice numbers invoices as they come.
func deriveInvoice(tx *Tx, doc *document, before document) {
	if before == nil {
		tx.s.invoices++
		doc.set("invoiceNo", strconv.AppendInt(nil, int64(tx.s.invoices), 10))
	}
}

var saleModel = &model{
	object: "sale", listing: "sales", path: "/sales", verbs: "CUGLDB",
	pageDefault: 100, pageMax: 2000,
	keys:     []string{"sourceId", "externalId"},
	required: [][]string{{"_currency"}, {"companyId"}, {"salesDate"}, {"value"}},
	writable: columns{kindText: "_currency product externalId sourceId", kindDate: "salesDate", kindNumber: "value"}.table(),
	readOnly: names("companyName __v"),
	company:  "companyId", companyName: "companyName",
	detail:   names("__v"),
	defaults: `{}`,
	filters:  map[string]filter{"companyId": byCompany},
	admit:    between("value", 0, 0),
}

var opportunityModel = &model{
	object: "opportunity", listing: "opportunities", path: "/opportunities", verbs: "CUGLDB",
	pageDefault: 100, pageMax: 2000,
	keys:     []string{"sourceId", "externalId"},
	required: [][]string{{"companyId"}},
	writable: columns{
		kindText:   "title salesStage status externalId sourceId _currency",
		kindDate:   "dealDate landingDate closeDate",
		kindID:     "ownerId",
		kindNumber: "mrr arr nrr contractLength",
	}.table(),
	readOnly: names("companyName stageHistory probability __v"),
	company:  "companyId", companyName: "companyName",
	detail:   names("__v"),
	defaults: `{"status":"active","contractLength":12,"landingDate":null,"closeDate":null,"stageHistory":[]}`,
	filters:  map[string]filter{"companyId": byCompany},
	derive:   deriveOpportunity,
}

// deriveOpportunity notes every stage and when it was reached.
func deriveOpportunity(tx *Tx, doc *document, before document) {
	if !doc.has("salesStage") || !differs(before, *doc, "salesStage") {
		return
	}
	history := []byte{'['}
	for _, item := range splitArray(doc.get("stageHistory")) {
		history = append(comma(history), item...)
	}
	step := document{}
	step.set("stage", doc.get("salesStage"))
	step.setText("time", stamp(tx.at))
	doc.set("stageHistory", append(step.appendTo(comma(history), nil), ']'))
}

// churnModel has the fields of real tenants and those of its page, which calls itself a placeholder; a
// tenant has the ones or the others.
var churnModel = &model{
	object: "churn", listing: "churn", path: "/churn", verbs: "CUGLDB",
	pageDefault: 100, pageMax: 1000,
	keys:     []string{"sourceId", "externalId"},
	required: [][]string{{"companyId"}},
	requires: func(sw Switches) [][]string {
		if sw.ChurnShape == "docs" {
			return [][]string{{"isChurn"}}
		}
		return [][]string{{"value"}}
	},
	writable: columns{
		kindText:   "currency description sourceId churnReason externalId",
		kindNumber: "value arr",
		kindList:   "reasons products",
		kindObject: "comment",
		kindDate:   "churnDate",
		kindBool:   "onlyDowngrade snoozed isChurn",
	}.table(),
	readOnly:     names("companyName createdAt updatedAt createDate __v"),
	createStamps: []string{"createdAt", "createDate"},
	updateStamps: []string{"updatedAt"},
	company:      "companyId", companyName: "companyName",
	variant: func(sw Switches) set {
		if sw.ChurnShape == "docs" {
			return churnPage
		}
		return churnTenant
	},
	detail:   names("__v"),
	defaults: `{"reasons":[],"products":[],"onlyDowngrade":false,"snoozed":false}`,
	filters:  map[string]filter{"companyId": byCompany},
	derive:   deriveChurn,
}

var (
	churnTenant = names(`_id companyId companyName value arr currency reasons products description comment churnDate onlyDowngrade snoozed
		sourceId custom createdAt updatedAt __v`)
	churnPage = names("_id companyId isChurn churnReason externalId createDate custom __v")
)

// deriveChurn makes a year of a month's value where nobody said otherwise.
func deriveChurn(_ *Tx, doc *document, before document) {
	if doc.has("value") && differs(before, *doc, "value") && (before == nil || !differs(before, *doc, "arr")) {
		if before != nil || !doc.has("arr") {
			setIfNew(doc, "arr", number(floatOf(doc.get("value"))*12))
		}
	}
}
