package planhat

import "slices"

// taskSpec: a task that is done is archived, and archived tasks are left out of the
// default listing.
var taskSpec = Spec{
	Object:        Task,
	Listing:       "tasks",
	Path:          "/tasks",
	PageSize:      10000,
	Stamp:         "updatedAt",
	Keys:          []Key{KeyID, KeySourceID, KeyExternalID},
	ArchivedField: "isArchived",
	ArchivedParam: "isArchived",
	CompanyField:  "companyId",
	Required:      [][]string{{"mainType"}, {"companyId"}},
	Limited:       []string{"mainType", "repeat", "repeatDays", "status"},
	Rank:          30,
	Fields: slices.Concat(
		readOnly(String, "_id"),
		writable(String, "mainType"),
		byKey(refers(Company, writable(String, "companyId"))),
		writable(String, "action", "description", "type"),
		writable(TimestampMillis, "startTime", "endTime", "dateDone"),
		writable(String, "repeat"),
		writable(Long, "repeatDays"),
		refers(User, writable(String, "ownerId")),
		writable(String, "status"),
		refers(User, writable(JSON, "users")),
		refers(Enduser, writable(JSON, "endusers")),
		writable(JSON, "checklist"),
		writable(StringArray, "activityTags"),
		writable(String, "sourceId", "externalId"),
		writable(Boolean, "noSpecificTime", "shared", "isArchived"),
		writable(JSON, "custom"),
		readOnly(String, "companyName", "ownerName", "snippet", "doneBy"),
		readOnly(Boolean, "overdueNotified"),
		readOnly(TimestampMillis, "createdAt", "updatedAt"),
		readOnly(Long, "__v"),
	),
}
