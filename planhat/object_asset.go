package planhat

import "slices"

// assetSpec: something that the customer has bought or uses.
var assetSpec = Spec{
	Object:       Asset,
	Listing:      "assets",
	Path:         "/assets",
	PageSize:     2000,
	Stamp:        "updatedAt",
	Keys:         []Key{KeyID, KeySourceID, KeyExternalID},
	CompanyField: "companyId",
	Required:     [][]string{{"name"}, {"companyId"}},
	Limited:      []string{"status"},
	Rank:         30,
	Fields: slices.Concat(
		readOnly(String, "_id"),
		writable(String, "name"),
		byKey(refers(Company, writable(String, "companyId"))),
		writable(String, "externalId", "sourceId", "serialNumber"),
		writable(Double, "value"),
		writable(String, "_currency"),
		writable(TimestampMillis, "installDate"),
		writable(String, "status"),
		refers(User, writable(String, "ownerId")),
		writable(JSON, "custom"),
		readOnly(String, "companyName", "ownerName"),
		// Seen in real answers, documented nowhere.
		readOnly(JSON, "usage"),
		refers(User, readOnly(StringArray, "followers")),
		readOnly(TimestampMillis, "createdAt", "updatedAt"),
		readOnly(Long, "__v"),
	),
}
