package planhat

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A page that is not whole is an error, whatever is wrong with it.
func TestABrokenPageIsNeverAShorterPage(t *testing.T) {
	whole := records(1, 4)
	tests := []struct{ name, contentType, body string }{
		{"empty", "", ""},
		{"cut", "", whole[:len(whole)-10]},
		{"cut between rows", "", whole[:strings.LastIndex(whole, ",")]},
		{"two texts", "", whole + whole},
		{"trailing bytes", "", whole + "x"},
		{"page of a proxy", "text/html", "<html><title>Login</title></html>"},
		{"text", "text/plain", "OK"},
		{"object", "", `{"message":"busy"}`},
		{"null", "", "null"},
		{"row without an id", "", `[` + record(1) + `,{"name":"x"}]`},
		{"row with a short id", "", `[{"_id":"66f0"}]`},
		{"row that is no object", "", `[` + record(1) + `,null]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fake := &api{rule: func(int, request) (int, string, string) { return 200, tt.contentType, tt.body }}
			page, err := clientFor(t, fake).Page(t.Context(), Company, ListOptions{})
			if KindOf(err) != KindMalformed || len(page.Rows) != 0 {
				t.Errorf("got %d rows and %v", len(page.Rows), err)
			}
			if asked := len(fake.asked()); asked != 3 {
				t.Errorf("asked %d times, want as often as there are attempts", asked)
			}
			if err != nil && !strings.HasPrefix(err.Error(), "list companies at offset 0: malformed: 200 OK: ") {
				t.Errorf("the error reads %q", err)
			}
		})
	}
}

// A page shorter than its announced length is cut, although what is there is JSON.
func TestAPageShorterThanAnnouncedIsCut(t *testing.T) {
	cut := transport(func(r *http.Request) (*http.Response, error) {
		resp, err := always(200, records(1, 3)).RoundTrip(r)
		resp.ContentLength = int64(len(records(1, 3)) + 20)
		return resp, err
	})
	if _, err := clientFor(t, cut).Page(t.Context(), Company, ListOptions{}); KindOf(err) != KindMalformed {
		t.Errorf("got %v", err)
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestABrokenPageIsAskedForAgain(t *testing.T) {
	fake := &api{rule: func(n int, _ request) (int, string, string) {
		if n == 1 {
			return 200, "", records(1, 4)[:20]
		}
		return 200, "", records(1, 4)
	}}
	page, err := clientFor(t, fake).Page(t.Context(), Company, ListOptions{})
	if err != nil || len(page.Rows) != 3 {
		t.Fatalf("got %d rows, %v", len(page.Rows), err)
	}
	want := Page{Rows: page.Rows, Limit: 5000, Bytes: len(records(1, 4)), Date: time.Date(2026, 3, 4, 15, 21, 9, 0, time.UTC)}
	if page.Limit != want.Limit || page.Bytes != want.Bytes || !page.Date.Equal(want.Date) || page.Rows[2].ID != hexID(3) || string(page.Rows[2].Raw) != record(3) {
		t.Errorf("got %+v, want %+v", page, want)
	}
}

func TestQueryOfAPage(t *testing.T) {
	tests := []struct {
		object Object
		opts   ListOptions
		path   string
		want   url.Values
	}{
		{Company, ListOptions{}, "/companies", url.Values{"sort": {"_id"}, "offset": {"0"}, "limit": {"5000"}}},
		{Note, ListOptions{Sort: "-updatedAt", Offset: 30, Limit: 10}, "/conversations",
			url.Values{"sort": {"-updatedAt"}, "offset": {"30"}, "limit": {"10"}}},
		{Enduser, ListOptions{Archived: true, Select: []string{"name", "custom.A&B"}, CompanyIDs: []string{hexID(1), hexID(2)}}, "/endusers",
			url.Values{"sort": {"_id"}, "offset": {"0"}, "limit": {"2000"}, "archived": {"true"},
				"select": {"name,custom.A&B"}, "companyId": {hexID(1) + "," + hexID(2)}}},
		{Invoice, ListOptions{CompanyIDs: []string{hexID(1)}}, "/invoices",
			url.Values{"sort": {"_id"}, "offset": {"0"}, "limit": {"2000"}, "companyId": {hexID(1)}}},
		{User, ListOptions{CompanyIDs: []string{hexID(1)}}, "/users", url.Values{"sort": {"_id"}, "offset": {"0"}, "limit": {"10000"}}},
		{Task, ListOptions{Archived: true}, "/tasks", url.Values{"sort": {"_id"}, "offset": {"0"}, "limit": {"10000"}, "isArchived": {"true"}}},
	}
	for _, tt := range tests {
		fake := always(200, "[]")
		if _, err := clientFor(t, fake).Page(t.Context(), tt.object, tt.opts); err != nil {
			t.Fatal(err)
		}
		got := fake.asked()[0]
		if got.Path != tt.path || got.Query != tt.want.Encode() {
			t.Errorf("asked %s?%s, want %s?%s", got.Path, got.Query, tt.path, tt.want.Encode())
		}
	}
}

func TestPagesThatCannotBeMeantAreNotAskedFor(t *testing.T) {
	for name, tt := range map[string]struct {
		object Object
		opts   ListOptions
	}{
		"negative offset":   {Company, ListOptions{Offset: -1}},
		"negative limit":    {Company, ListOptions{Limit: -1}},
		"overlap too large": {Company, ListOptions{Limit: 5, Overlap: 5}},
		"no archive":        {Company, ListOptions{Archived: true}},
		"unknown object":    {"unicorn", ListOptions{}},
	} {
		fake := always(200, "[]")
		if _, err := clientFor(t, fake).Page(t.Context(), tt.object, tt.opts); KindOf(err) != KindInvalid || len(fake.asked()) != 0 {
			t.Errorf("%s: got %v after %d requests", name, err, len(fake.asked()))
		}
	}
}

// listing answers as a listing of n records that grants at most granted rows a page.
func listing(n, granted int) *api {
	return &api{rule: func(_ int, r request) (int, string, string) {
		q, _ := url.ParseQuery(r.Query)
		offset, _ := strconv.Atoi(q.Get("offset"))
		limit, _ := strconv.Atoi(q.Get("limit"))
		from := min(offset, n)
		return 200, "", records(from, min(from+min(limit, granted), n))
	}}
}

func TestPages(t *testing.T) {
	tests := []struct {
		name           string
		n, granted     int
		limit, overlap int
		offsets        []int // asked for
	}{
		{"none", 0, 5000, 10, 0, []int{0}},
		{"short page ends it", 25, 5000, 10, 0, []int{0, 10, 20}},
		{"full last page needs an empty one", 20, 5000, 10, 0, []int{0, 10, 20}},
		{"overlap", 25, 5000, 10, 3, []int{0, 7, 14, 21}},
		{"overlap, full last page", 24, 5000, 10, 3, []int{0, 7, 14, 21}},
		{"limit above what is granted: only an empty page ends it", 25, 10, 6000, 0, []int{0, 10, 20, 25}},
		{"the same with an overlap", 25, 10, 6000, 3, []int{0, 7, 14, 21, 22}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fake := listing(tt.n, tt.granted)
			seen := map[string]bool{}
			for page, err := range clientFor(t, fake).Pages(t.Context(), Company, ListOptions{Limit: tt.limit, Overlap: tt.overlap}) {
				if err != nil {
					t.Fatal(err)
				}
				for _, row := range page.Rows {
					seen[row.ID] = true
				}
			}
			var offsets []int
			for _, r := range fake.asked() {
				q, _ := url.ParseQuery(r.Query)
				offset, _ := strconv.Atoi(q.Get("offset"))
				offsets = append(offsets, offset)
			}
			if len(seen) != tt.n || !slices.Equal(offsets, tt.offsets) {
				t.Errorf("%d records at offsets %v, want %d at %v", len(seen), offsets, tt.n, tt.offsets)
			}
		})
	}
}

func TestPagesEndWithAnError(t *testing.T) {
	fake := &api{rule: func(n int, _ request) (int, string, string) {
		if n == 1 {
			return 200, "", records(0, 10)
		}
		return 403, "", `{"message":"No permission to read Company"}`
	}}
	var log []string
	for page, err := range clientFor(t, fake).Pages(t.Context(), Company, ListOptions{Limit: 10}) {
		log = append(log, fmt.Sprint(len(page.Rows), " ", err))
	}
	want := []string{"10 <nil>", "0 list companies at offset 10: forbidden: 403 Forbidden: No permission to read Company"}
	if !slices.Equal(log, want) {
		t.Errorf("got %q, want %q", log, want)
	}
}

func TestLeanCompanies(t *testing.T) {
	fake := always(200, records(0, 7000))
	rows, err := clientFor(t, fake).LeanCompanies(t.Context())
	if err != nil || len(rows) != 7000 || fake.asked()[0] != (request{Method: "GET", Path: "/leancompanies"}) {
		t.Errorf("got %d rows, %v by %+v", len(rows), err, fake.asked()[0])
	}
	if _, err := clientFor(t, always(200, `{}`)).LeanCompanies(t.Context()); KindOf(err) != KindMalformed {
		t.Errorf("got %v", err)
	}
}
