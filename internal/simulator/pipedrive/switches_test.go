package pipedrivesim

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit/simtest"
)

// probe looks at what a switch is about; want is what it sees for each value, in their order.
type probe struct {
	want []string
	look func(s *sim) string
}

func TestEverySwitchIsObservable(t *testing.T) {
	probes := map[string]probe{}
	for _, group := range []map[string]probe{limitProbes, restProbes, changeProbes, hookProbes, deliveryProbes} {
		maps.Copy(probes, group)
	}
	for name, values := range SwitchValues() {
		p, known := probes[name]
		if !known || len(p.want) != len(values) {
			t.Errorf("%s: no probe for %v", name, values)
			continue
		}
		for i, value := range values {
			t.Run(name+"="+value, func(t *testing.T) {
				s := start(t, bare(Options{Switches: with(t, name, value), Workers: 1}))
				if got := p.look(s); got != p.want[i] {
					t.Errorf("saw %q, want %q", got, p.want[i])
				}
			})
		}
	}
}

func (s *sim) status(method, path, body string) string {
	s.t.Helper()
	return fmt.Sprint(s.do(method, path, body).status)
}

func (s *sim) fault(f Fault) {
	s.t.Helper()
	if err := s.AddFault(f); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sim) act(a Act) int64 {
	s.t.Helper()
	id, err := s.Do(a)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *sim) limited() result {
	s.t.Helper()
	s.fault(Fault{Kind: "429-burst", Count: 1})
	return s.do("GET", "/api/v2/deals", "")
}

var limitProbes = map[string]probe{
	"limit_body": {[]string{"application/json {", "text/plain T", "text/html <", " "}, func(s *sim) string {
		r := s.limited()
		kind, _, _ := strings.Cut(r.header.Get("Content-Type"), ";")
		return kind + " " + r.body[:min(1, len(r.body))]
	}},
	"retry_after": {[]string{"2", ""}, func(s *sim) string { return s.limited().header.Get("Retry-After") }},
	"rate_reset": {[]string{"1", "4", "10"}, func(s *sim) string {
		return fmt.Sprint(len(s.do("GET", "/api/v2/deals", "").header.Get("X-Ratelimit-Reset")))
	}},
	"daily_headers": {[]string{"180000", ""}, func(s *sim) string {
		return s.do("GET", "/api/v2/deals", "").header.Get("X-Daily-Ratelimit-Token-Limit")
	}},
	"budget_midnight": {[]string{"10", "0"}, func(s *sim) string {
		s.status("GET", "/api/v2/deals", "")
		s.now.Add(10 * time.Hour) // 23:42 UTC
		return fmt.Sprint(s.Budget().Used)
	}},
}

var restProbes = map[string]probe{
	"query_token": {[]string{"200", "401"}, func(s *sim) string {
		return fmt.Sprint(s.as("", "GET", "/api/v2/deals?api_token="+DefaultToken, "").status)
	}},
	"deprecated_v1":   {[]string{"410", "200"}, func(s *sim) string { return s.status("GET", "/v1/deals", "") }},
	"unknown_params":  {[]string{"400", "200"}, func(s *sim) string { return s.status("GET", "/api/v2/deals?colour=red", "") }},
	"limit_above_max": {[]string{"400", "200"}, func(s *sim) string { return s.status("GET", "/api/v2/deals?limit=501", "") }},
	"last_page": {[]string{"no", "yes"}, func(s *sim) string {
		s.made("/api/v2/deals", `{"title":"A"}`)
		more := s.ok("GET", "/api/v2/deals?limit=1", "")["additional_data"].(map[string]any)["next_cursor"]
		return map[bool]string{true: "yes", false: "no"}[more != nil]
	}},
	"empty_list":       {[]string{"<nil>", "[]"}, func(s *sim) string { return fmt.Sprint(s.ok("GET", "/api/v1/notes", "")["data"]) }},
	"deleted_get":      {[]string{"200", "404"}, func(s *sim) string { return deletedGet(s, "/api/v2/deals", `{"title":"A"}`) }},
	"deleted_note_get": {[]string{"200", "404"}, func(s *sim) string { return deletedGet(s, "/api/v1/notes", s.noteOnDeal()) }},
	"missing_v1":       {[]string{"404", "204"}, func(s *sim) string { return s.status("GET", "/api/v1/notes/1", "") }},
	"note_lists": {[]string{"0", "1"}, func(s *sim) string {
		deletedGet(s, "/api/v1/notes", s.noteOnDeal())
		return fmt.Sprint(len(s.rows("/api/v1/notes")))
	}},
	"note_limit": {[]string{"200", "400"}, func(s *sim) string {
		return s.status("POST", "/api/v1/notes", strings.Replace(s.noteOnDeal(), "Hello", strings.Repeat("x", longestNote+1), 1))
	}},
	"note_sanitiser": {[]string{"<p>Hello</p>", `<p onclick="x()">Hello<script>y()</script></p>`}, func(s *sim) string {
		body := strings.Replace(s.noteOnDeal(), "<p>Hello", `<p onclick=\"x()\">Hello<script>y()</script>`, 1)
		return fmt.Sprint(s.data("POST", "/api/v1/notes", body)["content"])
	}},
	"persons_of_deal": {[]string{"2", "1"}, func(s *sim) string {
		first, second := s.made("/api/v2/persons", `{"name":"A"}`), s.made("/api/v2/persons", `{"name":"B"}`)
		deal := s.made("/api/v2/deals", fmt.Sprintf(`{"title":"A","person_id":%d}`, first))
		s.ok("POST", fmt.Sprintf("/api/v1/deals/%d/participants", deal), fmt.Sprintf(`{"person_id":%d}`, second))
		return fmt.Sprint(len(s.rows(fmt.Sprintf("/api/v2/persons?deal_id=%d", deal))))
	}},
	"contact_sync": {[]string{"403", "200"}, func(s *sim) string {
		return s.status("POST", "/api/v2/persons", `{"name":"A","job_title":"CEO"}`)
	}},
	"organization_details": {[]string{"true 200", "false 400"}, func(s *sim) string {
		_, there := s.data("POST", "/api/v2/organizations", `{"name":"A"}`)["website"]
		return fmt.Sprint(there, " ", s.status("POST", "/api/v2/organizations", `{"name":"A","website":"x"}`))
	}},
}

func (s *sim) noteOnDeal() string {
	s.t.Helper()
	return fmt.Sprintf(`{"content":"<p>Hello</p>","deal_id":%d}`, s.made("/api/v2/deals", `{"title":"A"}`))
}

func deletedGet(s *sim, path, body string) string {
	s.t.Helper()
	at := fmt.Sprintf("%s/%d", path, s.made(path, body))
	s.ok("DELETE", at, "")
	return s.status("GET", at, "")
}

// events does something with a webhook on everything and gives the actions that were delivered for an object.
func (s *sim) events(entity string, do func()) string {
	s.t.Helper()
	rec := receive(s.t)
	s.hook(rec, "*", "")
	s.now.Add(time.Hour)
	do()
	s.settled()
	var out []string
	for _, body := range rec.got() {
		meta := body["meta"].(map[string]any)
		if meta["entity"] == entity {
			out = append(out, fmt.Sprint(meta["action"]))
		}
	}
	return strings.Join(out, " ")
}

var changeProbes = map[string]probe{
	"same_value": {[]string{"true change", "false "}, func(s *sim) string {
		deal := s.made("/api/v2/deals", `{"title":"A"}`)
		var before, after map[string]any
		events := s.events("deal", func() {
			before = s.data("GET", fmt.Sprintf("/api/v2/deals/%d", deal), "")
			after = s.data("PATCH", fmt.Sprintf("/api/v2/deals/%d", deal), `{"title":"A"}`)
		})
		return fmt.Sprint(before["update_time"] != after["update_time"], " ", events)
	}},
	"reparented": {[]string{"true ", "true change", "false "}, func(s *sim) string {
		loser, survivor := s.made("/api/v2/organizations", `{"name":"A"}`), s.made("/api/v2/organizations", `{"name":"B"}`)
		person := s.made("/api/v2/persons", fmt.Sprintf(`{"name":"A","org_id":%d}`, loser))
		was := s.data("GET", fmt.Sprintf("/api/v2/persons/%d", person), "")
		events := s.events("person", func() { s.act(Act{Act: "merge", Object: "organization", ID: loser, Into: survivor}) })
		is := s.data("GET", fmt.Sprintf("/api/v2/persons/%d", person), "")
		if fmt.Sprint(is["org_id"]) != fmt.Sprint(survivor) {
			s.t.Errorf("org_id = %v, want %d", is["org_id"], survivor)
		}
		return fmt.Sprint(was["update_time"] != is["update_time"], " ", events)
	}},
	"reopened": {[]string{"true", "false"}, func(s *sim) string {
		deal := s.made("/api/v2/deals", `{"title":"A","status":"won"}`)
		return fmt.Sprint(s.data("PATCH", fmt.Sprintf("/api/v2/deals/%d", deal), `{"status":"open"}`)["won_time"] == nil)
	}},
	"archived_event": {[]string{"change", ""}, func(s *sim) string {
		deal := s.made("/api/v2/deals", `{"title":"A","status":"won"}`)
		return s.events("deal", func() { s.data("PATCH", fmt.Sprintf("/api/v2/deals/%d", deal), `{"is_archived":true}`) })
	}},
	"restored_event": {[]string{"change", "create", ""}, func(s *sim) string {
		deal := s.made("/api/v2/deals", `{"title":"A"}`)
		s.ok("DELETE", fmt.Sprintf("/api/v2/deals/%d", deal), "")
		return s.events("deal", func() { s.act(Act{Act: "restore", Object: "deal", ID: deal}) })
	}},
	"merge_order": {[]string{"delete change", "change delete"}, func(s *sim) string {
		loser, survivor := s.made("/api/v2/persons", `{"name":"A"}`), s.made("/api/v2/persons", `{"name":"B"}`)
		return s.events("person", func() { s.act(Act{Act: "merge", Object: "person", ID: loser, Into: survivor}) })
	}},
}

const anyHook = `{"subscription_url":"https://a.example/x","event_action":"*","event_object":"deal","http_auth_password":"secret"}`

// secondToken belongs to SecondUser.
var secondToken = strings.Repeat("b", 40)

func (s *sim) withSecond() {
	s.SetTokens(map[string]Token{DefaultToken: {}, secondToken: {User: SecondUser}})
}

var hookProbes = map[string]probe{
	"hook_probe": {[]string{"0", "1"}, func(s *sim) string {
		rec := receive(s.t)
		s.hook(rec, "deal", "")
		return fmt.Sprint(len(rec.got()))
	}},
	"local_urls": {[]string{"201", "400"}, func(s *sim) string {
		return s.status("POST", "/api/v1/webhooks", strings.Replace(anyHook, "https://a.example", "http://127.0.0.1", 1))
	}},
	"hook_name": {[]string{"201", "400"}, func(s *sim) string { return s.status("POST", "/api/v1/webhooks", anyHook) }},
	"hook_v1_words": {[]string{"400 ", "201 ", "201 create"}, func(s *sim) string {
		rec := receive(s.t)
		status := s.status("POST", "/api/v1/webhooks", fmt.Sprintf(`{"subscription_url":%q,"event_action":"added","event_object":"deal","version":"2.0"}`, rec.URL))
		s.made("/api/v2/deals", `{"title":"A"}`)
		s.settled()
		return status + " " + strings.Join(rec.actions(), " ")
	}},
	"hook_limit_body": {[]string{`422 {"errors":`, `422 {"addition`, "422 "}, func(s *sim) string {
		for range hooksPerUser {
			s.made("/api/v1/webhooks", anyHook)
		}
		r := s.do("POST", "/api/v1/webhooks", anyHook)
		return fmt.Sprint(r.status, " ", r.body[:min(10, len(r.body))])
	}},
	"hook_limit_scope": {[]string{"201", "422"}, func(s *sim) string {
		for range hooksPerUser {
			s.made("/api/v1/webhooks", strings.Replace(anyHook, "{", fmt.Sprintf(`{"user_id":%d,`, SecondUser), 1))
		}
		return s.status("POST", "/api/v1/webhooks", anyHook)
	}},
	"hook_passwords": {[]string{"secret", "********", "<nil>"}, func(s *sim) string {
		s.made("/api/v1/webhooks", anyHook)
		return fmt.Sprint(s.rows("/api/v1/webhooks")[0]["http_auth_password"])
	}},
	"banned_hooks": {[]string{"1", "0"}, func(s *sim) string {
		if err := s.BanHook(s.made("/api/v1/webhooks", anyHook)); err != nil {
			s.t.Fatal(err)
		}
		return fmt.Sprint(s.rows("/api/v1/webhooks")[0]["is_active"])
	}},
	"removed_hooks": {[]string{"", "0"}, func(s *sim) string {
		s.ok("DELETE", fmt.Sprintf("/api/v1/webhooks/%d", s.made("/api/v1/webhooks", anyHook)), "")
		var active []string
		for _, h := range s.rows("/api/v1/webhooks") {
			active = append(active, fmt.Sprint(h["is_active"]))
		}
		return strings.Join(active, " ")
	}},
	"field_hooks": {[]string{"400 400", "201 400", "400 201"}, func(s *sim) string {
		return s.status("POST", "/api/v1/webhooks", strings.Replace(anyHook, `"deal"`, `"dealField"`, 1)) + " " +
			s.status("POST", "/api/v1/webhooks", strings.Replace(anyHook, `"deal"`, `"deal_field"`, 1))
	}},
	"owner_removed": {[]string{"false 401", "true 401"}, func(s *sim) string {
		s.withSecond()
		if r := s.as(secondToken, "POST", "/api/v1/webhooks", anyHook); r.status != 201 {
			s.t.Fatal(r.body)
		}
		if err := s.RemoveUser(SecondUser); err != nil {
			s.t.Fatal(err)
		}
		return fmt.Sprint(s.Hooks()[0].Active, " ", s.as(secondToken, "GET", "/api/v1/users/me", "").status)
	}},
	"token_regenerated": {[]string{"true", "false"}, func(s *sim) string {
		s.made("/api/v1/webhooks", anyHook)
		s.SetTokens(map[string]Token{strings.Repeat("c", 40): {}})
		return fmt.Sprint(s.Hooks()[0].Active)
	}},
}

// bodies makes a deal with a custom field and an organization, changes both and gives the last body about each.
func (s *sim) bodies(more string) map[string]map[string]any {
	s.t.Helper()
	rec := receive(s.t)
	s.hook(rec, "*", more)
	org := s.made("/api/v2/organizations", `{"name":"A","address":{"value":"Storgatan 1"}}`)
	deal := s.made("/api/v2/deals", `{"title":"A","custom_fields":{"`+FieldTerm+`":12}}`)
	s.now.Add(time.Minute)
	s.data("PATCH", fmt.Sprintf("/api/v2/deals/%d", deal), `{"title":"B","custom_fields":{"`+FieldTerm+`":null}}`)
	s.data("PATCH", fmt.Sprintf("/api/v2/organizations/%d", org), `{"name":"B"}`)
	s.settled()
	last := map[string]map[string]any{}
	for _, body := range rec.got() {
		meta := body["meta"].(map[string]any)
		entity, _ := meta["entity"].(string)
		last[entity] = body
	}
	last["headers"] = map[string]any{"User-Agent": rec.heads[0].Get("User-Agent")}
	last["meta"] = rec.got()[0]["meta"].(map[string]any)
	return last
}

func inside(v any, names ...string) any {
	for _, name := range names {
		m, _ := v.(map[string]any)
		if _, there := m[name]; !there {
			return "absent"
		}
		v = m[name]
	}
	return v
}

func failing(status ...int) func(int, *http.Request) (int, error) {
	return func(n int, _ *http.Request) (int, error) { return status[min(n, len(status))-1], nil }
}

var deliveryProbes = map[string]probe{
	"ban_counter": {[]string{"true", "false"}, func(s *sim) (saw string) {
		answers := slices.Concat(slices.Repeat([]int{500}, 9), []int{200, 500})
		s.bubble(failing(answers...), func(in *Server, _ int64) {
			for range 11 {
				mustCreate(s.t, in)
			}
			pass(time.Second)
			saw = fmt.Sprint(in.Hooks()[0].Banned)
		})
		return saw
	}},
	"ban_retries": {[]string{"1 failed 500; 1 banned 0", "1 failed 500; 2 delivered 200"}, func(s *sim) (saw string) {
		s.bubble(failing(500, 200), func(in *Server, hook int64) {
			mustCreate(s.t, in)
			pass(time.Second)
			if err := in.BanHook(hook); err != nil {
				s.t.Error(err)
			}
			pass(time.Minute)
			saw = strings.Join(attempts(in), "; ")
		})
		return saw
	}},
	"idle_hooks": {[]string{"true", "false"}, func(s *sim) (saw string) {
		s.bubble(failing(200), func(in *Server, _ int64) {
			pass(80 * time.Hour)
			saw = fmt.Sprint(in.Hooks()[0].Active)
		})
		return saw
	}},
	"retry_ids": {[]string{"same, same", "new, new", "same, new"}, func(s *sim) string {
		rec := receive(s.t)
		rec.status(500)
		s.hook(rec, "deal", "")
		s.SetScale(1000)
		s.made("/api/v2/deals", `{"title":"A"}`)
		eventually(s.t, "a retry comes", func() bool { return len(rec.got()) >= 2 })
		a, b := rec.got()[0]["meta"], rec.got()[1]["meta"]
		word := func(name string) string {
			return map[bool]string{true: "same", false: "new"}[inside(a, name) == inside(b, name)]
		}
		return word("id") + ", " + word("correlation_id")
	}},
	"delivery_agent": {[]string{"Pipedrive Webhooks", ""}, func(s *sim) string { return fmt.Sprint(s.bodies("")["headers"]["User-Agent"]) }},
	"cleared_hash": {[]string{"absent", "<nil>"}, func(s *sim) string {
		return fmt.Sprint(inside(s.bodies("")["deal"], "data", "custom_fields", FieldTerm))
	}},
	"previous_stamp": {[]string{"2026-11-19T13:42:07Z", "absent"}, func(s *sim) string {
		return fmt.Sprint(inside(s.bodies("")["deal"], "previous", "update_time"))
	}},
	"address_shape": {[]string{"map[string]interface {}", "string", "<nil>"}, func(s *sim) string {
		return fmt.Sprintf("%T", inside(s.bodies("")["organization"], "data", "address"))
	}},
	"permitted": {[]string{"[21577801 21577844]", "absent"}, func(s *sim) string {
		return fmt.Sprint(inside(s.bodies("")["deal"], "meta", "permitted_user_ids"))
	}},
	"change_source": {[]string{"api", "absent"}, func(s *sim) string {
		return fmt.Sprint(inside(s.bodies("")["deal"], "meta", "change_source"))
	}},
	"hook_id_v1": {[]string{"string", "json.Number"}, func(s *sim) string {
		return fmt.Sprintf("%T", s.bodies(`,"version":"1.0"`)["meta"]["webhook_id"])
	}},
}

// bubble runs a story on a fake clock under the switches of a server.
func (s *sim) bubble(answer func(int, *http.Request) (int, error), story func(*Server, int64)) {
	s.t.Helper()
	t, ok := s.t.(*testing.T)
	if !ok {
		s.t.Fatal("a bubble needs a test")
	}
	bubble(t, Options{Switches: *s.switches.Load(), Workers: 1}, answer, story)
}

func TestSwitchesAreSetOverHTTP(t *testing.T) {
	s := start(t, bare(Options{}))
	s.ok("PUT", "/_sim/switches", `{"deleted_get":"404"}`)
	s.ok("PUT", "/_sim/switches", `{"empty_list":"array"}`)
	if got := simtest.Object(t, s.do("GET", "/_sim/switches", "").body); got["deleted_get"] != "404" || got["empty_list"] != "array" || got["merge_order"] != "delete-first" {
		t.Errorf("switches = %v", got)
	}
	s.refused("PUT", "/_sim/switches", `{"deleted_get":"teapot"}`, 400, "200, 404")
	if err := s.SetSwitches(Switches{DeletedGet: "teapot"}); err == nil {
		t.Error("a value that no switch has was set")
	}
	if DefaultSwitches() != simkit.Filled(Switches{}) {
		t.Error("the defaults are not the first values")
	}
}
