package planhatsim

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

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

func admitCompany(tx *Tx, fields *document, _ bool) *refusal {
	if name := fields.text("name"); name != "" && tx.sw.NameCase == "capitalise" {
		first, size := utf8.DecodeRuneInString(name)
		fields.setText("name", string(unicode.ToUpper(first))+name[size:])
	}
	return nil
}

func deriveCompany(tx *Tx, doc *document, before document) {
	if !doc.has("slug") {
		doc.setText("slug", slug(doc.text("name")))
	}
	if doc.has("phase") && differs(before, *doc, "phase") {
		doc.setText("phaseSince", stamp(tx.at))
	}
	if id := doc.text("_id"); !doc.has("orgPath") {
		doc.setText("orgRootId", id)
		doc.setText("orgPath", ","+id+",")
	}
}

func slug(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}
