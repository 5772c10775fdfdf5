package planhat

import "slices"

// objectiveSpec: what the customer wants to reach.
var objectiveSpec = Spec{
	Object:       Objective,
	Listing:      "objectives",
	Path:         "/objectives",
	PageSize:     2000,
	Keys:         []Key{KeyID, KeySourceID, KeyExternalID},
	CompanyField: "companyId",
	Required:     [][]string{{"name"}, {"companyId"}},
	Rank:         30,
	Fields: slices.Concat(
		readOnly(String, "_id"),
		writable(String, "name"),
		byKey(refers(Company, writable(String, "companyId"))),
		writable(Double, "health"),
		writable(String, "externalId", "sourceId"),
		writable(JSON, "custom"),
		readOnly(String, "companyName"),
		// Seen in real answers, documented nowhere.
		readOnly(Long, "__v"),
	),
}
