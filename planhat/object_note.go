package planhat

import "slices"

// noteSpec: a note is a conversation of type "note"; /notes does not exist. Its only
// key is _id, so it cannot be upserted. Listings hold conversations of every type.
var noteSpec = Spec{
	Object:                Note,
	Listing:               "conversations",
	Path:                  "/conversations",
	Type:                  "note",
	PageSize:              2000,
	Stamp:                 "updatedAt",
	Keys:                  []Key{KeyID},
	Required:              [][]string{{"companyId", "companyExternalId"}},
	DeleteReturnsDocument: true,
	Rank:                  30,
	Fields: slices.Concat(
		readOnly(String, "_id"),
		refers(Company, writable(String, "companyId")),
		writable(String, "subject", "description", "type"),
		writable(TimestampMillis, "date", "outDate"),
		writable(JSON, "users"),
		refers(Enduser, writable(JSON, "endusers")),
		writable(String, "externalId"),
		writable(StringArray, "activityTags"),
		writable(Boolean, "starred", "pinned", "archived"),
		writable(String, "companyExternalId"),
		writable(JSON, "custom"),
		readOnly(String, "companyName", "snippet"),
		readOnly(TimestampMillis, "createDate"),
		readOnly(StringArray, "emailTemplateIds"),
		readOnly(Boolean, "isOpen"),
		readOnly(StringArray, "tags"),
		readOnly(Boolean, "waitsToBeFiltered"),
		readOnly(StringArray, "timeBucket"),
		readOnly(Long, "numberOfParts", "numberOfRelevantParts"),
		readOnly(JSON, "sender", "history"),
		readOnly(Boolean, "isCustomType", "isSeen", "hasAttachments", "hasMore"),
		readOnly(String, "assigneeName"),
		readOnly(StringArray, "userIds"),
		readOnly(JSON, "autoTags"),
		// Seen in real answers, documented nowhere.
		readOnly(String, "companySourceId", "userId", "nickName"),
		readOnly(StringArray, "followers"),
		readOnly(JSON, "owner", "note"),
		readOnly(TimestampMillis, "createdAt", "updatedAt"),
		readOnly(Long, "__v"),
	),
}
