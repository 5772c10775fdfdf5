package planhatsim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit/simtest"
)

func TestLifeDoesWhatUsersDo(t *testing.T) {
	s := start(t, Options{Companies: 30})
	_, seeded := s.Journal(0)
	s.Live(800)
	entries, last := s.Journal(seeded)
	if last != seeded+int64(len(entries)) {
		t.Fatalf("%d entries between %d and %d", len(entries), seeded, last)
	}
	seen := map[string]int{}
	for i, e := range entries {
		if e.Seq != seeded+int64(i)+1 || e.Via != "life" && e.Via != "vendor" || e.ID == "" {
			t.Fatalf("entry %d: %+v", i, e)
		}
		seen[e.Op+" "+e.Object]++
		if e.Was != "" {
			seen["type "+e.Was+" to "+e.Object]++
		}
	}
	for _, want := range []string{
		"update company", "update enduser", "update note", "update conversation", "update license", "create company", "create enduser", "create note", "create license",
		"delete company", "delete enduser", "delete license", "delete note", "type note to conversation", "type conversation to note",
	} {
		if seen[want] == 0 {
			t.Errorf("life never did: %s (%v)", want, seen)
		}
	}
	archived := strings.Count(string(s.State("endusers")), `"archived":true`)
	if archived == 0 {
		t.Error("no enduser is archived")
	}
}

func TestLifeLeavesGuardedRecordsAlone(t *testing.T) {
	s := start(t, Options{Companies: 3, Switches: with(t, "company_delete", "cascade")})
	guarded := map[string]bool{}
	for _, c := range []struct{ path, body string }{
		{"/companies", `{"name":"x","externalId":"cmd-1"}`}, {"/companies", `{"name":"x","sourceId":"cmd-2"}`}, {"/companies", `{"name":"x","custom":{"cmd":null}}`},
		{"/endusers", `{"email":"x@y.example","companyId":"extid-acct-1001","externalId":"cmd-3"}`}, {"/licenses", `{"companyId":"extid-acct-1002","externalId":"cmd-4","_currency":"EUR","fromDate":"2026-01-01","mrr":1}`},
	} {
		guarded[s.ok("POST", c.path, c.body)["_id"].(string)] = true
	}
	_, before := s.Journal(0)
	s.Live(2000)
	entries, _ := s.Journal(before)
	for _, e := range entries {
		if guarded[e.ID] {
			t.Fatalf("life touched a guarded record: %+v", e)
		}
	}
}

func TestLifeStopsSynchronously(t *testing.T) {
	s := start(t, Options{Companies: 30})
	s.do("POST", "/_sim/life", `{"rate":2000}`)
	_, seeded := s.Journal(0)
	for {
		if _, last := s.Journal(seeded); last > seeded+50 {
			break
		}
	}
	s.do("POST", "/_sim/life", `{"rate":0}`)
	_, stopped := s.Journal(0)
	for range 20 {
		s.do("GET", "/companies", "")
	}
	if _, later := s.Journal(0); later != stopped {
		t.Errorf("%d changes after life was stopped", later-stopped)
	}
	if rate, changes := s.Life(); rate != 0 || changes == 0 {
		t.Errorf("rate %v, changes %d", rate, changes)
	}
}

func TestMutateAtExactMoments(t *testing.T) {
	s := start(t, Options{Companies: 30})
	var deleted string
	s.OnRequest(func(r *http.Request) {
		if r.URL.Query().Get("offset") != "10" || deleted != "" {
			return
		}
		s.Mutate(func(tx *Tx) {
			deleted = tx.IDs("companies")[0]
			if err := tx.Delete("companies", deleted); err != nil {
				t.Error(err)
			}
		})
	})
	first := column(s.list("/companies?sort=_id&limit=10"), "_id")
	second := column(s.list("/companies?sort=_id&limit=10&offset=10"), "_id")
	var all []string
	s.Mutate(func(tx *Tx) { all = tx.IDs("companies") })
	if deleted != first[0] || second[0] != all[10] || slices.Contains(second, all[9]) {
		t.Errorf("a row deleted between two pages must hide the one at the border")
	}
}

func TestMutateWritesWhatNoWriteCan(t *testing.T) {
	s := start(t, Options{Companies: 1})
	const odd = `{"_id":"66f0a1b2c3d4e5f600000009","name":7,"updatedAt":null,"custom":"none"}`
	s.Mutate(func(tx *Tx) {
		if err := tx.Put("companies", odd); err != nil {
			t.Error(err)
		}
		if err := tx.Put("companies", `{"name":"x"}`); err == nil {
			t.Error("a document without _id was stored")
		}
		if err := tx.Update("companies", "66f0a1b2c3d4e5f600000009", `{"name":"seven"}`); err != nil {
			t.Error(err)
		}
		for _, err := range []error{tx.Delete("companies", "x"), tx.Update("companies", "x", `{}`), tx.Update("nothing", "x", `{}`), tx.Update("companies", "x", `[`)} {
			if err == nil {
				t.Error("no error")
			}
		}
	})
	if got := s.ok("GET", "/companies/66f0a1b2c3d4e5f600000009", "")["name"]; got != "seven" {
		t.Errorf("name %v", got)
	}
}

func TestDerivedValuesMoveWithoutStamps(t *testing.T) {
	s := start(t, Options{Companies: 10})
	licenses, stamps := s.list("/licenses?sort=_id"), column(s.list("/companies?sort=_id"), "updatedAt")
	s.do("POST", "/_sim/derive", `{"days":3}`)
	moved := 0
	for i, row := range s.list("/licenses?sort=_id") {
		if row["renewalDaysFromNow"] != nil && floatAny(row["renewalDaysFromNow"]) == floatAny(licenses[i]["renewalDaysFromNow"])-3 {
			moved++
		}
	}
	if moved < 8 {
		t.Errorf("renewalDaysFromNow of %d licenses moved by 3", moved)
	}
	rows := s.list("/companies?sort=_id")
	if !slices.Equal(stamps, column(rows, "updatedAt")) {
		t.Error("stamps moved")
	}
	if got := rows[0]["custom"].(map[string]any)[formulaField]; floatAny(got) != 3 {
		t.Errorf("formula field %v, want 3", got)
	}
}

func TestJournalAndCalls(t *testing.T) {
	s := start(t, Options{Companies: 1, JournalRows: true})
	var j struct {
		Entries []Entry `json:"entries"`
		Last    int64   `json:"last"`
	}
	simtest.Decode(t, s.do("GET", "/_sim/journal?after=0&limit=2", "").body, &j)
	if len(j.Entries) != 2 || j.Entries[0].Via != "seed" || j.Entries[0].Fields != nil {
		t.Fatalf("%+v", j.Entries)
	}
	after := j.Last
	id := s.company(`{"name":"N","externalId":"e"}`)
	s.do("PUT", "/companies", `[{"externalId":"e","phase":"p"},{"externalId":"e","phase":"p"}]`)
	s.do("POST", "/companies", `{"externalId":"refused"}`)
	s.do("DELETE", "/companies/"+id, "")
	simtest.Decode(t, s.do("GET", fmt.Sprintf("/_sim/journal?after=%d", after), "").body, &j)
	var got []string
	for _, e := range j.Entries {
		got = append(got, fmt.Sprintf("%d %s %s %s %s %s %s", e.Call, e.Via, e.Op, e.Effect, e.Object, e.Keys.ExternalID, e.Fields))
		if e.Effect != "deleted" && !strings.Contains(string(e.Row), id) {
			t.Errorf("row %s", e.Row)
		}
	}
	want := []string{
		`1 api create created company e {"name":"N","externalId":"e"}`, `2 api upsert updated company e {"externalId":"e","phase":"p"}`,
		`2 api upsert unchanged company e {"externalId":"e","phase":"p"}`, `4 api delete deleted company e `,
	}
	if !slices.Equal(got, want) {
		t.Errorf("journal:\n%s", strings.Join(got, "\n"))
	}
	var c struct {
		Calls   []Call           `json:"calls"`
		PerPath map[string]int64 `json:"per_path"`
	}
	simtest.Decode(t, s.do("GET", "/_sim/calls", "").body, &c)
	if len(c.Calls) != 4 || c.Calls[1].Items != 2 || c.Calls[2].Status != 400 || c.PerPath["POST /companies"] != 2 || c.PerPath["DELETE /companies/{id}"] != 1 {
		t.Errorf("%+v", c)
	}
}

func TestEverythingAtOnce(t *testing.T) {
	s := start(t, Options{Companies: 40, JournalRows: true})
	s.SetLife(500)
	s.fault(Fault{Kind: "timeout-late", Ms: 3, Close: true, Probability: 0.05})
	s.fault(Fault{Kind: "reset", Probability: 0.05})
	var wg sync.WaitGroup
	for worker := range 6 {
		wg.Go(func() {
			for i := range 25 {
				body := fmt.Sprintf(`[{"name":"w%d","externalId":"cmd-%d-%d","phase":"%d"}]`, worker, worker, i%5, i)
				_, _, _ = s.try(t.Context(), "PUT", "/companies", body)
				_, _, _ = s.try(t.Context(), "GET", "/companies?sort=-updatedAt&limit=50&offset=10", "")
				if i%20 == worker {
					s.State("companies")
					s.Derive(1)
					_ = s.SetSwitches(Switches{})
				}
			}
		})
	}
	wg.Wait()
	s.ClearFaults()
	s.SetLife(0)
	s.Settle()
	var rows []map[string]any
	simtest.Decode(t, string(s.State("companies")), &rows)
	alive := map[string]bool{}
	entries, _ := s.Journal(0)
	for _, e := range entries {
		if e.Object == "company" {
			alive[e.ID] = e.Op != "delete"
		}
	}
	for _, row := range rows {
		if !alive[row["_id"].(string)] {
			t.Errorf("%v is in the state, not in the journal", row["_id"])
		}
		delete(alive, row["_id"].(string))
	}
	for id, is := range alive {
		if is {
			t.Errorf("%s is in the journal, not in the state", id)
		}
	}
}
