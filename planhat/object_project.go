package planhat

import "slices"

// projectSpec: work done for the customer.
var projectSpec = Spec{
	Object:       Project,
	Listing:      "projects",
	Path:         "/projects",
	PageSize:     2000,
	Keys:         []Key{KeyID, KeySourceID, KeyExternalID},
	CompanyField: "companyId",
	Required:     [][]string{{"name"}, {"companyId"}},
	Rank:         30,
	Fields: slices.Concat(
		readOnly(String, "_id"),
		writable(String, "name"),
		byKey(refers(Company, writable(String, "companyId"))),
		writable(String, "externalId", "sourceId", "currency"),
		writable(TimestampMillis, "startDate", "endDate"),
		writable(Double, "mrr", "arr", "nrr"),
		writable(JSON, "custom"),
		readOnly(String, "companyName"),
		readOnly(Long, "__v"),
	),
}
