package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"os"
	"time"

	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

func newPipedrive() (*pipedrive.Client, error) {
	var u pipedrive.URL
	u, err := pipedrive.ParseURL("acme")
	if err != nil {
		return nil, err
	}
	fmt.Println(u.CompanyDomain(), u.String(), pipedrive.CheckToken("x"))
	budget := pipedrive.NewBudget(pipedrive.BudgetOptions{RequestsPer2s: pipedrive.DefaultRequestsPer2s, InFlight: 10})
	var lane *pipedrive.Lane = budget.Lane("external", 1)
	var stats pipedrive.LaneStats = lane.Stats()
	var usage pipedrive.Usage = budget.Usage()
	fmt.Println(stats.Granted, stats.InFlight, stats.Waiting, stats.Waited, budget.StoppedUntil(), usage.Total, usage.Spent,
		usage.Limit, usage.Remaining, usage.Said, usage.WindowLimit, usage.WindowRemaining, usage.Beyond(0.5))
	var source pipedrive.TokenSource = func() string { return os.Getenv("PIPEDRIVE_TOKEN") }
	options := []pipedrive.Option{
		pipedrive.WithHTTPClient(http.DefaultClient),
		pipedrive.WithBudget(lane),
		pipedrive.WithObserver(observePipedrive),
		pipedrive.WithRetry(pipedrive.Retry{Attempts: 0, Failures: 3, Base: time.Second, Max: time.Minute}),
		pipedrive.WithCallDeadline(pipedrive.DefaultCallDeadline),
		pipedrive.WithGate(func(context.Context, pipedrive.Call) error { return nil }),
		pipedrive.WithGuard(func() error { return nil }),
		pipedrive.WithJitter(func() float64 { return 0.5 }),
		pipedrive.WithUserAgent("external/1"),
		pipedrive.WithMaxBody(pipedrive.DefaultMaxBody),
	}
	return pipedrive.New(u, source, options...)
}

func observePipedrive(c pipedrive.Call) {
	fmt.Println(c.Method, c.Path, c.Object, c.Attempt, c.Status, c.Tokens, c.Duration, c.Waited, c.Err, c.Kind, c.Write, c.Uncertain)
}

func runPipedrive(ctx context.Context) error {
	client, err := newPipedrive()
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	ctx = pipedrive.WithPriority(ctx, pipedrive.PriorityHigh)
	var me pipedrive.Me
	me, err = client.Verify(ctx)
	if account, ok := errors.AsType[*pipedrive.AccountError](err); ok {
		var wrong pipedrive.Wrong = account.Wrong
		fmt.Println(wrong, account.Say, account.Remedy, account.Err)
	}
	if failed, ok := errors.AsType[*pipedrive.Error](err); ok {
		fmt.Println(failed.Kind, failed.Action, failed.Subject, failed.Status, failed.Message, failed.Code, failed.RetryAfter,
			failed.Attempts, failed.Uncertain, failed.Final, failed.Err, wordOf(failed.Kind), pipedrive.IsNotFound(err), pipedrive.KindOf(err))
	}
	if me, err = client.Me(ctx); err != nil {
		return err
	}
	fmt.Println(me.ID, me.Name, me.Email, me.Admin, me.CompanyID, me.CompanyName, me.CompanyDomain, me.Language, me.Timezone, me.Raw,
		client.URL(), client.Usage(), pipedrive.MeTokens)
	for _, spec := range pipedrive.Objects() {
		if err := listPipedrive(ctx, client, spec); err != nil {
			return err
		}
	}
	return webhooks(ctx, client)
}

func listPipedrive(ctx context.Context, client *pipedrive.Client, spec pipedrive.Spec) error {
	_, known := pipedrive.Lookup(spec.Object)
	fmt.Println(known, spec.Object, spec.Listing, spec.Version, spec.Path, spec.PageSize, spec.ListTokens, spec.GetTokens, spec.Stamp, spec.IDs,
		spec.UpdatedSince, spec.DeletedField, spec.DeletedWhen, spec.DeletedList, spec.ArchivedPath, spec.ArchivedTokens, spec.ArchivedField,
		spec.FieldsPath, spec.Sorts, spec.Filters, spec.Version == pipedrive.V1, spec.Version == pipedrive.V2)
	opts := pipedrive.ListOptions{
		Cursor: "", Start: 0, Limit: 100, IDs: make([]int64, 0, pipedrive.MaxIDs), UpdatedSince: time.Time{}, UpdatedUntil: time.Time{},
		SortBy: "id", Desc: false, Status: "", Archived: false, OwnerID: 0, PipelineID: 0, StageID: 0, OrgID: 0, PersonID: 0, DealID: 0,
		IncludeFields: nil, CustomFields: nil, OptionLabels: false,
	}
	var pages iter.Seq2[pipedrive.Page, error] = client.Pages(ctx, spec.Object, opts)
	for page, err := range pages {
		if err != nil {
			return err
		}
		fmt.Println(page.More, page.Next, page.NextStart, page.Date, page.Bytes, opts.After(page))
		for _, row := range page.Rows {
			fmt.Println(row.ID, row.Raw, pipedrive.Deleted(row), pipedrive.UpdateTime(row.Raw))
		}
	}
	if _, err := client.Get(ctx, spec.Object, 1); err != nil {
		return err
	}
	var fields []pipedrive.Field
	fields, err := client.Fields(ctx, spec.Object)
	if err != nil {
		return err
	}
	for _, f := range fields {
		var options []pipedrive.FieldOption = f.Options
		label, found := f.Label("1")
		fmt.Println(f.Code, f.Name, f.Type, f.Custom, f.Description, f.Subfields, options, label, found)
	}
	var catalogue *pipedrive.Catalogue = pipedrive.NewCatalogue(fields)
	_, found := catalogue.Field("x")
	var value pipedrive.Value = catalogue.Value("x", nil)
	values, err := catalogue.Values(nil)
	fmt.Println(found, value.Code, value.Name, value.Type, value.Labels, value.Text, value.Raw, values)
	return err
}

func webhooks(ctx context.Context, client *pipedrive.Client) error {
	var hook pipedrive.Webhook
	hook, err := client.CreateWebhook(ctx, pipedrive.NewWebhook{
		Name: "n", Action: "*", Object: "deal", URL: "https://x", Version: "2.0", UserID: 1, AuthUser: "u", AuthPassword: "p",
	})
	if err != nil {
		return err
	}
	fmt.Println(hook.ID, hook.CompanyID, hook.OwnerID, hook.UserID, hook.AdminID, hook.Name, hook.Action, hook.Object, hook.URL, hook.Version,
		hook.Type, hook.AuthUser, hook.AuthPassword, hook.Active, hook.AddTime, hook.RemoveTime, hook.RemoveReason, hook.LastDelivery,
		hook.LastStatus, hook.LastFailed, pipedrive.WebhookLimit)
	hooks, err := client.Webhooks(ctx)
	if err != nil {
		return err
	}
	users, err := client.Users(ctx)
	if err != nil {
		return err
	}
	for _, user := range users {
		var u pipedrive.User = user
		fmt.Println(u.ID, u.Name, u.Email, u.Active, u.Raw, len(hooks))
	}
	products, err := client.DealProducts(ctx, 1, 2)
	if err != nil {
		return err
	}
	for _, product := range products {
		var p pipedrive.DealProduct = product
		fmt.Println(p.ID, p.DealID, p.ProductID, p.Raw)
	}
	var event pipedrive.Event
	event, err = pipedrive.ParseEvent(nil)
	at, _ := pipedrive.ParseTime("")
	fmt.Println(event.Version, event.Action, event.Entity, event.EntityID, event.ID, event.CorrelationID, event.Timestamp, event.Attempt,
		event.CompanyID, event.UserID, event.WebhookID, event.ChangeSource, event.Host, event.MergedTo, event.MergedFrom, event.Data,
		event.Previous, event.UpdateTime, event.Held(), at, err)
	return client.DeleteWebhook(ctx, hook.ID)
}

func wordOf(k pipedrive.Kind) string {
	fmt.Println(pipedrive.PriorityNormal, pipedrive.PriorityLow, pipedrive.WrongToken, pipedrive.WrongURL, pipedrive.WrongCompany,
		pipedrive.ActionCreate, pipedrive.ActionChange, pipedrive.ActionDelete, pipedrive.ActionMerge, pipedrive.Deal, pipedrive.Organization,
		pipedrive.Person, pipedrive.Note, pipedrive.Pipeline, pipedrive.Stage)
	switch k {
	case pipedrive.KindInvalid, pipedrive.KindConflict, pipedrive.KindNotFound, pipedrive.KindLimit:
		return "rejected"
	case pipedrive.KindUnauthorized, pipedrive.KindForbidden, pipedrive.KindUnpaid:
		return "not allowed"
	case pipedrive.KindThrottled, pipedrive.KindUnavailable:
		return "later"
	case pipedrive.KindDailyBudget, pipedrive.KindBlocked:
		return "much later"
	case pipedrive.KindAmbiguous, pipedrive.KindMalformed:
		return "unknown"
	case pipedrive.KindNone:
		return "fine"
	}
	return k.String()
}
