package pipedrivesim

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit/simtest"
)

// sample is a documented body: of a webhook, or of an answer with its request.
type sample struct {
	Method string            `json:"method"`
	Path   string            `json:"path"`
	Status int               `json:"status"`
	Body   any               `json:"body"`
	Text   string            `json:"body_text"`
	Header map[string]string `json:"response_headers"`
}

func samples(t *testing.T) map[string]map[string]sample {
	t.Helper()
	text, err := os.ReadFile("testdata/samples.json")
	if err != nil {
		t.Fatal(err)
	}
	var groups map[string]map[string]json.RawMessage
	if err := json.Unmarshal(text, &groups); err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]sample{}
	for _, group := range []string{"webhooks", "rest", "errors"} {
		out[group] = map[string]sample{}
		for name, raw := range groups[group] {
			var one sample
			if err := json.Unmarshal(raw, &one); err != nil {
				t.Fatal(err)
			}
			out[group][name] = one
		}
	}
	return out
}

// differences lists where two JSON values differ in names or types. A null goes with everything; below
// custom_fields only the fields that both have are compared; lists by their first items.
func differences(path string, got, want any) []string {
	if got == nil || want == nil {
		return nil
	}
	switch w := want.(type) {
	case map[string]any:
		g, isObject := got.(map[string]any)
		if !isObject {
			return []string{fmt.Sprintf("%s is %T, want an object", path, got)}
		}
		return objectDifferences(path, g, w)
	case []any:
		g, isList := got.([]any)
		if !isList {
			return []string{fmt.Sprintf("%s is %T, want a list", path, got)}
		}
		if len(g) == 0 || len(w) == 0 {
			return nil
		}
		return differences(path+"[0]", g[0], w[0])
	}
	if fmt.Sprintf("%T", got) != fmt.Sprintf("%T", want) {
		return []string{fmt.Sprintf("%s is %T, want %T", path, got, want)}
	}
	return nil
}

func objectDifferences(path string, got, want map[string]any) []string {
	var out []string
	loose := strings.HasSuffix(path, "custom_fields")
	for _, name := range slices.Sorted(maps.Keys(want)) {
		value, there := got[name]
		if !there && !loose && len(name) < 40 {
			out = append(out, path+"."+name+" is missing")
		}
		out = append(out, differences(path+"."+name, value, want[name])...)
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, there := want[name]; !there && !loose && len(name) < 40 {
			out = append(out, path+"."+name+" is not in the sample")
		}
	}
	return out
}

// world is a company with the records of the samples.
type world struct {
	*sim
	rec                            *receiver
	org, loser, person, deal, note int64
}

const dealFields = `"custom_fields":{"` + FieldTerm + `":24,"` + FieldStart + `":"2026-12-01","` + FieldPeriod + `":{"value":"2026-12-01","until":"2028-11-30"},"` +
	FieldFee + `":{"value":1500,"currency":"EUR"},"` + FieldPlan + `":41}`

// makeWorld writes everything by the API: what it sends is what the samples send.
func makeWorld(t *testing.T) *world {
	t.Helper()
	sw := with(t, "deprecated_v1", "answers")
	w := &world{sim: start(t, bare(Options{Workers: 1, Switches: sw})), rec: receive(t)}
	w.org = w.made("/api/v2/organizations", `{"name":"Fjordlab","visible_to":3,"label_ids":[5],"website":"https://fjordlab.example","employee_count":180,
		"address":{"value":"Storgatan 12, 411 38 Goteborg, Sweden","street_number":"12","route":"Storgatan"},
		"custom_fields":{"`+FieldSegment+`":62,"`+FieldProductsUsed+`":[71],"`+FieldVAT+`":"SE556677889901"}}`)
	w.person = w.made("/api/v2/persons", fmt.Sprintf(`{"name":"Ada Persson","org_id":%d,"phones":[{"value":"+46 31 555 01 10"}],
		"emails":[{"value":"ada@fjordlab.example"},{"value":"ada@home.example","label":"home"}],"custom_fields":{"%s":"Champion"}}`, w.org, FieldRole))
	w.deal = w.made("/api/v2/deals", fmt.Sprintf(`{"title":"Fjordlab AB - Platform 24 months","value":48000,"org_id":%d,"person_id":%d,"pipeline_id":3,"stage_id":14,"label_ids":[12],"expected_close_date":"2026-11-30",%s}`, w.org, w.person, dealFields))
	w.made(fmt.Sprintf("/api/v2/deals/%d/products", w.deal), `{"product_id":9,"quantity":1,"item_price":24000,"billing_frequency":"annually","billing_frequency_cycles":2,"billing_start_date":"2026-12-01"}`)
	w.patch("deals", w.deal, `{"stage_id":17}`)
	w.loser = w.made("/api/v2/organizations", `{"name":"Fjord Lab"}`)
	w.hook(w.rec, "*", `,"http_auth_user":"u","http_auth_password":"p","user_id":21577801,"version":"2.0"`)
	w.hook(w.rec, "deal", `,"version":"1.0"`)
	return w
}

func (w *world) patch(path string, id int64, body string) map[string]any {
	w.t.Helper()
	w.now.Add(time.Minute)
	return w.data("PATCH", fmt.Sprintf("/api/v2/%s/%d", path, id), body)
}

// last gives the last delivery with these words in its meta.
func (w *world) last(version string, about map[string]any) any {
	w.t.Helper()
	w.settled()
	bodies := w.rec.got()
	for _, body := range slices.Backward(bodies) {
		meta, _ := body["meta"].(map[string]any)
		fits := (body["v"] != nil) == (version == "1.0")
		for name, value := range about {
			fits = fits && (value == "any" && meta[name] != nil || meta[name] == value)
		}
		if fits {
			return plainJSON(w.t, body)
		}
	}
	w.t.Fatalf("no delivery of version %s with %v", version, about)
	return nil
}

// plainJSON gives numbers the type that samples have.
func plainJSON(t testing.TB, v any) any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWebhooksHaveTheShapeOfTheSamples(t *testing.T) {
	w := makeWorld(t)
	about := func(entity, action string) map[string]any { return map[string]any{"entity": entity, "action": action} }
	got := map[string]any{}
	w.patch("deals", w.deal, `{"status":"won"}`)
	got["v2_deal_change_status_won"] = w.last("2.0", about("deal", "change"))
	got["v1_deal_updated_status_won"] = w.last("1.0", map[string]any{"object": "deal", "action": "updated"})
	w.patch("deals", w.deal, `{"custom_fields":{"`+FieldFee+`":null}}`)
	got["v2_deal_change_custom_field_cleared"] = w.last("2.0", about("deal", "change"))
	w.made("/api/v2/deals", `{"title":"Kestrel Optics - Starter","value":9600}`)
	got["v2_deal_create"] = w.last("2.0", about("deal", "create"))
	w.patch("organizations", w.org, `{"name":"Fjordlab AB","custom_fields":{"`+FieldSegment+`":63,"`+FieldProductsUsed+`":[71,74]}}`)
	got["v2_organization_change"] = w.last("2.0", about("organization", "change"))
	w.SetSwitches(with(t, "previous_stamp", "absent"))
	w.patch("persons", w.person, `{"emails":[{"value":"ada.persson@fjordlab.example"},{"value":"ada@home.example","label":"home"}]}`)
	got["v2_person_change"] = w.last("2.0", about("person", "change"))
	w.SetSwitches(Switches{})
	w.note = w.made("/api/v1/notes", fmt.Sprintf(`{"content":"<p>Signed.</p>","deal_id":%d,"pinned_to_deal_flag":1}`, w.deal))
	got["v2_note_create"] = w.last("2.0", about("note", "create"))
	w.ok("DELETE", fmt.Sprintf("/api/v1/notes/%d", w.note), "")
	got["v2_note_delete"] = w.last("2.0", about("note", "delete"))
	w.now.Add(time.Minute)
	w.ok("PUT", fmt.Sprintf("/v1/organizations/%d/merge", w.loser), fmt.Sprintf(`{"merge_with_id":%d}`, w.org))
	got["v2_organization_merge_delete_of_loser"] = w.last("2.0", map[string]any{"entity": "organization", "action": "delete", "merged_to_id": text(w.org)})
	got["v2_organization_merge_change_of_survivor"] = w.last("2.0", map[string]any{"entity": "organization", "action": "change", "merged_from_id": text(w.loser)})
	w.ok("DELETE", fmt.Sprintf("/api/v2/deals/%d", w.deal), "")
	got["v2_deal_delete"] = w.last("2.0", about("deal", "delete"))

	for name, want := range samples(t)["webhooks"] {
		if got[name] == nil {
			t.Errorf("%s: not produced", name)
			continue
		}
		body, _ := want.Body.(map[string]any)
		if strings.HasPrefix(name, "v2_organization_merge") || name == "v2_person_change" {
			// Samples without the fields that are there since May 2026, and with fewer changes.
			for _, side := range []string{"data", "previous"} {
				trim(got[name], body, side)
			}
		}
		if diff := differences(name, got[name], want.Body); len(diff) > 0 {
			t.Errorf("%s\n%s", strings.Join(diff, "\n"), encode(got[name]))
		}
	}
}

// trim takes the optional fields of organizations out of a body whose sample has none.
func trim(got any, want map[string]any, side string) {
	body, _ := got.(map[string]any)
	data, _ := body[side].(map[string]any)
	sample, _ := want[side].(map[string]any)
	for _, name := range []string{"website", "linkedin", "industry", "annual_revenue", "employee_count"} {
		if _, there := sample[name]; !there {
			delete(data, name)
		}
	}
}

func TestAnswersHaveTheShapeOfTheSamples(t *testing.T) {
	w := makeWorld(t)
	w.patch("deals", w.deal, `{"status":"won"}`)
	other := w.made("/api/v2/deals", fmt.Sprintf(`{"title":"Kestrel Optics - Starter","value":9600,"pipeline_id":3,"stage_id":17,"status":"won","person_id":%d}`, w.person))
	w.patch("organizations", w.org, `{"custom_fields":{"`+FieldSegment+`":63,"`+FieldProductsUsed+`":[71,74]}}`)
	w.note = w.made("/api/v1/notes", fmt.Sprintf(`{"content":"<p>Signed.</p>","deal_id":%d}`, w.deal))
	w.made("/api/v1/notes", fmt.Sprintf(`{"content":"<p>More.</p>","deal_id":%d}`, w.deal))
	hook := w.hook(w.rec, "person", `,"http_auth_user":"u","http_auth_password":"p"`)
	d, p := fmt.Sprint(w.deal), fmt.Sprint(w.person)
	w.SetSwitches(Switches{DeprecatedV1: "answers", LastPage: "empty"})
	next, _ := w.ok("GET", "/api/v2/deals?status=won&limit=2", "")["additional_data"].(map[string]any)
	calls := map[string][3]string{
		"v2_deals_list_won":         {"GET", "/api/v2/deals?status=won&pipeline_id=3&updated_since=2026-11-19T00:00:00Z&sort_by=update_time&limit=2"},
		"v2_deals_list_last_page":   {"GET", fmt.Sprintf("/api/v2/deals?status=won&limit=2&cursor=%v", next["next_cursor"])},
		"v2_deal_get_option_labels": {"GET", "/api/v2/deals/" + d + "?include_option_labels=true&include_fields=first_won_time,notes_count&custom_fields=" + FieldPlan},
		"v2_deal_patch":             {"PATCH", "/api/v2/deals/" + d, `{"custom_fields":{"` + FieldFee + `":null}}`},
		"v2_organizations_list":     {"GET", fmt.Sprintf("/api/v2/organizations?ids=%d", w.org)},
		"v2_organization_get":       {"GET", fmt.Sprintf("/api/v2/organizations/%d", w.org)},
		"v2_organization_post":      {"POST", "/api/v2/organizations", `{"name":"Kestrel Optics","visible_to":3}`},
		"v2_organization_patch":     {"PATCH", fmt.Sprintf("/api/v2/organizations/%d", w.org), `{"custom_fields":{"` + FieldSegment + `":63,"` + FieldProductsUsed + `":[71,74]},"address":{"value":"Storgatan 12, 411 38 Goteborg, Sweden"}}`},
		"v2_organization_search":    {"GET", "/api/v2/organizations/search?term=fjordlab&fields=name&exact_match=true"},
		"v2_persons_list_of_deal":   {"GET", "/api/v2/persons?deal_id=" + d + "&limit=500"},
		"v2_person_patch":           {"PATCH", "/api/v2/persons/" + p, `{"emails":[{"value":"ada.persson@fjordlab.example","primary":true,"label":"work"},{"value":"ada@home.example","primary":false,"label":"home"}]}`},
		"v2_pipelines_list":         {"GET", "/api/v2/pipelines?limit=500"},
		"v2_stages_list":            {"GET", "/api/v2/stages?pipeline_id=3&sort_by=order_nr&limit=500"},
		"v2_deal_fields_list":       {"GET", "/api/v2/dealFields?limit=500"},
		"v2_deal_products":          {"GET", "/api/v2/deals/products?deal_ids=" + d},
		"v1_dealfields_item":        {"GET", "/v1/dealFields?start=0&limit=100"},
		"v1_notes_list":             {"GET", "/api/v1/notes?deal_id=" + d + "&start=0&limit=1"},
		"v1_notes_list_empty":       {"GET", fmt.Sprintf("/api/v1/notes?deal_id=%d", other)},
		"v1_note_post":              {"POST", "/api/v1/notes", `{"content":"<p>From Planhat</p>","deal_id":` + d + `}`},
		"v1_note_delete":            {"DELETE", fmt.Sprintf("/api/v1/notes/%d", w.note)},
		"v1_deal_get_legacy":        {"GET", "/v1/deals/" + d},
		"v1_users_me":               {"GET", "/api/v1/users/me"},
		"v1_recents":                {"GET", "/api/v1/recents?since_timestamp=2026-11-19%2000:00:00&items=note&limit=100"},
		"webhook_create":            {"POST", "/api/v1/webhooks", `{"subscription_url":"` + w.rec.URL + `","event_action":"*","event_object":"note","name":"sync note","version":"2.0","user_id":21577801,"http_auth_user":"u","http_auth_password":"p"}`},
		"webhook_list":              {"GET", "/api/v1/webhooks"},
		"webhook_delete":            {"DELETE", fmt.Sprintf("/api/v1/webhooks/%d", hook)},
		"merge_organizations":       {"PUT", fmt.Sprintf("/api/v1/organizations/%d/merge", w.loser), fmt.Sprintf(`{"merge_with_id":%d}`, w.org)},
		"v2_deal_delete":            {"DELETE", "/api/v2/deals/" + d},
	}
	last := []string{"v1_note_delete", "webhook_delete", "merge_organizations", "v2_deal_delete"} // they take something away
	documented := samples(t)["rest"]
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(documented)), func(name string) bool { return slices.Contains(last, name) })
	for _, name := range append(names, last...) {
		call, known := calls[name]
		if !known {
			t.Errorf("%s: no call produces it", name)
			continue
		}
		w.SetSwitches(Switches{DeprecatedV1: "answers", LastPage: "empty"})
		checkSample(t, w, name, call, documented[name])
	}
}

func checkSample(t *testing.T, w *world, name string, call [3]string, want sample) {
	t.Helper()
	r := w.do(call[0], call[1], call[2])
	if r.status != want.Status {
		t.Errorf("%s: %d, want %d: %s", name, r.status, want.Status, r.body)
		return
	}
	got := plainJSON(t, simtest.Object(t, r.body))
	if name == "merge_organizations" { // of the sample only the id is shown
		data, _ := got.(map[string]any)["data"].(map[string]any)
		maps.DeleteFunc(data, func(name string, _ any) bool { return name != "id" })
	}
	if name == "v2_deal_fields_list" { // the sample mixes built-in fields, which have no description, with custom ones
		dropDescription(got)
		dropDescription(want.Body)
	}
	if name == "v1_dealfields_item" {
		want.Body = withoutOptions(want.Body)
	}
	if diff := differences(name, got, want.Body); len(diff) > 0 {
		t.Errorf("%s\n%s", strings.Join(diff, "\n"), r.body[:min(len(r.body), 1500)])
	}
	for header := range want.Header {
		if r.header.Get(header) == "" {
			t.Errorf("%s: no header %s", name, header)
		}
	}
}

func dropDescription(body any) {
	rows, _ := body.(map[string]any)["data"].([]any)
	for _, row := range rows {
		delete(row.(map[string]any), "description")
	}
}

func withoutOptions(body any) any {
	rows, _ := body.(map[string]any)["data"].([]any)
	for _, row := range rows {
		delete(row.(map[string]any), "options")
	}
	return body
}

func TestErrorsHaveTheShapeOfTheSamples(t *testing.T) {
	s := start(t, Options{Now: time.Now})
	deal := s.rows("/api/v2/deals?limit=1")[0]["id"]
	org := s.rows("/api/v2/organizations?limit=1")[0]["id"]
	fault := func(kind string) {
		s.ClearFaults()
		if err := s.AddFault(Fault{Kind: kind, Count: 1}); err != nil {
			t.Fatal(err)
		}
	}
	tokens := map[string]Token{DefaultToken: {}, strings.Repeat("b", 40): {User: SecondUser}, strings.Repeat("c", 40): {Deny: map[string]bool{"users": true}}}
	s.SetTokens(tokens)
	second, denied := strings.Repeat("b", 40), strings.Repeat("c", 40)
	hooks := func() {
		for range hooksPerUser {
			s.made("/api/v1/webhooks", `{"subscription_url":"https://a.example/x","event_action":"*","event_object":"deal"}`)
		}
	}
	produce := map[string]func() result{
		"unauthorized": func() result { return s.as("nobody", "GET", "/api/v2/deals", "") },
		"v2_validation": func() result {
			return s.do("PATCH", fmt.Sprintf("/api/v2/deals/%v", deal), `{"`+FieldPlan+`":41}`)
		},
		"v2_validation_enum": func() result {
			return s.do("PATCH", fmt.Sprintf("/api/v2/organizations/%v", org), `{"custom_fields":{"`+FieldSegment+`":"63"}}`)
		},
		"v2_not_found":       func() result { return s.do("GET", "/api/v2/deals/999999", "") },
		"v2_internal":        func() result { fault("500"); return s.do("POST", "/api/v2/persons", "{}") },
		"forbidden":          func() result { return s.as(denied, "GET", "/api/v1/users", "") },
		"plan_limit":         func() result { fault("plan-limit"); return s.do("POST", "/api/v2/deals", `{"title":"A"}`) },
		"rate_limited_burst": func() result { fault("429-burst"); return s.do("GET", "/api/v2/deals", "") },
		"rate_limited_daily": func() result { fault("429-daily"); return s.do("GET", "/api/v2/deals", "") },
		"blocked_html":       func() result { fault("403-html"); return s.do("GET", "/api/v2/deals", "") },
		"webhook_bad_url": func() result {
			return s.do("POST", "/api/v1/webhooks", `{"subscription_url":"nowhere","event_action":"*","event_object":"deal"}`)
		},
		"webhook_limit": func() result {
			hooks()
			return s.do("POST", "/api/v1/webhooks", `{"subscription_url":"https://a.example/x","event_action":"*","event_object":"deal"}`)
		},
		"webhook_forbidden": func() result {
			hook := s.made("/api/v1/webhooks", `{"subscription_url":"https://a.example/x","event_action":"*","event_object":"deal","user_id":21577844}`)
			return s.as(second, "DELETE", fmt.Sprintf("/api/v1/webhooks/%d", hook), "")
		},
		"webhook_not_found": func() result { return s.do("DELETE", "/api/v1/webhooks/2", "") },
	}
	documented := samples(t)["errors"]
	for _, name := range slices.Sorted(maps.Keys(documented)) {
		want := documented[name]
		if produce[name] == nil {
			t.Errorf("%s: nothing produces it", name)
			continue
		}
		r := produce[name]()
		switch {
		case r.status != want.Status:
			t.Errorf("%s: %d, want %d: %s", name, r.status, want.Status, r.body)
		case want.Text != "":
			if r.body != want.Text || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") {
				t.Errorf("%s: %s %s", name, r.header.Get("Content-Type"), r.body)
			}
		default:
			if diff := differences(name, plainJSON(t, simtest.Object(t, r.body)), want.Body); len(diff) > 0 {
				t.Errorf("%s\n%s", strings.Join(diff, "\n"), r.body)
			}
		}
		for header := range want.Header {
			if r.header.Get(header) == "" {
				t.Errorf("%s: no header %s", name, header)
			}
		}
	}
}
