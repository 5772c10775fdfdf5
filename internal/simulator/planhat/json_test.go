package planhatsim

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"
)

func TestObjectKeepsText(t *testing.T) {
	for in, want := range map[string]string{
		`{}`: `{}`,
		//nolint:gocritic // the space is what is tested
		` { "a" : 1.0 , "\u0062" : [ 1 , {"c":"}]\"" } ] }`: `{"a":1.0,"\u0062":[1,{"c":"}]\""}]}`,
		`{"a":1,"b":2,"a":3}`:                               `{"a":3,"b":2}`,
	} {
		doc, err := parseObject([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(doc.appendTo(nil, nil)); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
}

func TestSameJSON(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{`1`, `1.0`, true}, {`1e2`, `100`, true}, {`12345678901234567890`, `12345678901234567891`, false}, {`"\u0041"`, `"A"`, true},
		{`{"a":1,"b":[2]}`, `{"b":[2.0],"a":1}`, true}, {`[1,2]`, `[2,1]`, false}, {`null`, `""`, false}, {`1e999999999`, `1e999999998`, false}, {`{"a":1}`, `{"b":1}`, false},
	} {
		if got := sameJSON([]byte(c.a), []byte(c.b)); got != c.same {
			t.Errorf("%s and %s: %t", c.a, c.b, got)
		}
	}
}

// FuzzObject holds the splitter to encoding/json: same names, same values, nothing else.
func FuzzObject(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":{"b":[1,"]"]},"c":null}`, `{"\ud83d\ude80":"\\\""}`, `{"":-0.0e5}`, `[`, `{"a":1,"a":2}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		doc, err := parseObject(in)
		in = []byte(string([]rune(string(in)))) // what is not UTF-8 is replaced
		var want map[string]json.RawMessage
		if wantErr := json.Unmarshal(in, &want); (wantErr != nil || want == nil) != (err != nil) {
			t.Fatalf("%q: %v, encoding/json says %v", in, err, wantErr)
		}
		if err != nil {
			return
		}
		if len(doc) != len(want) {
			t.Fatalf("%q: %d names, want %d", in, len(doc), len(want))
		}
		for _, m := range doc {
			var compact bytes.Buffer
			if err := json.Compact(&compact, want[m.name]); err != nil || !bytes.Equal(compact.Bytes(), m.val) {
				t.Fatalf("%q: %q is %s, want %s", in, m.name, m.val, want[m.name])
			}
		}
	})
}

func FuzzBulk(f *testing.F) {
	f.Add([]byte(`[{"name":"a","externalId":"e","custom":{"A":1,"a":2}},7,null,{"_id":"x"}]`))
	f.Add([]byte(`[{"companyId":"extid-","domains":"x","tags":[{}],"csmScore":"1e9"}]`))
	s := New(Options{Companies: 2})
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, m := range modelRows[:4] {
			s.mu.Lock()
			items, err := bulkItems(in, DefaultSwitches(), false)
			if err == nil {
				b := &bulk{tx: s.begin("api", 0), m: m, may: func(string) bool { return true }}
				b.upsert(items)
			}
			s.mu.Unlock()
			if !json.Valid(s.State(m.listing)) {
				t.Fatalf("%q left a state of %s that is not JSON", in, m.listing)
			}
		}
	})
}

func TestCasts(t *testing.T) {
	for _, c := range []struct {
		k        kind
		in, want string // want "" = refused
	}{
		{kindText, `"x"`, `"x"`}, {kindText, `7`, `"7"`}, {kindText, `[1]`, ``}, {kindText, `null`, `null`},
		{kindNumber, `1.0`, `1.0`}, {kindNumber, `12345678901234567890`, `12345678901234567890`}, {kindNumber, `"12"`, `12`}, {kindNumber, `"x"`, ``}, {kindNumber, `""`, `null`}, {kindNumber, `true`, ``},
		{kindBool, `true`, `true`}, {kindBool, `"false"`, `false`}, {kindBool, `1`, `true`}, {kindBool, `"maybe"`, ``}, {kindBool, `""`, ``},
		{kindDate, `"2026-03-03"`, `"2026-03-03T00:00:00.000Z"`}, {kindDate, `"2026-03-03T10:00:00+02:00"`, `"2026-03-03T08:00:00.000Z"`}, {kindDate, `"2026-03-03T10:00:00.000+0000"`, `"2026-03-03T10:00:00.000Z"`},
		{kindDate, `1772618400000`, `"2026-03-04T10:00:00.000Z"`}, {kindDate, `"soon"`, ``}, {kindDate, `true`, ``},
		{kindID, `"66f0a1b2c3d4e5f600000101"`, `"66f0a1b2c3d4e5f600000101"`}, {kindID, `"66f0"`, ``}, {kindID, `5`, ``},
		{kindList, `["a"]`, `["a"]`}, {kindList, `"a"`, `["a"]`}, {kindList, `{}`, ``}, {kindObject, `{}`, `{}`}, {kindObject, `[]`, ``},
	} {
		got, err := cast("f", c.k, []byte(c.in))
		if (err != nil) != (c.want == "") || err == nil && string(got) != c.want {
			t.Errorf("%s of %s: %s %v, want %s", kindNames[c.k], c.in, got, err, c.want)
		}
	}
}

func TestObjectIDsAscend(t *testing.T) {
	m := idMaker{counter: 0}
	at := time.Unix(1_700_000_000, 0)
	last := ""
	for i, step := range []time.Duration{0, 0, time.Second, -time.Hour, time.Millisecond, time.Hour} {
		at = at.Add(step)
		if i == 4 {
			m.counter = counterMax
		}
		id := m.next(at)
		if id <= last || !isObjectID(id) {
			t.Errorf("%s after %s", id, last)
		}
		last = id
	}
}

// BenchmarkTenant pages through a large tenant that is being edited.
func BenchmarkTenant(b *testing.B) {
	s := start(b, Options{Companies: 10000, EndusersPerCompany: 12, ConversationsPerCompany: 1, LicensesPerCompany: 1})
	for _, path := range []string{"/endusers?sort=_id&limit=2000&offset=100000", "/endusers?sort=-updatedAt&limit=2000", "/companies?sort=-updatedAt&limit=5000"} {
		b.Run(path, func(b *testing.B) {
			for range b.N {
				s.Live(1)
				s.do("GET", path, "")
			}
		})
	}
}
