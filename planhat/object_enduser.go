package planhat

import "slices"

// enduserSpec: the company may be left out where the domain of the e-mail address
// tells it. name is composed by Planhat from firstName and lastName.
var enduserSpec = Spec{
	Object:        Enduser,
	Listing:       "endusers",
	Path:          "/endusers",
	PageSize:      2000,
	Stamp:         "updatedAt",
	Keys:          []Key{KeyID, KeySourceID, KeyExternalID, KeyEmail},
	ArchivedField: "archived",
	ArchivedParam: "archived",
	CompanyField:  "companyId",
	Required:      [][]string{{"email", "externalId", "sourceId"}, {"companyId", "email"}},
	Rank:          20,
	Fields: slices.Concat(
		readOnly(String, "_id"),
		writable(String, "email"),
		byKey(refers(Company, writable(String, "companyId"))),
		writable(String, "firstName", "lastName", "externalId", "sourceId", "position", "phone"),
		writable(StringArray, "tags", "otherEmails"),
		writable(Boolean, "featured", "primary", "archived", "npsUnsubscribed"),
		writable(JSON, "sharedNotificationsPrefs", "custom"),
		readOnly(String, "name", "companyName"),
		readOnly(TimestampMillis, "lastActive", "lastTouch", "npsDate"),
		readOnly(Double, "beats", "beatsTotal", "beatTrend", "convs14", "convsTotal", "experience"),
		readOnly(String, "lastTouchType", "npsComment"),
		readOnly(Long, "nps"),
		readOnly(JSON, "npsSent", "lastTouchByType", "lastActivities", "relatedEndusers"),
		// Seen in real answers, documented nowhere.
		readOnly(String, "emailMd5", "linkedInUrl"),
		readOnly(JSON, "personas", "relevance", "usage"),
		readOnly(TimestampMillis, "lastTouchTime", "createDate", "createdAt", "updatedAt"),
		readOnly(Long, "__v"),
	),
}
