package pipedrive

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t
}

// Every example of a delivery, and what is read of it.
func TestSamplesOfEvents(t *testing.T) {
	v2 := func(e Event) Event {
		e.Version, e.CompanyID, e.WebhookID, e.Host = "2.0", "14039275", "5120987", "nordlicht-demo.pipedrive.com"
		if e.UserID == "" {
			e.UserID = "21577801"
		}
		if e.ChangeSource == "" {
			e.ChangeSource = "app"
		}
		e.Attempt = max(e.Attempt, 1)
		return e
	}
	want := map[string]Event{
		"v2_deal_change_status_won": v2(Event{
			Action: "change", Entity: "deal", EntityID: "4471", ID: "7b0f2d1c-64b3-4c86-9a5e-2f7e3d1b9c40", CorrelationID: "0a6f6c55-1d0e-4b0c-8f52-6a7e52a1f3d1",
			Timestamp: at("2026-11-19T13:42:07.518Z"), UpdateTime: at("2026-11-19T13:42:07Z"),
		}),
		"v2_deal_change_custom_field_cleared": v2(Event{
			Action: "change", Entity: "deal", EntityID: "4471", ID: "c41d7a9e-2b5f-4f9b-8d10-6e2a7b3c5d91", CorrelationID: "5f1b2c3d-7e8f-4a90-b1c2-d3e4f5a6b7c8",
			Timestamp: at("2026-11-19T14:00:00.204Z"), UpdateTime: at("2026-11-19T14:00:00Z"), UserID: "21577844", ChangeSource: "api",
		}),
		"v2_deal_create": v2(Event{
			Action: "create", Entity: "deal", EntityID: "4502", ID: "e2f3a4b5-c6d7-48e9-9f0a-1b2c3d4e5f60", CorrelationID: "9d8c7b6a-5f4e-4d3c-8b2a-190817263544",
			Timestamp: at("2026-10-14T10:20:00.871Z"), UpdateTime: at("2026-10-14T10:20:00Z"), ChangeSource: "api",
		}),
		"v2_organization_change": v2(Event{
			Action: "change", Entity: "organization", EntityID: "712", ID: "1c2d3e4f-5a6b-4c7d-8e9f-0a1b2c3d4e5f", CorrelationID: "aa11bb22-cc33-4d44-8e55-ff6677889900",
			Timestamp: at("2026-11-20T08:30:44.093Z"), UpdateTime: at("2026-11-20T08:30:44Z"),
		}),
		"v2_person_change": v2(Event{
			Action: "change", Entity: "person", EntityID: "1893", ID: "4d5e6f70-8192-4a3b-9c4d-5e6f708192a3", CorrelationID: "0f1e2d3c-4b5a-4698-8776-655443322110",
			Timestamp: at("2026-11-20T08:41:02.64Z"), UpdateTime: at("2026-11-20T08:41:02Z"), Attempt: 2,
		}),
		"v2_note_create": v2(Event{
			Action: "create", Entity: "note", EntityID: "20955", ID: "92a3b4c5-d6e7-48f9-8a0b-1c2d3e4f5061", CorrelationID: "12ab34cd-56ef-4a78-9b01-23cd45ef6789",
			Timestamp: at("2026-11-19T13:50:12.333Z"), UpdateTime: at("2026-11-19T13:50:12Z"),
		}),
		"v2_note_delete": v2(Event{
			Action: "delete", Entity: "note", EntityID: "20955", ID: "a3b4c5d6-e7f8-4a09-9b1c-2d3e4f506172", CorrelationID: "34cd56ef-78a9-4b01-8c23-45de67fa89b0",
			Timestamp: at("2026-11-21T09:12:00.48Z"), UpdateTime: at("2026-11-21T09:12:00Z"),
		}),
		"v2_deal_delete": v2(Event{
			Action: "delete", Entity: "deal", EntityID: "4471", ID: "b4c5d6e7-f809-4b1a-8c2d-3e4f50617283", CorrelationID: "56ef78a9-01b2-4c34-9d45-67ea89fb0c12",
			Timestamp: at("2026-11-21T09:10:31.027Z"), UpdateTime: at("2026-11-21T09:10:30Z"),
		}),
		"v2_organization_merge_delete_of_loser": v2(Event{
			Action: "delete", Entity: "organization", EntityID: "845", ID: "c5d6e7f8-091a-4c2b-9d3e-4f5061728394", CorrelationID: "78a90b1c-2d3e-4f50-8617-28394a5b6c7d",
			Timestamp: at("2026-11-20T10:00:00.911Z"), UpdateTime: at("2026-11-20T10:00:00Z"), MergedTo: "712",
		}),
		"v2_organization_merge_change_of_survivor": v2(Event{
			Action: "change", Entity: "organization", EntityID: "712", ID: "d6e7f809-1a2b-4d3c-8e4f-506172839405", CorrelationID: "78a90b1c-2d3e-4f50-8617-28394a5b6c7d",
			Timestamp: at("2026-11-20T10:00:00.958Z"), UpdateTime: at("2026-11-20T10:00:00Z"), MergedFrom: "845",
		}),
		"v1_deal_updated_status_won": {
			Version: "1.0", Action: "change", Entity: "deal", EntityID: "4471", Timestamp: at("2026-11-19T13:42:07.518Z"), Attempt: 1, CompanyID: "14039275",
			UserID: "21577801", WebhookID: "5120990", ChangeSource: "app", Host: "nordlicht-demo.pipedrive.com", UpdateTime: at("2026-11-19T13:42:07Z"),
		},
	}
	for name, sample := range readSamples(t).Webhooks {
		expected, ok := want[name]
		if !ok {
			t.Errorf("nobody says what %s is", name)
			continue
		}
		got, err := ParseEvent(sample.Body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if (got.Data == nil) != (expected.Action == "delete") || (got.Previous == nil) != (expected.Action == "create") {
			t.Errorf("%s: data %s, previous %s", name, got.Data, got.Previous)
		}
		if got.Data, got.Previous = nil, nil; !alike(got, expected) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", name, got, expected)
		}
	}
}

func alike(a, b Event) bool {
	left, _ := json.Marshal(a)
	right, _ := json.Marshal(b)
	return bytes.Equal(left, right)
}

func TestWhatWasHeld(t *testing.T) {
	samples := readSamples(t).Webhooks
	for name, want := range map[string][]string{
		"v2_deal_change_status_won":           {"status", "update_time"},
		"v2_deal_change_custom_field_cleared": {"custom_fields.f60b93d1e47a25c8093bde51a7c4f2860d1e5b97", "update_time"},
		"v2_deal_create":                      nil,
		"v2_person_change":                    {"emails"},
		"v2_organization_change": {
			"custom_fields.6e1d84f09ab27c53de4f1860b9a2c7d53f08e4b6", "custom_fields.a94c2f7e10b6d385c7e2f49b0d81356ae0c7d42b", "name", "update_time",
		},
	} {
		e, err := ParseEvent(samples[name].Body)
		if err != nil || !slices.Equal(e.Held(), want) {
			t.Errorf("%s: got %q, %v, want %q", name, e.Held(), err, want)
		}
	}
	e, err := ParseEvent(samples["v1_deal_updated_status_won"].Body)
	held := e.Held()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"owner_id", "label_ids", "title", "custom_fields.f60b93d1e47a25c8093bde51a7c4f2860d1e5b97", "custom_fields.05e9d7b2c8a14f36b0d2e5f7918c34a6de07b1f9"} {
		if !slices.Contains(held, name) {
			t.Errorf("1.0: %s is missing in %q", name, held)
		}
	}
	for _, name := range []string{"won_time", "user_id", "label", "f60b93d1e47a25c8093bde51a7c4f2860d1e5b97_currency"} {
		if slices.Contains(held, name) {
			t.Errorf("1.0: %s is in %q", name, held)
		}
	}
	for body, want := range map[string][]string{
		`{"v":1,"event":"updated.note","meta":{"object":"note","id":1},"current":{},"previous":{"user_id":5,"content":"","deal_id":null}}`: {"user_id"},
		`{"v":1,"meta":{"object":"person","id":1},"previous":{"email":[],"phone":[{"value":"1"}]}}`:                                        {"phones"},
		`{"meta":{"version":"2.0","entity":"deal","entity_id":"1"},"previous":[]}`:                                                         nil,
		`{"meta":{"version":"2.0","entity":"deal","entity_id":"1"},"previous":{"custom_fields":null,"lost_time":""}}`:                      nil,
	} {
		if e, err := ParseEvent([]byte(body)); err != nil || !slices.Equal(e.Held(), want) {
			t.Errorf("%s: got %q, %v", body, e.Held(), err)
		}
	}
}

func TestEventsInOtherShapes(t *testing.T) {
	tests := []struct {
		body string
		want Event
	}{
		{ // ids as numbers, no version, attempt as text
			`{"meta":{"action":"change","entity":"deal","entity_id":42,"company_id":7,"attempt":"3"},"data":{"id":42},"previous":null}`,
			Event{Version: "2.0", Action: "change", Entity: "deal", EntityID: "42", CompanyID: "7", Attempt: 3},
		},
		{ // id found in the record; unknown action kept; unknown version read as the latest
			`{"meta":{"version":"3.0","action":"Restored","entity":"person"},"data":{"id":"42"}}`,
			Event{Version: "2.0", Action: "restored", Entity: "person", EntityID: "42", Attempt: 1},
		},
		{ // a user's event, by the published example
			`{"meta":{"version":"2.0","action":"change","entity":"user","entity_id":"5","id":"5","timestamp":1795095727},"data":[{"id":"5","active_flag":false}]}`,
			Event{Version: "2.0", Action: "change", Entity: "user", EntityID: "5", ID: "5", Timestamp: at("2026-11-19T13:42:07Z"), Attempt: 1},
		},
		{ // 1.0: retry, seconds, a merge
			`{"v":1,"event":"merged.organization","retry":2,"meta":{"v":1,"action":"merged","object":"organization","id":712,"timestamp":1795095727},"current":{"id":712},"previous":{"id":712}}`,
			Event{Version: "1.0", Action: "merge", Entity: "organization", EntityID: "712", Timestamp: at("2026-11-19T13:42:07Z"), Attempt: 3},
		},
		{ // 1.0 by its event alone
			`{"event":"added.deal","current":{"id":9,"update_time":"2026-11-19 13:42:07"},"retry":"x"}`,
			Event{Version: "1.0", Action: "create", Entity: "deal", EntityID: "9", UpdateTime: at("2026-11-19T13:42:07Z"), Attempt: 1},
		},
		{ // 1.0: a user's record in a list
			`{"v":"1","meta":{"action":"deleted","object":"user","id":5},"current":[],"previous":[{"id":5,"update_time":"2026-11-19 13:42:07"}]}`,
			Event{Version: "1.0", Action: "delete", Entity: "user", EntityID: "5", UpdateTime: at("2026-11-19T13:42:07Z"), Attempt: 1},
		},
		{ // a lead has no number
			`{"meta":{"version":"2.0","entity":"lead","entity_id":"a1b2","attempt":-4},"data":null}`,
			Event{Version: "2.0", Action: "change", Entity: "lead", EntityID: "a1b2", Attempt: 1},
		},
	}
	for _, tt := range tests {
		got, err := ParseEvent([]byte(tt.body))
		got.Data, got.Previous = nil, nil
		if err != nil || !alike(got, tt.want) {
			t.Errorf("%s:\ngot  %+v, %v\nwant %+v", tt.body, got, err, tt.want)
		}
	}
}

func TestNoEvents(t *testing.T) {
	for body, say := range map[string]string{
		"": "no JSON object", "[]": "no JSON object", "null": "no JSON object", `{"meta":{}`: "cannot be decoded", `{}`: "of which entity",
		`{"meta":[]}`: "cannot be decoded", `{"meta":{"entity":"deal"}}`: "which deal it is about", `{"meta":{"entity":{"x":1},"entity_id":"1"}}`: "of which entity",
		`{"meta":{"entity":"deal","entity_id":"` + strings.Repeat("x", 20): "cannot be decoded",
	} {
		if e, err := ParseEvent([]byte(body)); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%s: got %+v, %v", body, e, err)
		}
	}
}

// short keeps of an event's records what is read of them: long seeds are slow to vary.
func short(tb testing.TB, body []byte) []byte {
	tb.Helper()
	var event map[string]any
	if err := json.Unmarshal(body, &event); err != nil {
		tb.Fatal(err)
	}
	for _, name := range []string{"data", "current", "previous"} {
		if record, ok := event[name].(map[string]any); ok {
			kept := map[string]any{}
			for _, member := range []string{"id", "update_time", "custom_fields", "label", "05e9d7b2c8a14f36b0d2e5f7918c34a6de07b1f9"} {
				if value, ok := record[member]; ok {
					kept[member] = value
				}
			}
			event[name] = kept
		}
	}
	text, err := json.Marshal(event)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// FuzzParseEvent: whatever comes is an event about a record, or an error; and how the
// JSON is laid out makes no difference.
func FuzzParseEvent(f *testing.F) {
	for _, sample := range readSamples(f).Webhooks {
		f.Add(short(f, sample.Body))
	}
	f.Add([]byte(`{"v":1,"event":"added.deal","current":[{"id":1}],"retry":9}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := ParseEvent(body)
		if err != nil {
			return
		}
		if e.Entity == "" || e.EntityID == "" || e.Action == "" || e.Attempt < 1 || e.Version != "1.0" && e.Version != "2.0" {
			t.Errorf("%q: got %+v", body, e)
		}
		for _, name := range e.Held() {
			if name == "custom_fields" {
				t.Errorf("%q: held %q", body, name)
			}
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, body); err != nil {
			t.Fatalf("%q is an event and no JSON: %v", body, err)
		}
		again, err := ParseEvent(compact.Bytes())
		e.Data, e.Previous, again.Data, again.Previous = nil, nil, nil, nil
		if err != nil || !alike(e, again) {
			t.Errorf("%q: got %+v and %+v, %v", body, e, again, err)
		}
	})
}
