package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const listRow = `{"_id":"66f0a1b2c3d4e5f600000001","name":"Fjordlight Energy","externalId":"acct-1001","sourceId":"001Ab00000XyZ01","owner":"66f0a1b2c3d4e5f600000101","phase":"Onboarding","status":"customer","h":7,"mrr":4000,"mrrTotal":4000,"mr":4200,"mrTotal":4200,"nrr30":200,"nrrTotal":200.5,"renewalDate":null,"customerFrom":"2026-02-01T00:00:00.000Z","lastRenewal":"2026-02-01T00:00:00.000Z","domains":["fjordlight.example"],"tags":["Enterprise","Nordics"],"custom":{"Customer Tier":"Enterprise","Go-live date":"2026-04-15T00:00:00.000Z","Days in Phase":32,"Reference ok?":true,"Modules":["Forecast","Dispatch"]},"createdAt":"2026-02-01T08:00:00.000Z","updatedAt":"2026-03-04T15:21:10.001Z"}`

// vendors are those that have record schemas.
var vendors = []string{"planhat", "pipedrive"}

func testCodec(t testing.TB, object string) *Codec {
	t.Helper()
	return vendorCodec(t, "planhat", object)
}

func vendorCodec(t testing.TB, vendor, object string) *Codec {
	t.Helper()
	c, err := NewCodec(vendor, object)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func testEnvelope(before, after string) *Envelope {
	e := &Envelope{
		Source: Source{
			Version: "1.2.3", Connector: "planhat", Name: "planhat-bridge", TsMs: 1772637670001, Snapshot: "false",
			DB: "acme", Table: "company", Sequence: 1<<40 + 7, Stream: "companies",
		},
		Op: "u", TsMs: 1772637671234, Changed: []string{"custom.Größe", "name"},
	}
	if before != "" {
		e.Before = json.RawMessage(before)
	}
	if after != "" {
		e.After = json.RawMessage(after)
	}
	return e
}

// there encodes one row and gives what comes back, read by hand and checked by both other readers.
func there(t testing.TB, c *Codec, row string) (string, error) {
	t.Helper()
	value, err := c.AppendEnvelope(nil, 7, testEnvelope("", row))
	if err != nil {
		return "", err
	}
	e, err := c.DecodeEnvelope(value)
	if err != nil {
		t.Fatalf("decode what was encoded from %s: %v", row, err)
	}
	return string(e.After), nil
}

func TestEnvelopeComesBackWhole(t *testing.T) {
	c := testCodec(t, "company")
	want := testEnvelope(`{"_id":"1","name":"a"}`, `{"_id":"1","name":"b"}`)
	value, err := c.AppendEnvelope([]byte("kept"), 258, want)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(value, []byte("kept\x00\x00\x00\x01\x02")) {
		t.Fatalf("header is % x", value[:9])
	}
	got, err := c.DecodeEnvelope(value[4:])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	checkReaders(t, c, value[4:], want)
}

func TestRowComesBackWhole(t *testing.T) {
	many := make([]string, 40)
	for i := range many {
		many[i] = `"other` + strings.Repeat("x", i) + `":` + "1"
	}
	tests := []struct{ name, row, want string }{
		{"empty", `{}`, `{}`},
		{"space", " {\n\"name\" : \"a\" ,\t\"_id\":\"1\"} ", `{"_id":"1","name":"a"}`},
		{"whole numbers", `{"h":-7,"__v":9223372036854775807,"csmScore":-9223372036854775808}`, ``},
		{"number too long", `{"h":9223372036854775808}`, ``},
		{"twenty digits", `{"h":12345678901234567890,"mrr":12345678901234567890}`, ``},
		{"fraction in long", `{"h":1.0}`, ``},
		{"exponent", `{"h":1e2,"mrr":1e2}`, ``},
		{"minus zero", `{"h":-0,"mrr":-0}`, ``},
		{"doubles", `{"arr":0.1,"mr":123456789012.345,"mrr":-8.5,"nrr30":0}`, ``},
		{"doubles at the edge", `{"arr":1e+21,"mr":1.5e-7,"mrr":100000000000000000000,"mrrTotal":0.000001,"nps":5e-324,"nrr30":1.7976931348623157e+308}`, ``},
		{"doubles spelled otherwise", `{"arr":1.0,"mr":1E5,"mrr":0.10,"mrrTotal":1e400,"nrr30":0.1000000000000000055}`, ``},
		{"null told from absent", `{"name":null,"custom":null,"unknown":null}`, ``},
		{"wrong types", `{"_id":1,"h":"7","mrr":"4000","name":{"a":[1]},"autoRenews":"","tags":["a",1],"domains":"x","createdAt":5}`, ``},
		{"owner as object", `{"owner":{"_id":"66","nickName":"Sam"}}`, ``},
		{"instants", `{"createdAt":"0001-01-01T00:00:00.000Z","lastActive":"9999-12-31T23:59:59.999Z","lastTouch":"1969-12-31T23:59:59.999Z","updatedAt":"2024-02-29T12:00:00.500Z"}`, ``},
		{"instants spelled otherwise", `{"createdAt":"2026-02-01T08:00:00Z","customerFrom":"2026-02-01T08:00:00.000+0000","customerTo":"2026-02-30T00:00:00.000Z","lastActive":"+012026-02-01T00:00:00.000Z","lastTouch":"0000-01-01T00:00:00.000Z","renewalDate":"2026-02-01","updatedAt":"2026-02-01t08:00:00.000z"}`, ``},
		{"leap second", `{"createdAt":"2016-12-31T23:59:60.000Z"}`, ``},
		{"string arrays", `{"domains":[],"tags":["a","","ü\"\\"]}`, ``},
		{"strings", "{\"name\":\"\\u0000\\u001f\\\"\\\\ü😀\u2028</script>\"}", ``},
		{"escapes are read", `{"\u006eame":"\u0041\/\ud83d\ude00","tags":["\u00fc"],"createdAt":"2026-02-01\u005408:00:00.000Z"}`, `{"createdAt":"2026-02-01T08:00:00.000Z","name":"A/😀","tags":["ü"]}`},
		{"half a surrogate pair", `{"name":"\ud800","tags":["\udc00x"],"k\ud800":"\ude00","n\ud800":null,"custom":{"\ud800":"\ud83d"}}`,
			`{"custom":{"\ud800":"\ud83d"},"k\ud800":"\ude00","name":"\ud800","n\ud800":null,"tags":["\udc00x"]}`},
		{"names of ours", `{"extra":{"a":1},"nulls":["name"]}`, ``},
		{"names of ours, null", `{"extra":null,"nulls":null}`, ``},
		{"nested keep their bytes", `{"custom":{"b":1.0,"a":[ 1e2,{"z":null,"z":2}]},"licenses":[],"usage":"text"}`, ``},
		{"many unknown", "{" + strings.Join(many, ",") + "}", ``},
		{"list row", listRow, ``},
	}
	c := testCodec(t, "company")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := there(t, c, tt.row)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want != "" && got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if diff := cmp.Diff(plain(t, tt.row), plain(t, got)); tt.want == "" && diff != "" {
				t.Errorf("-sent +came back\n%s", diff)
			}
			value, err := c.AppendEnvelope(nil, 1, testEnvelope(tt.row, tt.row))
			if err != nil {
				t.Fatal(err)
			}
			checkReaders(t, c, value, testEnvelope(got, got))
		})
	}
}

func TestTypedOnlyWhatComesBack(t *testing.T) {
	c := testCodec(t, "company")
	tests := []struct {
		row          string
		typed, extra []string
	}{
		{`{"h":7,"mrr":4000.5,"name":"a","autoRenews":false,"tags":["a"],"createdAt":"2026-02-01T08:00:00.000Z","custom":{}}`,
			[]string{"h", "mrr", "name", "autoRenews", "tags", "createdAt", "custom"}, nil},
		{`{"h":7.5,"mrr":1.0,"name":1,"autoRenews":"","tags":[1],"createdAt":"2026-02-01","custom":[1]}`,
			[]string{"custom"}, []string{"h", "mrr", "name", "autoRenews", "tags", "createdAt"}},
		{`{"mrr":-0,"h":-0,"somethingNew":true}`, []string{"mrr"}, []string{"h", "somethingNew"}},
	}
	for _, tt := range tests {
		value, err := c.AppendEnvelope(nil, 1, testEnvelope("", tt.row))
		if err != nil {
			t.Fatal(err)
		}
		after, _ := readTwmb(t, c, value)["after"].(map[string]any)
		for _, name := range tt.typed {
			if after[name] == nil {
				t.Errorf("%s: %s is not typed", tt.row, name)
			}
		}
		extra, _ := after["extra"].(string)
		for _, name := range tt.extra {
			if after[name] != nil || !strings.Contains(extra, `"`+name+`":`) {
				t.Errorf("%s: %s is not in extra: %s", tt.row, name, extra)
			}
		}
	}
}

func TestRowRefused(t *testing.T) {
	deep := strings.Repeat("[", maxRowDepth) + strings.Repeat("]", maxRowDepth)
	tests := []struct {
		row   string
		fault Fault
	}{
		{``, FaultNotObject}, {`null`, FaultNotObject}, {`[]`, FaultNotObject}, {`"a"`, FaultNotObject},
		{`{`, FaultSyntax}, {`{"a"}`, FaultSyntax}, {`{"a":}`, FaultSyntax}, {`{"a":1,}`, FaultSyntax}, {`{"a":1`, FaultSyntax},
		{`{a:1}`, FaultSyntax}, {`{"a":1}x`, FaultSyntax}, {`{}{}`, FaultSyntax}, {`{"a":01}`, FaultSyntax}, {`{"a":1.}`, FaultSyntax},
		{`{"a":.5}`, FaultSyntax}, {`{"a":1e}`, FaultSyntax}, {`{"a":+1}`, FaultSyntax}, {`{"a":-}`, FaultSyntax}, {`{"a":NaN}`, FaultSyntax},
		{`{"a":tru}`, FaultSyntax}, {`{"a":[1,]}`, FaultSyntax}, {`{"a":[1}}`, FaultSyntax}, {`{"a":"\x"}`, FaultSyntax},
		{`{"a":"\u12g4"}`, FaultSyntax}, {`{"a":"`, FaultSyntax}, {`{"a":"\`, FaultSyntax}, {"{\"a\":\"\n\"}", FaultSyntax}, {"\ufeff{}", FaultNotObject},
		{"{\"a\":\"\xff\"}", FaultUTF8}, {"{\"a\xc3\":1}", FaultUTF8}, {"{\"custom\":{\"a\":\"\xed\xa0\x80\"}}", FaultUTF8},
		{`{"name":1,"name":2}`, FaultDuplicate}, {`{"x":1,"\u0078":2}`, FaultDuplicate}, {`{"name":null,"name":null}`, FaultDuplicate},
		{`{"a\ud800":1,"a\uD800":1}`, FaultDuplicate},
		{`{"a":` + deep + `}`, FaultDepth},
	}
	c := testCodec(t, "company")
	for _, tt := range tests {
		dst := []byte("kept")
		got, err := c.AppendEnvelope(dst, 1, testEnvelope("{}", tt.row+" ")) // a row of no bytes is no null
		var rowErr *RowError
		var text *TextError
		if !errors.As(err, &rowErr) || !errors.As(err, &text) || text.Fault != tt.fault || rowErr.Row != "after" {
			t.Errorf("%.60q: got %v, want %v", tt.row, err, tt.fault)
		}
		if string(got) != "kept" {
			t.Errorf("%.60q: dst has grown to %d bytes", tt.row, len(got))
		}
	}
	if _, err := there(t, c, `{"custom":`+deep[1:len(deep)-1]+`}`); err != nil {
		t.Errorf("a row as deep as allowed: %v", err)
	}
}

func TestDuplicateUnknownKeyIsFoundAmongMany(t *testing.T) {
	c := testCodec(t, "company")
	var row strings.Builder
	for range 60 {
		row.WriteString(`"k` + strings.Repeat("k", row.Len()%97) + strings.Repeat("x", row.Len()/97) + `":1,`)
	}
	if _, err := there(t, c, `{`+row.String()+`"last":1}`); err != nil {
		t.Fatal(err)
	}
	var text *TextError
	if _, err := there(t, c, `{"last":1,`+row.String()+`"last":1}`); !errors.As(err, &text) || text.Detail != "last" {
		t.Fatalf("got %v", err)
	}
}

func TestAppendEnvelopeRefusesBadArguments(t *testing.T) {
	c := testCodec(t, "note")
	for _, id := range []int{-1, 1 << 31} {
		if _, err := c.AppendEnvelope(nil, id, testEnvelope("", "{}")); err == nil {
			t.Errorf("schema id %d was taken", id)
		}
	}
	e := testEnvelope("", "{}")
	e.Op = "x"
	if _, err := c.AppendEnvelope(nil, 1, e); err == nil || !strings.Contains(err.Error(), `"x"`) {
		t.Errorf("op x: %v", err)
	}
	if _, err := NewCodec("planhat", "nothing"); err == nil || !strings.Contains(err.Error(), "company") {
		t.Errorf("unknown object: %v", err)
	}
}

func TestStateOfOneRowDoesNotReachTheNext(t *testing.T) {
	c := testCodec(t, "company")
	rows := []string{`{"zz":1,"name":null,"h":1.5}`, `{"name":"b"}`, `{}`, listRow, `{"tags":[],"_id":"3","zz":null}`}
	for range 3 {
		for _, row := range rows {
			got, err := there(t, c, row)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(plain(t, row), plain(t, got)); diff != "" {
				t.Errorf("-sent +came back\n%s", diff)
			}
		}
	}
}

func BenchmarkAppendEnvelope(b *testing.B) {
	c := testCodec(b, "company")
	for name, e := range map[string]*Envelope{"create": testEnvelope("", listRow), "update": testEnvelope(listRow, listRow)} {
		b.Run(name, func(b *testing.B) {
			var buf []byte
			b.ReportAllocs()
			b.SetBytes(int64(len(e.Before) + len(e.After)))
			for b.Loop() {
				var err error
				if buf, err = c.AppendEnvelope(buf[:0], 7, e); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(buf)), "avro-bytes")
		})
	}
}

func BenchmarkDecodeEnvelope(b *testing.B) {
	c := testCodec(b, "company")
	value, err := c.AppendEnvelope(nil, 7, testEnvelope("", listRow))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.DecodeEnvelope(value); err != nil {
			b.Fatal(err)
		}
	}
}

// Each way of writing an instant or a day comes back as it was, or goes to extra.
func TestLayoutsOfInstants(t *testing.T) {
	typed := map[FieldType]string{
		TypeMillis: `"2026-03-04T15:21:10.001Z"`, TypeSeconds: `"2026-03-04T15:21:10Z"`, TypeSpaced: `"2026-03-04 15:21:10"`, TypeDay: `"2026-03-04"`,
	}
	for kind := range typed {
		for spelled, text := range typed {
			var s slot
			v, err := scanValue([]byte(text), 0, 1)
			if err != nil {
				t.Fatal(err)
			}
			var scratch []byte
			if fits := fit(&s, kind, []byte(text), v, &scratch); fits != (kind == spelled) {
				t.Errorf("%s fits a field of type %s: %v", text, kind, fits)
			}
		}
	}
	for _, c := range []struct{ object, field, value string }{
		{"deal", "won_time", `"1969-12-31T23:59:59Z"`}, {"deal", "won_time", `"9999-12-31T23:59:59Z"`}, {"deal", "won_time", `"0001-01-01T00:00:00Z"`},
		{"deal", "expected_close_date", `"2024-02-29"`}, {"deal", "expected_close_date", `"2023-02-29"`}, {"deal", "expected_close_date", `"0001-01-01"`},
		{"note", "add_time", `"1999-12-31 23:59:59"`}, {"note", "add_time", `"1999-12-31 24:00:00"`}, {"note", "add_time", `"0000-00-00 00:00:00"`},
	} {
		row := `{"` + c.field + `":` + c.value + `}`
		if got, err := there(t, vendorCodec(t, "pipedrive", c.object), row); err != nil || got != row {
			t.Errorf("%s came back as %s, %v", row, got, err)
		}
	}
}

// A layout of a later release must not be read as if it were one of this.
func TestUnknownLayoutIsRefused(t *testing.T) {
	text := strings.Replace(vendorCodec(t, "pipedrive", "note").EnvelopeSchema(), "YYYY-MM-DD HH:MM:SS", "DD.MM.YYYY HH:MM:SS", 1)
	if _, err := newCodec(text); err == nil || !strings.Contains(err.Error(), "does not know") {
		t.Errorf("the codec is built: %v", err)
	}
}
