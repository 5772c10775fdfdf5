package planhat

import "slices"

// churnSpec: the path is singular. Real tenants send value, reasons and the like; the
// current page of the documentation has isChurn and churnReason in their place. Both
// are fields.
var churnSpec = Spec{
	Object:       Churn,
	Listing:      "churn",
	Path:         "/churn",
	PageSize:     1000,
	Stamp:        "updatedAt",
	Keys:         []Key{KeyID, KeySourceID},
	CompanyField: "companyId",
	Required:     [][]string{{"companyId"}, {"value", "isChurn"}},
	Rank:         30,
	Fields: slices.Concat(
		readOnly(String, "_id"),
		byKey(refers(Company, writable(String, "companyId"))),
		writable(Double, "value"),
		writable(Boolean, "isChurn"),
		writable(String, "churnReason"),
		writable(Double, "arr"),
		writable(String, "currency"),
		writable(StringArray, "reasons", "products"),
		writable(String, "description"),
		writable(JSON, "comment"),
		writable(TimestampMillis, "churnDate"),
		writable(Boolean, "onlyDowngrade", "snoozed"),
		writable(String, "sourceId", "externalId"),
		writable(JSON, "custom"),
		readOnly(String, "companyName"),
		readOnly(TimestampMillis, "createDate", "createdAt", "updatedAt"),
		// Seen in real answers, documented nowhere.
		readOnly(Long, "__v"),
	),
}
