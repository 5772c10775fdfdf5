package pipedrive_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

const token = "0123456789abcdef0123456789abcdef01234567"

// vendor is a fake of Pipedrive for the examples: it answers by method and path.
func vendor(answers map[string]string) (*httptest.Server, *pipedrive.Client) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.Method+" "+r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			answer = `{"success":false,"error":"Entity was not found"}`
		}
		_, _ = io.WriteString(w, answer)
	}))
	u, err := pipedrive.ParseURL(server.URL)
	if err != nil {
		panic(err)
	}
	client, err := pipedrive.New(u, func() string { return token })
	if err != nil {
		panic(err)
	}
	return server, client
}

func ExampleParseURL() {
	for _, pasted := range []string{"acme", "https://acme.pipedrive.com/v1", "acme.pipedrive.com/pipeline/1", "https://app.pipedrive.com"} {
		u, err := pipedrive.ParseURL(pasted)
		fmt.Println(u, err)
	}
	// Output:
	// https://acme.pipedrive.com <nil>
	// https://acme.pipedrive.com <nil>
	// https://acme.pipedrive.com <nil>
	//  app.pipedrive.com is no company's address; open any page of Pipedrive after logging in and copy the address, such as https://acme.pipedrive.com
}

func ExampleClient_Verify() {
	server, client := vendor(map[string]string{
		"GET /api/v1/users/me": `{"success":true,"data":{"id":5,"name":"Kari","company_name":"Acme AS","company_domain":"acme"}}`,
	})
	defer server.Close()
	me, err := client.Verify(context.Background())
	if wrong, ok := errors.AsType[*pipedrive.AccountError](err); ok {
		fmt.Println("change the", wrong.Wrong, "because", wrong)
	}
	fmt.Println(me.Name, "of", me.CompanyName, err)
	// Output: Kari of Acme AS <nil>
}

func ExampleClient_Pages() {
	server, client := vendor(map[string]string{
		"GET /api/v2/deals":      `{"success":true,"data":[{"id":7,"title":"Platform","custom_fields":{"abc":41}}],"additional_data":{"next_cursor":null}}`,
		"GET /api/v2/dealFields": `{"success":true,"data":[{"field_code":"abc","field_name":"Plan","field_type":"enum","options":[{"id":41,"label":"Enterprise"}]}]}`,
	})
	defer server.Close()
	ctx := context.Background()
	fields, err := client.Fields(ctx, pipedrive.Deal)
	if err != nil {
		fmt.Println(err)
		return
	}
	catalogue := pipedrive.NewCatalogue(fields)
	won := pipedrive.ListOptions{Status: "won", UpdatedSince: time.Now().Add(-time.Hour), SortBy: "update_time"}
	for page, err := range client.Pages(ctx, pipedrive.Deal, won) {
		if err != nil {
			fmt.Println(err) // nothing of a broken page was given out
			return
		}
		for _, row := range page.Rows {
			var deal struct{ Title string }
			if err := json.Unmarshal(row.Raw, &deal); err != nil {
				fmt.Println(err)
				return
			}
			values, _ := catalogue.Values(row.Raw)
			fmt.Println(row.ID, deal.Title, values[0].Name, values[0].Text)
		}
	}
	fmt.Println(client.Usage().Spent, "tokens")
	// Output:
	// 7 Platform Plan Enterprise
	// 20 tokens
}

func ExampleKindOf() {
	server, client := vendor(nil)
	defer server.Close()
	_, err := client.Get(context.Background(), pipedrive.Deal, 9)
	switch pipedrive.KindOf(err) {
	case pipedrive.KindNotFound:
		fmt.Println(err)
	case pipedrive.KindDailyBudget:
		fmt.Println("the company's tokens of the day are spent: try again in an hour")
	case pipedrive.KindBlocked:
		fmt.Println("shut out: stop calling, look again after half an hour")
	default:
		fmt.Println("try again later, or not at all:", err)
	}
	// Output: get deal 9: notFound: 404 Not Found: Entity was not found
}

func ExampleParseEvent() {
	event, err := pipedrive.ParseEvent([]byte(`{
		"meta": {"version":"2.0","action":"change","entity":"deal","entity_id":"42","timestamp":"2026-11-19T14:00:00.204Z","attempt":1},
		"data": {"id":42,"status":"won","update_time":"2026-11-19T14:00:00Z"},
		"previous": {"status":"open","custom_fields":{"abc":{"type":"enum","id":41}}}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(event.Action, event.Entity, event.EntityID, event.UpdateTime.Format(time.DateTime), event.Held())
	// Output: change deal 42 2026-11-19 14:00:00 [custom_fields.abc status]
}
