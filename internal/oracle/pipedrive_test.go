package oracle

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const (
	dealTopic  = "pipedrive.changes.acme.deal"
	hooksTopic = "pipedrive.webhooks.acme"
	code       = "0123456789abcdef0123456789abcdef01234567"
)

// told adds an event that the vendor sent and the intake answered: in the new form,
// or for "old" in the other one.
func (s *story) told(form, action, id, data, previous string) {
	event := fmt.Sprintf("00000000-0000-4000-8000-%012d", len(s.Deliveries))
	body := fmt.Sprintf(`{"meta":{"action":%q,"entity":"deal","entity_id":%q,"id":%q,"version":"2.0"},"data":%s,"previous":%s}`, action, id, event, data, previous)
	if form == "old" {
		body = fmt.Sprintf(`{"v":1,"meta":{"action":%q,"object":"deal","id":%s},"current":%s,"previous":%s}`, action, id, data, previous)
	}
	s.Deliveries = append(s.Deliveries, Delivery{Seq: int64(len(s.Deliveries)) + 1, Event: event, Entity: "deal", ID: recordID(id), Attempt: 1, Status: http.StatusOK, Outcome: "delivered"})
	s.Webhooks = append(s.Webhooks, readWebhook(Place{s.Intake, 0, int64(len(s.Webhooks))}, "deal/"+id, []byte(body)))
	s.bodies = append(s.bodies, body)
}

// goodAccount: deal 1 is won and loses its value and a field of its own, deal 2 is
// deleted, deal 3 was gone before anybody looked, deal 4 is old news.
func goodAccount(t testing.TB) *story {
	t.Helper()
	form, err := formOf(Pipedrive, "deal")
	if err != nil {
		t.Fatal(err)
	}
	s := &story{t: t, Evidence: Evidence{Intake: hooksTopic, Objects: []ObjectEvidence{{Form: form, Topic: dealTopic, State: map[string]Row{}}}}}
	const a1 = `{"id":1,"title":"A","status":"open","value":10,"update_time":"2026-11-01T12:00:00Z","custom_fields":{"` + code + `":7}}`
	const a2 = `{"id":1,"title":"A","status":"won","value":null,"update_time":"2026-11-01T12:00:05Z","custom_fields":{"` + code + `":null}}`
	const b = `{"id":2,"title":"B","status":"open","update_time":"2026-11-01T12:00:01Z"}`
	const d1 = `{"id":4,"title":"D","update_time":"2026-11-01T11:00:00Z"}`
	const d2 = `{"id":4,"title":"D","update_time":"2026-11-01T11:00:00Z","lost_reason":null}`
	for _, id := range []string{"1", "2", "3", "4"} {
		s.wrote("seed", "create", id, "")
	}
	s.event("r", "1", "", a1)
	s.event("r", "2", "", b)
	s.event("r", "4", "", d1)
	s.wrote("life", "update", "1", "")
	s.told("new", "change", "1", `{"id":1,"status":"won","update_time":"2026-11-01T12:00:05Z","custom_fields":{}}`,
		`{"status":"open","value":10,"custom_fields":{"`+code+`":{"type":"double","value":7}}}`)
	s.event("u", "1", a1, a2)
	s.wrote("life", "delete", "2", "")
	s.told("new", "delete", "2", "null", b)
	s.event("d", "2", b, "")
	s.event("", "2", "", "")
	s.wrote("life", "delete", "3", "")
	s.told("old", "deleted", "3", "null", `{"id":3,"title":"C","update_time":"2026-11-01 12:00:02"}`)
	s.told("old", "updated", "4", `{"id":4,"title":"D","lost_reason":null,"update_time":"2026-11-01 11:00:00"}`, `{"id":4,"lost_reason":"x","`+code+`":null}`)
	s.event("u", "4", d1, d2)
	s.Objects[0].State["1"] = row(t, `{"id":1,"title":"A","status":"won","value":null,"lost_reason":null,"update_time":"2026-11-01T12:00:05Z","custom_fields":{"`+code+`":null,"`+strings.Repeat("f", 40)+`":null}}`)
	s.Objects[0].State["4"] = row(t, `{"id":4,"title":"D","value":null,"lost_reason":null,"update_time":"2026-11-01T11:00:00Z","custom_fields":{"`+code+`":null}}`)
	return s
}

func TestJudgeAcceptsAGoodAccount(t *testing.T) {
	r := Judge(goodAccount(t).Evidence)
	for _, m := range r.Mismatches {
		t.Errorf("%s", m)
	}
	both := Judge(goodRun(t).Evidence).And(r)
	if got, want := both.Line(), "oracle: ok changes=15 commands=7 results=7 mismatches=0"; got != want {
		t.Errorf("line = %q, want %q", got, want)
	}
	want := "coverage: objects=2/2 ops=5/5 faults=429:0,5xx:0,timeout-after-effect:0,reset:0,truncated:0 webhooks=answered:4,retried:0,repeated:0,lost:0"
	if got := both.CoverageLine(); got != want {
		t.Errorf("coverage = %q, want %q", got, want)
	}
}

// A record that was deleted and came back before anybody looked begins anew.
func TestJudgeForgetsAnEarlierLife(t *testing.T) {
	s := goodAccount(t)
	s.without(6)
	s.told("new", "change", "4", `{"id":4}`, `{"lost_reason":"x"}`)
	s.Journal = append(s.Journal, Entry{Seq: 98, Via: "life", Op: "change", Object: "deal", ID: "4", Event: s.Webhooks[4].Event})
	if r := Judge(s.Evidence); len(r.Mismatches) != 1 {
		t.Fatalf("before it was deleted: %v", r.Mismatches)
	}
	s.Journal = append(s.Journal, Entry{Seq: 99, Via: "life", Op: "delete", Object: "deal", ID: "4"})
	if r := Judge(s.Evidence); !r.OK() {
		t.Errorf("%v", r.Mismatches)
	}
}

// TestJudgeFindsEachFaultOfAnAccount: for what only an account can suffer.
func TestJudgeFindsEachFaultOfAnAccount(t *testing.T) {
	findsEach(t, goodAccount, []fault{
		{"change lost", func(s *story) { s.without(3) }, dealTopic, 0, "1", "the last event of the record is not the vendor's state: custom_fields is"},
		{"delete lost", func(s *story) { s.without(4); s.without(4) }, dealTopic, 1, "2", "the vendor does not have"},
		{"record invented", func(s *story) { s.event("c", "9", "", `{"id":9}`) }, dealTopic, 7, "9", "invented"},
		{"of another object", func(s *story) {
			s.Journal = append(s.Journal, Entry{Seq: 99, Op: "create", Object: "person", ID: "9"})
			s.event("c", "9", "", `{"id":9}`)
		}, dealTopic, 7, "9", "invented"},
		{"delete invented", func(s *story) { s.event("d", "4", `{"id":4}`, "") }, dealTopic, 7, "4", "a delete that the vendor never made"},
		{"key of another record", func(s *story) { s.change(3).After["id"] = s.change(1).Before["id"] }, dealTopic, 3, "1", "the key is not the id of after"},
		{"older after newer", func(s *story) {
			c := *s.change(3)
			c.Offset, c.Sequence, c.Before, c.After = 7, 200, s.change(3).After, s.change(0).After
			s.Objects[0].Changes = append(s.Objects[0].Changes, c)
			s.Objects[0].State["1"] = c.After
		}, dealTopic, 7, "1", "an older state after a newer one"},
		{"cleared field left out", func(s *story) { delete(s.change(3).After, "value") }, dealTopic, 3, "1", "value has disappeared"},
		{"cleared custom field left out", func(s *story) { delete(s.change(3).After, "custom_fields") }, dealTopic, 3, "1", "custom_fields." + code + " has disappeared"},
		{"never set told as cleared", func(s *story) { s.change(2).After["probability"] = nil }, dealTopic, 2, "4", "probability is null, as if it had been cleared"},
		{"custom field never set told as cleared", func(s *story) { s.change(2).After["custom_fields"] = Row{code: nil} }, dealTopic, 2, "4", "custom_fields." + code + " is null"},
		{"clearing unheard", func(s *story) {
			s.without(6)
			s.told("new", "change", "4", `{"id":4}`, `{"lost_reason":"x"}`)
		}, hooksTopic, 4, "4", "lost_reason had a value, but the record's last event has neither"},
		{"clearing unheard since the record came back", func(s *story) {
			s.without(6)
			s.wrote("life", "delete", "4", "")
			s.told("new", "change", "4", `{"id":4}`, `{"lost_reason":"x"}`)
			s.Journal = append(s.Journal, Entry{Seq: 99, Via: "life", Op: "change", Object: "deal", ID: "4", Event: s.Webhooks[4].Event})
		}, hooksTopic, 4, "4", "lost_reason had a value, but the record's last event has neither"},
		{"answered and forgotten", func(s *story) { s.Webhooks = s.Webhooks[1:] }, hooksTopic, -1, "deal/1", "was answered with 200, but the topic does not have it"},
		{"webhook invented", func(s *story) {
			s.told("new", "change", "4", `{"id":4}`, `{}`)
			s.Deliveries = s.Deliveries[:len(s.Deliveries)-1]
		}, hooksTopic, 4, "deal/4", "the vendor never sent event"},
		{"webhook unreadable", func(s *story) { s.Webhooks[0] = readWebhook(s.Webhooks[0].Place, "deal/1", []byte(`{"meta":`)) }, hooksTopic, 0, "deal/1", "cannot be read"},
		{"event newer than the topic", func(s *story) {
			s.told("new", "change", "4", `{"id":4,"update_time":"2026-11-01T11:00:01Z"}`, `{}`)
		}, hooksTopic, 4, "4", "its change is missing"},
		{"event of nothing on the topic", func(s *story) {
			s.wrote("life", "create", "5", "")
			s.told("new", "create", "5", `{"id":5,"update_time":"2026-11-01T12:00:09Z"}`, "null")
			s.Objects[0].State["5"] = row(s.t, `{"id":5}`)
		}, hooksTopic, 4, "5", "an event of the record was taken, but"},
	})
}

func TestWebhooksAreCounted(t *testing.T) {
	d := func(event string, statuses ...int) (out []Delivery) {
		for _, status := range statuses {
			outcome := "failed"
			if status/100 == 2 {
				outcome = "delivered"
			}
			out = append(out, Delivery{Event: event, Status: status, Outcome: outcome})
		}
		return out
	}
	got := coverWebhooks(append(append(append(d("a", 200), d("b", 503, 0, 204)...), d("c", 200, 200)...), d("d", 0, 500)...))
	if want := (WebhookCoverage{Events: 4, Answered: 3, Retried: 1, Repeated: 1, Lost: 1}); got != want {
		t.Errorf("coverage = %+v, want %+v", got, want)
	}
}

func TestSabotageOfAnAccountIsFound(t *testing.T) {
	for kind, want := range map[string]string{"drop": "1 an event before it is missing", "swap": "1 op r of a record that is live", "invent": inventedNumber + " invented"} {
		t.Run(kind, func(t *testing.T) {
			s := goodAccount(t)
			g := newStage(t, s)
			g.evidence(s)
			if r, err := Check(t.Context(), g.options); err != nil || !r.OK() {
				t.Fatalf("before the sabotage: %v, %v", r.Mismatches, err)
			}
			if err := Sabotage(t.Context(), g.options, kind); err != nil {
				t.Fatal(err)
			}
			r, err := Check(t.Context(), g.options)
			if err != nil {
				t.Fatal(err)
			}
			id, what, _ := strings.Cut(want, " ")
			for _, m := range r.Mismatches {
				if m.Topic == dealTopic && m.ID == id && strings.Contains(m.What, what) {
					return
				}
			}
			t.Errorf("not named: %v", r.Mismatches)
		})
	}
}
