package planhatsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
)

func TestPageLimits(t *testing.T) {
	s := start(t, Options{Companies: 120, EndusersPerCompany: 19, ConversationsPerCompany: 17, LicensesPerCompany: 17})
	for _, c := range []struct {
		fact, path string
		rows       int
	}{
		{"companies default 100", "/companies", 100},
		{"companies maximum 5,000", "/companies?limit=5000", 120},
		{"endusers default 100", "/endusers", 100},
		{"endusers clamp at 2,000", "/endusers?limit=9999&archived=true", 2000},
		{"conversations default 30", "/conversations", 30},
		{"conversations clamp at 2,000", "/conversations?limit=2001", 2000},
		{"licenses default 100", "/licenses", 100},
		{"licenses clamp at 2,000", "/licenses?limit=2001", 2000},
		{"users are unpaginated in effect", "/users", seededUsers},
		{"lean companies have no limit", "/leancompanies", 120},
		{"limit 0 is the default", "/companies?limit=0", 100},
		{"limit of nonsense is the default", "/companies?limit=x", 100},
		{"offset is a start index", "/companies?offset=90", 30},
		{"offset behind the end is empty", "/companies?offset=120", 0},
		{"unknown parameters are ignored", "/companies?updatedAfter=2026-01-01&skip=10", 100},
		{"an empty id falls through to the list", "/companies/", 100},
	} {
		t.Run(c.fact, func(t *testing.T) {
			var rows []json.RawMessage
			if err := json.Unmarshal([]byte(s.do("GET", c.path, "").body), &rows); err != nil || len(rows) != c.rows {
				t.Errorf("%s: %d rows, want %d; %v", c.path, len(rows), c.rows, err)
			}
		})
	}
	if got := s.do("GET", "/companies?offset=120", "").body; got != "[]" {
		t.Errorf("empty listing is %q, want a bare []", got)
	}
}

func TestSort(t *testing.T) {
	s := start(t, Options{Companies: 60})
	for _, c := range []struct {
		sort string
		less func(a, b map[string]any) bool
	}{
		{"_id", func(a, b map[string]any) bool { return a["_id"].(string) < b["_id"].(string) }},
		{"-_id", func(a, b map[string]any) bool { return a["_id"].(string) > b["_id"].(string) }},
		{"-updatedAt", func(a, b map[string]any) bool { return a["updatedAt"].(string) > b["updatedAt"].(string) }},
		{"name", func(a, b map[string]any) bool { return a["name"].(string) < b["name"].(string) }},
		{"-mrr", func(a, b map[string]any) bool { return floatAny(a["mrr"]) > floatAny(b["mrr"]) }},
		{"custom.Seats", func(a, b map[string]any) bool { return seats(a) < seats(b) }},
	} {
		rows := s.list("/companies?limit=5000&sort=" + c.sort)
		if len(rows) != 60 || !sort.SliceIsSorted(rows, func(i, j int) bool { return c.less(rows[i], rows[j]) }) {
			t.Errorf("sort=%s: %d rows out of order", c.sort, len(rows))
		}
	}
	wrongCase := column(s.list("/companies?sort=-updatedat"), "_id")
	if slices.Equal(wrongCase, column(s.list("/companies?sort=-updatedAt"), "_id")) {
		t.Error("sort names must be case-sensitive")
	}
}

func floatAny(v any) float64 { f, _ := strconv.ParseFloat(fmt.Sprint(v), 64); return f }

func seats(row map[string]any) float64 { return floatAny(row["custom"].(map[string]any)["Seats"]) }

func TestSortStaysRightUnderWrites(t *testing.T) {
	s := start(t, Options{Companies: 40})
	for round := range 30 {
		s.now.Add(1_000_000)
		s.Live(5)
		stamps := column(s.list("/companies?limit=5000&sort=-updatedAt"), "updatedAt")
		if !slices.IsSortedFunc(stamps, func(a, b string) int { return strings.Compare(b, a) }) {
			t.Fatalf("round %d: stamps not descending: %v", round, stamps)
		}
		ids := column(s.list("/companies?limit=5000&sort=_id"), "_id")
		if !slices.IsSorted(ids) || len(ids) != len(stamps) {
			t.Fatalf("round %d: %d ids, %d stamps", round, len(ids), len(stamps))
		}
	}
}

func TestFiltersAndSelect(t *testing.T) {
	s := start(t, Options{Companies: 12})
	ids := column(s.list("/companies?sort=_id"), "_id")
	two := ids[1] + "," + ids[3]
	for _, c := range []struct {
		path string
		keep func(map[string]any) bool
	}{
		{"/companies?companyId=" + two, func(r map[string]any) bool { return strings.Contains(two, r["_id"].(string)) }},
		{"/endusers?companyId=" + two, func(r map[string]any) bool { return strings.Contains(two, r["companyId"].(string)) }},
		{"/licenses?companyId=" + two, func(r map[string]any) bool { return strings.Contains(two, r["companyId"].(string)) }},
		{"/conversations?type=note", func(r map[string]any) bool { return r["type"] == "note" }},
		{"/endusers?email=shared@both.example", func(r map[string]any) bool { return r["email"] == "shared@both.example" }},
		{"/users?email=staff1@vendor.example", func(r map[string]any) bool { return r["email"] == "staff1@vendor.example" }},
		{"/leancompanies?externalId=acct-1001,acct-1002", func(r map[string]any) bool { return strings.HasPrefix(r["externalId"].(string), "acct-100") }},
	} {
		rows := s.list(c.path)
		if len(rows) == 0 || slices.ContainsFunc(rows, func(r map[string]any) bool { return !c.keep(r) }) {
			t.Errorf("%s: %d rows, or wrong ones", c.path, len(rows))
		}
	}
	someone := s.list("/endusers?limit=1")[0]["_id"].(string)
	if rows := s.list("/endusers?euId=" + someone); len(rows) != 1 || rows[0]["_id"] != someone {
		t.Errorf("euId: %v", rows)
	}
	row := s.list("/companies?limit=1&select=name,custom")[0]
	if got := slices.Sorted(maps.Keys(row)); !slices.Equal(got, []string{"_id", "custom", "name"}) {
		t.Errorf("select gives %v, want the names and _id", got)
	}
}

func TestArchivedEndusersAreLeftOut(t *testing.T) {
	for _, mode := range []string{"also", "only"} {
		s := start(t, Options{Companies: 30, Switches: with(t, "archived_true", mode)})
		all, archived := 90, 0
		for _, row := range s.list("/endusers?limit=2000") {
			if row["archived"] == true {
				t.Fatal("an archived enduser is listed by default")
			}
			all--
		}
		for _, row := range s.list("/endusers?limit=2000&archived=true") {
			if row["archived"] == true {
				archived++
			} else if mode == "only" {
				t.Fatal("archived=true lists others, though the switch says only")
			}
		}
		if all == 0 || archived != all {
			t.Errorf("%s: %d archived listed, want %d", mode, archived, all)
		}
	}
}

func TestOddValuesKeepTheirText(t *testing.T) {
	s := start(t, Options{Companies: 20})
	all := s.do("GET", "/companies?limit=5000", "").body + s.do("GET", "/endusers?limit=2000", "").body +
		s.do("GET", "/licenses?limit=2000", "").body + s.do("GET", "/conversations?limit=2000", "").body
	for _, text := range []string{
		`"Caf\u00e9 \ud83d\ude80 \u0026 S\u00f8nner"`, `"🚀 Stage":`, `12345678901234567890`, `"Rate":1.0,"Count":1,`, `-0`, `1E+30`, `0.1000`,
		`"featured":""`, `"orgPath":",`, `"nextTouch":1772618400000`, `"nextTouch":"2026-03-04`, `"owner":null`,
		`"_currency":{"_id":"EUR","symbol":"€"`, `<b>Harbor</b>`, `"value":1.0`, `0.0833333333333333333`, `\u003cnot markup\u003e`, `+0000"`, `"Tier \"A/B\""`,
	} {
		if !strings.Contains(all, text) {
			t.Errorf("no listing gives %s", text)
		}
	}
}

func TestShapes(t *testing.T) {
	s := start(t, Options{Companies: 3})
	id := s.list("/companies?sort=_id&limit=1")[0]["_id"].(string)
	full := s.ok("GET", "/companies/"+id, "")
	thin := s.list("/companies?companyId=" + id)[0]
	if full["slug"] == nil || full["__v"] == nil || thin["slug"] != nil || thin["__v"] != nil {
		t.Errorf("list rows must be thinner than GET: %v", thin)
	}
	user := s.list("/users?limit=1")[0]
	if _, isObject := user["roles"].([]any)[0].(map[string]any); !isObject {
		t.Error("users' roles in the list must be objects")
	}
	got := s.ok("GET", "/users/"+user["_id"].(string), "")
	if _, isText := got["roles"].([]any)[0].(string); !isText {
		t.Error("users' roles in GET must be ids")
	}
	lean := s.list("/leancompanies")
	if lean[2]["externalId"] != "" || lean[2]["status"] != nil {
		t.Errorf("lean row: %v", lean[2])
	}
	if _, there := lean[2]["sourceId"]; there {
		t.Error("absent keys must be left out of lean rows")
	}
}

func TestStateIsTheListing(t *testing.T) {
	for _, sw := range []Switches{{}, with(t, "list_shape", "minimal"), with(t, "owner_in_list", "object"), with(t, "list_updated_at", "absent")} {
		s := start(t, Options{Companies: 15, Switches: sw})
		s.Live(50)
		for _, path := range []string{"companies?limit=5000", "endusers?archived=true&limit=2000", "conversations?limit=2000", "licenses?limit=2000", "users", "leancompanies?"} {
			name, _, _ := strings.Cut(path, "?")
			if !strings.Contains(path, "?") {
				path += "?"
			}
			want := s.do("GET", "/"+path+"&sort=_id", "").body
			if got := s.do("GET", "/_sim/state/"+name, "").body; got != want {
				t.Errorf("state of %s differs from its listing:\n%.200s\n%.200s", name, got, want)
			}
		}
	}
	if got := start(t, Options{Companies: 1}).do("GET", "/_sim/state/nothing", "").status; got != http.StatusNotFound {
		t.Errorf("state of an unknown listing: %d", got)
	}
}

func TestSameSeedSameTenant(t *testing.T) {
	a, b := start(t, Options{Seed: 7}), start(t, Options{Seed: 7})
	c := start(t, Options{Seed: 8})
	if string(a.State("companies")) != string(b.State("companies")) {
		t.Error("the same seed gave two tenants")
	}
	if string(a.State("companies")) == string(c.State("companies")) {
		t.Error("two seeds gave one tenant")
	}
	if got := string(start(t, Options{Companies: -1}).State("companies")); got != "[]" {
		t.Errorf("an empty tenant has companies %s", got)
	}
}
