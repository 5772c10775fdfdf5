package pipedrivesim

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit/simtest"
)

// delivered gives what a receiver saw of a create and a change, under a fault of deliveries, and what the vendor logged.
func delivered(t *testing.T, f Fault) (bodies []map[string]any, log []Delivery, injected int64) {
	t.Helper()
	keep := func(_ int, r *http.Request) (int, error) {
		text, err := io.ReadAll(r.Body)
		bodies = append(bodies, simtest.Object(t, string(text)))
		return http.StatusOK, err
	}
	bubble(t, Options{Workers: 1}, keep, func(s *Server, _ int64) {
		if err := s.AddFault(f); err != nil {
			t.Fatal(err)
		}
		if err := s.Update("deal", mustCreate(t, s), `{"title":"B"}`); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		log, _ = s.Deliveries(0)
		injected = s.Injected()[f.Kind]
	})
	return bodies, log, injected
}

func actionsOf(bodies []map[string]any) string {
	var out []string
	for _, body := range bodies {
		out = append(out, fmt.Sprint(inside(body, "meta", "action")))
	}
	return strings.Join(out, ",")
}

func TestFaultsOfDeliveries(t *testing.T) {
	for _, row := range []struct {
		fault Fault
		want  string
	}{
		{Fault{Kind: "drop", Action: "create"}, "change"},
		{Fault{Kind: "drop", Entity: "note"}, "create,change"},
		{Fault{Kind: "duplicate", Count: 1}, "create,create,change"},
		{Fault{Kind: "reorder", Count: 1}, "change,create"},
		{Fault{Kind: "delay", Ms: 3000, Action: "create"}, "change,create"},
		{Fault{Kind: "delay", Ms: 1, Mode: "upto", Skip: 1}, "create,change"},
		{Fault{Kind: "create-change"}, "create,change,change"},
		{Fault{Kind: "v1-payload", Count: 1}, "added,change"},
	} {
		t.Run(row.fault.Kind, func(t *testing.T) {
			bodies, _, injected := delivered(t, row.fault)
			if got := actionsOf(bodies); got != row.want {
				t.Errorf("%+v: received %s, want %s", row.fault, got, row.want)
			}
			if (injected == 0) != (row.fault.Entity == "note") {
				t.Errorf("injected %d", injected)
			}
		})
	}
}

func TestADroppedEventIsToldByTheVendorAlone(t *testing.T) {
	bodies, log, _ := delivered(t, Fault{Kind: "drop"})
	if len(bodies) != 0 || len(log) != 2 || log[0].Outcome != "dropped" || log[0].Attempt != 0 || log[0].Fault != "drop" {
		t.Errorf("received %d, log %+v", len(bodies), log)
	}
}

func TestADuplicateIsTheSameEvent(t *testing.T) {
	bodies, _, _ := delivered(t, Fault{Kind: "duplicate", Count: 1})
	if inside(bodies[0], "meta", "id") != inside(bodies[1], "meta", "id") {
		t.Error("two events, want one that comes twice")
	}
}

func TestBulkEditsAreMarked(t *testing.T) {
	marked, _, _ := delivered(t, Fault{Kind: "bulk-edit"})
	if inside(marked[0], "meta", "is_bulk_edit") != true {
		t.Errorf("meta = %v", marked[0]["meta"])
	}
	s := start(t, Options{})
	rec := receive(t)
	s.hook(rec, "deal", "")
	var ids []int64
	for _, row := range s.rows("/api/v2/deals?limit=3") {
		ids = append(ids, id(t, row))
	}
	if err := s.BulkEdit("deal", `{"expected_close_date":"2027-01-01"}`, ids...); err != nil {
		t.Fatal(err)
	}
	s.settled()
	stamps := map[any]bool{}
	for _, body := range rec.got() {
		stamps[inside(body, "data", "update_time")] = true
		if inside(body, "meta", "is_bulk_edit") != true || inside(body, "meta", "change_source") != "app" {
			t.Errorf("meta = %v", body["meta"])
		}
	}
	if len(rec.got()) != 3 || len(stamps) != 1 {
		t.Errorf("%d events with %d stamps, want 3 with one", len(rec.got()), len(stamps))
	}
}

func TestFaultsOfRequests(t *testing.T) {
	s := start(t, bare(Options{}))
	for kind, want := range map[string]int{"401": 401, "402": 402, "403": 403, "403-html": 403, "429-burst": 429, "429-daily": 429, "500": 500, "503": 503, "success-false": 200, "plan-limit": 403} {
		s.fault(Fault{Kind: kind, Count: 1, Method: "POST", Path: "/api/v2/deals", RetryAfter: 7})
		if r := s.do("GET", "/api/v2/deals", ""); r.status != 200 {
			t.Errorf("%s: a request that is not meant answered %d", kind, r.status)
		}
		r := s.do("POST", "/api/v2/deals", `{"title":"A"}`)
		if kind == "403-html" && r.header.Get("X-Ratelimit-Limit") != "" {
			t.Error("the proxy's page has the vendor's headers")
		}
		if kind == "success-false" && !strings.Contains(r.body, `"success":false`) {
			t.Errorf("%s: %s", kind, r.body)
		}
		if r.status != want || kind == "503" && r.header.Get("Retry-After") != "7" {
			t.Errorf("%s: %d, Retry-After %q", kind, r.status, r.header.Get("Retry-After"))
		}
	}
	if rows := s.rows("/api/v2/deals"); len(rows) != 0 {
		t.Errorf("%d deals were made by requests that failed", len(rows))
	}
	s.fault(Fault{Kind: "slow", Ms: 30, Count: 1})
	began := time.Now()
	if s.status("GET", "/api/v2/deals", "") != "200" || time.Since(began) < 30*time.Millisecond {
		t.Errorf("answered after %s, want 30 ms at least", time.Since(began))
	}
}

func TestAnswersThatDoNotCome(t *testing.T) {
	s := start(t, bare(Options{}))
	for _, row := range []struct {
		fault   Fault
		applied bool
	}{
		{Fault{Kind: "reset"}, false},
		{Fault{Kind: "reset", Applied: true}, true},
		{Fault{Kind: "truncated"}, true},
		{Fault{Kind: "timeout-before"}, false},
		{Fault{Kind: "timeout-after"}, true},
	} {
		row.fault.Count = 1
		s.fault(row.fault)
		before, met := len(s.State("deal")), s.Injected()[row.fault.Kind]
		ctx, giveUp := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.whole(ctx) }()
		eventually(t, row.fault.Kind+" takes effect as it should", func() bool {
			return s.Injected()[row.fault.Kind] > met && len(s.State("deal")) == before+map[bool]int{true: 1}[row.applied]
		})
		if strings.HasPrefix(row.fault.Kind, "timeout") {
			giveUp()
		}
		if err := <-done; err == nil {
			t.Errorf("%+v: there is a whole answer", row.fault)
		}
		giveUp()
		if n := len(s.State("deal")) - before; (n == 1) != row.applied {
			t.Errorf("%+v: %d deals were made", row.fault, n)
		}
	}
}

// whole makes a deal and reads all of the answer.
func (s *sim) whole(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.http.URL+"/api/v2/deals", strings.NewReader(`{"title":"A"}`))
	if err != nil {
		return err
	}
	req.Header.Set("X-Api-Token", DefaultToken)
	res, err := s.http.Client().Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

func TestFaultsThatDoNotExist(t *testing.T) {
	s := start(t, bare(Options{}))
	for _, f := range []string{`{"kind":"earthquake"}`, `{"kind":"200"}`, `{"kind":"drop","probability":2}`, `{"kind":"drop","mode":"upto"}`, `{"colour":"red"}`} {
		s.refused("POST", "/_sim/faults", f, 400, "error")
	}
	s.ok("POST", "/_sim/faults", `{"kind":"drop","probability":0.05}`)
	if got := s.Faults(); len(got) != 1 || got[0].Probability != 0.05 {
		t.Errorf("faults = %+v", got)
	}
	s.ok("DELETE", "/_sim/faults", "")
	if got := s.Faults(); len(got) != 0 {
		t.Errorf("faults = %+v", got)
	}
}

// A vendor whose readers lag behind its writers answers with what was there before.
func TestStaleReads(t *testing.T) {
	s := start(t, bare(Options{}))
	edited, deleted := s.made("/api/v2/deals", `{"title":"Old"}`), s.made("/api/v2/deals", `{"title":"Here"}`)
	s.fault(Fault{Kind: "stale", Ms: 3_600_000, Path: "/api/"})
	created := s.made("/api/v2/deals", `{"title":"New"}`)
	note := s.made("/api/v1/notes", fmt.Sprintf(`{"content":"A","deal_id":%d}`, edited))
	s.now.Add(time.Hour)
	s.data("PATCH", fmt.Sprintf("/api/v2/deals/%d", edited), `{"title":"Newer"}`)
	s.ok("DELETE", fmt.Sprintf("/api/v2/deals/%d", deleted), "")
	look := func() string {
		var titles []string
		for _, sort := range []string{"id", "update_time"} {
			for _, row := range s.rows("/api/v2/deals?limit=2&sort_by=" + sort) {
				titles = append(titles, fmt.Sprint(row["title"]))
			}
		}
		return fmt.Sprintf("%v %v %v %v %s %s", s.data("GET", fmt.Sprintf("/api/v2/deals/%d", edited), "")["title"], s.data("GET", fmt.Sprintf("/api/v2/deals/%d", deleted), "")["is_deleted"],
			strings.Join(titles, ","), len(s.walk("/api/v2/deals?sort_by=update_time", func() {})), s.status("GET", fmt.Sprintf("/api/v2/deals/%d", created), ""), s.status("GET", fmt.Sprintf("/api/v1/notes/%d", note), ""))
	}
	if got, want := look(), "Old false Old,Here,Old,Here 2 404 404"; got != want {
		t.Errorf("while it lags: %s, want %s", got, want)
	}
	s.ClearFaults()
	if got, want := look(), "Newer true Newer,New,New,Newer 2 200 200"; got != want {
		t.Errorf("afterwards: %s, want %s", got, want)
	}
}
