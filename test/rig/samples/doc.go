// Package samples has an example of every object of planhat.Objects(): the records
// that tests send as commands, and those that only the vendor's people write.
//
// It knows what a good record looks like, not what becomes of it. Start reading at
// Sample, then Needed.
package samples

import (
	"slices"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// Sample is an example of an object. Its texts are JSON, in which {n} is a name that no
// other record has, and {company}, {user2} and the like are the ids of records: Fill
// puts them in.
type Sample struct {
	Create string   // every writable field of the object, but custom and those of Absent
	Update string   // some fields with other values
	Absent []string // writable fields that Create does not name

	Stored   string   // fields that the vendor keeps otherwise than they were sent
	Unlisted []string // fields that only a single record has, not a row of the listing
	Derived  []string // what the vendor changes along with the fields of Update
}

// Read are records of the objects that only the vendor's people write, by object.
var Read = map[planhat.Object]Sample{
	planhat.Ticket: {
		Create: `{"sourceId":"{n}","companyId":"{company}","email":"fix@enduser.example","title":"Help 🆘","description":"<p>It broke</p>","tags":["t"]}`,
		Update: `{"status":"solved","title":"Helped"}`,
	},
	planhat.CustomField: {
		Create: `{"name":"Fresh 🌱","type":"list","parent":"Company","isHidden":false,"listValues":["a"]}`,
		Update: `{"listValues":["a","b"],"isFeatured":true}`,
	},
}

// Fixtures are the records that samples refer to, those first that others refer to. #
// tells the first of an object from the second; the words in braces are those of a Sample.
var Fixtures = []struct {
	Object planhat.Object
	Fields string
}{
	{planhat.User, `{"email":"fix#@user.example","nickName":"Fix#","firstName":"Fix","lastName":"Ture","externalId":"fix#"}`},
	{planhat.Company, `{"name":"Fixture#","externalId":"fix#","sourceId":"fix-src#"}`},
	{planhat.Enduser, `{"email":"fix#@enduser.example","companyId":"{company}","externalId":"fix#","sourceId":"fix-src#"}`},
	{planhat.Campaign, `{"name":"Fixture","companyId":"{company}","externalId":"fix#","sourceId":"fix-src#"}`},
	{planhat.TimeEntry, `{"date":"2026-03-03","hours":1}`},
	{planhat.Conversation, `{"companyId":"{company}","type":"call","subject":"Fixture","externalId":"fix#"}`},
	{planhat.Ticket, `{"companyId":"{company}","sourceId":"fix-ticket#","email":"fix@enduser.example","title":"Fixture"}`},
}

// Fill puts a name that is the record's own, and ids by object, into a text. The ids in
// second are those of {user2} and the like.
func Fill(text, name string, ids, second map[planhat.Object]string) string {
	pairs := []string{"{n}", name}
	for object, id := range ids {
		pairs = append(pairs, "{"+string(object)+"}", id)
	}
	for object, id := range second {
		pairs = append(pairs, "{"+string(object)+"2}", id)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// Needed picks the fields that a new record cannot do without from those of an example,
// less those in whose place the field without ("": none) is sent.
func Needed(spec planhat.Spec, all map[string]any, without string) map[string]any {
	out := map[string]any{}
	for _, group := range spec.Required {
		if slices.Contains(group, without) && !slices.Contains(group, spec.CompanyField) {
			continue
		}
		for _, field := range group {
			if value, ok := all[field]; ok {
				out[field] = value
				break
			}
		}
	}
	if len(out) == 0 && without == "" { // no field is required, yet a create sets one
		out["status"] = all["status"]
	}
	return out
}
