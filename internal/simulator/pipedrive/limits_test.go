package pipedrivesim

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Prices as the API's own description states them (x-token-cost), call by call.
func TestCallsCostWhatIsDocumented(t *testing.T) {
	s := start(t, Options{RequestsPerWindow: -1, DailyTokens: 1_000_000, Switches: Switches{DeprecatedV1: "answers"}})
	org := s.made("/api/v2/organizations", `{"name":"A"}`)
	other := s.made("/api/v2/organizations", `{"name":"B"}`)
	deal := s.made("/api/v2/deals", `{"title":"A"}`)
	note := s.made("/api/v1/notes", fmt.Sprintf(`{"content":"A","deal_id":%d}`, deal))
	hook := s.made("/api/v1/webhooks", anyHook)
	for _, row := range []struct {
		price        int64
		method, path string
		body         string
	}{
		{1, "GET", fmt.Sprintf("/api/v2/deals/%d", deal), ""},
		{10, "GET", "/api/v2/deals?limit=500", ""},
		{20, "GET", "/api/v2/deals/archived", ""},
		{10, "GET", "/api/v2/organizations", ""},
		{10, "GET", "/api/v2/persons", ""},
		{5, "GET", "/api/v2/pipelines", ""},
		{5, "GET", "/api/v2/stages", ""},
		{5, "POST", "/api/v2/persons", `{"name":"A"}`},
		{5, "PATCH", fmt.Sprintf("/api/v2/deals/%d", deal), `{"title":"B"}`},
		{20, "GET", "/api/v2/organizations/search?term=xx", ""},
		{10, "GET", "/api/v2/dealFields", ""},
		{20, "GET", "/api/v1/dealFields", ""},
		{10, "GET", fmt.Sprintf("/api/v2/deals/products?deal_ids=%d", deal), ""},
		{5, "POST", fmt.Sprintf("/api/v2/deals/%d/products", deal), `{"product_id":9,"item_price":1,"quantity":1}`},
		{20, "GET", "/v1/notes", ""},
		{2, "GET", fmt.Sprintf("/v1/notes/%d", note), ""},
		{10, "PUT", fmt.Sprintf("/v1/notes/%d", note), `{"content":"B"}`},
		{6, "DELETE", fmt.Sprintf("/v1/notes/%d", note), ""},
		{20, "GET", "/api/v1/users", ""},
		{2, "GET", "/api/v1/users/me", ""},
		{20, "GET", "/api/v1/recents?since_timestamp=2026-11-01%2000:00:00", ""},
		{10, "GET", "/api/v1/webhooks", ""},
		{10, "POST", "/api/v1/webhooks", anyHook},
		{6, "DELETE", fmt.Sprintf("/api/v1/webhooks/%d", hook), ""},
		{40, "PUT", fmt.Sprintf("/api/v1/organizations/%d/merge", org), fmt.Sprintf(`{"merge_with_id":%d}`, other)},
		{3, "DELETE", fmt.Sprintf("/api/v2/deals/%d", deal), ""},
		{20, "GET", "/v1/deals", ""},
		{10, "GET", "/v1/pipelines", ""},
		{10, "GET", "/v1/deals/4401/participants", ""},
	} {
		before := s.Budget().Used
		r := s.do(row.method, row.path, row.body)
		if r.status >= 300 {
			t.Errorf("%s %s: %d %s", row.method, row.path, r.status, r.body)
		}
		if cost := s.Budget().Used - before; cost != row.price {
			t.Errorf("%s %s costs %d tokens, want %d", row.method, row.path, cost, row.price)
		}
		if left := fmt.Sprint(1_000_000 - s.Budget().Used); r.header.Get("X-Daily-Ratelimit-Token-Remaining") != left {
			t.Errorf("%s %s says %s tokens are left, want %s", row.method, row.path, r.header.Get("X-Daily-Ratelimit-Token-Remaining"), left)
		}
	}
}

func TestTheDailyBudgetEndsAndIsResetAtMidnight(t *testing.T) {
	s := start(t, bare(Options{DailyTokens: 25, RequestsPerWindow: -1}))
	for range 2 {
		s.rows("/api/v2/deals")
	}
	r := s.do("GET", "/api/v2/deals", "")
	if r.status != 429 || r.header.Get("X-Daily-Ratelimit-Token-Remaining") != "0" || r.header.Get("X-Ratelimit-Remaining") == "0" || r.header.Get("Retry-After") != "" {
		t.Errorf("the third list: %d, %v", r.status, r.header)
	}
	if s.status("GET", "/api/v1/users/me", "") != "429" {
		t.Error("a cheap call is accepted when the budget is spent")
	}
	s.now.Add(12 * time.Hour)
	if s.status("GET", "/api/v1/users/me", "") != "200" {
		t.Error("the budget is not reset at midnight")
	}
	s.ok("PUT", "/_sim/budget", `{"used":25}`)
	if s.status("GET", "/api/v1/users/me", "") != "429" {
		t.Error("the budget was not spent by the control API")
	}
	s.SetBudget(Budget{Daily: 25, PerWindow: -1})
	if s.status("GET", "/api/v1/users/me", "") != "200" {
		t.Error("the budget was not reset by its setting")
	}
}

func TestTheBurstWindow(t *testing.T) {
	s := start(t, bare(Options{RequestsPerWindow: 3, DailyTokens: -1, Window: time.Hour, BlockAfter: 2}))
	other := strings.Repeat("b", 40)
	s.SetTokens(map[string]Token{DefaultToken: {}, other: {}})
	for i := range 3 {
		if r := s.do("GET", "/api/v2/deals", ""); r.status != 200 || r.header.Get("X-Ratelimit-Remaining") != fmt.Sprint(2-i) || r.header.Get("X-Ratelimit-Limit") != "3" {
			t.Errorf("request %d: %d, %v", i+1, r.status, r.header)
		}
	}
	for range 2 {
		if r := s.do("GET", "/api/v2/deals", ""); r.status != 429 || r.header.Get("X-Ratelimit-Remaining") != "0" || r.header.Get("Retry-After") == "" {
			t.Errorf("beyond the window: %d, %v", r.status, r.header)
		}
	}
	if r := s.do("GET", "/api/v2/deals", ""); r.status != 403 || !strings.HasPrefix(r.body, "<!DOCTYPE html>") || r.header.Get("X-Ratelimit-Limit") != "" {
		t.Errorf("who does not stop gets %d %s", r.status, r.body)
	}
	if r := s.as(other, "GET", "/api/v2/deals", ""); r.status != 200 {
		t.Errorf("another token is refused: %d", r.status)
	}
}

func TestTheBurstWindowRolls(t *testing.T) {
	s := start(t, bare(Options{RequestsPerWindow: 1, DailyTokens: -1, Window: 50 * time.Millisecond}))
	s.rows("/api/v2/deals")
	eventually(t, "a request is accepted again", func() bool { return s.do("GET", "/api/v2/deals", "").status == 200 })
}

func TestSearchesHaveAWindowOfTheirOwn(t *testing.T) {
	s := start(t, bare(Options{RequestsPerWindow: 100, DailyTokens: -1, Window: time.Hour}))
	for range searchPerWindow {
		s.ok("GET", "/api/v2/persons/search?term=ab", "")
	}
	s.refused("GET", "/api/v2/persons/search?term=ab", "", 429, "")
	s.rows("/api/v2/persons")
}
