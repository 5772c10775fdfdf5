package pipedrivesim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestStatusOfADealBringsItsTimes(t *testing.T) {
	s := start(t, bare(Options{}))
	at := fmt.Sprintf("/api/v2/deals/%d", s.made("/api/v2/deals", `{"title":"A"}`))
	step := func(body, want string) {
		t.Helper()
		s.now.Add(time.Hour)
		d := s.data("PATCH", at+"?", body)
		var got []string
		for _, name := range []string{"status", "won_time", "lost_time", "close_time", "local_won_date", "local_close_date", "lost_reason", "stage_change_time", "update_time"} {
			got = append(got, strings.TrimPrefix(fmt.Sprint(d[name]), "2026-11-"))
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s:\n got %s\nwant %s", body, text, want)
		}
	}
	step(`{"status":"won"}`, "won 19T14:42:07Z <nil> 19T14:42:07Z 19 19 <nil> <nil> 19T14:42:07Z")
	step(`{"status":"open"}`, "open <nil> <nil> <nil> <nil> <nil> <nil> <nil> 19T15:42:07Z")
	step(`{"status":"lost","lost_reason":"Price"}`, "lost <nil> 19T16:42:07Z 19T16:42:07Z <nil> 19 Price <nil> 19T16:42:07Z")
	step(`{"status":"won"}`, "won 19T17:42:07Z <nil> 19T17:42:07Z 19 19 <nil> <nil> 19T17:42:07Z")
	step(`{"stage_id":2}`, "won 19T17:42:07Z <nil> 19T17:42:07Z 19 19 <nil> 19T18:42:07Z 19T18:42:07Z")
	if d := s.data("GET", at+"?include_fields=first_won_time", ""); d["first_won_time"] != "2026-11-19T14:42:07Z" {
		t.Errorf("first_won_time = %v", d["first_won_time"])
	}
	s.now.Add(5 * time.Hour) // 23:42 UTC: the next day at the company's place
	if d := s.data("POST", "/api/v2/deals", `{"title":"A","status":"won"}`); d["local_won_date"] != "2026-11-20" {
		t.Errorf("local_won_date = %v", d["local_won_date"])
	}
	for body, text := range map[string]string{
		`{"status":"open","won_time":"2026-01-01T00:00:00Z"}`: "won_time",
		`{"lost_reason":"Price"}`:                             "lost_reason",
		`{"stage_id":99}`:                                     "stage 99 does not exist",
		`{"stage_id":14,"pipeline_id":1}`:                     "not of pipeline 1",
	} {
		s.refused("PATCH", at, body, 400, text)
	}
	if d := s.data("PATCH", at, `{"pipeline_id":3}`); fmt.Sprint(d["stage_id"]) != "14" {
		t.Errorf("the stage in another pipeline is %v", d["stage_id"])
	}
}

func TestArchivedAndDeletedDealsAreLocked(t *testing.T) {
	s := start(t, bare(Options{}))
	id := s.made("/api/v2/deals", `{"title":"A","status":"won"}`)
	at := fmt.Sprintf("/api/v2/deals/%d", id)
	if d := s.data("PATCH", at, `{"is_archived":true}`); d["archive_time"] == nil {
		t.Error("archived without archive_time")
	}
	s.refused("PATCH", at, `{"title":"B"}`, 400, "Archived")
	if d := s.data("PATCH", at, `{"is_archived":false}`); d["archive_time"] != nil {
		t.Error("archive_time stays")
	}
	s.ok("DELETE", at, "")
	s.refused("PATCH", at, `{"title":"B"}`, 404, "not found")
	s.refused("DELETE", at, "", 404, "not found")
	if d := s.data("PATCH", at, `{"is_deleted":false}`); d["is_deleted"] != false || d["status"] != "won" {
		t.Errorf("restored: %v", d)
	}
}

func TestValidationOfV2IsStrict(t *testing.T) {
	s := start(t, bare(Options{}))
	deal := s.made("/api/v2/deals", `{"title":"A"}`)
	org := s.made("/api/v2/organizations", `{"name":"A"}`)
	person := s.made("/api/v2/persons", `{"name":"A"}`)
	for _, row := range [][3]string{
		{"deals", `{"colour":"red"}`, "colour: Parameter 'colour' is not allowed for this request"},
		{"deals", `{"` + FieldPlan + `":41}`, "is not allowed for this request"},
		{"deals", `{"value":"5"}`, "value: Expected 'number'"},
		{"deals", `{"title":null}`, "title: "},
		{"deals", `{"is_archived":1}`, "is_archived: Expected 'boolean'"},
		{"deals", `{"id":5}`, "id: "},
		{"deals", `{"is_deleted":true}`, "is_deleted: "},
		{"deals", `{"org_id":99}`, "organization 99 does not exist"},
		{"deals", `{"status":"deleted"}`, "status: "},
		{"deals", `{"visible_to":"3"}`, "visible_to: "},
		{"deals", `{"expected_close_date":"tomorrow"}`, "expected_close_date: "},
		{"deals", `{"currency":"euro"}`, "currency: "},
		{"deals", `{"custom_fields":{"` + strings.Repeat("0", 40) + `":1}}`, "custom_fields: Parameter"},
		{"deals", `{"custom_fields":{"` + FieldPlan + `":"41"}}`, "Expected 'number' as value for single option custom field"},
		{"deals", `{"custom_fields":{"` + FieldPlan + `":99}}`, "Option 99"},
		{"deals", `{"custom_fields":{"` + FieldFee + `":5}}`, "Expected 'object'"},
		{"deals", `{"custom_fields":{"` + FieldFee + `":{"value":5}}}`, "'currency' is required"},
		{"deals", `{"custom_fields":{"` + FieldPeriod + `":{"value":"x"}}}`, "not valid"},
		{"deals", `{"custom_fields":{"` + FieldStart + `":"2026-13-01"}}`, "Expected 'date'"},
		{"deals", `{"custom_fields":{"` + FieldTerm + `":"12"}}`, "Expected 'number'"},
		{"deals", `{"custom_fields":[]}`, "custom_fields: Expected 'object'"},
		{"deals", `{"a":1,"value":"5"}`, "a: Parameter 'a' is not allowed for this request; value: "},
		{"deals", `[]`, "Expected an object"},
		{"deals", `{`, "Expected an object"},
		{"organizations", `{"custom_fields":{"` + FieldProductsUsed + `":[]}}`, "at least 1"},
		{"organizations", `{"custom_fields":{"` + FieldProductsUsed + `":[71,"74"]}}`, "multiple options"},
		{"organizations", `{"custom_fields":{"` + FieldProductsUsed + `":[99]}}`, "Option 99"},
		{"organizations", `{"custom_fields":{"` + FieldVAT + `":5}}`, "Expected 'string'"},
		{"organizations", `{"custom_fields":{"` + FieldVAT + `":"` + strings.Repeat("x", 256) + `"}}`, "longer than 255"},
		{"organizations", `{"address":"Storgatan"}`, "address: "},
		{"organizations", `{"address":{"street":"x","value":"y"}}`, "address: "},
		{"organizations", `{"is_deleted":true}`, "is_deleted: "},
		{"persons", `{"emails":"a@b.example"}`, "emails: "},
		{"persons", `{"emails":[{"primary":true}]}`, "emails: "},
		{"persons", `{"emails":[{"value":"a","primary":true},{"value":"b","primary":true}]}`, "emails: "},
		{"persons", `{"owner_id":1}`, "user 1 does not exist"},
	} {
		id := map[string]int64{"deals": deal, "organizations": org, "persons": person}[row[0]]
		s.refused("PATCH", fmt.Sprintf("/api/v2/%s/%d", row[0], id), row[1], 400, row[2])
	}
	s.refused("POST", "/api/v2/deals", `{}`, 400, "title: Parameter 'title' is required")
	s.refused("POST", "/api/v2/persons", `{}`, 400, "name")
	s.refused("POST", "/api/v2/organizations", `{"name":5}`, 400, "name: Expected 'string'")
}

func TestEveryCustomTypeIsStoredAndSent(t *testing.T) {
	s := start(t, bare(Options{Workers: 1}))
	rec, old := receive(t), receive(t)
	codes := map[string]string{}
	for _, kind := range creatableTypes {
		options := map[bool]string{true: `,"options":[{"label":"One"},{"label":"Two"}]`}[kind == "enum" || kind == "set"]
		codes[kind], _ = s.data("POST", "/api/v2/dealFields", fmt.Sprintf(`{"field_name":"F","field_type":%q%s}`, kind, options))["field_code"].(string)
	}
	option := s.stores[deals].fields.byCode[codes["enum"]].options[0].id
	member := s.stores[deals].fields.byCode[codes["set"]].options[0].id
	s.hook(rec, "deal", "")
	s.hook(old, "deal", `,"version":"1.0"`)
	for _, row := range []struct{ kind, rest, hook, v1 string }{
		{"varchar", `"x"`, `{"type":"varchar","value":"x"}`, `"x"`},
		{"varchar_auto", `"x"`, `{"type":"varchar_auto","value":"x"}`, `"x"`},
		{"text", `"x"`, `{"type":"text","value":"x"}`, `"x"`},
		{"phone", `"+46"`, `{"type":"phone","value":"+46"}`, `"+46"`},
		{"double", `12.5`, `{"type":"double","value":12.5}`, `12.5`},
		{"monetary", `{"currency":"EUR","value":200}`, `{"currency":"EUR","type":"monetary","value":200}`, `200`},
		{"date", `"2026-01-31"`, `{"type":"date","value":"2026-01-31"}`, `"2026-01-31"`},
		{"daterange", `{"until":"2026-02-01","value":"2026-01-31"}`, `{"from":"2026-01-31","type":"daterange","until":"2026-02-01"}`, `"2026-01-31"`},
		{"time", `{"timezone_id":5,"timezone_name":"Z","value":"09:00:00"}`, `{"timezone_id":5,"type":"time","value":"09:00:00"}`, `"09:00:00"`},
		{"timerange", `{"timezone_id":5,"timezone_name":"Z","until":"10:00:00","value":"09:00:00"}`, `{"from":"09:00:00","timezone_id":5,"type":"timerange","until":"10:00:00"}`, `"09:00:00"`},
		{"enum", fmt.Sprint(option), fmt.Sprintf(`{"id":%d,"type":"enum"}`, option), fmt.Sprintf(`"%d"`, option)},
		{"set", fmt.Sprintf(`[%d]`, member), fmt.Sprintf(`{"type":"set","values":[{"id":%d}]}`, member), fmt.Sprintf(`"%d"`, member)},
		{"user", `1`, `{"id":1,"type":"user"}`, `1`},
		{"people", `1`, `{"id":1,"type":"people"}`, `1`},
		{"org", `1`, `{"id":1,"type":"org"}`, `1`},
	} {
		body := fmt.Sprintf(`{"title":"A","custom_fields":{"%s":%s}}`, codes[row.kind], row.rest)
		if got := string(encode(inside(s.data("POST", "/api/v2/deals", body), "custom_fields", codes[row.kind]))); got != row.rest {
			t.Errorf("%s in REST v2 is %s, want %s", row.kind, got, row.rest)
		}
		s.settled()
		if got := string(encode(inside(rec.got()[len(rec.got())-1], "data", "custom_fields", codes[row.kind]))); got != row.hook {
			t.Errorf("%s in webhooks v2 is %s, want %s", row.kind, got, row.hook)
		}
		if got := string(encode(inside(old.got()[len(old.got())-1], "current", codes[row.kind]))); got != row.v1 {
			t.Errorf("%s in webhooks v1 is %s, want %s", row.kind, got, row.v1)
		}
	}
	body := `{"title":"A","custom_fields":{"` + codes["address"] + `":{"value":"Storgatan 1","route":"Storgatan"}}}`
	s.made("/api/v2/deals", body)
	s.settled()
	last := rec.got()[len(rec.got())-1]
	if inside(last, "data", "custom_fields", codes["address"], "type") != "address" || inside(last, "data", "custom_fields", codes["address"], "route") != "Storgatan" {
		t.Errorf("address in webhooks v2: %v", inside(last, "data", "custom_fields"))
	}
	if current := old.got()[len(old.got())-1]["current"]; inside(current, codes["address"]) != "Storgatan 1" || inside(current, codes["address"]+"_route") != "Storgatan" {
		t.Errorf("address in webhooks v1: %v", current)
	}
}

func TestPreviousNamesWhatChanged(t *testing.T) {
	s := start(t, bare(Options{Workers: 1}))
	rec := receive(t)
	s.hook(rec, "deal", "")
	at := fmt.Sprintf("/api/v2/deals/%d", s.made("/api/v2/deals", `{"title":"A"}`))
	for _, row := range [][2]string{
		{`{"title":"B"}`, `{"title":"A","update_time":"2026-11-19T13:42:07Z"}`},
		{`{"custom_fields":{"` + FieldTerm + `":12}}`, `{"custom_fields":{"` + FieldTerm + `":null},"update_time":"2026-11-19T14:42:07Z"}`},
		{`{"custom_fields":{"` + FieldTerm + `":24}}`, `{"custom_fields":{"` + FieldTerm + `":{"type":"double","value":12}},"update_time":"2026-11-19T15:42:07Z"}`},
		{`{"custom_fields":{"` + FieldTerm + `":null},"expected_close_date":"2027-01-01"}`, `{"custom_fields":{"` + FieldTerm + `":{"type":"double","value":24}},"expected_close_date":null,"update_time":"2026-11-19T16:42:07Z"}`},
	} {
		s.now.Add(time.Hour)
		s.data("PATCH", at, row[0])
		s.settled()
		if got := string(encode(rec.got()[len(rec.got())-1]["previous"])); got != row[1] {
			t.Errorf("%s:\n got %s\nwant %s", row[0], got, row[1])
		}
	}
}

func TestMergesFillAndMove(t *testing.T) {
	s := start(t, bare(Options{}))
	loser := s.made("/api/v2/organizations", `{"name":"Loser","employee_count":5,"label_ids":[5],"custom_fields":{"`+FieldVAT+`":"SE1","`+FieldSegment+`":62}}`)
	survivor := s.made("/api/v2/organizations", `{"name":"Survivor","custom_fields":{"`+FieldSegment+`":63}}`)
	person := s.made("/api/v2/persons", fmt.Sprintf(`{"name":"A","org_id":%d}`, loser))
	deal := s.made("/api/v2/deals", fmt.Sprintf(`{"title":"A","org_id":%d}`, loser))
	note := s.made("/api/v1/notes", fmt.Sprintf(`{"content":"A","org_id":%d}`, loser))
	answer := s.data("PUT", fmt.Sprintf("/v1/organizations/%d/merge", loser), fmt.Sprintf(`{"merge_with_id":%d}`, survivor))
	if fmt.Sprintf("%v %v", answer["id"], answer["merge_what_id"]) != fmt.Sprintf("%d %d", survivor, loser) {
		t.Errorf("answer = %v", answer)
	}
	row := s.data("GET", fmt.Sprintf("/api/v2/organizations/%d", survivor), "")
	if row["name"] != "Survivor" || fmt.Sprint(row["employee_count"]) != "5" || inside(row, "custom_fields", FieldVAT) != "SE1" || fmt.Sprint(inside(row, "custom_fields", FieldSegment)) != "63" {
		t.Errorf("the survivor is %v", row)
	}
	for path, at := range map[string]int64{"/api/v2/persons": person, "/api/v2/deals": deal, "/api/v1/notes": note} {
		if row := s.data("GET", fmt.Sprintf("%s/%d", path, at), ""); fmt.Sprint(row["org_id"]) != fmt.Sprint(survivor) {
			t.Errorf("%s is of organization %v", path, row["org_id"])
		}
	}
	s.refused("PUT", fmt.Sprintf("/v1/organizations/%d/merge", loser), fmt.Sprintf(`{"merge_with_id":%d}`, survivor), 404, "")
	s.refused("PUT", fmt.Sprintf("/v1/organizations/%d/merge", survivor), fmt.Sprintf(`{"merge_with_id":%d}`, survivor), 400, "itself")
	s.refused("PUT", fmt.Sprintf("/v1/organizations/%d/merge", survivor), `{}`, 400, "merge_with_id")
}

func TestNotes(t *testing.T) {
	s := start(t, bare(Options{}))
	deal := s.made("/api/v2/deals", `{"title":"A"}`)
	note := func(more string) string { return fmt.Sprintf(`{"content":"A","deal_id":%d%s}`, deal, more) }
	first := s.made("/api/v1/notes", note(`,"pinned_to_deal_flag":1`))
	s.now.Add(time.Hour)
	second := s.made("/api/v1/notes", note(`,"add_time":"2026-01-02 03:04:05"`))
	s.data("PUT", fmt.Sprintf("/v1/notes/%d", second), `{"content":"B","nonsense":1}`)
	for query, want := range map[string][]int64{
		"":                                   {first, second},
		"deal_id=" + fmt.Sprint(deal):        {first, second},
		"deal_id=1":                          nil,
		"updated_since=2026-11-19T14:42:07Z": {second},
		"sort=add_time%20ASC":                {second, first},
		"sort=content%20DESC,id":             {second, first},
		"pinned_to_deal_flag=1":              {first},
		"end_date=2026-01-02":                {second},
		"start=1":                            {second},
	} {
		var got []int64
		for _, row := range s.rows("/v1/notes?" + query) {
			got = append(got, id(t, row))
		}
		if !slices.Equal(got, want) {
			t.Errorf("notes?%s = %v, want %v", query, got, want)
		}
	}
	s.refused("GET", "/v1/notes?updated_since=2026-11-19T14:42:07.5Z", "", 400, "updated_since")
	s.refused("GET", "/v1/notes?sort=colour", "", 400, "colour")
	s.refused("POST", "/v1/notes", `{"content":"A"}`, 400, "must be given")
	s.refused("POST", "/v1/notes", note(`,"pinned_to_person_flag":1`), 400, "person_id")
	s.refused("POST", "/v1/notes", `{"deal_id":5}`, 400, "content")
}

func TestProductsMakeTheRevenueOfADeal(t *testing.T) {
	s := start(t, bare(Options{}))
	deal := s.made("/api/v2/deals", `{"title":"A","value":5}`)
	path := fmt.Sprintf("/api/v2/deals/%d/products", deal)
	line := s.made(path, `{"product_id":9,"item_price":100,"quantity":2,"billing_frequency":"monthly","billing_frequency_cycles":12}`)
	row := s.data("GET", fmt.Sprintf("/api/v2/deals/%d", deal), "")
	if got := fmt.Sprintf("%v %v %v %v", row["value"], row["mrr"], row["arr"], row["acv"]); got != "2400 200 2400 2400" {
		t.Errorf("value, mrr, arr, acv = %s", got)
	}
	s.data("PATCH", fmt.Sprintf("%s/%d", path, line), `{"quantity":1}`)
	if row := s.data("GET", fmt.Sprintf("/api/v2/deals/%d", deal), ""); fmt.Sprint(row["mrr"]) != "100" {
		t.Errorf("mrr = %v", row["mrr"])
	}
	s.ok("DELETE", fmt.Sprintf("%s/%d", path, line), "")
	if row := s.data("GET", fmt.Sprintf("/api/v2/deals/%d", deal), ""); row["mrr"] != nil || len(s.rows(path)) != 0 {
		t.Errorf("mrr = %v", row["mrr"])
	}
	s.refused("POST", path, `{"product_id":1,"item_price":1,"quantity":1}`, 400, "product")
}

func TestWebhooksAreChecked(t *testing.T) {
	s := start(t, bare(Options{}))
	body := func(action, object, version string) string {
		return fmt.Sprintf(`{"subscription_url":"https://a.example","event_action":%q,"event_object":%q,"version":%q}`, action, object, version)
	}
	for _, row := range []struct {
		body  string
		field string
	}{
		{body("updated", "deal", "2.0"), "event_action"},
		{body("change", "deal", "1.0"), "event_action"},
		{body("*", "activityType", "2.0"), "event_object"},
		{body("*", "lead", "1.0"), "event_object"},
		{body("*", "deal", "3.0"), "version"},
		{strings.Replace(body("*", "deal", "2.0"), "a.example", "acme.pipedrive.com", 1), "subscription_url"},
		{strings.Replace(body("*", "deal", "2.0"), "{", `{"user_id":1,`, 1), "user_id"},
	} {
		s.refused("POST", "/api/v1/webhooks", row.body, 400, `"errors":{"`+row.field+`"`)
	}
	for _, fine := range []string{body("added", "activityType", "1.0"), body("*", "*", "2.0"), body("create", "deal_product", "2.0")} {
		if r := s.do("POST", "/api/v1/webhooks", fine); r.status != 201 {
			t.Errorf("%s: %d %s", fine, r.status, r.body)
		}
	}
}

func TestActionsOfWebhooksNarrowTheirEvents(t *testing.T) {
	s := start(t, bare(Options{Workers: 1}))
	got := map[string]*receiver{}
	for _, row := range [][2]string{{"create", "2.0"}, {"delete", "2.0"}, {"updated", "1.0"}, {"merged", "1.0"}, {"deleted", "1.0"}} {
		got[row[0]] = receive(t)
		s.made("/api/v1/webhooks", fmt.Sprintf(`{"subscription_url":%q,"event_action":%q,"event_object":"person","version":%q}`, got[row[0]].URL, row[0], row[1]))
	}
	loser, survivor := s.made("/api/v2/persons", `{"name":"A"}`), s.made("/api/v2/persons", `{"name":"B"}`)
	s.data("PATCH", fmt.Sprintf("/api/v2/persons/%d", loser), `{"name":"C"}`)
	s.act(Act{Act: "merge", Object: "person", ID: loser, Into: survivor})
	s.settled()
	for action, want := range map[string]string{"create": "create, create", "delete": "delete", "updated": "updated", "merged": "merged", "deleted": "deleted"} {
		if actions := strings.Join(got[action].actions(), ", "); actions != want {
			t.Errorf("a webhook on %s got %q, want %q", action, actions, want)
		}
	}
}
