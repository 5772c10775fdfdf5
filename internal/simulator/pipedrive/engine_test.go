package pipedrivesim

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
)

func TestEventsAreDelivered(t *testing.T) {
	s := start(t, bare(Options{Workers: 1}))
	rec := receive(t)
	s.hook(rec, "deal", `,"http_auth_user":"u","http_auth_password":"p"`)
	deal := s.made("/api/v2/deals", `{"title":"A"}`)
	s.data("PATCH", fmt.Sprintf("/api/v2/deals/%d", deal), `{"status":"won"}`)
	s.data("DELETE", fmt.Sprintf("/api/v2/deals/%d", deal), "")
	s.settled()
	var actions []string
	for _, body := range rec.got() {
		actions = append(actions, body["meta"].(map[string]any)["action"].(string))
	}
	if want := []string{"create", "change", "delete"}; !slices.Equal(actions, want) {
		t.Fatalf("actions = %v, want %v", actions, want)
	}
	if user, pass, ok := (&http.Request{Header: rec.heads[0]}).BasicAuth(); !ok || user != "u" || pass != "p" {
		t.Errorf("basic auth = %s:%s, %v", user, pass, ok)
	}
	log, last := s.Deliveries(1)
	if last != 3 || len(log) != 2 || log[0].Outcome != "delivered" || log[0].ID != deal || log[0].Status != 200 || log[0].Attempt != 1 {
		t.Errorf("deliveries = %+v, last %d", log, last)
	}
}
