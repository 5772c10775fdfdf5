package planhat

import "slices"

// licenseSpec: a fixed period needs value, an open-ended license needs mrr.
// renewalDaysFromNow counts down every day without an edit.
var licenseSpec = Spec{
	Object:       License,
	Listing:      "licenses",
	Path:         "/licenses",
	PageSize:     2000,
	Keys:         []Key{KeyID, KeySourceID, KeyExternalID},
	CompanyField: "companyId",
	Required:     [][]string{{"_currency"}, {"companyId"}, {"fromDate"}, {"value", "mrr"}},
	Volatile:     []string{"renewalDaysFromNow"},
	Limited:      []string{"fixedPeriod", "value", "mrr", "renewalStatus", "renewalUnit", "noticeUnit"},
	Rank:         30,
	Fields: slices.Concat(
		readOnly(String, "_id"),
		writable(String, "_currency"),
		byKey(refers(Company, writable(String, "companyId"))),
		writable(TimestampMillis, "fromDate", "toDate"),
		writable(String, "product", "externalId", "sourceId"),
		writable(Boolean, "fixedPeriod"),
		writable(Double, "value", "mrr"),
		writable(String, "renewalStatus"),
		writable(Boolean, "autoRenews"),
		writable(Long, "renewalPeriod"),
		writable(String, "renewalUnit"),
		writable(Long, "noticePeriod"),
		writable(String, "noticeUnit", "invoiceCycle"),
		writable(JSON, "custom"),
		readOnly(String, "companyName"),
		readOnly(Double, "arr", "length"),
		readOnly(TimestampMillis, "renewalDate"),
		readOnly(Long, "renewalDaysFromNow"),
		readOnly(Double, "renewalArr", "renewalMrr"),
		readOnly(Boolean, "isOverdue", "toDateIncluded", "invoicesGenerated", "invoiceMuted"),
		readOnly(Long, "invoiceCycleInterval"),
		readOnly(String, "parent"),
		readOnly(Double, "fcNewArr", "fcNewArrOptimistic", "fcNewArrPessimistic",
			"fcNewMrr", "fcNewMrrOptimistic", "fcNewMrrPessimistic"),
		readOnly(TimestampMillis, "fcNewStartDate"),
		readOnly(JSON, "issues"),
		readOnly(String, "status"),
		readOnly(Long, "__v"),
	),
}
