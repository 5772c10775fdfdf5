package pipedrive

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWhatAListingIsAsked(t *testing.T) {
	at := time.Date(2026, 11, 19, 13, 42, 7, 918_000_000, time.FixedZone("", 3600))
	tests := []struct {
		object Object
		opts   ListOptions
		path   string
		query  string
	}{
		{Deal, ListOptions{}, "/api/v2/deals", "limit=500&sort_by=id&sort_direction=asc"},
		{
			Deal, ListOptions{
				Cursor: "a/b+c", Limit: 7, UpdatedSince: at, UpdatedUntil: at.Add(time.Minute), SortBy: "update_time", Desc: true,
				Status: "won,lost", PipelineID: 3, StageID: 17, OrgID: 712, PersonID: 1893, OwnerID: 5,
				IncludeFields: []string{"first_won_time", "notes_count"}, CustomFields: []string{"abc"}, OptionLabels: true,
			}, "/api/v2/deals",
			"cursor=a%2Fb%2Bc&custom_fields=abc&include_fields=first_won_time%2Cnotes_count&include_option_labels=true&limit=7&org_id=712&owner_id=5" +
				"&person_id=1893&pipeline_id=3&sort_by=update_time&sort_direction=desc&stage_id=17&status=won%2Clost" +
				"&updated_since=2026-11-19T12%3A42%3A07Z&updated_until=2026-11-19T12%3A43%3A07Z",
		},
		{Deal, ListOptions{Status: "deleted"}, "/api/v2/deals", "limit=500&sort_by=id&sort_direction=asc&status=deleted"},
		{Deal, ListOptions{Archived: true, UpdatedSince: at}, "/api/v2/deals/archived", "limit=500&sort_by=id&sort_direction=asc&updated_since=2026-11-19T12%3A42%3A07Z"},
		{Organization, ListOptions{IDs: []int64{712, 7}}, "/api/v2/organizations", "ids=712%2C7&limit=500&sort_by=id&sort_direction=asc"},
		{Person, ListOptions{DealID: 4471}, "/api/v2/persons", "deal_id=4471&limit=500&sort_by=id&sort_direction=asc"},
		{Pipeline, ListOptions{}, "/api/v2/pipelines", "limit=500&sort_by=id&sort_direction=asc"},
		{Stage, ListOptions{PipelineID: 3, SortBy: "order_nr"}, "/api/v2/stages", "limit=500&pipeline_id=3&sort_by=order_nr&sort_direction=asc"},
		{
			Note, ListOptions{Start: 500, UpdatedSince: at, SortBy: "update_time", Desc: true, OwnerID: 5, DealID: 4471}, "/api/v1/notes",
			"deal_id=4471&limit=500&sort=update_time+DESC&start=500&updated_since=2026-11-19T12%3A42%3A07Z&user_id=5",
		},
	}
	for _, tt := range tests {
		fake := always(200, list(""))
		if _, err := clientFor(t, fake).Page(t.Context(), tt.object, tt.opts); err != nil {
			t.Errorf("%s %+v: %v", tt.object, tt.opts, err)
			continue
		}
		if got := fake.asked()[0]; got.Path != tt.path || got.Query.Encode() != tt.query {
			t.Errorf("%s %+v: asked %s?%s\nwant %s?%s", tt.object, tt.opts, got.Path, got.Query.Encode(), tt.path, tt.query)
		}
	}
}

// A filter that a listing does not know would be ignored, and everything listed.
func TestOptionsThatAListingDoesNotHave(t *testing.T) {
	now := time.Now()
	tests := []struct {
		object Object
		opts   ListOptions
	}{
		{"lead", ListOptions{}},
		{Deal, ListOptions{Limit: 501}},
		{Deal, ListOptions{Limit: -1}},
		{Deal, ListOptions{Start: 1}},
		{Deal, ListOptions{IDs: make([]int64, 101)}},
		{Deal, ListOptions{IDs: []int64{1, 0}}},
		{Deal, ListOptions{DealID: 1}},
		{Deal, ListOptions{Status: "gone"}},
		{Deal, ListOptions{Status: "won,"}},
		{Deal, ListOptions{SortBy: "title"}},
		{Deal, ListOptions{CustomFields: make([]string, 16)}},
		{Person, ListOptions{Status: "deleted"}},
		{Person, ListOptions{Archived: true}},
		{Person, ListOptions{PersonID: 1}},
		{Organization, ListOptions{OrgID: 1}},
		{Pipeline, ListOptions{IDs: []int64{1}}},
		{Pipeline, ListOptions{UpdatedSince: now}},
		{Stage, ListOptions{UpdatedSince: now}},
		{Note, ListOptions{IDs: []int64{1}}},
		{Note, ListOptions{Cursor: "x"}},
		{Note, ListOptions{Start: -1}},
		{Note, ListOptions{UpdatedUntil: now}},
		{Note, ListOptions{OptionLabels: true}},
		{Note, ListOptions{SortBy: "content"}},
	}
	for _, tt := range tests {
		fake := always(200, list(""))
		if _, err := clientFor(t, fake).Page(t.Context(), tt.object, tt.opts); KindOf(err) != KindInvalid || len(fake.asked()) != 0 {
			t.Errorf("%s %+v: %v after %d requests", tt.object, tt.opts, err, len(fake.asked()))
		}
	}
}

func TestPagesByCursor(t *testing.T) {
	fake := &api{rule: func(_ int, r request) reply {
		switch r.Query.Get("cursor") {
		case "":
			return reply{200, list("two", `{"id":1}`, `{"id":"2","title":"a text as id"}`), nil}
		case "two":
			return reply{200, list("three"), nil}
		}
		return reply{200, list("", `{"id":3.0}`), nil}
	}}
	var ids []int64
	for page, err := range clientFor(t, fake).Pages(t.Context(), Deal, ListOptions{Limit: 2, Status: "won"}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range page.Rows {
			ids = append(ids, row.ID)
		}
		if page.Date.IsZero() || page.Bytes == 0 {
			t.Errorf("page %+v", page)
		}
	}
	if !slices.Equal(ids, []int64{1, 2, 3}) || len(fake.asked()) != 3 {
		t.Errorf("got %v with %d requests", ids, len(fake.asked()))
	}
	for _, r := range fake.asked() {
		if r.Query.Get("status") != "won" || r.Query.Get("limit") != "2" {
			t.Errorf("asked %v", r.Query)
		}
	}
}

func TestPagesByOffset(t *testing.T) {
	notes := func(pagination string, rows ...string) reply {
		return reply{200, fmt.Sprintf(`{"success":true,"data":[%s],"additional_data":%s}`, strings.Join(rows, ","), pagination), nil}
	}
	fake := &api{rule: func(_ int, r request) reply {
		switch r.Query.Get("start") {
		case "0": // fewer than asked for: the vendor's own limit
			return notes(`{"pagination":{"start":0,"limit":1,"more_items_in_collection":true,"next_start":1}}`, `{"id":1}`)
		case "1": // without a word on where to go on
			return notes(`{"pagination":{"start":"1","limit":"1","more_items_in_collection":1}}`, `{"id":2}`)
		case "2": // without a word at all: full, so there may be more
			return notes(`null`, `{"id":3}`, `{"id":4}`)
		}
		return reply{200, `{"success":true,"data":null,"additional_data":{"pagination":{"start":4,"limit":2,"more_items_in_collection":false}}}`, nil}
	}}
	var ids []int64
	for page, err := range clientFor(t, fake).Pages(t.Context(), Note, ListOptions{Limit: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range page.Rows {
			ids = append(ids, row.ID)
		}
	}
	if !slices.Equal(ids, []int64{1, 2, 3, 4}) || len(fake.asked()) != 4 {
		t.Errorf("got %v with %d requests", ids, len(fake.asked()))
	}
}

func TestABrokenPageIsNeverAShorterPage(t *testing.T) {
	page := func(data string) string {
		return `{"success":true,"data":` + data + `,"additional_data":{"next_cursor":null}}`
	}
	for name, tt := range map[string]struct {
		object Object
		opts   ListOptions
		body   string
	}{
		"no data":                         {Deal, ListOptions{}, `{"success":true,"additional_data":{"next_cursor":null}}`},
		"an object":                       {Deal, ListOptions{}, page(`{"id":1}`)},
		"a text":                          {Deal, ListOptions{}, page(`"x"`)},
		"a row without id":                {Deal, ListOptions{}, page(`[{"id":1},{"title":"x"}]`)},
		"a row with a null id":            {Deal, ListOptions{}, page(`[{"id":null}]`)},
		"a row with an empty id":          {Deal, ListOptions{}, page(`[{"id":""}]`)},
		"a row with a word as id":         {Deal, ListOptions{}, page(`[{"id":"x"}]`)},
		"a row with an object as id":      {Deal, ListOptions{}, page(`[{"id":{"value":1}}]`)},
		"a row with a flag as id":         {Deal, ListOptions{}, page(`[{"id":true}]`)},
		"a row with part of an id":        {Deal, ListOptions{}, page(`[{"id":1.5}]`)},
		"a row with an id of nothing":     {Deal, ListOptions{}, page(`[{"id":0}]`)},
		"a row that is no object":         {Deal, ListOptions{}, page(`[1]`)},
		"a row that is null":              {Deal, ListOptions{}, page(`[null]`)},
		"cut":                             {Deal, ListOptions{}, page(`[{"id":1}]`)[:30]},
		"two answers":                     {Deal, ListOptions{}, page(`[]`) + page(`[]`)},
		"a page that leads to itself":     {Deal, ListOptions{Cursor: "x"}, list("x", `{"id":1}`)},
		"a full page without a cursor":    {Deal, ListOptions{Limit: 1}, `{"success":true,"data":[{"id":1}]}`},
		"an offset that leads to itself":  {Note, ListOptions{}, `{"success":true,"data":[],"additional_data":{"pagination":{"more_items_in_collection":true}}}`},
		"an offset that leads backwards":  {Note, ListOptions{Start: 9}, `{"success":true,"data":[{"id":1}],"additional_data":{"pagination":{"more_items_in_collection":true,"next_start":3}}}`},
		"a portal that answers with JSON": {Deal, ListOptions{}, `{"login":"please"}`},
	} {
		got, err := clientFor(t, always(200, tt.body)).Page(t.Context(), tt.object, tt.opts)
		if KindOf(err) != KindMalformed || len(got.Rows) != 0 {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	if _, err := clientFor(t, always(204, "")).Page(t.Context(), Note, ListOptions{}); !IsNotFound(err) {
		t.Errorf("204: %v", err)
	}
}

func TestPagesEndWithAnError(t *testing.T) {
	fake := inTurn(reply{200, list("two", `{"id":1}`), nil}, reply{401, `{"success":false}`, nil})
	pages, last := 0, error(nil)
	for _, err := range clientFor(t, fake).Pages(t.Context(), Deal, ListOptions{}) {
		pages++
		last = err
	}
	if pages != 2 || KindOf(last) != KindUnauthorized {
		t.Errorf("%d pages, %v", pages, last)
	}
	for range clientFor(t, always(200, list("two", `{"id":1}`))).Pages(t.Context(), Deal, ListOptions{}) {
		break // the caller may stop
	}
}

func TestGet(t *testing.T) {
	raw := `{"id":"42","value":1.50,"is_deleted":true,"update_time":"2026-11-19T13:42:07Z"}`
	row, err := clientFor(t, always(200, one(raw))).Get(t.Context(), Deal, 42)
	if err != nil || row.ID != 42 || string(row.Raw) != raw || !Deleted(row) || UpdateTime(row.Raw).Unix() != 1795095727 {
		t.Errorf("got %d %s, %v", row.ID, row.Raw, err)
	}
	for body, kind := range map[string]Kind{one(`{"id":43}`): KindMalformed, one(`[]`): KindMalformed, one(`{}`): KindMalformed, one(`null`): KindNotFound} {
		if _, err := clientFor(t, always(200, body)).Get(t.Context(), Deal, 42); KindOf(err) != kind {
			t.Errorf("%s: %v", body, err)
		}
	}
	fake := always(200, one(`{}`))
	for o, id := range map[Object]int64{"lead": 1, Deal: 0, Person: -1} {
		if _, err := clientFor(t, fake).Get(t.Context(), o, id); KindOf(err) != KindInvalid || len(fake.asked()) != 0 {
			t.Errorf("%s %d: %v", o, id, err)
		}
	}
	for o, want := range map[Object]string{
		Deal: "/api/v2/deals/5", Organization: "/api/v2/organizations/5", Person: "/api/v2/persons/5",
		Pipeline: "/api/v2/pipelines/5", Stage: "/api/v2/stages/5", Note: "/api/v1/notes/5",
	} {
		fake := always(200, one(`{"id":5}`))
		if _, err := clientFor(t, fake).Get(t.Context(), o, 5); err != nil || fake.asked()[0].Path != want {
			t.Errorf("%s: asked %s, %v", o, fake.asked()[0].Path, err)
		}
	}
}

func TestDeleted(t *testing.T) {
	for raw, want := range map[string]bool{
		`{"id":1,"is_deleted":true}`: true, `{"id":1,"is_deleted":false}`: false, `{"id":1}`: false, `{"id":1,"is_deleted":1}`: true,
		`{"id":1,"active_flag":false}`: true, `{"id":1,"active_flag":true}`: false, `{"id":1,"active_flag":0}`: true,
		`{"id":1,"deleted":true,"active":false}`: true, `{"id":1,"active":false,"status":"won"}`: false, `{"id":1,"status":"deleted"}`: true, `[]`: false,
	} {
		if got := Deleted(Row{1, []byte(raw)}); got != want {
			t.Errorf("%s: %t", raw, got)
		}
	}
}

func TestParseTime(t *testing.T) {
	for s, want := range map[string]string{
		"2026-11-19T13:42:07Z": "2026-11-19T13:42:07Z", "2026-11-19T13:42:07.518Z": "2026-11-19T13:42:07.518Z", "2026-11-19 13:42:07": "2026-11-19T13:42:07Z",
		"2026-11-19T14:42:07+01:00": "2026-11-19T13:42:07Z", "2026-11-19": "2026-11-19T00:00:00Z", "1795095727": "2026-11-19T13:42:07Z",
		"1795095727518": "2026-11-19T13:42:07.518Z", "1795095727518000": "2026-11-19T13:42:07.518Z",
	} {
		if at, err := ParseTime(s); err != nil || at.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: %s, %v", s, at.Format(time.RFC3339Nano), err)
		}
	}
	for _, s := range []string{"", "yesterday", "-5", "2026-13-01"} {
		if at, err := ParseTime(s); err == nil {
			t.Errorf("%q: %s", s, at)
		}
	}
	if at := UpdateTime([]byte(`{"update_time":null}`)); !at.IsZero() {
		t.Errorf("null: %s", at)
	}
}

// The table is the documentation's, so what is written here is written twice: a row that
// is changed by accident is noticed.
func TestObjects(t *testing.T) {
	prices := map[Object][3]int{ // list, get, archived
		Deal: {10, 1, 20}, Organization: {10, 1, 0}, Person: {10, 1, 0}, Note: {20, 2, 0}, Pipeline: {5, 1, 0}, Stage: {5, 1, 0},
	}
	found := map[Object]bool{}
	for _, s := range Objects() {
		found[s.Object] = true
		if prices[s.Object] != [3]int{s.ListTokens, s.GetTokens, s.ArchivedTokens} || s.Stamp != "update_time" || s.PageSize != 500 {
			t.Errorf("%s: %+v", s.Object, s)
		}
		if (s.Object == Note) != (s.Version == V1) || (s.Object == Deal) != s.DeletedList || (s.ArchivedPath != "") != (s.ArchivedField != "") {
			t.Errorf("%s: %+v", s.Object, s)
		}
	}
	if len(found) != len(prices) {
		t.Errorf("found %v", slices.Collect(maps.Keys(found)))
	}
}

// Every example of the documentation that this client asks for is read.
func TestSamplesAreRead(t *testing.T) {
	s := readSamples(t)
	reads := map[string]func(*Client) (int, error){
		"v2_deals_list_won":         func(c *Client) (int, error) { return rows(c.Page(t.Context(), Deal, ListOptions{Limit: 2})) },
		"v2_deals_list_last_page":   func(c *Client) (int, error) { return rows(c.Page(t.Context(), Deal, ListOptions{Cursor: "x"})) },
		"v2_organizations_list":     func(c *Client) (int, error) { return rows(c.Page(t.Context(), Organization, ListOptions{})) },
		"v2_persons_list_of_deal":   func(c *Client) (int, error) { return rows(c.Page(t.Context(), Person, ListOptions{})) },
		"v2_pipelines_list":         func(c *Client) (int, error) { return rows(c.Page(t.Context(), Pipeline, ListOptions{})) },
		"v2_stages_list":            func(c *Client) (int, error) { return rows(c.Page(t.Context(), Stage, ListOptions{})) },
		"v1_notes_list":             func(c *Client) (int, error) { return rows(c.Page(t.Context(), Note, ListOptions{})) },
		"v1_notes_list_empty":       func(c *Client) (int, error) { return rows(c.Page(t.Context(), Note, ListOptions{})) },
		"v2_deal_get_option_labels": func(c *Client) (int, error) { return id(c.Get(t.Context(), Deal, 4471)) },
		"v2_organization_get":       func(c *Client) (int, error) { return id(c.Get(t.Context(), Organization, 712)) },
		"v2_deal_fields_list":       func(c *Client) (int, error) { return count(c.Fields(t.Context(), Deal)) },
		"v1_dealfields_item":        func(c *Client) (int, error) { return count(c.Fields(t.Context(), Deal)) },
		"v2_deal_products":          func(c *Client) (int, error) { return count(c.DealProducts(t.Context(), 4471)) },
		"v1_users_me":               func(c *Client) (int, error) { me, err := c.Me(t.Context()); return int(me.ID), err },
		"webhook_list":              func(c *Client) (int, error) { return count(c.Webhooks(t.Context())) },
		"webhook_delete":            func(c *Client) (int, error) { return 0, c.DeleteWebhook(t.Context(), 5120988) },
		"webhook_create": func(c *Client) (int, error) {
			w, err := c.CreateWebhook(t.Context(), NewWebhook{Name: "n", Action: "*", Object: "deal", URL: "u"})
			return int(w.ID), err
		},
	}
	want := map[string]int{
		"v2_deals_list_won": 2, "v2_organizations_list": 1, "v2_persons_list_of_deal": 2, "v2_pipelines_list": 2, "v2_stages_list": 2, "v1_notes_list": 1,
		"v2_deal_get_option_labels": 4471, "v2_organization_get": 712, "v2_deal_fields_list": 3, "v1_dealfields_item": 1, "v2_deal_products": 1,
		"v1_users_me": 21577801, "webhook_list": 2, "webhook_create": 5120987,
	}
	for name, read := range reads {
		sample, ok := s.Rest[name]
		if !ok {
			t.Errorf("there is no sample %s", name)
			continue
		}
		fake := inTurn(sample.reply())
		got, err := read(clientFor(t, fake))
		if err != nil || got != want[name] {
			t.Errorf("%s: got %d, %v, want %d", name, got, err, want[name])
		}
		path, _ := url.Parse(sample.Path)
		if asked := fake.asked()[0]; asked.Method != sample.Method || strings.TrimPrefix(asked.Path, "/api") != strings.Replace(strings.TrimPrefix(path.Path, "/api"), "/v1/dealFields", "/v2/dealFields", 1) {
			t.Errorf("%s: asked %s %s, want %s %s", name, asked.Method, asked.Path, sample.Method, sample.Path)
		}
	}
}

func rows(p Page, err error) (int, error) { return len(p.Rows), err }

func id(r Row, err error) (int, error) { return int(r.ID), err }

func count[T any](list []T, err error) (int, error) { return len(list), err }

func TestSamplesOfErrors(t *testing.T) {
	want := map[string]struct {
		kind Kind
		say  string
		code string
	}{
		"unauthorized":       {KindUnauthorized, "unauthorized access", "401"},
		"v2_validation":      {KindInvalid, "is not allowed for this request", "ERR_SCHEMA_VALIDATION_FAILED"},
		"v2_validation_enum": {KindInvalid, "Expected 'number'", "ERR_SCHEMA_VALIDATION_FAILED"},
		"v2_not_found":       {KindNotFound, "Entity was not found: Object was not found.", ""},
		"v2_internal":        {KindUnavailable, "Internal Server Error", "ERR_UNKNOWN"},
		"forbidden":          {KindForbidden, "You do not have permissions to do this.", ""},
		"plan_limit":         {KindForbidden, "Open deals limit reached.", "feature_capping_deals_limit"},
		"rate_limited_burst": {KindThrottled, "Rate limit exceeded", ""},
		"rate_limited_daily": {KindDailyBudget, "Rate limit exceeded", ""},
		"blocked_html":       {KindBlocked, "HTML page", ""},
		"webhook_bad_url":    {KindInvalid, "subscription_url: invalid or non-reachable URL", ""},
		"webhook_limit":      {KindLimit, "user_id: webhooks limit reached", ""},
		"webhook_forbidden":  {KindForbidden, "Forbidden", ""},
		"webhook_not_found":  {KindNotFound, "id: not found", ""},
	}
	samples := readSamples(t).Errors
	for name, sample := range samples {
		tt, ok := want[name]
		if !ok {
			t.Errorf("nobody says what %s is", name)
			continue
		}
		c := clientFor(t, inTurn(sample.reply()), WithRetry(Retry{Attempts: 1}))
		_, err := c.Page(t.Context(), Deal, ListOptions{})
		e, ok := err.(*Error) //nolint:errorlint // it is not wrapped
		if !ok || e.Kind != tt.kind || !strings.Contains(e.Message, tt.say) || e.Code != tt.code || e.Status != sample.Status {
			t.Errorf("%s: got %#v", name, err)
		}
		if text := http.StatusText(sample.Status); !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v does not say %s", name, err, text)
		}
	}
}
