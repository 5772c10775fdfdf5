package planhat

import "slices"

// invoiceSpec: Planhat spells the company cId and the externalId extId here, and
// counts the dates in days.
var invoiceSpec = Spec{
	Object:       Invoice,
	Listing:      "invoices",
	Path:         "/invoices",
	PageSize:     2000,
	Stamp:        "lastUpdated",
	Keys:         []Key{KeyID, KeySourceID, KeyExternalID},
	KeyFields:    map[Key]string{KeyExternalID: "extId"},
	CompanyField: "cId",
	Required:     [][]string{{"currency"}, {"cId"}},
	Limited:      []string{"status"},
	Rank:         30,
	Fields: slices.Concat(
		readOnly(String, "_id"),
		writable(String, "currency"),
		refers(Company, writable(String, "cId")),
		writable(String, "product", "extId", "sourceId"),
		writable(Date, "invoiceDate", "dueDate", "paidDate"),
		writable(Double, "amountTotal"),
		writable(String, "status"),
		writable(JSON, "custom"),
		readOnly(String, "cName"),
		readOnly(TimestampMillis, "lastUpdated"),
		readOnly(Long, "invoiceNo"),
		readOnly(JSON, "lineItems", "emails"),
		readOnly(String, "addressCountry"),
		// Seen in real answers, documented nowhere.
		readOnly(String, "invoiceCycle"),
		readOnly(Long, "__v"),
	),
}
