package planhatsim

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit/simtest"
)

func TestCreateAnswersWithTheFullObject(t *testing.T) {
	s := start(t, Options{Companies: -1})
	got := s.ok("POST", "/companies", `{"name":"Fjord","externalId":"acct-1","custom":{"A":1.0},"custom.B":"x","nonsense":1,"mrr":99,"_id":"66f0a1b2c3d4e5f600000001"}`)
	now := "2026-03-05T12:00:00.123Z"
	for name, want := range map[string]string{"name": "Fjord", "externalId": "acct-1", "createDate": now, "createdAt": now, "lastUpdated": now, "updatedAt": now, "slug": "fjord"} {
		if got[name] != want {
			t.Errorf("%s is %v, want %s", name, got[name], want)
		}
	}
	if got["nonsense"] != nil || floatAny(got["mrr"]) != 0 || got["__v"] == nil || got["_id"] == "66f0a1b2c3d4e5f600000001" {
		t.Errorf("unknown, read-only and _id must be ignored, __v given: %v", got)
	}
	if !strings.Contains(s.do("GET", "/companies/"+got["_id"].(string), "").body, `"custom":{"A":1.0,"B":"x"}`) {
		t.Error("custom fields, nested and dotted, must be stored with their text")
	}
	s.now.Add(time.Second)
	if next := s.company(`{"name":"Later"}`); next <= got["_id"].(string) {
		t.Error("ids must ascend by creation")
	}
}

func TestRefusedWrites(t *testing.T) {
	s := start(t, Options{Companies: -1})
	a := s.company(`{"name":"A","externalId":"a","sourceId":"sa"}`)
	b := s.company(`{"name":"B","externalId":"b"}`)
	s.ok("POST", "/endusers", `{"email":"x@a.example","companyId":"`+a+`","externalId":"u1","sourceId":"su1"}`)
	for _, c := range []struct{ fact, method, path, body, message string }{
		{"company needs a name", "POST", "/companies", `{"externalId":"z"}`, "name is required"},
		{"company externalId is unique", "POST", "/companies", `{"name":"C","externalId":"a"}`, "externalId a already exists"},
		{"sourceId is unique per model", "POST", "/companies", `{"name":"C","sourceId":"sa"}`, "sourceId sa already exists"},
		{"update keeps uniqueness", "PUT", "/companies/" + b, `{"externalId":"a"}`, "already exists"},
		{"enduser externalId is unique per company", "POST", "/endusers", `{"email":"y@a.example","companyId":"` + a + `","externalId":"u1"}`, "already exists"},
		{"enduser sourceId is unique", "POST", "/endusers", `{"email":"y@b.example","companyId":"` + b + `","sourceId":"su1"}`, "already exists"},
		{"enduser needs a company", "POST", "/endusers", `{"email":"y@nowhere.example"}`, "companyId is required"},
		{"enduser needs a key", "POST", "/endusers", `{"firstName":"Y","companyId":"` + a + `"}`, "email or externalId or sourceId is required"},
		{"conversation needs a company", "POST", "/conversations", `{"type":"note"}`, "companyId is required"},
		{"license needs a currency", "POST", "/licenses", `{"companyId":"` + a + `","fromDate":"2026-01-01","value":1}`, "_currency is required"},
		{"license needs value or mrr", "POST", "/licenses", `{"companyId":"` + a + `","fromDate":"2026-01-01","_currency":"EUR"}`, "value or mrr is required"},
		{"company by an unknown extid", "POST", "/licenses", `{"companyId":"extid-zz","fromDate":"2026-01-01","_currency":"EUR","mrr":1}`, "company extid-zz not found"},
		{"custom names differing in case", "PUT", "/companies/" + a, `{"custom":{"Tier":1},"custom.tier":2}`, "duplicate custom fields"},
		{"custom must be an object", "PUT", "/companies/" + a, `{"custom":"x"}`, "custom must be an object"},
		{"a text field takes no object", "PUT", "/companies/" + a, `{"phase":{}}`, "Cast to string failed"},
		{"a date must be one", "POST", "/licenses", `{"companyId":"` + a + `","fromDate":"soon","_currency":"EUR","mrr":1}`, "Cast to date failed"},
		{"companyId must be an id", "POST", "/endusers", `{"email":"q@a.example","companyId":"acct"}`, "Cast to ObjectId failed"},
		{"required names cannot be cleared", "PUT", "/companies/" + a, `{"name":null}`, "name is required"},
		{"_id in the body of PUT", "PUT", "/companies/" + a, `{"_id":"` + a + `","name":"A"}`, "_id"},
		{"not JSON", "POST", "/companies", `{"name"`, "body"},
		{"not an object", "POST", "/companies", `[]`, "body"},
	} {
		t.Run(c.fact, func(t *testing.T) {
			r := s.do(c.method, c.path, c.body)
			if r.status != 400 || !strings.Contains(simtest.Object(t, r.body)["message"].(string), c.message) {
				t.Errorf("%d %s, want 400 with %q", r.status, r.body, c.message)
			}
		})
	}
}

func TestAllowedByUniqueness(t *testing.T) {
	s := start(t, Options{Companies: -1})
	a, b := s.company(`{"name":"A"}`), s.company(`{"name":"B"}`)
	s.ok("POST", "/endusers", `{"email":"x@a.example","companyId":"`+a+`","externalId":"same"}`)
	other := s.ok("POST", "/endusers", `{"email":"x@a.example","companyId":"`+b+`","externalId":"same"}`)
	if other["companyName"] != "B" {
		t.Errorf("email and externalId may be shared across companies: %v", other)
	}
	if got := s.ok("GET", "/endusers/extid-same", "")["companyId"]; got != a {
		t.Errorf("ambiguous extid gave company %v, want the oldest record's %s", got, a)
	}
	last := with(t, "ambiguous_external_id", "last")
	if err := s.SetSwitches(last); err != nil {
		t.Fatal(err)
	}
	if got := s.ok("GET", "/endusers/extid-same", "")["companyId"]; got != b {
		t.Errorf("with the switch on last: company %v, want %s", got, b)
	}
}

func TestPathAndBodyPrefixes(t *testing.T) {
	s := start(t, Options{Companies: -1})
	id := s.company(`{"name":"A","externalId":"a/b c","sourceId":"s?1"}`)
	for _, ref := range []string{id, url.PathEscape("extid-a/b c"), url.PathEscape("srcid-s?1")} {
		if got := s.ok("GET", "/companies/"+ref, "")["_id"]; got != id {
			t.Errorf("GET by %s: %v", ref, got)
		}
		if got := s.ok("PUT", "/companies/"+ref, `{"city":"`+ref+`"}`)["city"]; got != ref {
			t.Errorf("PUT by %s: %v", ref, got)
		}
	}
	for _, ref := range []string{"extid-a/b c", "srcid-s?1"} {
		if got := s.ok("POST", "/conversations", `{"companyId":"`+ref+`"}`)["companyId"]; got != id {
			t.Errorf("companyId %s in a body: %v", ref, got)
		}
	}
	if got := s.do("PUT", "/companies/"+id, `{"externalId":"moved"}`); got.status != 200 {
		t.Error(got.body)
	}
	if got := s.do("GET", "/companies/"+url.PathEscape("extid-a/b c"), ""); got.status != 404 {
		t.Errorf("the old externalId still finds it: %d", got.status)
	}
}

func TestUpdateIsPartial(t *testing.T) {
	s := start(t, Options{Companies: -1})
	id := s.company(`{"name":"A","tags":["x","y"],"custom":{"One":1,"Two":2}}`)
	s.now.Add(time.Minute)
	got := s.ok("PUT", "/companies/"+id, `{"tags":["z"],"custom":{"Two":22},"custom.Three":"","phase":null}`)
	custom := got["custom"].(map[string]any)
	if floatAny(custom["One"]) != 1 || floatAny(custom["Two"]) != 22 || custom["Three"] != "" {
		t.Errorf("custom must merge by key, with empty strings stored: %v", custom)
	}
	if tags := got["tags"].([]any); len(tags) != 1 || got["name"] != "A" {
		t.Errorf("arrays are replaced, missing names left alone: %v", got)
	}
	if v, there := got["phase"]; !there || v != nil {
		t.Errorf("null must be stored and read back: %v", got)
	}
	if got["updatedAt"] != "2026-03-05T12:01:00.123Z" || got["createdAt"] != "2026-03-05T12:00:00.123Z" {
		t.Errorf("stamps: %v %v", got["createdAt"], got["updatedAt"])
	}
	s.now.Add(time.Minute)
	if same := s.ok("PUT", "/companies/"+id, `{"tags":["z"],"custom":{"One":1.0}}`); same["updatedAt"] != got["updatedAt"] {
		t.Error("an identical update must not move the stamp")
	}
}

func TestDerivedNames(t *testing.T) {
	s := start(t, Options{Companies: -1})
	company := s.company(`{"name":"Fjord","domains":["fjord.example"]}`)
	enduser := s.ok("POST", "/endusers", `{"email":"kari@Fjord.example","firstName":"Kari","lastName":"E"}`)
	if enduser["companyId"] != company || enduser["companyName"] != "Fjord" || enduser["name"] != "Kari E" {
		t.Errorf("company by domain, companyName and name: %v", enduser)
	}
	note := s.ok("POST", "/conversations", `{"companyId":"`+company+`","type":"Standup","description":"<p>Hi <b>you</b> &amp; me</p>","users":[{"id":"66f0a1b2c3d4e5f600000101"}],"date":"2026-03-03"}`)
	if note["type"] != "note" || note["snippet"] != "Hi you & me" || note["date"] != "2026-03-03T00:00:00.000Z" {
		t.Errorf("type falls back to note, snippet is plain, dates are ISO with ms: %v", note)
	}
	if _, there := note["userIds"]; there {
		t.Error("answers to create do not have the listing's userIds")
	}
	if row := s.list("/conversations")[0]; len(row["userIds"].([]any)) != 1 || row["description"] != nil {
		t.Errorf("the row must have userIds and no description: %v", row)
	}
	license := s.ok("POST", "/licenses", `{"companyId":"`+company+`","_currency":"EUR","fromDate":"2026-01-01","toDate":"2026-12-31","value":1200}`)
	if floatAny(license["mrr"]) != 100 || floatAny(license["arr"]) != 1200 || floatAny(license["length"]) != 12 || license["updatedAt"] != nil {
		t.Errorf("license: %v", license)
	}
	if s.ok("PUT", "/companies/"+company, `{"name":"Fjordlight"}`); s.ok("GET", "/licenses/"+license["_id"].(string), "")["companyName"] != "Fjord" {
		t.Error("companyName must stay as written")
	}
}

func TestDelete(t *testing.T) {
	s := start(t, Options{Companies: -1})
	id := s.company(`{"name":"A","externalId":"a"}`)
	note := s.ok("POST", "/conversations", `{"companyId":"`+id+`","type":"note","subject":"S"}`)
	if got := s.ok("DELETE", "/conversations/"+note["_id"].(string), ""); got["subject"] != "S" {
		t.Errorf("deleting a conversation answers with it: %v", got)
	}
	if got := s.do("DELETE", "/companies/extid-a", ""); got.body != `{"n":0,"ok":1,"deletedCount":0}` {
		t.Errorf("DELETE goes by _id only: %s", got.body)
	}
	for _, want := range []string{`{"n":1,"ok":1,"deletedCount":1}`, `{"n":0,"ok":1,"deletedCount":0}`} {
		if got := s.do("DELETE", "/companies/"+id, ""); got.status != 200 || got.body != want {
			t.Errorf("DELETE: %d %s, want %s", got.status, got.body, want)
		}
	}
	for _, ref := range []string{id, "extid-a"} {
		if got := s.do("GET", "/companies/"+ref, ""); got.status != 404 || got.body != "Not Found" {
			t.Errorf("GET of a deleted record: %d %s", got.status, got.body)
		}
	}
	if got := s.company(`{"name":"A","externalId":"a"}`); got == id {
		t.Error("a key is free again after its record is deleted, under a new _id")
	}
}

func TestSeededRecordsAreStable(t *testing.T) {
	s := start(t, Options{Companies: 60})
	for listing := range modelByName {
		before := string(s.State(listing))
		s.Mutate(func(tx *Tx) {
			for _, id := range tx.IDs(listing) {
				if err := tx.Update(listing, id, `{"custom":{}}`); err != nil {
					t.Errorf("empty update of %s: %v: %s", id, err, tx.Get(listing, id))
				}
			}
		})
		if string(s.State(listing)) != before {
			t.Errorf("an update of nothing changed %s", listing)
		}
	}
}
