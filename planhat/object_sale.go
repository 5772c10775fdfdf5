package planhat

import "slices"

// saleSpec: non-recurring revenue; the value must be above 0.
var saleSpec = Spec{
	Object:       Sale,
	Listing:      "sales",
	Path:         "/sales",
	PageSize:     2000,
	Keys:         []Key{KeyID, KeySourceID, KeyExternalID},
	CompanyField: "companyId",
	Required:     [][]string{{"_currency"}, {"companyId"}, {"salesDate"}, {"value"}},
	Limited:      []string{"value"},
	Rank:         30,
	Fields: slices.Concat(
		readOnly(String, "_id"),
		writable(String, "_currency"),
		byKey(refers(Company, writable(String, "companyId"))),
		writable(TimestampMillis, "salesDate"),
		writable(Double, "value"),
		writable(String, "product", "externalId", "sourceId"),
		writable(JSON, "custom"),
		readOnly(String, "companyName"),
		readOnly(Long, "__v"),
	),
}
