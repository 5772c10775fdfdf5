package webhook

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestScanReadsBothPayloads(t *testing.T) {
	for body, want := range map[string]string{
		`{"data":{"a":"}"},"previous":null,"meta":{"entity":"deal","entity_id":"42","id":"e-1","version":"2.0"}}`: "deal/42 e-1 2.0",
		`{"meta":{"entity":"person","entity_id":42}}`:                                                             "person/42  ",
		`{"v":1,"meta":{"v":1,"object":"note","id":7,"action":"updated"}}`:                                        "note/7  1.0",
		`{"meta":{"object":"note","id":"7","v":"1"}}`:                                                             "note/7  ",
		`{"meta":{"entity":"lead","entity_id":"adf21080-0e10-11eb-879b-05d71fb426ec"}}`:                           "lead/adf21080-0e10-11eb-879b-05d71fb426ec  ",
		`{"meta":{"entity":"deal","entity_id":"1"},"meta":{"entity":"deal","entity_id":"2"}}`:                     "deal/2  ",
		`{"meta":{"entity":"de\u0061l","entity_id":"4\u0032"}}`:                                                   "deal/42  ",
		`{"meta":{"entity":"deal"}}`:                                                                              "deal/  ",
		`{"meta":{"entity":"deal","entity_id":"4/2"}}`:                                                            "deal/  ",
		`{"meta":{"entity":null,"entity_id":true,"id":{"a":"}"}}}`:                                                "/  ",
		`{"meta":{"version":"3.0","id":""}}`:                                                                      "/  ",
		`{"meta":["entity"]}`:                                                                                     "/  ",
		`{"meta":null}`:                                                                                           "/  ",
		`{"data":{"meta":{"entity":"deal","entity_id":"42"}}}`:                                                    "/  ",
		`{"meta":{"entity":"` + strings.Repeat("x", 65) + `"}}`:                                                   "/  ",
		`{}`:                 "/  ",
		"\t[ {} , [ ] ]\r\n": "/  ",
		`"a\\\"b"`:           "/  ",
		`-1.5e+7`:            "/  ",
		strings.Repeat("[", 100) + strings.Repeat("]", 100): "/  ",
	} {
		m, ok := scan([]byte(body))
		got := string(m.entity) + "/" + string(m.id) + " " + string(m.event) + " " + string(m.version)
		if !ok || got != want {
			t.Errorf("%s: got %q, %t, want %q", body, got, ok, want)
		}
	}
}

func TestScanRefusesWhatIsNoJSON(t *testing.T) {
	for _, body := range []string{
		"", " ", "{", "}", "[", "]", `"`, `"\"`, `{"a"}`, `{"a":}`, `{"a":1`, `{"a":1 "b":2}`, `{a:1}`, `{"a":[}]`, `{"a":{]}`, "[1]]", "{}{}", `{} x`, "<html>", "\x1f\x8b\x08\x00",
		`{"meta":{"entity":"deal"`, `{"meta":{"entity":"deal}}`, "\xef\xbb\xbf{}",
	} {
		if _, ok := scan([]byte(body)); ok {
			t.Errorf("%q is taken for JSON", body)
		}
	}
}

// Whatever is JSON is stored: a refusal counts toward a ban.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		deal, `{"v":1,"meta":{"v":1,"object":"note","id":7}}`, `[{"a":"\\"},[]]`, `{"meta":{"entity":"\u0064","entity_id":1}}`, `1e9`, `{"meta":`, `{"\"":"\\\\"}`,
		`{"meta":{"id":"","entity":"x"},"meta":{}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, ok := scan(body)
		if !json.Valid(body) {
			return // it may be taken all the same, but nothing breaks
		}
		if !ok {
			t.Fatalf("%q is JSON and was refused", body)
		}
		var whole map[string]json.RawMessage
		var told map[string]any
		if json.Unmarshal(body, &whole) != nil || json.Unmarshal(whole["meta"], &told) != nil {
			return
		}
		if entity, _ := told["entity"].(string); m.entity != nil && told["entity"] != nil && string(m.entity) != entity {
			t.Fatalf("%q: entity %q, want %q", body, m.entity, entity)
		}
		if id, isText := told["entity_id"].(string); isText && m.id != nil && told["entity"] != nil && string(m.id) != id {
			t.Fatalf("%q: id %q, want %q", body, m.id, id)
		}
	})
}

func BenchmarkScan(b *testing.B) {
	body := []byte(`{"data":{"title":"` + strings.Repeat("some words ", 20) + `","custom_fields":{` + strings.Repeat(`"9dc80c50d78a15643bfc4ca79d76156a73a1ca0e":{"type":"varchar","value":"x"},`, 40) +
		`"a":null}},"previous":{"stage_id":1},"meta":{"action":"change","entity":"deal","entity_id":"42","id":"3f0c5c1e-0000-4000-8000-000000000001","version":"2.0"}}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if m, ok := scan(body); !ok || !m.names() {
			b.Fatal("not read")
		}
	}
}
