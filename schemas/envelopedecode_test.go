package schemas

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestDecodeEnvelopeRefusesDamage(t *testing.T) {
	c := testCodec(t, "company")
	value, err := c.AppendEnvelope(nil, 7, testEnvelope(listRow, `{"name":"x","tags":["a","b"],"q":1,"z":null}`))
	if err != nil {
		t.Fatal(err)
	}
	for n := range value {
		if _, err := c.DecodeEnvelope(value[:n]); err == nil {
			t.Errorf("cut after %d of %d bytes: no error", n, len(value))
		}
	}
	if _, err := c.DecodeEnvelope(append(value, 0)); err == nil || !strings.Contains(err.Error(), "1 bytes follow") {
		t.Errorf("a byte too many: %v", err)
	}
	if _, err := c.DecodeEnvelope(append([]byte{1}, value[1:]...)); err == nil {
		t.Error("other magic byte: no error")
	}
}

// raw builds a change by hand: values of the given fields after, all others null.
func raw(t *testing.T, c *Codec, fields map[string][]byte) []byte {
	t.Helper()
	out := []byte{0, 0, 0, 0, 7, branchNull, branchValue}
	for _, f := range c.fields {
		if v, ok := fields[f.name]; ok {
			out = append(append(out, branchValue), v...)
		} else {
			out = append(out, branchNull)
		}
	}
	out = appendSource(out, &Source{})
	return append(out, 2, 'c', 0, 0)
}

func TestDecodeEnvelopeRefusesForeignValues(t *testing.T) {
	c := testCodec(t, "company")
	text := func(s string) []byte { return appendBytes(nil, []byte(s)) }
	long := func(v int64) []byte { return binary.AppendVarint(nil, v) }
	tests := map[string]struct {
		fields map[string][]byte
		want   string
	}{
		"no number":             {map[string][]byte{"mrr": appendDoubleBits(nil, nan())}, "no such number"},
		"instant of year 0":     {map[string][]byte{"createdAt": long(minMillis - 1)}, "years"},
		"instant of year 1e4":   {map[string][]byte{"createdAt": long(maxMillis + 1)}, "years"},
		"boolean 2":             {map[string][]byte{"autoRenews": {2}}, "boolean"},
		"string of bytes":       {map[string][]byte{"name": text("\xff")}, "UTF-8"},
		"negative length":       {map[string][]byte{"name": long(-1)}, "ends too soon"},
		"huge length":           {map[string][]byte{"name": long(1 << 40)}, "ends too soon"},
		"huge array":            {map[string][]byte{"tags": long(1 << 40)}, "ends too soon"},
		"least count":           {map[string][]byte{"tags": append(long(-1<<63), long(0)...)}, "ends too soon"},
		"custom no JSON":        {map[string][]byte{"custom": text("{")}, "not JSON"},
		"custom two values":     {map[string][]byte{"custom": text("{}{}")}, "goes on"},
		"extra no object":       {map[string][]byte{"extra": text("[]")}, "not a JSON object"},
		"nulls no array":        {map[string][]byte{"nulls": text("{}")}, "array of names"},
		"nulls of numbers":      {map[string][]byte{"nulls": text("[1]")}, "expected a name"},
		"nulls cut":             {map[string][]byte{"nulls": text(`["a"`)}, "comma"},
		"typed and in extra":    {map[string][]byte{"name": text("a"), "extra": text(`{"name":1}`)}, "twice"},
		"in extra and in nulls": {map[string][]byte{"nulls": text(`["a"]`), "extra": text(`{"a":1}`)}, "twice"},
	}
	for name, tt := range tests {
		if _, err := c.DecodeEnvelope(raw(t, c, tt.fields)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
	blocks := append(append(long(-1), append(long(2), text("a")...)...), append(append(long(1), text("b")...), 0)...)
	e, err := c.DecodeEnvelope(raw(t, c, map[string][]byte{"tags": blocks}))
	if err != nil || string(e.After) != `{"tags":["a","b"]}` {
		t.Errorf("array in two blocks: %s %v", e.After, err)
	}
}

func nan() float64 {
	zero := 0.0
	return zero / zero
}

func TestDateFieldsCarryDays(t *testing.T) {
	schema := strings.Replace(testCodec(t, "company").EnvelopeSchema(),
		`{"name":"h","type":["null","long"]`, `{"name":"h","type":["null",{"type":"int","logicalType":"date"}]`, 1)
	c, err := newCodec(schema)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{`{"h":20516}`, `{"h":-1}`, `{"h":2147483648}`, `{"h":"2026-01-01"}`} {
		if got, err := there(t, c, row); err != nil || got != row {
			t.Errorf("%s came back as %s, %v", row, got, err)
		}
	}
	value, err := c.AppendEnvelope(nil, 1, testEnvelope("", `{"h":20516}`))
	if err != nil {
		t.Fatal(err)
	}
	after, _ := readTwmb(t, c, value)["after"].(map[string]any)
	if after["h"] == nil || after["extra"] != nil {
		t.Errorf("not typed: %v", after)
	}
}

// everyObject lists the objects of all vendors, as "planhat.company".
func everyObject() (names []string) {
	for _, vendor := range vendors {
		for _, object := range Objects(vendor) {
			names = append(names, vendor+"."+object)
		}
	}
	return names
}

// Connect's transforms read these attributes and names.
func TestEnvelopeSchemaHasDebeziumsShape(t *testing.T) {
	for _, full := range everyObject() {
		vendor, object, _ := strings.Cut(full, ".")
		text := vendorCodec(t, vendor, object).EnvelopeSchema()
		name := "planhatbridge." + full
		var schema struct {
			Name, Namespace string
			ConnectName     string `json:"connect.name"`
			Fields          []struct {
				Name string
				Type json.RawMessage
			}
		}
		if err := json.Unmarshal([]byte(text), &schema); err != nil {
			t.Fatal(err)
		}
		if schema.Name != "Envelope" || schema.Namespace != name || schema.ConnectName != name+".Envelope" {
			t.Errorf("%s: %s %s %s", object, schema.Namespace, schema.Name, schema.ConnectName)
		}
		var names []string
		for _, f := range schema.Fields {
			names = append(names, f.Name)
		}
		if got := strings.Join(names, " "); got != "before after source op ts_ms changed" {
			t.Errorf("%s: fields %s", object, got)
		}
		if string(schema.Fields[1].Type) != `["null","Value"]` || !strings.Contains(text, `"connect.name":"`+name+`.Value"`) {
			t.Errorf("%s: rows are not both of Value: %s", object, schema.Fields[1].Type)
		}
		if strings.Contains(text, "planhat.access") || strings.Contains(text, "planhat.required") {
			t.Errorf("%s: attributes of this repository are registered", object)
		}
	}
}

func TestRecordSchemasKeepTheRules(t *testing.T) {
	for _, full := range everyObject() {
		vendor, object, _ := strings.Cut(full, ".")
		rec, err := loadRecord(vendor + "/" + object + ".avsc")
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, f := range rec.Fields {
			if _, err := f.fieldType(); err != nil || string(f.Default) != "null" || f.Doc == "" || seen[f.Name] {
				t.Errorf("%s.%s: %v, default %s, doc %q, seen %v", object, f.Name, err, f.Default, f.Doc, seen[f.Name])
			}
			seen[f.Name] = true
		}
		for _, name := range []string{map[string]string{"planhat": "_id", "pipedrive": "id"}[vendor], fieldExtra, fieldNulls} {
			if !seen[name] {
				t.Errorf("%s has no field %s", object, name)
			}
		}
		fields, err := RecordFields(vendor, object)
		if err != nil || len(fields) != len(rec.Fields)-2 {
			t.Errorf("%s: %d fields of %d, %v", object, len(fields), len(rec.Fields), err)
		}
		for _, f := range fields {
			if (f.Name == "custom" || f.Name == "custom_fields") && f.Type != TypeJSON {
				t.Errorf("%s: custom is a %s", object, f.Type)
			}
			if len(f.Required) > 0 && !f.Writable {
				t.Errorf("%s: %s is required and read-only", object, f.Name)
			}
		}
	}
	if _, err := RecordFields("planhat", "nothing"); err == nil {
		t.Error("fields of an unknown object")
	}
	if Objects("nobody") != nil {
		t.Error("objects of an unknown vendor")
	}
}

// wide is a type that takes no bytes and 2^40 steps to read.
func wide() string {
	text := `{"type":"record","name":"W0","fields":[]}`
	for i := 1; i <= 40; i++ {
		text = fmt.Sprintf(`{"type":"record","name":"W%d","fields":[{"name":"x","type":%s},{"name":"y","type":"W%d"}]}`, i, text, i-1)
	}
	return text
}

func TestDecodeEnvelopeBoundsItsWork(t *testing.T) {
	schema := strings.Replace(testCodec(t, "company").EnvelopeSchema(), `{"name":"op",`, `{"name":"junk","type":`+wide()+`},{"name":"op",`, 1)
	c, err := newCodec(schema)
	if err != nil {
		t.Fatal(err)
	}
	value, err := c.AppendEnvelope(nil, 1, testEnvelope("", "{}"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.DecodeEnvelope(value); err == nil || !strings.Contains(err.Error(), "too deeply") {
		t.Errorf("got %v", err)
	}
}

func TestUnknownTypeOfARowIsRefused(t *testing.T) {
	schema := testCodec(t, "company").EnvelopeSchema()
	for _, other := range []string{`{"type":"long","logicalType":"timestamp-micros"}`, `"bytes"`, `"float"`, `{"type":"array","items":"long"}`} {
		edited := strings.Replace(schema, `{"name":"h","type":["null","long"]`, `{"name":"h","type":["null",`+other+`]`, 1)
		if _, err := newCodec(edited); err == nil || !strings.Contains(err.Error(), `"h"`) {
			t.Errorf("%s: %v", other, err)
		}
	}
}

func TestNameSetHashesManyNames(t *testing.T) {
	var s nameSet
	for i := range 3 * fewNames {
		if !s.add([]byte(fmt.Sprint(i))) || s.add([]byte(fmt.Sprint(i/2))) {
			t.Fatalf("name %d", i)
		}
	}
	if len(s.many) != 3*fewNames {
		t.Errorf("%d names are hashed", len(s.many))
	}
}
