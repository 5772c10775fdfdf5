package planhat

import "slices"

// ticketSpec: a ticket is a conversation of type "ticket", which /conversations lists
// too; this is the view of it that /tickets gives. The sourceId that was sent comes
// back as externalId. Title and description were sent too, and come back as subject
// and snippet: the names of the input are here for tenants that list them.
var ticketSpec = Spec{
	Object:       Ticket,
	Listing:      "tickets",
	Path:         "/tickets",
	PageSize:     10000,
	Stamp:        "updateDate",
	Keys:         []Key{KeyID, KeySourceID},
	KeyFields:    map[Key]string{KeySourceID: "externalId"},
	CompanyField: "companyId",
	ReadOnly:     true,
	GetUnproven:  true,
	Twin:         Conversation,
	TwinType:     "ticket",
	Rank:         30,
	Fields: slices.Concat(
		readOnly(String, "_id", "externalId", "type", "subType", "source", "subject", "snippet", "email", "status"),
		readOnly(JSON, "history"),
		readOnly(String, "url"),
		readOnly(TimestampMillis, "createDate", "updateDate", "date", "inDate"),
		readOnly(Date, "days"),
		readOnly(StringArray, "timeBucket"),
		refers(Company, readOnly(String, "companyId")),
		readOnly(String, "companyName"),
		refers(Enduser, readOnly(JSON, "endusers")),
		refers(User, readOnly(JSON, "users")),
		readOnly(StringArray, "activityTags", "tags", "emailTemplateIds"),
		readOnly(JSON, "sender"),
		readOnly(Boolean, "isOpen", "starred", "pinned", "archived", "waitsToBeFiltered", "isSeen", "isCustomType",
			"hasAttachments", "hasMore"),
		readOnly(Long, "numberOfParts", "numberOfRelevantParts"),
		readOnly(String, "assigneeName"),
		refers(User, readOnly(StringArray, "userIds")),
		readOnly(JSON, "autoTags", "custom"),
		readOnly(String, "sourceId"),
		readOnly(StringArray, "domains"),
		refersBy(Company, KeyExternalID, readOnly(String, "companyExternalId")),
		readOnly(String, "title", "description", "severity", "product"),
		readOnly(Long, "timeSpent"),
		readOnly(String, "name", "agentEmail"),
		// Seen in real answers, documented nowhere.
		readOnly(Long, "__v"),
	),
}
