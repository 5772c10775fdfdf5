// Command external uses the clients from another module, as a stranger would:
// it mentions every exported name, so that it stops compiling when one changes in a
// way that breaks its users. It is compiled by a test and never run by one.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"os"
	"time"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

func main() {
	if err := errors.Join(run(context.Background()), runPipedrive(context.Background())); err != nil {
		if failed, ok := errors.AsType[*planhat.Error](err); ok {
			fmt.Println(failed.Kind, failed.Action, failed.Subject, failed.Status, failed.Message,
				failed.RetryAfter, failed.Attempts, failed.Uncertain, failed.Err)
		}
		fmt.Println(err)
		os.Exit(1)
	}
}

func newClient() (*planhat.Client, error) {
	budget := planhat.NewBudget(planhat.BudgetOptions{PerMinute: 200, PerSecond: 150, InFlight: 50, Burst: 10})
	var lane *planhat.Lane = budget.Lane("external", 1)
	var stats planhat.LaneStats = lane.Stats()
	fmt.Println(stats.Granted, stats.InFlight, stats.Waiting, stats.Waited, budget.StoppedUntil())
	var source planhat.TokenSource = func() string { return os.Getenv("PLANHAT_TOKEN") }
	options := []planhat.Option{
		planhat.WithHTTPClient(http.DefaultClient),
		planhat.WithBudget(lane),
		planhat.WithObserver(observe),
		planhat.WithRetry(planhat.Retry{Attempts: 0, Base: time.Second, Max: time.Minute}),
		planhat.WithCallDeadline(planhat.DefaultCallDeadline),
		planhat.WithGate(func(context.Context, planhat.Call) error { return nil }),
		planhat.WithJitter(func() float64 { return 0.5 }),
		planhat.WithUserAgent("external/1"),
		planhat.WithMaxBody(planhat.DefaultMaxBody),
	}
	return planhat.New(planhat.DefaultBaseURL, source, options...)
}

func observe(c planhat.Call) {
	fmt.Println(c.Method, c.Path, c.Object, c.Attempt, c.Status, c.Duration, c.Waited, c.Err, c.Kind, c.Write)
}

func run(ctx context.Context) error {
	client, err := newClient()
	if err != nil {
		return err
	}
	ctx = planhat.WithPriority(ctx, planhat.PriorityHigh)
	for _, spec := range planhat.Objects() {
		if err := list(ctx, client, spec); err != nil {
			return err
		}
	}
	if _, err := client.LeanCompanies(ctx); err != nil {
		return err
	}
	return write(ctx, client)
}

func list(ctx context.Context, client *planhat.Client, spec planhat.Spec) error {
	fmt.Println(spec.Object, spec.Listing, spec.Path, spec.Type, spec.PageSize, spec.Stamp, spec.Keys, spec.KeyFields,
		spec.ArchivedField, spec.ArchivedParam, spec.Required, spec.Volatile, spec.DeleteReturnsDocument, spec.Rank,
		spec.CompanyField, spec.ReadOnly, spec.UpsertKeys(), spec.KeyField(planhat.KeyExternalID),
		spec.Shared(), spec.Holds("note"), spec.ObjectOf("note"), spec.Companies([]byte(`{}`)))
	for _, f := range spec.Fields {
		var field planhat.Field = f
		fmt.Println(field.Name, field.Type, field.Writable, field.Ref, field.RefKey, field.ByKey, typeName(field.Type))
	}
	opts := planhat.ListOptions{
		Sort: "-updatedAt", Offset: 0, Limit: 100, Select: []string{"name"}, CompanyIDs: nil, Archived: false, Overlap: 10,
	}
	var pages iter.Seq2[planhat.Page, error] = client.Pages(ctx, spec.Object, opts)
	for page, err := range pages {
		if err != nil {
			return err
		}
		fmt.Println(page.Offset, page.Limit, page.Date, page.Bytes, len(page.Rows))
	}
	_, err := client.Page(ctx, spec.Object, opts)
	return err
}

func typeName(t planhat.FieldType) string {
	switch t {
	case planhat.String, planhat.Long, planhat.Double, planhat.Boolean:
		return "scalar"
	case planhat.TimestampMillis, planhat.Date:
		return "time"
	case planhat.StringArray, planhat.JSON:
		return "tree"
	}
	return "unknown"
}

func write(ctx context.Context, client *planhat.Client) error {
	var created planhat.Written
	created, err := client.Create(ctx, planhat.Company, []byte(`{"name":"x"}`))
	if err != nil {
		return fmt.Errorf("%s: %w", kindWord(planhat.KindOf(err)), err)
	}
	fmt.Println(string(created.Row), created.Attempts, created.Repeated)
	if _, err := client.Update(ctx, planhat.Company, planhat.ByExternalID("a"), []byte(`{"phase":"x"}`)); err != nil {
		return err
	}
	rows, err := client.Find(ctx, planhat.Enduser, planhat.KeyEmail, "kari@example.org", "")
	if err != nil {
		return err
	}
	for _, row := range rows {
		var deleted planhat.Deleted
		if deleted, err = client.Delete(ctx, planhat.Enduser, row.ID); err != nil {
			return err
		}
		fmt.Println(deleted.Count, deleted.Document, deleted.Attempts, deleted.Repeated, row.Raw)
	}
	if _, err := client.Get(ctx, planhat.License, planhat.BySourceID("s")); err != nil {
		return err
	}
	if _, err := client.Get(ctx, planhat.Note, planhat.Ref{Key: planhat.KeyID, Value: planhat.ByID("x").Value}); err != nil {
		return err
	}
	return bulk(ctx, client)
}

func bulk(ctx context.Context, client *planhat.Client) error {
	var answer planhat.BulkAnswer
	answer, err := client.BulkUpsert(ctx, planhat.Company, []json.RawMessage{json.RawMessage(`{"sourceId":"s"}`)})
	fmt.Println(answer.Status, answer.Created, answer.Updated, answer.Nonupdates, answer.Modified, answer.UpsertedIDs,
		answer.Attempts, answer.Repeated, planhat.MaxBulkItems)
	for _, set := range [][]planhat.KeySet{answer.InsertsKeys, answer.UpdatesKeys} {
		fmt.Println(set)
	}
	for _, failures := range [][]planhat.BulkError{
		answer.CreatedErrors, answer.UpdatedErrors, answer.PermissionErrors, answer.ValidationErrors,
	} {
		for _, failure := range failures {
			fmt.Println(failure.Message, failure.Keys[string(planhat.KeySourceID)], failure.Raw)
		}
	}
	return err
}

func kindWord(k planhat.Kind) string {
	switch k {
	case planhat.KindInvalid, planhat.KindConflict, planhat.KindNotFound:
		return "rejected"
	case planhat.KindUnauthorized, planhat.KindForbidden:
		return "not allowed"
	case planhat.KindThrottled, planhat.KindUnavailable:
		return "later"
	case planhat.KindAmbiguous, planhat.KindMalformed:
		return "unknown"
	case planhat.KindNone:
		return "fine"
	}
	_, _ = planhat.PriorityNormal, planhat.PriorityLow
	_, known := planhat.Lookup(planhat.Company)
	spec, _ := planhat.Lookup(planhat.Note)
	_, named := spec.Field("subject")
	return fmt.Sprint(k.String(), known, named)
}
