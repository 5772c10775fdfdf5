package planhatsim

import "strings"

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
	createStamps: []string{"createDate", "createdAt"},
	updateStamps: []string{"updatedAt"},
	company:      "companyId", companyName: "companyName", archivedField: "archived",
	detail: names("emailMd5 sharedNotificationsPrefs __v"),
	defaults: `{"tags":[],"otherEmails":[],"featured":false,"primary":false,"archived":false,"npsUnsubscribed":false,"beats":0,` +
		`"beatsTotal":0,"convs14":0,"lastActivities":[],"relatedEndusers":[]}`,
	filters: map[string]filter{"companyId": byCompany, "email": byEmail, "euId": byID},
	derive:  deriveEnduser,
	admit:   admitEnduser,
}

// admitEnduser finds the company by the domain of the e-mail where none is named.
func admitEnduser(tx *Tx, fields *document, create bool) *refusal {
	if !create || fields.has("companyId") {
		return nil
	}
	_, domain, _ := strings.Cut(fields.text("email"), "@")
	if id := tx.s.store(companyModel).domains[strings.ToLower(domain)]; domain != "" && id != "" {
		fields.setText("companyId", id)
	}
	return nil
}

func deriveEnduser(_ *Tx, doc *document, before document) {
	if differs(before, *doc, "firstName", "lastName") {
		setIfNew(doc, "name", quoted(strings.TrimSpace(doc.text("firstName")+" "+doc.text("lastName"))))
	}
}
