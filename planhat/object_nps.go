package planhat

import "slices"

// npsSpec: Planhat spells the company cId and the end user euId here, and finds the
// end user by the e-mail address. An answer refers to a campaign, so it is written
// after it.
var npsSpec = Spec{
	Object:       NPS,
	Listing:      "nps",
	Path:         "/nps",
	PageSize:     10000,
	Keys:         []Key{KeyID, KeySourceID},
	CompanyField: "cId",
	Required:     [][]string{{"email"}, {"score"}},
	Limited:      []string{"email", "score"},
	Rank:         40,
	Fields: slices.Concat(
		readOnly(String, "_id"),
		writable(String, "email"),
		writable(Long, "score"),
		refers(Company, writable(String, "cId")),
		refers(Campaign, writable(String, "campaignId")),
		writable(String, "comment", "source", "sourceId"),
		writable(TimestampMillis, "dateSent", "dateAnswered"),
		writable(JSON, "custom"),
		refers(Enduser, readOnly(String, "euId")),
		// Seen in real answers, documented nowhere.
		readOnly(Long, "__v"),
	),
}
