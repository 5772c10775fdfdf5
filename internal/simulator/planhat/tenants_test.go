package planhatsim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestTenantsDiffer: what the switches of the models change beyond one answer.
func TestTenantsDiffer(t *testing.T) {
	s := start(t, Options{Companies: 1, CoreOnly: true})
	company := s.first("companies")
	tenant := func(name, value string) {
		t.Helper()
		if err := s.SetSwitches(with(t, name, value)); err != nil {
			t.Fatal(err)
		}
	}
	_, a := s.bulk("/tickets", `[{"sourceId":"d","email":"q@r.example","companyId":"`+company+`"}]`)
	tenant("tickets_as_conversations", "hidden")
	ticket := a.UpsertedIDs[0]
	if got := s.do("GET", "/conversations/"+ticket, "").status; got != 404 || strings.Contains(string(s.State("conversations")), ticket) || !slices.Contains(column(s.list("/tickets"), "_id"), ticket) {
		t.Errorf("tickets are no conversations, yet GET is %d", got)
	}
	tenant("churn_shape", "docs")
	if r := s.do("POST", "/churn", `{"companyId":"`+company+`","value":1}`); r.status != 400 || !strings.Contains(r.body, "isChurn is required") {
		t.Errorf("a churn of the page without isChurn: %d %s", r.status, r.body)
	}
	for step, want := range []string{"1 0", "0 1"} {
		_, a := s.bulk("/churn", fmt.Sprintf(`[{"companyId":%q,"isChurn":true,"externalId":"c","churnReason":"r%d","value":%d}]`, company, step, step))
		if got := fmt.Sprintf("%d %d", a.Created, a.Updated); got != want {
			t.Errorf("step %d: %s, want %s", step, got, want)
		}
	}
	if row := s.list("/churn")[0]; row["value"] != nil || row["updatedAt"] != nil || row["createDate"] == nil || row["churnReason"] != "r1" {
		t.Errorf("a churn of the page: %v", row)
	}
	tenant("user_bulk_email", "ignored")
	if status, a := s.bulk("/users", `[{"email":"staff1@vendor.example","nickName":"N","firstName":"F","lastName":"L"}]`); status != 200 || a.Created != 1 {
		t.Errorf("a user's e-mail is no key: %d %+v", status, a)
	}
	tenant("archived_issues", "hidden")
	s.ok("POST", "/issues", `{"title":"old","archived":true}`)
	if len(s.list("/issues")) != 0 || len(s.list("/issues?archived=true")) != 1 {
		t.Error("archived issues are listed with archived=true only")
	}
}
