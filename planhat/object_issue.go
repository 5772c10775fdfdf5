package planhat

import "slices"

// issueSpec: an issue may concern several companies, and refers to conversations, so
// it is written after them. No listing of archived issues is known.
var issueSpec = Spec{
	Object:       Issue,
	Listing:      "issues",
	Path:         "/issues",
	PageSize:     2000,
	Stamp:        "updatedAt",
	Keys:         []Key{KeyID, KeySourceID},
	CompanyField: "companyIds",
	Required:     [][]string{{"title"}},
	Limited:      []string{"priority", "status"},
	Rank:         40,
	Fields: slices.Concat(
		readOnly(String, "_id"),
		writable(String, "title", "description"),
		refers(Company, writable(StringArray, "companyIds")),
		refers(Enduser, writable(StringArray, "enduserIds")),
		refers(Conversation, writable(StringArray, "conversationIds")),
		writable(String, "sourceId", "source", "sourceUrl", "priority", "status"),
		writable(Boolean, "archived"),
		refers(User, writable(StringArray, "followers")),
		writable(JSON, "custom"),
		refers(Company, readOnly(JSON, "companies")),
		refers(Enduser, readOnly(JSON, "endusers")),
		readOnly(Double, "mrrCombined", "arrCombined"),
		readOnly(TimestampMillis, "createdAt", "updatedAt"),
		// Seen in real answers, documented nowhere.
		readOnly(JSON, "companyMatchingValue"),
		readOnly(Long, "__v"),
	),
}
