package pipedrivesim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit/simtest"
)

func TestTheSameSeedLivesTheSameLife(t *testing.T) {
	states := map[int64]string{}
	for _, seed := range []int64{7, 7, 8} {
		c := simtest.NewClock(time.Date(2026, 11, 19, 13, 42, 7, 0, time.UTC))
		s := New(Options{Seed: seed, Now: c.Now})
		t.Cleanup(s.Close)
		for range 20 {
			c.Add(time.Minute)
			s.Live(25)
		}
		var state strings.Builder
		for _, o := range objects {
			fmt.Fprintf(&state, "%s %s\n", o.name, bytes.Join(asBytes(s.State(o.name)), nil))
		}
		entries, _ := s.Journal(0)
		fmt.Fprintln(&state, encode(entries))
		if was, known := states[seed]; known && was != state.String() {
			t.Errorf("seed %d makes two different companies", seed)
		}
		states[seed] = state.String()
	}
	if states[7] == states[8] {
		t.Error("two seeds make one company")
	}
}

func asBytes(rows []json.RawMessage) [][]byte {
	var out [][]byte
	for _, row := range rows {
		out = append(out, row)
	}
	return out
}

func TestLifeDoesWhatUsersDo(t *testing.T) {
	s := start(t, Options{Seed: 1})
	rec := receive(t)
	s.hook(rec, "*", "")
	for range 60 {
		s.now.Add(time.Second)
		s.Live(20)
	}
	s.settled()
	saw := map[string]int{}
	for _, body := range rec.got() {
		meta, data, previous := inside(body, "meta"), body["data"], inside(body, "previous")
		saw[fmt.Sprint(inside(meta, "entity"), " ", inside(meta, "action"))]++
		for _, mark := range []string{"merged_to_id", "merged_from_id"} {
			if inside(meta, mark) != "absent" {
				saw[mark]++
			}
		}
		if inside(meta, "is_bulk_edit") == true {
			saw["bulk"]++
		}
		if inside(meta, "user_id") == text(SecondUser) {
			saw["second user"]++
		}
		if was := inside(previous, "status"); was != "absent" {
			saw[fmt.Sprint(was, " to ", inside(data, "status"))]++
		}
		for code, old := range custom(previous) {
			switch {
			case old == nil:
				saw["set"]++
			case custom(data)[code] == nil:
				saw["cleared"]++
			}
		}
	}
	for _, what := range []string{"deal create", "deal change", "deal delete", "organization create", "organization change", "organization delete", "person create", "person change", "person delete",
		"note create", "note change", "note delete", "pipeline change", "merged_to_id", "merged_from_id", "bulk", "second user", "open to won", "open to lost", "won to open", "set", "cleared"} {
		if saw[what] == 0 {
			t.Errorf("no %s in 1,200 changes; saw %v", what, saw)
		}
	}
	archived := s.rows("/api/v2/deals/archived")
	if len(archived) == 0 {
		t.Error("no deal is archived")
	}
}

func custom(v any) map[string]any {
	m, _ := inside(v, "custom_fields").(map[string]any)
	return m
}

func TestLifeHasARate(t *testing.T) {
	s := start(t, Options{})
	s.ok("POST", "/_sim/life", `{"rate":2000}`)
	eventually(t, "life goes on", func() bool { _, n := s.Life(); return n > 20 })
	s.ok("POST", "/_sim/life", `{"rate":0}`)
	_, before := s.Journal(0)
	s.ok("POST", "/_sim/life", `{"changes":10}`)
	if rate, _ := s.Life(); rate != 0 {
		t.Errorf("rate = %v after it was stopped", rate)
	}
	if _, after := s.Journal(0); after == before || after > before+100 {
		t.Errorf("ten changes make %d entries", after-before)
	}
}

// What the control API tells of the state is what REST answers, record by record.
func TestTheStateIsWhatRestAnswers(t *testing.T) {
	s := start(t, Options{Seed: 3})
	s.Live(400)
	for object, path := range map[string]string{"deal": "/api/v2/deals", "organization": "/api/v2/organizations", "person": "/api/v2/persons", "note": "/api/v1/notes", "pipeline": "/api/v2/pipelines", "stage": "/api/v2/stages"} {
		records, _ := s.ok("GET", "/_sim/state/"+object, "")["records"].([]any)
		if len(records) == 0 {
			t.Errorf("no %s in the state", object)
		}
		for _, record := range records {
			want, _ := record.(map[string]any)
			if got := s.data("GET", fmt.Sprintf("%s/%v", path, want["id"]), ""); !bytes.Equal(encode(got), encode(want)) {
				t.Errorf("%s %v:\nREST  %s\nstate %s", object, want["id"], encode(got), encode(want))
			}
		}
	}
	s.refused("GET", "/_sim/state/unicorn", "", 404, "")
}

// Each event reaches each webhook that wants it once, whatever the size of the company.
func TestManyEvents(t *testing.T) {
	s := start(t, Options{Organizations: 200, Persons: 400, Deals: 2000, Notes: 500})
	var mu sync.Mutex
	seen := map[string]int{}
	rec := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body struct {
			Meta struct{ ID, Action string }
		}
		if json.NewDecoder(r.Body).Decode(&body) == nil {
			mu.Lock()
			seen[body.Meta.ID]++
			mu.Unlock()
		}
	}))
	defer rec.Close()
	for _, object := range []string{"deal", "organization", "person", "note", "pipeline"} {
		s.hook(&receiver{Server: rec}, object, "")
	}
	for range 25 {
		s.now.Add(time.Second)
		s.Live(100)
	}
	s.settled()
	entries, _ := s.Journal(0)
	events := 0
	for _, e := range entries {
		if e.Event == "" {
			continue
		}
		if events++; seen[e.Event] != 1 {
			t.Errorf("%+v was delivered %d times", e, seen[e.Event])
		}
	}
	if events < 2000 || len(seen) != events {
		t.Errorf("%d events, of which %d were delivered", events, len(seen))
	}
	if rows := s.rows("/api/v2/deals?sort_by=update_time&limit=500"); len(rows) != 500 {
		t.Errorf("%d rows, want a full page", len(rows))
	}
}

func TestActsOverHTTP(t *testing.T) {
	s := start(t, bare(Options{}))
	first := s.act(Act{Act: "create", Object: "person", Fields: json.RawMessage(`{"name":"A"}`)})
	second := s.act(Act{Act: "create", Object: "person", Fields: json.RawMessage(`{"name":"B"}`)})
	s.ok("POST", "/_sim/acts", fmt.Sprintf(`{"act":"update","object":"person","id":%d,"fields":{"name":"C"}}`, first))
	s.ok("POST", "/_sim/acts", fmt.Sprintf(`{"act":"bulk-edit","object":"person","ids":[%d,%d],"fields":{"visible_to":7}}`, first, second))
	s.ok("POST", "/_sim/acts", fmt.Sprintf(`{"act":"merge","object":"person","id":%d,"into":%d}`, first, second))
	s.ok("POST", "/_sim/acts", fmt.Sprintf(`{"act":"restore","object":"person","id":%d}`, first))
	s.ok("POST", "/_sim/acts", fmt.Sprintf(`{"act":"delete","object":"person","id":%d}`, second))
	for _, bad := range []string{`{"act":"fly"}`, `{"act":"update","object":"unicorn","id":1}`, `{"act":"delete","object":"person","id":99}`,
		fmt.Sprintf(`{"act":"delete","object":"person","id":%d}`, second), fmt.Sprintf(`{"act":"restore","object":"person","id":%d}`, first),
		fmt.Sprintf(`{"act":"merge","object":"person","id":%d,"into":99}`, first), fmt.Sprintf(`{"act":"update","object":"person","id":%d,"fields":{"colour":1}}`, first)} {
		s.refused("POST", "/_sim/acts", bad, 400, "error")
	}
	entries, last := s.Journal(0)
	var ops []string
	for i, e := range entries[len(entries)-9:] {
		ops = append(ops, e.Op)
		if e.Via != "app" || e.Seq != last-8+int64(i) {
			t.Errorf("entry %+v", e)
		}
	}
	slices.Sort(ops)
	if got := strings.Join(slices.Compact(ops), " "); got != "change create delete merge" {
		t.Errorf("ops = %s", got)
	}
}

func TestUsersAndHooksOverHTTP(t *testing.T) {
	s := start(t, bare(Options{}))
	s.withSecond()
	rec := receive(t)
	hook := s.hook(rec, "deal", "")
	if r := s.as(secondToken, "POST", "/api/v1/webhooks", anyHook); r.status != 201 {
		t.Fatal(r.body)
	}
	s.ok("PUT", "/_sim/users", fmt.Sprintf(`{"remove":%d}`, SecondUser))
	s.ok("PUT", "/_sim/hooks", fmt.Sprintf(`{"ban":%d}`, hook))
	s.made("/api/v2/deals", `{"title":"A"}`)
	s.ok("PUT", "/_sim/hooks", `{"unban":0}`)
	s.made("/api/v2/deals", `{"title":"B"}`)
	s.ok("POST", "/_sim/settle", `{"wait_ms":20000}`)
	s.ok("POST", "/_sim/settle", "")
	if got := rec.got(); len(got) != 1 || inside(got[0], "data", "title") != "B" {
		t.Errorf("received %v", got)
	}
	s.ok("PUT", "/_sim/hooks", `{"delete":0}`)
	var states []string
	for _, h := range s.ok("GET", "/_sim/hooks", "")["hooks"].([]any) {
		states = append(states, fmt.Sprint(inside(h, "active"), " ", inside(h, "remove_reason")))
	}
	if want := []string{"false deleted by hand", "false owner removed"}; !slices.Equal(states, want) {
		t.Errorf("hooks = %v, want %v", states, want)
	}
	s.ok("PUT", "/_sim/users", fmt.Sprintf(`{"return":%d}`, SecondUser))
	if r := s.as(secondToken, "GET", "/api/v1/users/me", ""); r.status != 200 {
		t.Errorf("a user who returned: %d", r.status)
	}
	s.refused("PUT", "/_sim/users", `{"remove":5}`, 400, "no such user")
	s.refused("PUT", "/_sim/hooks", `{"ban":5}`, 400, "does not exist")
	s.refused("PUT", "/_sim/clock", `{"scale":0}`, 400, "greater than 0")
	s.ok("PUT", "/_sim/clock", `{"scale":60}`)
	if got := s.ok("GET", "/_sim/clock", "")["scale"]; fmt.Sprint(got) != "60" {
		t.Errorf("scale = %v", got)
	}
	deliveries := s.ok("GET", "/_sim/deliveries?after=1&limit=5", "")
	if rows := deliveries["deliveries"].([]any); len(rows) != 1 || inside(rows[0], "outcome") != "delivered" || fmt.Sprint(deliveries["last"], deliveries["pending"]) != "20" {
		t.Errorf("deliveries = %v", deliveries)
	}
}

func TestCallsAreCountedByTheirPath(t *testing.T) {
	s := start(t, bare(Options{}))
	s.rows("/api/v2/deals")
	s.status("GET", "/api/v2/deals/1", "")
	s.status("GET", "/v1/users/me", "")
	s.status("GET", "/api/v2/unicorns", "")
	calls := s.ok("GET", "/_sim/calls", "")
	counted := slices.Sorted(maps.Keys(calls["per_path"].(map[string]any)))
	if want := []string{"GET /", "GET /api/v1/users/me", "GET /api/v2/deals", "GET /api/v2/deals/{id}"}; !slices.Equal(counted, want) {
		t.Errorf("per_path = %v, want %v", counted, want)
	}
}
