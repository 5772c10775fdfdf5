package planhat_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// vendor is a fake of Planhat for the examples: it answers by method and path.
func vendor(answers map[string]string) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.Method+" "+r.URL.Path]
		if !ok {
			http.Error(w, "Not Found", http.StatusNotFound)
			return
		}
		if strings.HasPrefix(answer, `{"createdErrors"`) {
			w.WriteHeader(http.StatusPartialContent)
		}
		_, _ = io.WriteString(w, answer)
	}))
}

func ExampleNew() {
	budget := planhat.NewBudget(planhat.BudgetOptions{PerMinute: 200, PerSecond: 150, InFlight: 50, Burst: 10})
	_, err := planhat.New("api.planhat.com",
		func() string { return os.Getenv("PLANHAT_TOKEN") },
		planhat.WithBudget(budget.Lane("reports", 1)),
		planhat.WithRetry(planhat.Retry{Attempts: 0}), // until the context ends
	)
	fmt.Println(err)
	// Output: planhat client: base URL: it starts with ":", want https://
}

func ExampleClient_Pages() {
	server := vendor(map[string]string{"GET /companies": `[
		{"_id":"66f0a1b2c3d4e5f600000001","name":"Fjordlight Energy"},
		{"_id":"66f0a1b2c3d4e5f600000002","name":"Harbor & Pine"}]`})
	defer server.Close()
	client, err := planhat.New(server.URL, func() string { return "token" })
	if err != nil {
		fmt.Println(err)
		return
	}
	for page, err := range client.Pages(context.Background(), planhat.Company, planhat.ListOptions{Select: []string{"name"}}) {
		if err != nil {
			fmt.Println(err) // nothing of a broken page was given out
			return
		}
		for _, row := range page.Rows {
			var company struct{ Name string }
			if err := json.Unmarshal(row.Raw, &company); err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(row.ID, company.Name)
		}
	}
	// Output:
	// 66f0a1b2c3d4e5f600000001 Fjordlight Energy
	// 66f0a1b2c3d4e5f600000002 Harbor & Pine
}

func ExampleClient_BulkUpsert() {
	server := vendor(map[string]string{"PUT /companies": `{"createdErrors":[{"message":"name is required","item":{"externalId":"acct-3"}}],
		"updated":1,"updatesKeys":[{"_id":"66f0a1b2c3d4e5f600000001","externalId":"acct-1"}]}`})
	defer server.Close()
	client, err := planhat.New(server.URL, func() string { return "token" })
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := client.BulkUpsert(context.Background(), planhat.Company, []json.RawMessage{
		json.RawMessage(`{"externalId":"acct-1","phase":"Onboarding"}`),
		json.RawMessage(`{"externalId":"acct-3","phase":"Onboarding"}`),
	})
	fmt.Println(answer.Status, err)
	for _, keys := range answer.UpdatesKeys {
		fmt.Println("updated", keys["externalId"])
	}
	for _, failed := range answer.CreatedErrors {
		fmt.Println("refused", failed.Keys["externalId"], failed.Message)
	}
	// Output:
	// 206 <nil>
	// updated acct-1
	// refused acct-3 name is required
}

func ExampleKindOf() {
	server := vendor(nil)
	defer server.Close()
	client, err := planhat.New(server.URL, func() string { return "token" })
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.Get(context.Background(), planhat.Company, planhat.ByExternalID("acct-9"))
	switch planhat.KindOf(err) {
	case planhat.KindNotFound:
		fmt.Println(err)
	case planhat.KindAmbiguous:
		fmt.Println("a write may have been carried out: look it up")
	default:
		fmt.Println("try again later, or not at all:", err)
	}
	// Output: get company externalId acct-9: notFound: 404 Not Found: Not Found
}

func ExampleSpec() {
	spec, _ := planhat.Lookup(planhat.License)
	currency, _ := spec.Field("_currency")
	company, _ := spec.Field("companyId")
	fmt.Println(spec.Path, spec.UpsertKeys(), spec.Required)
	fmt.Println(currency.Type, company.Ref)
	// Output:
	// /licenses [sourceId externalId] [[_currency] [companyId] [fromDate] [value mrr]]
	// string company
}
