package planhatsim

import (
	"bytes"
	"strconv"
	"time"
)

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
	company: "companyId", companyName: "companyName",
	detail: names("__v"),
	defaults: `{"renewalStatus":"ongoing","renewalPeriod":1,"toDateIncluded":true,"isOverdue":false,"invoiceCycleInterval":0,` +
		`"invoiceMuted":false,"invoicesGenerated":false}`,
	filters: map[string]filter{"companyId": byCompany},
	derive:  deriveLicense,
	stamps: func(tx *Tx, doc *document) {
		if tx.sw.LicenseStamps == "lastUpdated" {
			doc.setText("lastUpdated", stamp(tx.at))
		}
	},
}

func deriveLicense(tx *Tx, doc *document, before document) {
	if !differs(before, *doc, "fromDate", "toDate", "fixedPeriod", "value", "mrr") {
		return
	}
	if !doc.has("fixedPeriod") {
		doc.set("fixedPeriod", strconv.AppendBool(nil, doc.has("value") && doc.has("toDate")))
	}
	from, _ := time.Parse(stampLayout, doc.text("fromDate"))
	to, err := time.Parse(stampLayout, doc.text("toDate"))
	months := 0.0
	if err == nil {
		to = to.AddDate(0, 0, 1) // the last day counts
		months = max(1, float64((to.Year()-from.Year())*12)+float64(to.Month()-from.Month()))
		setIfNew(doc, "length", number(months))
		setIfNew(doc, "renewalDate", doc.get("toDate"))
		setRenewalDays(doc, tx.s.derivedNow(tx.at))
	} else {
		setIfNew(doc, "renewalDate", []byte("null"))
		setIfNew(doc, "renewalDaysFromNow", []byte("null"))
	}
	deriveMoney(doc, before, months)
}

// deriveMoney fills in the monthly and yearly values; an mrr that was sent keeps its text.
func deriveMoney(doc *document, before document, months float64) {
	outdated := before != nil && bytes.Equal(before.get("mrr"), doc.get("mrr")) && !bytes.Equal(before.get("value"), doc.get("value"))
	if (outdated || !doc.has("mrr")) && doc.has("value") && months > 0 {
		doc.set("mrr", number(floatOf(doc.get("value"))/months))
	}
	mrr := floatOf(doc.get("mrr"))
	setIfNew(doc, "arr", number(mrr*12))
	setIfNew(doc, "renewalMrr", number(mrr))
	setIfNew(doc, "renewalArr", number(mrr*12))
}

func setRenewalDays(doc *document, now time.Time) {
	at, err := time.Parse(stampLayout, doc.text("renewalDate"))
	if err != nil {
		return
	}
	days := at.Sub(now).Hours() / 24
	setIfNew(doc, "renewalDaysFromNow", strconv.AppendInt(nil, int64(days), 10))
}
