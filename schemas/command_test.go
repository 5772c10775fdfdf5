package schemas

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/avro"
)

// table is a Resolver with fixed schemas.
type table map[int][2]string

func (t table) SchemaByID(_ context.Context, id int) (string, string, error) {
	s, ok := t[id]
	switch {
	case id == 500:
		return "", "", errors.New("connection refused")
	case !ok:
		return "", "", fmt.Errorf("fetch schema %d: %w", id, ErrSchemaNotFound)
	}
	return s[0], s[1], nil
}

func framed(id int, data []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(id)), data...)
}

func fullCommand() Command {
	at := time.Date(2026, 3, 4, 15, 21, 10, 1e6, time.UTC)
	later := at.Add(time.Hour)
	no := false
	return Command{
		ID: "Größe-1", Op: OpUpdate, Object: "company", Target: Target{ExternalID: "acct-1001"},
		Fields:           json.RawMessage(`{"name":"a</b>","mrr":1.0,"phase":null,"custom":{"n":12345678901234567890}}`),
		IfUnchangedSince: &at, NotAfter: &later, Coalesce: &no, AllowUnknownFields: true,
	}
}

func TestCommandComesBackInEveryForm(t *testing.T) {
	at := time.Date(2026, 3, 4, 15, 21, 10, 0, time.UTC)
	commands := []Command{
		fullCommand(),
		{Op: OpCreate, Object: "note", Fields: json.RawMessage(`{}`)},
		{Op: OpDelete, Object: "company", Target: Target{ID: "1"}, NotAfter: &at},
		{Op: OpGet, Object: "enduser", Target: Target{Email: "a@b.example"}},
		{Op: OpUpsert, Object: "license", Fields: json.RawMessage(`{"externalId":"1"}`)},
		{Op: OpUpdate, Object: "license", Target: Target{SourceID: "x"}, Fields: json.RawMessage(`{"a":"\ud800"}`)},
	}
	r := table{1: {"JSON", `{"type":"object"}`}, 2: {"AVRO", CommandSchema()}}
	for _, want := range commands {
		text, err := CommandJSON(want)
		if err != nil {
			t.Fatal(err)
		}
		binary, err := EncodeCommandAvro(nil, 2, &want)
		if err != nil {
			t.Fatal(err)
		}
		for form, value := range map[string][]byte{"json": text, "json_sr": framed(1, text), "avro": binary, "spaced": []byte("\n " + string(text) + "\t")} {
			got, problem := DecodeCommand(t.Context(), value, r)
			if problem != nil {
				t.Fatalf("%s %s: %v", form, text, problem)
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Command{})); diff != "" {
				t.Errorf("%s: -want +got\n%s", form, diff)
			}
		}
	}
}

func TestCommandRefused(t *testing.T) {
	long := strings.Repeat("x", MaxCommandID+1)
	deep := strings.Repeat(`{"a":`, MaxCommandDepth) + "1" + strings.Repeat("}", MaxCommandDepth)
	tests := []struct {
		name, value string
		code        Code
		message, id string
	}{
		{"empty", ``, CodeUndecodable, "empty", ""},
		{"text", `hello`, CodeUndecodable, "not a JSON object", ""},
		{"array", `[]`, CodeUndecodable, "not a JSON object", ""},
		{"cut", `{"id":"1","op":"get"`, CodeUndecodable, "byte 20", ""},
		{"two", `{"op":"get"}{}`, CodeUndecodable, "goes on", ""},
		{"bytes", "{\"op\":\"\xff\"}", CodeUndecodable, "UTF-8", ""},
		{"header only", "\x00\x00\x00", CodeUndecodable, "no schema id", ""},
		{"negative schema id", "\x00\xff\xff\xff\xff{}", CodeUndecodable, "schema id", ""},
		{"deep", `{"id":"1","op":"create","object":"note","fields":` + deep + `}`, CodeUndecodable, "deep", ""},
		{"large", `{"id":"` + strings.Repeat(" ", MaxCommandBytes) + `"}`, CodeTooLarge, "1048585 bytes", ""},
		{"unknown schema", string(framed(404, nil)), CodeUnknownSchema, "404", ""},
		{"protobuf", string(framed(3, nil)), CodeUndecodable, "PROTOBUF", ""},
		{"misspelt member", `{"id":"1","op":"get","object":"note","traget":{}}`, CodeInvalidCommand, `did you mean "target"?`, "1"},
		{"strange member", `{"id":"1","op":"get","object":"note","zzzzzz":1}`, CodeInvalidCommand, "known are id, op,", "1"},
		{"member twice", `{"id":"1","op":"get","op":"delete","object":"note"}`, CodeInvalidCommand, `"op" twice`, "1"},
		{"member twice in escapes", `{"id":"1","op":"get","\u006fp":"delete","object":"note"}`, CodeInvalidCommand, `"op" twice`, "1"},
		{"no op", `{"id":"1","object":"note"}`, CodeInvalidCommand, "op is missing", "1"},
		{"null op", `{"id":"1","op":null,"object":"note"}`, CodeInvalidCommand, "op is missing", "1"},
		{"op of wrong type", `{"id":"1","op":7,"object":"note"}`, CodeInvalidCommand, "op must be a string, got a number", "1"},
		{"op misspelt", `{"id":"1","op":"Udpate","object":"note"}`, CodeUnknownOperation, `did you mean "update"?`, "1"},
		{"no object", `{"id":"1","op":"create"}`, CodeInvalidCommand, "object is missing", "1"},
		{"id too long", `{"id":"` + long + `","op":"create","object":"note"}`, CodeInvalidCommand, "257 bytes", ""},
		{"id empty", `{"id":"","op":"create","object":"note"}`, CodeInvalidCommand, "id is empty", ""},
		{"id no character", `{"id":"\ud800","op":"create","object":"note"}`, CodeInvalidCommand, "surrogate", ""},
		{"id a number", `{"id":5,"op":"create","object":"note"}`, CodeInvalidCommand, "id must be a string", ""},
		{"no target", `{"id":"1","op":"update","object":"note"}`, CodeMissingTarget, "update needs a target", "1"},
		{"null target", `{"id":"1","op":"delete","object":"note","target":null}`, CodeMissingTarget, "delete needs", "1"},
		{"empty target", `{"id":"1","op":"get","object":"note","target":{}}`, CodeMissingTarget, "empty", "1"},
		{"two targets", `{"id":"1","op":"get","object":"note","target":{"_id":"1","email":"x"}}`, CodeAmbiguousTarget, "_id and email", "1"},
		{"target twice", `{"id":"1","op":"get","object":"note","target":{"_id":"1","_id":"2"}}`, CodeInvalidCommand, `target names "_id" twice`, "1"},
		{"target misspelt", `{"id":"1","op":"get","object":"note","target":{"externalid":"1"}}`, CodeInvalidCommand, `did you mean "externalId"?`, "1"},
		{"target value empty", `{"id":"1","op":"get","object":"note","target":{"_id":""}}`, CodeInvalidCommand, "_id is empty", "1"},
		{"target value a number", `{"id":"1","op":"get","object":"note","target":{"_id":1}}`, CodeInvalidCommand, "target: _id must be a string", "1"},
		{"target a string", `{"id":"1","op":"get","object":"note","target":"1"}`, CodeInvalidCommand, "target must be an object", "1"},
		{"fields an array", `{"id":"1","op":"create","object":"note","fields":[]}`, CodeInvalidCommand, "fields must be an object, got an array", "1"},
		{"field twice", `{"id":"1","op":"create","object":"note","fields":{"a":1,"\u0061":2}}`, CodeInvalidField, `"a" twice`, "1"},
		{"custom field twice", `{"id":"1","op":"create","object":"note","fields":{"custom":[{"a":{"Tier":1,"Tier":2}}]}}`, CodeInvalidField, `"Tier" twice`, "1"},
		{"time without zone", `{"id":"1","op":"create","object":"note","notAfter":"2026-03-04T15:21:10"}`, CodeInvalidCommand, "notAfter must be a time", "1"},
		{"time a number", `{"id":"1","op":"create","object":"note","ifUnchangedSince":5}`, CodeInvalidCommand, "ifUnchangedSince must be a string", "1"},
		{"time empty", `{"id":"1","op":"create","object":"note","notAfter":""}`, CodeInvalidCommand, "notAfter is empty", "1"},
		{"flag a string", `{"id":"1","op":"create","object":"note","coalesce":"yes"}`, CodeInvalidCommand, "coalesce must be a boolean", "1"},
	}
	r := table{3: {"PROTOBUF", ""}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, p := DecodeCommand(t.Context(), []byte(tt.value), r)
			if p == nil {
				t.Fatal("was taken")
			}
			if p.Code != tt.code || !strings.Contains(p.Message, tt.message) || p.Wait {
				t.Errorf("got %v, want %s with %q", p, tt.code, tt.message)
			}
			if c.ID != tt.id {
				t.Errorf("id is %q, want %q", c.ID, tt.id)
			}
			if p.Remedy == "" || len(p.Message) > 400 {
				t.Errorf("message of %d bytes, remedy %q", len(p.Message), p.Remedy)
			}
			if _, ok := p.Code.Doc(); !ok {
				t.Errorf("code %s is not on the list", p.Code)
			}
		})
	}
}

func TestCommandWaitsForTheRegistry(t *testing.T) {
	_, p := DecodeCommand(t.Context(), framed(500, nil), table{})
	if p == nil || !p.Wait || p.Code != CodeUnknownSchema || p.Err == nil {
		t.Errorf("registry down: %+v", p)
	}
	if _, p = DecodeCommand(t.Context(), framed(1, nil), nil); p == nil || p.Wait {
		t.Errorf("no registry: %+v", p)
	}
}

func TestCommandOfAnEvolvedSchema(t *testing.T) {
	const older = `{"type":"record","name":"Command","namespace":"planhatbridge","fields":[
		{"name":"object","type":"string"},{"name":"op","type":"string"},
		{"name":"priority","type":["null","int"],"default":null},
		{"name":"id","type":"string"},{"name":"fields","type":["null","string"],"default":null}]}`
	schema := avro.MustParse(older)
	data, err := schema.Encode(map[string]any{"object": "company", "op": "create", "priority": 3, "id": "7", "fields": `{"name":"a"}`})
	if err != nil {
		t.Fatal(err)
	}
	r := table{1: {"AVRO", older}, 2: {"AVRO", `{"type":"record","name":"Other","fields":[]}`}, 3: {"AVRO", `"string"`}, 4: {"AVRO", `{`}}
	got, p := DecodeCommand(t.Context(), framed(1, data), r)
	want := Command{ID: "7", Op: "create", Object: "company", Fields: json.RawMessage(`{"name":"a"}`)}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Command{})); p != nil || diff != "" {
		t.Errorf("%v\n%s", p, diff)
	}
	for id := 2; id <= 4; id++ {
		if _, p := DecodeCommand(t.Context(), framed(id, data), r); p == nil || p.Code != CodeUndecodable || p.Err == nil {
			t.Errorf("schema %d: %v", id, p)
		}
	}
}

func TestHostileAvroCommand(t *testing.T) {
	writer := func(extra string) string {
		return `{"type":"record","name":"Command","namespace":"planhatbridge","fields":[
			{"name":"junk","type":` + extra + `},{"name":"op","type":"string"},{"name":"object","type":"string"}]}`
	}
	list := `{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}`
	huge := binary.AppendVarint(nil, 1<<62)
	tests := map[string]struct {
		schema string
		data   []byte
	}{
		"huge array of nulls": {writer(`{"type":"array","items":"null"}`), huge},
		"huge array, sized":   {writer(`{"type":"array","items":"null"}`), binary.AppendVarint(binary.AppendVarint(nil, -1<<62), 1)},
		"huge map":            {writer(`{"type":"map","values":"null"}`), huge},
		"wide schema":         {writer(wide()), nil},
		"huge string":         {writer(`"string"`), huge},
		"long list":           {writer(list), []byte(strings.Repeat("\x02", MaxCommandBytes-100))},
		"number too long":     {writer(`"long"`), []byte(strings.Repeat("\xff", 20))},
		"cut":                 {writer(`"int"`), []byte{2, 6}},
		"no such branch":      {writer(`["null","int"]`), []byte{9}},
		"bytes follow":        {CommandSchema(), append(mustAvro(t), 0)},
		"cut command":         {CommandSchema(), mustAvro(t)[:20]},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, p := DecodeCommand(t.Context(), framed(1, tt.data), table{1: {"AVRO", tt.schema}})
			if p == nil || p.Code != CodeUndecodable {
				t.Errorf("got %v", p)
			}
		})
	}
}

func mustAvro(t *testing.T) []byte {
	t.Helper()
	c := fullCommand()
	value, err := EncodeCommandAvro(nil, 1, &c)
	if err != nil {
		t.Fatal(err)
	}
	return value[wireHeader:]
}

func TestAvroCommandIsCheckedLikeJSON(t *testing.T) {
	bad, two := "a\xff", `{"a":1,"a":2}`
	one := "1"
	tests := []struct {
		w    avroCommand
		code Code
	}{
		{avroCommand{ID: &bad, Op: "get", Object: "note"}, CodeInvalidCommand},
		{avroCommand{Op: bad, Object: "note"}, CodeInvalidCommand},
		{avroCommand{Op: "get", Object: "note", Target: &avroTarget{ID: &bad}}, CodeInvalidCommand},
		{avroCommand{Op: "get", Object: "note", Target: &avroTarget{ID: &one, Email: &one}}, CodeAmbiguousTarget},
		{avroCommand{Op: "get", Object: "note", Target: &avroTarget{}}, CodeMissingTarget},
		{avroCommand{Op: "get", Object: "note"}, CodeMissingTarget},
		{avroCommand{Op: "create", Object: "note", Fields: &two}, CodeInvalidField},
		{avroCommand{Op: "create", Object: "note", Fields: &bad}, CodeInvalidCommand},
		{avroCommand{ID: new(string), Op: "create", Object: "note"}, CodeInvalidCommand},
	}
	for i, tt := range tests {
		data, err := commandAvro().Encode(&tt.w)
		if err != nil {
			t.Fatal(err)
		}
		if _, p := DecodeCommand(t.Context(), framed(1, data), table{1: {"AVRO", CommandSchema()}}); p == nil || p.Code != tt.code {
			t.Errorf("%d: got %v, want %s", i, p, tt.code)
		}
	}
}

func TestSuggest(t *testing.T) {
	names := []string{"name", "externalId", "companyId", "_id", "tags"}
	for name, want := range map[string]string{
		"Name": "name", "externalid": "externalId", "extrenalId": "externalId", "id": "_id", "company_id": "companyId",
		"nmae": "name", "quantity": "", "": "", strings.Repeat("n", 100): "",
	} {
		if got, _ := Suggest(name, names); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}
