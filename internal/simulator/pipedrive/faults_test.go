package pipedrivesim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// delivered gives what the receiver saw of a create and a change, under a fault of deliveries.
func delivered(t *testing.T, f Fault) (*sim, *receiver) {
	t.Helper()
	s := start(t, bare(Options{Workers: 1, Scale: 20}))
	rec := receive(t)
	s.hook(rec, "deal", "")
	s.fault(f)
	deal := s.made("/api/v2/deals", `{"title":"A"}`)
	s.data("PATCH", fmt.Sprintf("/api/v2/deals/%d", deal), `{"title":"B"}`)
	s.settled()
	return s, rec
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
			s, rec := delivered(t, row.fault)
			if got := strings.Join(rec.actions(), ","); got != row.want {
				t.Errorf("%+v: received %s, want %s", row.fault, got, row.want)
			}
			if n := s.Injected()[row.fault.Kind]; (n == 0) != (row.fault.Entity == "note") {
				t.Errorf("injected %d", n)
			}
		})
	}
}

func TestADroppedEventIsToldByTheVendorAlone(t *testing.T) {
	s, rec := delivered(t, Fault{Kind: "drop"})
	log, _ := s.Deliveries(0)
	if len(rec.got()) != 0 || len(log) != 2 || log[0].Outcome != "dropped" || log[0].Attempt != 0 || log[0].Fault != "drop" {
		t.Errorf("received %d, log %+v", len(rec.got()), log)
	}
}

func TestADuplicateIsTheSameEvent(t *testing.T) {
	_, rec := delivered(t, Fault{Kind: "duplicate", Count: 1})
	bodies := rec.got()
	if inside(bodies[0], "meta", "id") != inside(bodies[1], "meta", "id") {
		t.Error("two events, want one that comes twice")
	}
}

func TestBulkEditsAreMarked(t *testing.T) {
	_, rec := delivered(t, Fault{Kind: "bulk-edit"})
	if inside(rec.got()[0], "meta", "is_bulk_edit") != true {
		t.Errorf("meta = %v", rec.got()[0]["meta"])
	}
	s := start(t, Options{})
	rec = receive(t)
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
	client := &http.Client{Timeout: 100 * time.Millisecond}
	for i, f := range []Fault{{Kind: "reset"}, {Kind: "reset", Applied: true}, {Kind: "truncated"}, {Kind: "timeout-before"}, {Kind: "timeout-after"}} {
		f.Count = 1
		s.fault(f)
		before := len(s.State("deal"))
		req, err := http.NewRequest(http.MethodPost, s.http.URL+"/api/v2/deals", strings.NewReader(`{"title":"A"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Api-Token", DefaultToken)
		res, err := client.Do(req)
		if err == nil {
			body := make([]byte, 1<<16)
			n := 0
			for err == nil {
				var m int
				m, err = res.Body.Read(body[n:])
				n += m
			}
			res.Body.Close()
			if err.Error() == "EOF" {
				t.Errorf("%s: the answer is whole: %s", f.Kind, body[:n])
			}
		}
		applied := slices.Contains([]int{1, 2, 4}, i)
		eventually(t, f.Kind+" takes effect as it should", func() bool { return (len(s.State("deal")) == before+1) == applied })
	}
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
	s.now.add(time.Hour)
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
			titles, len(s.walk("/api/v2/deals?sort_by=update_time", func() {})), s.status("GET", fmt.Sprintf("/api/v2/deals/%d", created), ""), s.status("GET", fmt.Sprintf("/api/v1/notes/%d", note), ""))
	}
	if got, want := look(), "Old false [Old Here Old Here] 2 404 404"; got != want {
		t.Errorf("while it lags: %s, want %s", got, want)
	}
	s.ClearFaults()
	if got, want := look(), "Newer true [Newer New New Newer] 2 200 200"; got != want {
		t.Errorf("afterwards: %s, want %s", got, want)
	}
}
