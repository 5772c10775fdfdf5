package planhat

import "slices"

// campaignSpec: answers to surveys refer to campaigns.
var campaignSpec = Spec{
	Object:       Campaign,
	Listing:      "campaigns",
	Path:         "/campaigns",
	PageSize:     2000,
	Keys:         []Key{KeyID, KeySourceID, KeyExternalID},
	CompanyField: "companyId",
	Required:     [][]string{{"name"}, {"companyId"}},
	Rank:         30,
	Fields: slices.Concat(
		readOnly(String, "_id"),
		writable(String, "name"),
		byKey(refers(Company, writable(String, "companyId"))),
		writable(String, "campaignPurpose", "externalId", "sourceId"),
		writable(JSON, "custom"),
		readOnly(String, "companyName"),
		// Seen in real answers, documented nowhere.
		readOnly(Long, "__v"),
	),
}
