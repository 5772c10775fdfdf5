package pipedrivesim

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// walk reads a v2 list page by page; between pages something may happen.
func (s *sim) walk(path string, between func()) []int64 {
	s.t.Helper()
	var ids []int64
	sep := map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")]
	next := ""
	for {
		page := s.ok("GET", path+sep+"limit=7"+next, "")
		for _, row := range page["data"].([]any) {
			ids = append(ids, id(s.t, row.(map[string]any)))
		}
		cursor, _ := page["additional_data"].(map[string]any)["next_cursor"].(string)
		if cursor == "" {
			return ids
		}
		next = "&cursor=" + url.QueryEscape(cursor)
		between()
	}
}

func TestPagesAreStableUnderInserts(t *testing.T) {
	s := start(t, Options{})
	all := s.walk("/api/v2/deals", func() {})
	if len(all) != 30 || !slices.IsSorted(all) {
		t.Fatalf("deals = %v", all)
	}
	withInserts := s.walk("/api/v2/deals", func() { s.made("/api/v2/deals", `{"title":"New"}`) })
	if !slices.Equal(withInserts[:30], all) || !slices.IsSorted(withInserts) {
		t.Errorf("with inserts: %v", withInserts)
	}
	down := s.walk("/api/v2/deals?sort_direction=desc", func() {})
	slices.Reverse(down)
	if !slices.Equal(down, s.walk("/api/v2/deals", func() {})) {
		t.Errorf("descending: %v", down)
	}
	for _, by := range []string{"update_time", "add_time"} {
		for _, dir := range []string{"asc", "desc"} {
			sorted := s.walk("/api/v2/deals?sort_by="+by+"&sort_direction="+dir, func() {})
			checkOrder(t, s, sorted, by, dir)
		}
	}
}

func checkOrder(t *testing.T, s *sim, ids []int64, by, dir string) {
	t.Helper()
	last := ""
	for _, id := range ids {
		at := fmt.Sprint(s.data("GET", fmt.Sprintf("/api/v2/deals/%d", id), "")[by])
		if last != "" && (dir == "asc" && at < last || dir == "desc" && at > last) {
			t.Errorf("%s %s: %s follows %s", by, dir, at, last)
		}
		last = at
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != len(ids) {
		t.Errorf("%s %s: a deal is listed twice", by, dir)
	}
}

// A record that changes while a list by update_time is read moves behind the cursor: it is seen again, never lost.
func TestChangesDuringAListByTimeMoveBehindIt(t *testing.T) {
	s := start(t, Options{})
	first := s.walk("/api/v2/deals", func() {})[0]
	n := 0
	seen := s.walk("/api/v2/deals?sort_by=update_time", func() {
		if n++; n == 2 {
			s.now.Add(time.Minute)
			s.data("PATCH", fmt.Sprintf("/api/v2/deals/%d", first), `{"title":"Moved"}`)
		}
	})
	if seen[len(seen)-1] != first {
		t.Errorf("the changed deal is not the last: %v", seen)
	}
}

func TestFiltersOfDeals(t *testing.T) {
	s := start(t, bare(Options{}))
	org, person := s.made("/api/v2/organizations", `{"name":"A"}`), s.made("/api/v2/persons", `{"name":"A"}`)
	deal := func(more string) int64 { return s.made("/api/v2/deals", `{"title":"A"`+more+`}`) }
	open := deal("")
	won := deal(`,"status":"won","pipeline_id":3`)
	lost := deal(`,"status":"lost","lost_reason":"Price"`)
	theirs := deal(fmt.Sprintf(`,"org_id":%d,"person_id":%d,"owner_id":%d`, org, person, SecondUser))
	gone, archived := deal(""), deal(`,"status":"won"`)
	s.ok("DELETE", fmt.Sprintf("/api/v2/deals/%d", gone), "")
	s.now.Add(time.Hour)
	s.data("PATCH", fmt.Sprintf("/api/v2/deals/%d", archived), `{"is_archived":true}`)
	s.data("PATCH", fmt.Sprintf("/api/v2/deals/%d", open), `{"title":"B"}`)
	for query, want := range map[string][]int64{
		"deals":                                                    {open, won, lost, theirs},
		"deals?status=won":                                         {won},
		"deals?status=won,lost":                                    {won, lost},
		"deals?status=deleted":                                     {gone},
		"deals?status=open,deleted":                                {open, theirs, gone},
		"deals?pipeline_id=3":                                      {won},
		"deals?stage_id=14":                                        {won},
		fmt.Sprintf("deals?org_id=%d", org):                        {theirs},
		fmt.Sprintf("deals?person_id=%d", person):                  {theirs},
		fmt.Sprintf("deals?owner_id=%d", SecondUser):               {theirs},
		fmt.Sprintf("deals?ids=%d,%d,%d", won, gone, archived):     {won},
		fmt.Sprintf("deals?filter_id=1&ids=%d&status=lost", won):   {open, won, lost, theirs},
		"deals?updated_since=2026-11-19T14:42:07Z":                 {open},
		"deals?updated_since=2026-11-19T15:42:07%2B01:00":          {open},
		"deals?updated_since=2026-11-19T14:42:08Z":                 nil,
		"deals?updated_until=2026-11-19T14:42:07Z":                 {won, lost, theirs},
		"deals?status=deleted&updated_since=2026-11-19T14:00:00Z":  nil,
		"deals/archived":                                           {archived},
		"deals/archived?updated_since=2026-11-19T14:42:07Z":        {archived},
		fmt.Sprintf("persons?ids=%d", person):                      {person},
		fmt.Sprintf("persons?deal_id=%d", theirs):                  {person},
		fmt.Sprintf("persons?deal_id=%d", open):                    nil,
		"organizations?updated_since=2026-11-19T13:42:07Z&limit=1": {org},
	} {
		var got []int64
		for _, row := range s.rows("/api/v2/" + query) {
			got = append(got, id(t, row))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s = %v, want %v", query, got, want)
		}
	}
	s.now.Add(31 * 24 * time.Hour)
	if rows := s.rows("/api/v2/deals?status=deleted"); len(rows) != 0 || s.status("GET", fmt.Sprintf("/api/v2/deals/%d", gone), "") != "404" {
		t.Error("a deal is there 31 days after it was deleted")
	}
}

func TestWhatListsRefuse(t *testing.T) {
	s := start(t, bare(Options{}))
	for query, text := range map[string]string{
		"updated_since=2026-11-19T13:42:07.123Z": "updated_since: '2026-11-19T13:42:07.123Z' is not a valid datetime",
		"updated_since=yesterday":                "not a valid datetime",
		"limit=0":                                "limit: ",
		"limit=many":                             "limit: ",
		"cursor=zzz":                             "cursor: ",
		"status=happy":                           "status: ",
		"sort_by=title":                          "sort_by: ",
		"org_id=A":                               "org_id: ",
		"ids=1,x":                                "ids: ",
		"ids=" + strings.Repeat("1,", 100) + "1": "at most 100",
		"include_fields=everything":              "include_fields: ",
		"custom_fields=" + strings.Repeat("a,", 15) + "a": "at most 15",
		"a=1&b=2": "a: Parameter 'a' is not allowed for this request; b: Parameter 'b' is not allowed for this request",
	} {
		s.refused("GET", "/api/v2/deals?"+query, "", 400, text)
	}
}

func TestRestNamesEveryCustomField(t *testing.T) {
	s := start(t, bare(Options{}))
	deal := s.made("/api/v2/deals", `{"title":"A"}`)
	field := s.data("POST", "/api/v2/dealFields", `{"field_name":"Colour","field_type":"enum","options":[{"label":"Red"},{"label":"Blue"}]}`)
	code, _ := field["field_code"].(string)
	option := field["options"].([]any)[1].(map[string]any)["id"]
	row := s.data("GET", fmt.Sprintf("/api/v2/deals/%d", deal), "")["custom_fields"].(map[string]any)
	if len(code) != 40 || len(row) != len(seedFields[deals])+1 || row[code] != nil {
		t.Errorf("field %s in %v", code, row)
	}
	got := s.data("PATCH", fmt.Sprintf("/api/v2/deals/%d", deal), fmt.Sprintf(`{"custom_fields":{"%s":%v}}`, code, option))
	if inside(got, "custom_fields", code) != option {
		t.Errorf("custom_fields = %v, want %v", got["custom_fields"], option)
	}
	s.ok("DELETE", "/api/v2/dealFields/"+code, "")
	if got := s.data("GET", fmt.Sprintf("/api/v2/deals/%d", deal), ""); inside(got, "custom_fields", code) != "absent" {
		t.Error("a field that was deleted is in rows")
	}
	s.refused("PATCH", fmt.Sprintf("/api/v2/deals/%d", deal), fmt.Sprintf(`{"custom_fields":{"%s":1}}`, code), 400, "not allowed")
}

func TestWhoSeesWhat(t *testing.T) {
	s := start(t, bare(Options{}))
	s.withSecond()
	private := s.made("/api/v2/deals", `{"title":"Mine","visible_to":1}`)
	note := s.made("/api/v1/notes", fmt.Sprintf(`{"content":"A","deal_id":%d}`, private))
	for path, want := range map[string]int{
		fmt.Sprintf("/api/v2/deals/%d", private):     404,
		fmt.Sprintf("/api/v1/notes/%d", note):        404,
		fmt.Sprintf("/api/v2/deals/%d", private+100): 404,
		"/api/v2/deals": 200,
	} {
		if r := s.as(secondToken, "GET", path, ""); r.status != want || strings.Contains(r.body, "Mine") {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	if r := s.as(secondToken, "POST", "/api/v2/pipelines", `{"name":"A"}`); r.status != 403 {
		t.Errorf("who is no admin makes a pipeline: %d", r.status)
	}
	rec := receive(t)
	s.hook(rec, "deal", fmt.Sprintf(`,"user_id":%d`, SecondUser))
	s.data("PATCH", fmt.Sprintf("/api/v2/deals/%d", private), `{"title":"Still mine"}`)
	s.data("PATCH", fmt.Sprintf("/api/v2/deals/%d", private), `{"visible_to":3}`)
	s.settled()
	if got := rec.got(); len(got) != 1 || inside(got[0], "data", "visible_to") != "3" {
		t.Errorf("a webhook of who does not see the deal got %v", got)
	}
}

func TestTokens(t *testing.T) {
	s := start(t, bare(Options{CompanyDomain: "acme"}))
	if me := s.data("GET", "/api/v1/users/me", ""); me["company_domain"] != "acme" || len(DefaultToken) != 40 {
		t.Errorf("me = %v", me)
	}
	for _, token := range []string{"", "x", DefaultToken[:39]} {
		r := s.as(token, "GET", "/api/v1/users/me", "")
		if r.status != 401 || r.header.Get("X-401-By-Gw") != "true" || !strings.Contains(r.body, `"errorCode":401`) {
			t.Errorf("token %q: %d %s", token, r.status, r.body)
		}
	}
	for _, prefix := range []string{"/api/v1", "/v1"} {
		if s.status("GET", prefix+"/users/me", "") != "200" {
			t.Errorf("%s does not answer", prefix)
		}
	}
	s.refused("GET", "/v2/deals", "", 404, "")
	s.ok("PUT", "/_sim/tokens", `{"`+secondToken+`":{"deny":{"webhooks":true,"deals:write":true}}}`)
	if r := s.as(DefaultToken, "GET", "/api/v1/users/me", ""); r.status != 401 {
		t.Errorf("a token that was regenerated: %d", r.status)
	}
	for call, want := range map[[2]string]int{{"GET", "/api/v1/webhooks"}: 403, {"GET", "/api/v2/deals"}: 200, {"POST", "/api/v2/deals"}: 403, {"GET", "/api/v1/users/me"}: 200} {
		if r := s.as(secondToken, call[0], call[1], `{"title":"A"}`); r.status != want {
			t.Errorf("%v: %d, want %d", call, r.status, want)
		}
	}
	if calls, _ := s.Calls(); strings.Contains(fmt.Sprint(calls), DefaultToken) {
		t.Error("the log of calls holds a token")
	}
}
