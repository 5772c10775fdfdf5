package planhatsim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit/simtest"
)

func TestSwitchTable(t *testing.T) {
	values := SwitchValues()
	defaults, err := json.Marshal(DefaultSwitches())
	if err != nil {
		t.Fatal(err)
	}
	var byName map[string]string
	simtest.Decode(t, string(defaults), &byName)
	if len(values) != len(byName) || len(values) < 40 {
		t.Fatalf("%d switches with values, %d in JSON", len(values), len(byName))
	}
	for name, list := range values {
		if len(list) < 2 || byName[name] != list[0] || slices.Contains(list, "") {
			t.Errorf("%s: values %v, default %q", name, list, byName[name])
		}
		for _, value := range list {
			if _, err := (Switches{}).With(name, value); err != nil {
				t.Error(err)
			}
		}
	}
	for _, bad := range [][2]string{{"missing_get", "500"}, {"no_such", "x"}} {
		if _, err := (Switches{}).With(bad[0], bad[1]); err == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
}

// TestEverySwitchChangesSomething shows, for each value that is not a default, an answer that tells it from the default.
func TestEverySwitchChangesSomething(t *testing.T) {
	if testing.Short() {
		t.Skip("one request at a time: nothing races")
	}
	type probe func(s *sim) string
	get := func(method, path, body string) probe {
		return func(s *sim) string { r := s.do(method, path, body); return fmt.Sprint(r.status, r.body) }
	}
	after := func(method, path, body string, then probe) probe {
		return func(s *sim) string { s.do(method, path, body); return then(s) }
	}
	const gone = "/000000000000000000000000"
	bad := get("POST", "/companies", `{"externalId":"x"}`)
	companies := get("GET", "/companies?sort=_id", "")
	probes := map[string]probe{
		"missing_get": get("GET", "/companies"+gone, ""), "missing_put": get("PUT", "/companies"+gone, "{}"), "missing_delete": get("DELETE", "/companies"+gone, ""),
		"delete_answer":       func(s *sim) string { return get("DELETE", "/companies/"+s.first("companies"), "")(s) },
		"delete_conversation": func(s *sim) string { return get("DELETE", "/conversations/"+s.first("conversations"), "")(s)[:12] },
		"delete_by_prefix":    get("DELETE", "/companies/extid-acct-1001", ""),
		"error_body":          bad,
		"unauthorized_body":   func(s *sim) string { return s.as("", "GET", "/companies", "").body },
		"forbidden":           func(s *sim) string { return fmt.Sprint(s.as("denied", "GET", "/companies", "").status) },
		"error_elements":      get("PUT", "/companies", `[{"externalId":"x"}]`),
		"bulk_validation":     get("PUT", "/companies", `[{"name":"x","phase":{}}]`),
		"conflict_status":     get("POST", "/companies", `{"name":"x","externalId":"acct-1001"}`),
		"default_sort":        get("GET", "/companies?limit=5000&select=_id", ""),
		"tie_order":           get("GET", "/endusers?sort=featured&select=_id&limit=2000", ""),
		"nested_sort":         get("GET", "/companies?sort=-custom.Days%20in%20Phase&select=_id", ""),
		"limit_above_max":     get("GET", "/conversations?limit=2001&select=_id", ""),
		"unknown_params":      get("GET", "/companies?nonsense=1", ""),
		"page_envelope":       companies, "list_shape": companies, "list_updated_at": companies, "owner_in_list": companies,
		"roles_in_list":          get("GET", "/users", ""),
		"archived_true":          get("GET", "/endusers?archived=true&select=_id&limit=2000", ""),
		"archived_conversations": get("GET", "/conversations?limit=2000&select=_id", ""),
		"null_write":             get("PUT", "/companies/extid-acct-1001", `{"phase":null,"custom":{"Seats":null}}`),
		"identical_put":          func(s *sim) string { s.now.Add(time.Second); return get("PUT", "/companies/extid-acct-1001", `{}`)(s) },
		"create_status":          get("POST", "/companies", `{"name":"x"}`),
		"put_body_id": func(s *sim) string {
			id := s.first("companies")
			return get("PUT", "/companies/"+id, `{"_id":"`+id+`"}`)(s)
		},
		"put_company_prefix": func(s *sim) string {
			return get("PUT", "/endusers/"+s.first("endusers"), `{"companyId":"extid-acct-1002"}`)(s)
		},
		"patch":                   get("PATCH", "/companies/extid-acct-1001", `{}`),
		"unknown_fields":          get("POST", "/companies", `{"name":"x","nonsense":1}`),
		"read_only_fields":        get("POST", "/companies", `{"name":"x","mrr":1}`),
		"dangling_company":        get("POST", "/endusers", `{"email":"a@b.example","companyId":"000000000000000000000000"}`),
		"enduser_without_company": get("PUT", "/endusers", `[{"email":"a@b.example"}]`),
		"ambiguous_external_id":   get("GET", "/endusers/extid-user-shared", ""),
		"ambiguous_email":         get("PUT", "/endusers", `[{"email":"shared@both.example","companyId":"extid-acct-1009","phone":"1"}]`),
		"bulk_external_id_scope":  get("PUT", "/endusers", `[{"externalId":"user-5-1","companyId":"extid-acct-1009","email":"n@n.example"}]`),
		"bulk_unknown_id":         get("PUT", "/companies", `[{"_id":"000000000000000000000000","name":"x"}]`),
		"bulk_duplicate_keys":     get("PUT", "/companies", `[{"externalId":"d","name":"x"},{"externalId":"d","name":"y"}]`),
		"bulk_over_limit":         get("PUT", "/companies", "["+strings.Repeat("7,", 5000)+"7]"),
		"bulk_single_object":      get("PUT", "/companies", `{"name":"x"}`),
		"note_external_id":        after("POST", "/conversations", `{"companyId":"extid-acct-1001","externalId":"n"}`, get("PUT", "/conversations", `[{"externalId":"n","companyId":"extid-acct-1001","subject":"x"}]`)),
		"reserved_type":           get("POST", "/conversations", `{"companyId":"extid-acct-1001","type":"email"}`),
		"company_delete": func(s *sim) string {
			s.do("DELETE", "/companies/"+s.first("companies"), "")
			return string(s.State("licenses"))
		},
		"company_rename":           after("PUT", "/companies/extid-acct-1001", `{"name":"x"}`, func(s *sim) string { return string(s.State("licenses")) }),
		"name_case":                get("POST", "/companies", `{"name":"lower"}`),
		"license_stamps":           get("POST", "/licenses", `{"companyId":"extid-acct-1001","_currency":"EUR","fromDate":"2026-01-01","mrr":1}`),
		"archived_issues":          get("GET", "/issues?limit=2000&select=_id", ""),
		"tickets_as_conversations": get("GET", "/conversations?limit=2000&select=_id", ""),
		"ticket_get":               func(s *sim) string { return get("GET", "/tickets/"+s.first("tickets"), "")(s) },
		"churn_shape":              get("GET", "/churn", ""),
		"required_fields":          get("POST", "/issues", `{"title":"x"}`),
		"task_status":              get("POST", "/tasks", `{"mainType":"task","companyId":"extid-acct-1001","status":"done"}`),
		"cid_prefix":               get("POST", "/invoices", `{"currency":"EUR","cId":"extid-acct-1001"}`),
		"user_bulk_email":          get("PUT", "/users", `[{"email":"staff1@vendor.example","nickName":"N","firstName":"F","lastName":"L"}]`),
		"derived_stamps":           func(s *sim) string { s.now.Add(time.Second); s.Derive(1); return string(s.State("companies")) },
	}
	elsewhere := []string{"minute_limit", "minute_window", "rate_headers", "rate_reset", "retry_after", "date_header"} // access_test.go
	for name, values := range SwitchValues() {
		if slices.Contains(elsewhere, name) {
			continue
		}
		seen := map[string]string{}
		for _, value := range values {
			s := start(t, Options{Companies: 12, Switches: with(t, name, value),
				Tokens: map[string]Token{DefaultToken: {}, "denied": {Deny: map[string]bool{"company": true}}}})
			if probes[name] == nil {
				t.Fatalf("%s has no probe", name)
			}
			got := probes[name](s)
			if other, same := seen[got]; same {
				t.Errorf("%s=%s cannot be told from %s: %.200s", name, value, other, got)
			}
			seen[got] = value
		}
	}
}

// first gives the oldest record of a listing.
func (s *sim) first(listing string) (id string) {
	s.Mutate(func(tx *Tx) { id = tx.IDs(listing)[0] })
	return id
}

func TestShuffledOrdersAreCompleteAndNew(t *testing.T) {
	s := start(t, Options{Companies: 50, Switches: with(t, "default_sort", "shuffled")})
	first, second := column(s.list("/companies"), "_id"), column(s.list("/companies"), "_id")
	if slices.Equal(first, second) {
		t.Error("two unsorted lists have the same order")
	}
	slices.Sort(first)
	slices.Sort(second)
	if !slices.Equal(first, second) || len(slices.Compact(first)) != 50 {
		t.Error("shuffled lists must hold every row once")
	}
}

func TestSwitchesOverHTTP(t *testing.T) {
	s := start(t, Options{Companies: 1})
	if r := s.do("PUT", "/_sim/switches", `{"create_status":"201"}`); r.status != 200 {
		t.Fatal(r.body)
	}
	if r := s.do("POST", "/companies", `{"name":"x"}`); r.status != 201 {
		t.Errorf("create: %d", r.status)
	}
	if r := s.do("PUT", "/_sim/switches", `{"patch":"allowed"}`); !strings.Contains(r.body, `"create_status":"201"`) {
		t.Errorf("other switches must stay: %s", r.body)
	}
	for _, bad := range []string{`{"patch":"perhaps"}`, `{"nonsense":"x"}`, `[`} {
		if r := s.do("PUT", "/_sim/switches", bad); r.status != 400 {
			t.Errorf("%s: %d", bad, r.status)
		}
	}
	if r := s.do("GET", "/_sim/switches", ""); !strings.Contains(r.body, `"patch":"allowed"`) {
		t.Error(r.body)
	}
}
