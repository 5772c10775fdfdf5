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
	CompanyField:          "companyId",
	Required:              [][]string{{"companyId", "companyExternalId"}},
	DeleteReturnsDocument: true,
	Limited:               []string{"type"},
	Rank:                  30,
	Fields:                conversationFields(),
}

// conversationSpec: conversations of every type that no other object has. An unknown
// type becomes "note" without a word. A record is a note or a conversation by its type
// alone: both have the fields of the other, and a listing in common.
var conversationSpec = Spec{
	Object:                Conversation,
	Listing:               "conversations",
	Path:                  "/conversations",
	PageSize:              2000,
	Stamp:                 "updatedAt",
	Keys:                  []Key{KeyID, KeyExternalID},
	CompanyField:          "companyId",
	Required:              [][]string{{"type"}, {"companyId", "companyExternalId"}},
	DeleteReturnsDocument: true,
	Limited:               []string{"type"},
	Rank:                  30,
	Fields:                conversationFields(),
}

func conversationFields() []Field {
	return slices.Concat(
		readOnly(String, "_id"),
		byKey(refers(Company, writable(String, "companyId"))),
		writable(String, "subject", "description", "type"),
		writable(TimestampMillis, "date", "outDate"),
		refers(User, writable(JSON, "users")),
		refers(Enduser, writable(JSON, "endusers")),
		writable(String, "externalId"),
		writable(StringArray, "activityTags"),
		writable(Boolean, "starred", "pinned", "archived"),
		refersBy(Company, KeyExternalID, writable(String, "companyExternalId")),
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
		refers(User, readOnly(StringArray, "userIds")),
		readOnly(JSON, "autoTags"),
		// Seen in real answers, documented nowhere.
		refersBy(Company, KeySourceID, readOnly(String, "companySourceId")),
		refers(User, readOnly(String, "userId")),
		readOnly(String, "nickName"),
		refers(User, readOnly(StringArray, "followers")),
		readOnly(JSON, "owner", "note"),
		readOnly(TimestampMillis, "createdAt", "updatedAt"),
		readOnly(Long, "__v"),
	)
}
