package planhatsim

import "fmt"

// Models that keep what they are sent and compute little.

var assetModel = &model{
	object: "asset", listing: "assets", path: "/assets", verbs: "CUGLDB",
	pageDefault: 100, pageMax: 2000,
	keys:     []string{"sourceId", "externalId"},
	required: [][]string{{"name"}, {"companyId"}},
	writable: columns{
		kindText: "name externalId sourceId serialNumber _currency status", kindNumber: "value", kindDate: "installDate", kindID: "ownerId",
	}.table(),
	readOnly:     names("companyName ownerName usage followers createdAt updatedAt __v"),
	createStamps: []string{"createdAt"},
	updateStamps: []string{"updatedAt"},
	company:      "companyId", companyName: "companyName",
	detail:   names("__v"),
	defaults: `{"followers":[],"usage":{}}`,
	filters:  map[string]filter{"companyId": byCompany},
	derive: func(tx *Tx, doc *document, before document) {
		if doc.has("ownerId") && differs(before, *doc, "ownerId") {
			setIfNew(doc, "ownerName", userName(tx, doc.text("ownerId")))
		}
	},
}

var campaignModel = &model{
	object: "campaign", listing: "campaigns", path: "/campaigns", verbs: "CUGLDB",
	pageDefault: 100, pageMax: 2000,
	keys:     []string{"sourceId", "externalId"},
	required: [][]string{{"name"}, {"companyId"}},
	writable: columns{kindText: "name campaignPurpose externalId sourceId"}.table(),
	readOnly: names("companyName __v"),
	company:  "companyId", companyName: "companyName",
	detail:   names("__v"),
	defaults: `{}`,
	filters:  map[string]filter{"companyId": byCompany},
}

var objectiveModel = &model{
	object: "objective", listing: "objectives", path: "/objectives", verbs: "CUGLDB",
	pageDefault: 100, pageMax: 2000,
	keys:     []string{"sourceId", "externalId"},
	required: [][]string{{"name"}, {"companyId"}},
	writable: columns{kindText: "name externalId sourceId", kindNumber: "health"}.table(),
	readOnly: names("companyName __v"),
	company:  "companyId", companyName: "companyName",
	detail:   names("__v"),
	defaults: `{}`,
	filters:  map[string]filter{"companyId": byCompany},
}

var projectModel = &model{
	object: "project", listing: "projects", path: "/projects", verbs: "CUGLDB",
	pageDefault: 100, pageMax: 2000,
	keys:     []string{"sourceId", "externalId"},
	required: [][]string{{"name"}, {"companyId"}},
	requires: strictly([]string{"currency"}),
	writable: columns{kindText: "name externalId sourceId currency", kindDate: "startDate endDate", kindNumber: "mrr arr nrr"}.table(),
	readOnly: names("companyName __v"),
	company:  "companyId", companyName: "companyName",
	detail:   names("__v"),
	defaults: `{"mrr":0,"arr":0,"nrr":0}`,
	filters:  map[string]filter{"companyId": byCompany},
}

var npsModel = &model{
	object: "nps", listing: "nps", path: "/nps", verbs: "CUGLDB",
	pageDefault: 100, pageMax: 10000,
	keys:     []string{"sourceId"},
	required: [][]string{{"email"}, {"score"}},
	requires: strictly([]string{"campaignId"}),
	writable: columns{
		kindText: "email comment source sourceId", kindNumber: "score", kindID: "campaignId", kindDate: "dateSent dateAnswered",
	}.table(),
	readOnly: names("euId __v"),
	company:  "cId",
	detail:   names("__v"),
	defaults: `{"euId":null}`,
	filters:  map[string]filter{"companyId": byCompany, "cId": byCompany},
	admit:    between("score", 0, 10),
	derive: func(tx *Tx, doc *document, before document) {
		if !differs(before, *doc, "email", "cId") {
			return
		}
		enduser := []byte("null")
		if r := tx.enduserByEmail(doc.text("email"), doc.text("cId")); r != nil {
			enduser = quoted(r.id)
		}
		setIfNew(doc, "euId", enduser)
	},
}

// between refuses numbers that are not from least to most; without a most, those that are not greater
// than least.
func between(name string, least, most float64) func(*Tx, *document, bool) *refusal {
	return func(_ *Tx, fields *document, _ bool) *refusal {
		if !fields.has(name) {
			return nil
		}
		n := floatOf(fields.get(name))
		switch {
		case most == 0 && n <= least:
			return &refusal{status: 400, validation: true, message: fmt.Sprintf("%s must be greater than %v", name, least)}
		case most != 0 && (n < least || n > most):
			return &refusal{status: 400, validation: true, message: fmt.Sprintf("%s must be between %v and %v", name, least, most)}
		}
		return nil
	}
}

// strictly are names that some say a create needs, and the documentation does not.
func strictly(groups ...[]string) func(Switches) [][]string {
	return func(sw Switches) [][]string {
		if sw.RequiredFields == "strict" {
			return groups
		}
		return nil
	}
}
