package pipedrivesim

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzRequests: whatever is asked, the answer is JSON, and the company still answers afterwards.
func FuzzRequests(f *testing.F) {
	f.Add("GET", "/api/v2/deals?limit=2&cursor=eyJmaWVsZCI6ImlkIn0", "")
	f.Add("PATCH", "/api/v2/deals/4401", `{"title":"A","custom_fields":{"`+FieldPlan+`":41}}`)
	f.Add("POST", "/api/v2/persons", `{"name":"A","emails":[{"value":"a"}]}`)
	f.Add("POST", "/api/v1/notes", `{"content":"<p onclick=1>A","deal_id":4401,"pinned_to_deal_flag":1}`)
	f.Add("POST", "/api/v1/webhooks", `{"subscription_url":"https://a.example","event_action":"*","event_object":"deal"}`)
	f.Add("PUT", "/v1/organizations/701/merge", `{"merge_with_id":702}`)
	f.Add("POST", "/api/v2/deals/4401/products", `{"product_id":9,"quantity":1e308,"item_price":1e308}`)
	f.Add("POST", "/api/v2/dealFields", `{"field_name":"A","field_type":"set","options":[{}]}`)
	f.Fuzz(func(t *testing.T, method, target, body string) {
		s := New(Options{RequestsPerWindow: -1, DailyTokens: -1, Organizations: 2, Persons: 2, Deals: 3, Notes: 2})
		defer s.Close()
		for _, r := range []*http.Request{request(method, target, body), request(http.MethodGet, "/api/v2/deals", "")} {
			if r == nil || strings.HasPrefix(r.URL.Path, "/_sim/") {
				return
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code/100 != 3 && w.Body.Len() > 0 && r.Method != http.MethodHead && !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s %s: %d %q is no JSON", r.Method, r.URL, w.Code, w.Body)
			}
		}
	})
}

// request gives nil for what net/http would not let in.
func request(method, target, body string) *http.Request {
	r, err := http.NewRequest(method, "http://a.example"+target, strings.NewReader(body))
	if err != nil || r.URL.Host != "a.example" || !strings.HasPrefix(r.URL.Path, "/") {
		return nil
	}
	r.Header.Set("X-Api-Token", DefaultToken)
	return r
}
