package planhatsim

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit/simtest"
)

// A stale page is the tenant of a while ago: as it was before the writes since then.
func TestStalePages(t *testing.T) {
	s := start(t, Options{Companies: 5, CoreOnly: true})
	wall := simtest.NewClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	s.past.now = wall.Now
	ids := column(s.list("/companies?sort=_id"), "_id")
	s.fault(Fault{Kind: "stale", Ms: 1000, Mode: "all", Skip: 1})
	wall.Add(5 * time.Second)
	s.Mutate(func(tx *Tx) {
		if err := tx.Update("companies", ids[0], `{"phase":"Edited"}`); err != nil {
			t.Error(err)
		}
		if err := tx.Delete("companies", ids[1]); err != nil {
			t.Error(err)
		}
		if _, err := tx.Create("companies", `{"name":"New"}`); err != nil {
			t.Error(err)
		}
	})
	phase := func() any { return s.list("/companies?sort=_id")[0]["phase"] }
	if phase() != "Edited" {
		t.Error("the request that is let pass must see the tenant as it is")
	}
	if got := column(s.list("/companies?sort=_id"), "_id"); !slices.Equal(got, ids) || phase() == "Edited" {
		t.Errorf("stale ids %v, phase %v; want those from before: %v", got, phase(), ids)
	}
	if r := s.do("GET", "/companies/"+ids[1], ""); r.status != 200 {
		t.Errorf("a stale look at the deleted record: %d", r.status)
	}
	wall.Add(2 * time.Second)
	if got := column(s.list("/companies?sort=_id"), "_id"); slices.Contains(got, ids[1]) || len(got) != 5 || phase() != "Edited" {
		t.Errorf("what is older than the age must show: %v, %v", got, phase())
	}
	s.ClearFaults()
	if len(s.past.writes) != 0 || s.past.keep != 0 {
		t.Error("nobody asks for old answers, and they are remembered")
	}
}

// Late records appear in an order of their own, all of them in the end.
func TestLateRecords(t *testing.T) {
	s := start(t, Options{Companies: -1, CoreOnly: true})
	wall := simtest.NewClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	s.past.now = wall.Now
	s.fault(Fault{Kind: "late", Ms: 10_000})
	var last string
	for range 30 {
		last = s.company(`{"name":"Late"}`)
	}
	if r := s.do("GET", "/companies/"+last, ""); r.status != 200 {
		t.Errorf("a record by its id is not late: %d", r.status)
	}
	wall.Add(5 * time.Second)
	half := column(s.list("/companies?sort=_id"), "_id")
	if len(half) < 5 || len(half) > 25 {
		t.Errorf("%d of 30 records after half of the time", len(half))
	}
	wall.Add(5 * time.Second)
	all := column(s.list("/companies?sort=_id"), "_id")
	if len(all) != 30 || slices.Equal(half, all[:len(half)]) {
		t.Errorf("%d of 30 records after all of the time; the first to be seen must not be the oldest", len(all))
	}
}

func TestUnsortedPages(t *testing.T) {
	s := start(t, Options{Companies: 40, CoreOnly: true})
	ids := column(s.list("/companies?sort=_id"), "_id")
	page := func(mode, sort string) []string {
		s.ClearFaults()
		s.fault(Fault{Kind: "unsorted", Mode: mode, Path: "/companies"})
		return column(s.list("/companies?sort="+sort), "_id")
	}
	back := slices.Clone(ids)
	slices.Reverse(back)
	if got := page("reversed", "_id"); !slices.Equal(got, back) {
		t.Error("reversed is not the other way round")
	}
	if got := page("ignored", "-updatedAt"); !slices.Equal(got, ids) {
		t.Error("a sort that is ignored is that by id")
	}
	first, second := page("shuffled", "_id"), page("", "_id")
	if slices.Equal(first, second) || slices.Equal(first, ids) {
		t.Error("two shuffled pages have the same order")
	}
}

func TestShortAndGarbledPages(t *testing.T) {
	s := start(t, Options{Companies: 10, CoreOnly: true, Switches: with(t, "page_envelope", "data")})
	get := func(f Fault, path string) string {
		s.ClearFaults()
		s.fault(f)
		return s.do("GET", path, "").body
	}
	rows := func(body string) []map[string]any {
		var out []map[string]any
		if err := json.Unmarshal([]byte(body), &out); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		return out
	}
	const page = "/companies?sort=_id&limit=6"
	if n := len(rows(get(Fault{Kind: "short", Rows: 2}, page+"&offset=2"))); n != 4 {
		t.Errorf("a page of 6 without 2 has %d rows", n)
	}
	if body := get(Fault{Kind: "short"}, page+"&offset=2"); body != "[]" {
		t.Errorf("a page without all rows: %s", body)
	}
	if body := get(Fault{Kind: "short"}, page); !strings.HasPrefix(body, `{"data":[{`) {
		t.Errorf("the first page must be whole: %.40s", body)
	}
	if body := get(Fault{Kind: "short", Mode: "any"}, page); body != "[]" {
		t.Errorf("the first page, where any may be short: %.40s", body)
	}
	for mode, want := range map[string]string{
		"": `{"message"`, "object": `{"message"`, "null": "null", "strings": `["one"`, "nested": `[[{"_id"`,
	} {
		if body := get(Fault{Kind: "garbled", Mode: mode}, page); !strings.HasPrefix(body, want) {
			t.Errorf("garbled %q: %.40s", mode, body)
		}
	}
	for mode, ids := range map[string]int{"no-id": 5, "bad-id": 6, "two-ids": 6, "twice": 7} {
		have := 0
		for _, row := range rows(get(Fault{Kind: "garbled", Mode: mode}, page)) {
			if row["_id"] != nil {
				have++
			}
		}
		if have != ids {
			t.Errorf("garbled %s: %d rows with an id, want %d", mode, have, ids)
		}
	}
	if n := len(rows(get(Fault{Kind: "garbled", Mode: "no-id"}, "/companies?sort=_id&offset=99"))); n != 1 {
		t.Errorf("an empty page gets %d bad rows", n)
	}
}

func TestAnswersThatTakeTheirTime(t *testing.T) {
	s := start(t, Options{Companies: 3, CoreOnly: true, Switches: with(t, "missing_get", "404-empty")})
	s.fault(Fault{Kind: "stall", Count: 2})
	brief, end := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer end()
	if status, _, err := s.try(brief, "GET", "/companies/000000000000000000000000", ""); err == nil {
		t.Errorf("an answer without a body has no half: %d", status)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	status, body, err := s.try(ctx, "GET", "/companies", "")
	if status != 200 || err == nil || len(body) < 10 {
		t.Errorf("a stalled answer: %d, %d bytes, %v; want a half of it and no end", status, len(body), err)
	}
	s.fault(Fault{Kind: "drip", Ms: 1, Count: 1})
	begun := time.Now()
	if status, body, err := s.try(t.Context(), "GET", "/companies", ""); status != 200 || err != nil || !json.Valid([]byte(body)) || time.Since(begun) < 40*time.Millisecond {
		t.Errorf("a dripping answer: %d, %v, %s", status, err, time.Since(begun))
	}
}

func TestTheWaitOfA429InAllSpellings(t *testing.T) {
	s := start(t, Options{Companies: 1})
	for mode, name := range map[string]string{
		"": "Retry-After", "seconds": "Retry-After", "date": "Retry-After", "reset": "X-Ratelimit-Reset", "epoch": "X-Ratelimit-Reset", "dashed": "X-Rate-Limit-Reset",
	} {
		want := map[string]string{"date": "Thu, 05 Mar 2026 12:00:07 GMT", "epoch": "1772712007"}[mode]
		if want == "" {
			want = "7"
		}
		s.fault(Fault{Kind: "429", RetryAfter: 7, Count: 1, Mode: mode})
		if r := s.do("GET", "/companies", ""); r.status != 429 || r.header.Get(name) != want {
			t.Errorf("%s: %d, %s is %q, want %q", mode, r.status, name, r.header.Get(name), want)
		}
	}
	for _, bad := range []Fault{{Kind: "429", Mode: "weeks"}, {Kind: "html", Mode: "json"}, {Kind: "garbled", Mode: "all"}} {
		if s.AddFault(bad) == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

// The quota's minute may be shorter, for tests that have less time than a tenant.
func TestAShortMinute(t *testing.T) {
	s := start(t, Options{Companies: 1, CallsPerMinute: 2, PerSecond: -1, InFlight: -1, Minute: 3 * time.Second, Switches: with(t, "minute_limit", "hard")})
	wall := simtest.NewClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	s.limits.now = wall.Now
	for n, want := range []int{200, 200, 429, 429} {
		if r := s.do("GET", "/companies", ""); r.status != want {
			t.Errorf("call %d: %d, want %d", n, r.status, want)
		}
	}
	if r := s.do("GET", "/companies", ""); r.header.Get("X-Ratelimit-Reset") != "3" {
		t.Errorf("reset in %s", r.header.Get("X-Ratelimit-Reset"))
	}
	wall.Add(3 * time.Second)
	if r := s.do("GET", "/companies", ""); r.status != 200 {
		t.Errorf("after the window: %d", r.status)
	}
}
