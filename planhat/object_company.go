package planhat

import "slices"

// companySpec: phase, status and domains are documented as derived, yet accepted in
// writes. owner and coOwner are ids in a single record and may be objects in a list.
var companySpec = Spec{
	Object:       Company,
	Listing:      "companies",
	Path:         "/companies",
	PageSize:     5000,
	Stamp:        "updatedAt",
	Keys:         []Key{KeyID, KeySourceID, KeyExternalID},
	CompanyField: "_id",
	Required:     [][]string{{"name"}},
	Volatile:     []string{"renewalDaysFromNow"},
	Limited:      []string{"status", "csmScore"},
	Rank:         10,
	Fields: slices.Concat(
		readOnly(String, "_id"),
		writable(String, "name", "externalId", "sourceId"),
		refers(User, writable(String, "owner", "coOwner")),
		writable(String, "phase", "status", "description", "address", "country", "city", "zip", "phonePrimary", "web"),
		writable(StringArray, "tags", "domains"),
		writable(Long, "csmScore"),
		writable(JSON, "custom"),
		readOnly(Long, "h"),
		readOnly(String, "hProfile"),
		readOnly(Double, "mrr", "arr", "mr", "mrrTotal", "mrTotal", "nrr30", "nrrTotal", "renewalMrr", "renewalArr"),
		readOnly(TimestampMillis, "renewalDate", "customerFrom", "customerTo", "lastRenewal", "lastActive", "lastTouch"),
		readOnly(Long, "renewalDaysFromNow"),
		readOnly(String, "lastTouchType"),
		readOnly(JSON, "alerts", "lastActivities"),
		refers(Company, readOnly(String, "orgRootId")),
		readOnly(String, "orgPath"),
		readOnly(Long, "orgLevel"),
		readOnly(JSON, "orgUnits"),
		readOnly(Double, "orgMrr", "orgArr", "orgMrrTotal", "orgArrTotal", "orgHealthTotal"),
		// Seen in real answers, documented nowhere.
		readOnly(String, "slug", "headId"),
		refers(User, readOnly(StringArray, "followers", "collaborators")),
		readOnly(StringArray, "products"),
		readOnly(JSON, "shareable", "lastPerformedTriggers", "features", "sunits", "usage", "documents", "links",
			"csmScoreLog", "licenses", "sales", "lastTouchByType", "nextTouch"),
		readOnly(Boolean, "autoRenews"),
		readOnly(Double, "hDiff", "nps"),
		readOnly(TimestampMillis, "hDiffDate", "phaseSince", "lastTouchTime", "lastActiveTime", "nextTouchDate"),
		readOnly(Long, "orgCount", "orgPathCount"),
		readOnly(TimestampMillis, "createDate", "lastUpdated", "createdAt", "updatedAt"),
		readOnly(Long, "__v"),
	),
}
