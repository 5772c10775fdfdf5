package pipedrive_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	pipedrivesim "github.com/planhat-bridge/planhat-bridge/internal/simulator/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/test/rig/bubble"
	"github.com/planhat-bridge/planhat-bridge/test/share"
)

// company is a simulated company and a client of it.
type company struct {
	*pipedrivesim.Server
	*pipedrive.Client
	t *testing.T
}

func newCompany(t *testing.T, switches pipedrivesim.Switches, opts ...pipedrive.Option) company {
	t.Helper()
	server := pipedrivesim.New(pipedrivesim.Options{Switches: switches, Organizations: 4, Persons: 7, Deals: 12, Notes: 9})
	u, err := pipedrive.ParseURL("nordlicht-demo")
	if err != nil {
		t.Fatal(err)
	}
	opts = append([]pipedrive.Option{pipedrive.WithHTTPClient(&http.Client{Transport: bubble.Handled{Handler: server}})}, opts...)
	client, err := pipedrive.New(u, func() string { return pipedrivesim.DefaultToken }, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return company{server, client, t}
}

// ids lists an object to its end, three rows a page.
func (c company) ids(o pipedrive.Object, opts pipedrive.ListOptions) []int64 {
	c.t.Helper()
	ids := []int64{}
	opts.Limit = 3
	for page, err := range c.Pages(c.t.Context(), o, opts) {
		if err != nil {
			c.t.Fatal(err)
		}
		for _, row := range page.Rows {
			ids = append(ids, row.ID)
		}
	}
	return ids
}

// state are the ids of the records that the company has, by a condition on them.
func (c company) state(o pipedrive.Object, holds func(map[string]any) bool) []int64 {
	c.t.Helper()
	ids := []int64{}
	for _, raw := range c.State(string(o)) {
		var row map[string]any
		if err := json.Unmarshal(raw, &row); err != nil {
			c.t.Fatal(err)
		}
		if holds(row) {
			id, _ := row["id"].(float64)
			ids = append(ids, int64(id))
		}
	}
	slices.Sort(ids)
	return ids
}

func (c company) same(what string, got, want []int64) {
	c.t.Helper()
	if !slices.Equal(got, want) {
		c.t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func (c company) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func deleted(row map[string]any) bool {
	return row["is_deleted"] == true || row["active_flag"] == false
}

// story uses every call of the client, and compares what it is told with what is there.
func (c company) story(sw pipedrivesim.Switches) {
	ctx := c.t.Context()
	me, err := c.Verify(ctx)
	if err != nil || me.ID != pipedrivesim.FirstUser || me.CompanyDomain != "nordlicht-demo" || !me.Admin {
		c.t.Fatalf("%+v, %v", me, err)
	}
	c.change()
	c.listings(sw)
	c.catalogues(ctx)
	c.hooks(ctx, sw)
	c.misses(ctx)
	if usage := c.Usage(); usage.Total == 0 || sw.DailyHeaders != "absent" && usage.Limit-usage.Remaining != usage.Total {
		c.t.Errorf("%+v: prices are not the vendor's", usage)
	}
}

// change deletes and archives something.
func (c company) change() {
	for _, o := range []pipedrive.Object{pipedrive.Deal, pipedrive.Person, pipedrive.Note} {
		all := c.state(o, func(map[string]any) bool { return true })
		c.must(c.Delete(string(o), all[1]))
		if o == pipedrive.Deal {
			c.must(c.Update("deal", all[3], `{"is_archived":true}`))
		}
	}
}

func (c company) listings(sw pipedrivesim.Switches) {
	for _, spec := range pipedrive.Objects() {
		want := c.state(spec.Object, func(row map[string]any) bool {
			return row["is_archived"] != true && (!deleted(row) || spec.Object == pipedrive.Note && sw.NoteLists == "all")
		})
		c.same(spec.Listing, c.ids(spec.Object, pipedrive.ListOptions{}), want)
		row, err := c.Get(c.t.Context(), spec.Object, want[0])
		if err != nil || row.ID != want[0] || pipedrive.Deleted(row) || spec.Object != pipedrive.Stage && pipedrive.UpdateTime(row.Raw).IsZero() {
			c.t.Errorf("get %s: %s, %v", spec.Object, row.Raw, err)
		}
		if spec.IDs {
			c.same("some "+spec.Listing, c.ids(spec.Object, pipedrive.ListOptions{IDs: want[:2]}), want[:2])
		}
		if spec.UpdatedSince {
			c.same("late "+spec.Listing, c.ids(spec.Object, pipedrive.ListOptions{UpdatedSince: time.Now().Add(time.Hour), SortBy: "update_time"}), []int64{})
			c.same("early "+spec.Listing, c.ids(spec.Object, pipedrive.ListOptions{UpdatedSince: time.Unix(0, 0)}), want)
		}
	}
	c.same("archived deals", c.ids(pipedrive.Deal, pipedrive.ListOptions{Archived: true}),
		c.state(pipedrive.Deal, func(row map[string]any) bool { return row["is_archived"] == true && !deleted(row) }))
	c.same("deleted deals", c.ids(pipedrive.Deal, pipedrive.ListOptions{Status: "deleted"}), c.state(pipedrive.Deal, deleted))
	gone := c.state(pipedrive.Deal, deleted)[0]
	row, err := c.Get(c.t.Context(), pipedrive.Deal, gone)
	if known := err == nil && pipedrive.Deleted(row); known != (sw.DeletedGet != "404") || !known && !pipedrive.IsNotFound(err) {
		c.t.Errorf("a deleted deal: %s, %v", row.Raw, err)
	}
}

func (c company) catalogues(ctx context.Context) {
	for _, o := range []pipedrive.Object{pipedrive.Deal, pipedrive.Organization, pipedrive.Person} {
		fields, err := c.Fields(ctx, o)
		c.must(err)
		custom := slices.ContainsFunc(fields, func(f pipedrive.Field) bool { return f.Custom && len(f.Code) == 40 && f.Name != "" })
		if !custom {
			c.t.Errorf("%s has no custom fields among %d", o, len(fields))
		}
		catalogue := pipedrive.NewCatalogue(fields)
		for _, raw := range c.State(string(o)) {
			values, err := catalogue.Values(raw)
			c.must(err)
			for _, v := range values {
				if v.Name == "" || v.Text == "" || v.Type == "enum" && v.Text == string(v.Raw) {
					c.t.Errorf("%s: %+v", o, v)
				}
			}
		}
	}
	users, err := c.Users(ctx)
	if err != nil || len(users) < 2 {
		c.t.Errorf("users %+v, %v", users, err)
	}
	deals := c.state(pipedrive.Deal, func(map[string]any) bool { return true })
	products, err := c.DealProducts(ctx, deals...)
	if err != nil || len(products) != len(c.State("deal_product")) {
		c.t.Errorf("%d products of %d, %v", len(products), len(c.State("deal_product")), err)
	}
}

func (c company) hooks(ctx context.Context, sw pipedrivesim.Switches) {
	hook := pipedrive.NewWebhook{
		Name: "bridge deal", Action: "*", Object: "deal", URL: "https://hooks.example/pipedrive/demo", UserID: pipedrivesim.FirstUser, AuthUser: "u", AuthPassword: "p",
	}
	if sw.HookProbe == "post" { // nobody answers there
		if _, err := c.CreateWebhook(ctx, hook); pipedrive.KindOf(err) != pipedrive.KindInvalid || !strings.Contains(err.Error(), "non-reachable") {
			c.t.Errorf("a webhook that cannot be reached: %v", err)
		}
		return
	}
	made, err := c.CreateWebhook(ctx, hook)
	c.must(err)
	listed, err := c.Webhooks(ctx)
	if err != nil || len(listed) != 1 || listed[0].ID != made.ID || listed[0].Version != "2.0" || !listed[0].Active || listed[0].URL != hook.URL || listed[0].UserID != hook.UserID {
		c.t.Errorf("listed %+v, %v", listed, err)
	}
	for range pipedrive.WebhookLimit - 1 {
		_, err = c.CreateWebhook(ctx, hook)
		c.must(err)
	}
	if _, err := c.CreateWebhook(ctx, hook); pipedrive.KindOf(err) != pipedrive.KindLimit {
		c.t.Errorf("one too many: %v", err)
	}
	c.must(c.DeleteWebhook(ctx, made.ID))
	if err := c.DeleteWebhook(ctx, made.ID); !pipedrive.IsNotFound(err) {
		c.t.Errorf("deleted twice: %v", err)
	}
	hook.URL = "https://nordlicht-demo.pipedrive.com/x"
	if _, err := c.CreateWebhook(ctx, hook); pipedrive.KindOf(err) != pipedrive.KindInvalid {
		c.t.Errorf("an address of Pipedrive's: %v", err)
	}
}

func (c company) misses(ctx context.Context) {
	for _, spec := range pipedrive.Objects() {
		if _, err := c.Get(ctx, spec.Object, 99999999); !pipedrive.IsNotFound(err) {
			c.t.Errorf("a %s that does not exist: %v", spec.Object, err)
		}
	}
	empty := c.ids(pipedrive.Note, pipedrive.ListOptions{DealID: 99999999})
	c.same("notes of nothing", empty, []int64{})
}

// ofAnswers are the switches by which answers differ; the others are of events, and of
// what becomes of webhooks.
var ofAnswers = []string{
	"daily_headers", "query_token", "deprecated_v1", "unknown_params", "limit_above_max", "last_page", "empty_list", "deleted_get",
	"deleted_note_get", "missing_v1", "note_lists", "persons_of_deal", "contact_sync", "organization_details", "hook_probe", "hook_name",
	"hook_limit_body", "hook_limit_scope", "hook_passwords", "removed_hooks",
}

// The client reads every answer that nobody documents in whichever way it is given.
func TestSimulatedCompanies(t *testing.T) {
	all := pipedrivesim.SwitchValues()
	for n, name := range ofAnswers {
		if len(all[name]) < 2 {
			t.Errorf("there is no switch %s", name)
		}
		for i, value := range all[name] {
			if i == 0 && n > 0 || testing.Short() && n > 0 { // the defaults, once
				continue
			}
			t.Run(name+"="+value, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					sw, err := pipedrivesim.DefaultSwitches().With(name, value)
					if err != nil {
						t.Fatal(err)
					}
					c := newCompany(t, sw)
					defer c.Close()
					c.story(sw)
				})
			})
		}
	}
}

// The two budgets are told apart whatever body and headers a 429 comes with.
func TestSimulatedLimits(t *testing.T) {
	all := pipedrivesim.SwitchValues()
	var companies []pipedrivesim.Switches
	for _, body := range all["limit_body"] {
		for _, reset := range all["rate_reset"] {
			for _, headers := range all["daily_headers"] {
				for _, retry := range all["retry_after"] {
					companies = append(companies, pipedrivesim.Switches{LimitBody: body, RateReset: reset, DailyHeaders: headers, RetryAfter: retry})
				}
			}
		}
	}
	step := 5
	if testing.Short() {
		step = len(companies)
	}
	for _, sw := range share.Of(companies, step) {
		t.Run(fmt.Sprint(sw.LimitBody, sw.RateReset, sw.DailyHeaders, sw.RetryAfter), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { limits(t, sw) })
		})
	}
}

func limits(t *testing.T, sw pipedrivesim.Switches) {
	t.Helper()
	free := pipedrive.NewBudget(pipedrive.BudgetOptions{}).Lane("eager", 1) // keeps to no limit of its own
	c := newCompany(t, sw, pipedrive.WithBudget(free), pipedrive.WithRetry(pipedrive.Retry{Attempts: 2}))
	defer c.Close()
	begin := time.Now()
	for range 100 { // 40 a window
		if _, err := c.Me(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(begin); took < 4*time.Second || took > 8*time.Second {
		t.Errorf("100 calls took %s", took)
	}
	c.must(c.AddFault(pipedrivesim.Fault{Kind: "429-daily", Count: 1}))
	begin = time.Now()
	if _, err := c.Me(t.Context()); pipedrive.KindOf(err) != pipedrive.KindDailyBudget || time.Since(begin) > 2*time.Second {
		t.Errorf("after %s: %v", time.Since(begin), err)
	}
	c.must(c.AddFault(pipedrivesim.Fault{Kind: "403-html", Count: 1}))
	if _, err := c.Me(t.Context()); pipedrive.KindOf(err) != pipedrive.KindBlocked {
		t.Errorf("shut out: %v", err)
	}
	c.must(c.AddFault(pipedrivesim.Fault{Kind: "402", Count: 1}))
	if _, err := c.Verify(t.Context()); pipedrive.KindOf(err) != pipedrive.KindUnpaid {
		t.Errorf("not paid: %v", err)
	}
	c.must(c.AddFault(pipedrivesim.Fault{Kind: "success-false", Count: 1}))
	if page, err := c.Page(t.Context(), pipedrive.Deal, pipedrive.ListOptions{}); pipedrive.KindOf(err) != pipedrive.KindInvalid || len(page.Rows) != 0 {
		t.Errorf("no in a 200: %d rows, %v", len(page.Rows), err)
	}
	c.must(c.AddFault(pipedrivesim.Fault{Kind: "truncated", Count: 2}))
	if page, err := c.Page(t.Context(), pipedrive.Deal, pipedrive.ListOptions{}); pipedrive.KindOf(err) != pipedrive.KindMalformed || len(page.Rows) != 0 {
		t.Errorf("cut: %d rows, %v", len(page.Rows), err)
	}
	c.SetTokens(map[string]pipedrivesim.Token{})
	if _, err := c.Me(t.Context()); pipedrive.KindOf(err) != pipedrive.KindUnauthorized {
		t.Errorf("token unknown: %v", err)
	}
}

// What the simulator delivers is read, in both versions.
func TestSimulatedEvents(t *testing.T) {
	received := make(chan pipedrive.Event, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body json.RawMessage
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		event, err := pipedrive.ParseEvent(body)
		if err != nil {
			t.Errorf("%v in %s", err, body)
		}
		received <- event
	}))
	defer receiver.Close()
	c := newCompany(t, pipedrivesim.Switches{})
	defer c.Close()
	for _, version := range []string{"1.0", "2.0"} {
		hook := pipedrive.NewWebhook{Name: "n", Action: "*", Object: "organization", URL: receiver.URL, Version: version}
		_, err := c.CreateWebhook(t.Context(), hook)
		c.must(err)
	}
	id, err := c.Create("organization", `{"name":"Kestrel Optics"}`)
	c.must(err)
	c.must(c.Update("organization", id, `{"name":"Kestrel"}`))
	c.must(c.Delete("organization", id))
	seen := map[string]int{}
	deadline := time.After(time.Minute)
	for range 6 {
		select {
		case e := <-received:
			seen[e.Version+" "+e.Action]++
			stamped := !e.UpdateTime.IsZero() && !e.Timestamp.IsZero()
			if e.Entity != "organization" || e.EntityID != fmt.Sprint(id) || !stamped || e.Attempt != 1 || (e.Action == "change") != slices.Contains(e.Held(), "name") && e.Action != "delete" {
				t.Errorf("got %+v, held %q", e, e.Held())
			}
		case <-deadline:
			t.Fatalf("only %v came", seen)
		}
	}
	for _, version := range []string{"1.0", "2.0"} {
		for _, action := range []string{"create", "change", "delete"} {
			if seen[version+" "+action] != 1 {
				t.Errorf("seen %v", seen)
			}
		}
	}
}
