package planhat

import "slices"

// userSpec: users belong to no company; a company's owner is one of them. Roles are
// objects in a list and ids in a single record. The roll-ups over a user's portfolio
// change whenever a company of it does.
var userSpec = Spec{
	Object:   User,
	Listing:  "users",
	Path:     "/users",
	PageSize: 10000,
	Stamp:    "updatedAt",
	Keys:     []Key{KeyID, KeyExternalID, KeyEmail},
	// Bulk upserts by email are documented for endusers alone.
	Unmatched: []Key{KeyEmail},
	Required:  [][]string{{"email"}, {"nickName"}, {"firstName"}, {"lastName"}},
	Volatile: []string{"arr", "arrAvg", "mrr", "mrrAvg", "npsAvg", "healthAvg", "healthAvgRound", "revenueShare",
		"customerCount", "payingCustomerCount", "lastTouch7", "lastTouch30", "lastTouch90", "lastActive7", "lastActive30",
		"lastActive90", "nrOpenTasks", "nrOverDueTasks", "nrTasksDue7Days", "nrTasksDue14Days", "nrTasksDue30Days",
		"nrTasksDue90Days"},
	Rank: 0,
	Fields: slices.Concat(
		readOnly(String, "_id"),
		writable(String, "email", "nickName", "firstName", "lastName"),
		writable(JSON, "roles"),
		writable(String, "externalId"),
		writable(Boolean, "inactive", "isHidden", "notificationsEnabled", "isExposedAsSenderOption"),
		writable(Double, "tzOffset"),
		refers(User, writable(StringArray, "managers")),
		writable(StringArray, "teams"),
		writable(JSON, "custom"),
		readOnly(JSON, "image"),
		readOnly(Boolean, "radarOneLine"),
		readOnly(JSON, "taskFilter"),
		readOnly(String, "companyFilter"),
		readOnly(Boolean, "compressedView"),
		readOnly(JSON, "permissions"),
		readOnly(TimestampMillis, "createDate", "createdAt", "updatedAt"),
		// Seen in real answers, documented nowhere.
		readOnly(TimestampMillis, "createAt"),
		readOnly(Double, "arr", "arrAvg", "mrr", "mrrAvg", "npsAvg", "healthAvg", "healthAvgRound", "revenueShare"),
		readOnly(Long, "customerCount", "payingCustomerCount", "lastTouch7", "lastTouch30", "lastTouch90",
			"lastActive7", "lastActive30", "lastActive90", "nrOpenTasks", "nrOverDueTasks", "nrTasksDue7Days",
			"nrTasksDue14Days", "nrTasksDue30Days", "nrTasksDue90Days"),
		readOnly(String, "defaultCurrencyId"),
		readOnly(Long, "defaultMeetingLength"),
		readOnly(Boolean, "removed"),
		readOnly(JSON, "poc", "googleApi", "msApi", "googleCalendarApi", "recentOpenTabs"),
		readOnly(Long, "__v"),
	),
}
