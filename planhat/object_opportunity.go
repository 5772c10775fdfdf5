package planhat

import "slices"

// opportunitySpec: a sale that may come; it has no value, only revenue by kind.
var opportunitySpec = Spec{
	Object:       Opportunity,
	Listing:      "opportunities",
	Path:         "/opportunities",
	PageSize:     2000,
	Keys:         []Key{KeyID, KeySourceID, KeyExternalID},
	CompanyField: "companyId",
	Required:     [][]string{{"companyId"}},
	Limited:      []string{"status"},
	Rank:         30,
	Fields: slices.Concat(
		readOnly(String, "_id"),
		byKey(refers(Company, writable(String, "companyId"))),
		writable(String, "title", "salesStage"),
		writable(TimestampMillis, "dealDate", "landingDate", "closeDate"),
		writable(String, "externalId", "sourceId", "_currency"),
		refers(User, writable(String, "ownerId")),
		writable(Double, "mrr", "arr", "nrr"),
		writable(Long, "contractLength"),
		writable(String, "status"),
		writable(JSON, "custom"),
		readOnly(String, "companyName"),
		readOnly(JSON, "stageHistory"),
		// Seen in real answers, documented nowhere.
		readOnly(Double, "probability"),
		readOnly(Long, "__v"),
	),
}
