package plan

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// command parses the short form that the tables below use: a command in JSON.
func command(t *testing.T, text string) schemas.Command {
	t.Helper()
	var w struct {
		ID, Op, Object     string
		Target             schemas.Target
		Fields             json.RawMessage
		IfUnchangedSince   *time.Time
		NotAfter           *time.Time
		Coalesce           *bool
		AllowUnknownFields bool
	}
	if err := json.Unmarshal([]byte(text), &w); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return schemas.Command{
		ID: w.ID, Op: w.Op, Object: w.Object, Target: w.Target, Fields: w.Fields, IfUnchangedSince: w.IfUnchangedSince,
		NotAfter: w.NotAfter, Coalesce: w.Coalesce, AllowUnknownFields: w.AllowUnknownFields,
	}
}

func TestCheckRefuses(t *testing.T) {
	tests := []struct {
		name, command string
		code          schemas.Code
		remedy        string // part of it
	}{
		{"unknown object", `{"op":"get","object":"compny","target":{"_id":"66f0a1b2c3d4e5f600000001"}}`, schemas.CodeUnknownObject, `"company"`},
		{"unknown operation", `{"op":"patch","object":"company"}`, schemas.CodeUnknownOperation, "upsert"},
		{"unknown field", `{"op":"create","object":"company","fields":{"name":"A","phse":"x"}}`, schemas.CodeUnknownField, `did you mean "phase"?`},
		{"unknown field, case", `{"op":"create","object":"company","fields":{"name":"A","externalID":"x"}}`, schemas.CodeUnknownField, `"externalId"`},
		{"read-only field", `{"op":"update","object":"company","target":{"_id":"66f0a1b2c3d4e5f600000001"},"fields":{"mrr":3}}`, schemas.CodeReadOnlyField, "leave"},
		{"read-only whatever is allowed", `{"op":"update","object":"company","target":{"externalId":"a"},"allowUnknownFields":true,"fields":{"_id":"x"}}`, schemas.CodeReadOnlyField, "leave"},
		{"missing field", `{"op":"create","object":"company","fields":{"phase":"x"}}`, schemas.CodeMissingField, "name"},
		{"missing field, null", `{"op":"create","object":"company","fields":{"name":null}}`, schemas.CodeMissingField, "name"},
		{"missing one of a group", `{"op":"create","object":"license","fields":{"_currency":"EUR","companyId":"x","fromDate":"2026-01-01"}}`, schemas.CodeMissingField, "value or mrr"},
		{"update without fields", `{"op":"update","object":"company","target":{"externalId":"a"}}`, schemas.CodeMissingField, ""},
		{"no upsert key", `{"op":"upsert","object":"note","target":{"_id":"66f0a1b2c3d4e5f600000001"},"fields":{"subject":"x"}}`, schemas.CodeNoUpsertKey, "create"},
		{"upsert by _id", `{"op":"upsert","object":"company","target":{"_id":"66f0a1b2c3d4e5f600000001"},"fields":{"name":"x"}}`, schemas.CodeNoUpsertKey, "sourceId, externalId"},
		{"company by email", `{"op":"get","object":"company","target":{"email":"a@b"}}`, schemas.CodeInvalidCommand, "_id"},
		{"no target", `{"op":"delete","object":"company"}`, schemas.CodeMissingTarget, "_id"},
		{"two targets", `{"op":"delete","object":"company","target":{"externalId":"a","sourceId":"b"}}`, schemas.CodeAmbiguousTarget, ""},
		{"create with target", `{"op":"create","object":"company","target":{"externalId":"a"},"fields":{"name":"x"}}`, schemas.CodeInvalidCommand, "upsert"},
		{"not an _id", `{"op":"delete","object":"company","target":{"_id":"extid-x"}}`, schemas.CodeInvalidCommand, "24"},
		{"delete with fields", `{"op":"delete","object":"company","target":{"externalId":"a"},"fields":{"name":"x"}}`, schemas.CodeInvalidCommand, ""},
		{"key that is no text", `{"op":"create","object":"company","fields":{"name":"x","externalId":7}}`, schemas.CodeInvalidField, "string"},
		{"upsert renames its key", `{"op":"upsert","object":"company","target":{"externalId":"a"},"fields":{"externalId":"b"}}`, schemas.CodeInvalidField, "update"},
		{"custom is no object", `{"op":"update","object":"company","target":{"externalId":"a"},"fields":{"custom":3}}`, schemas.CodeInvalidField, "custom"},
		{"custom twice", `{"op":"update","object":"company","target":{"externalId":"a"},"fields":{"custom":{"Tier":1},"custom.tier":2}}`, schemas.CodeInvalidField, "case"},
		{"custom unknown", `{"op":"update","object":"company","target":{"externalId":"a"},"fields":{"custom.Teir":2}}`, schemas.CodeUnknownField, `"custom.Tier"`},
		{"custom computed", `{"op":"update","object":"company","target":{"externalId":"a"},"fields":{"custom":{"Tier":1,"Days in Phase":2}}}`, schemas.CodeReadOnlyField, "formula"},
		{"field twice", `{"op":"update","object":"company","target":{"externalId":"a"},"fields":{"name":"a","name":"b"}}`, schemas.CodeInvalidField, "once"},
		{"note of another type", `{"op":"create","object":"note","fields":{"companyId":"x","type":"email"}}`, schemas.CodeInvalidField, ""},
		{"expired", `{"op":"get","object":"company","target":{"externalId":"a"},"notAfter":"2026-03-04T11:59:59Z"}`, schemas.CodeExpired, "notAfter"},
		{"precondition of a create", `{"op":"create","object":"company","fields":{"name":"x"},"ifUnchangedSince":"2026-03-04T11:59:59Z"}`, schemas.CodeInvalidCommand, ""},
		{"conversation without type", `{"op":"create","object":"conversation","fields":{"companyId":"x"}}`, schemas.CodeMissingField, "type"},
		{"conversation that is a note", `{"op":"create","object":"conversation","fields":{"companyId":"x","type":"note"}}`, schemas.CodeInvalidField, "use object note"},
		{"conversation that becomes a note", `{"op":"update","object":"conversation","target":{"externalId":"x"},"fields":{"type":"note"}}`, schemas.CodeInvalidField, "use object note"},
		{"conversation whose type is cleared", `{"op":"update","object":"conversation","target":{"externalId":"x"},"fields":{"type":null}}`, schemas.CodeInvalidField, "type"},
		{"conversation upserted without type", `{"op":"upsert","object":"conversation","target":{"externalId":"x"},"fields":{"companyId":"x"}}`, schemas.CodeMissingField, "type"},
		{"a key as others spell it", `{"op":"update","object":"invoice","target":{"externalId":"x"},"fields":{"externalId":"y"}}`, schemas.CodeUnknownField, `"extId"`},
		{"a company as others spell it", `{"op":"create","object":"invoice","fields":{"currency":"EUR","companyId":"y"}}`, schemas.CodeUnknownField, `"cId"`},
		{"an issue's company", `{"op":"create","object":"issue","fields":{"title":"x","companyId":"y"}}`, schemas.CodeUnknownField, `"companyIds"`},
		{"invoice renames its key", `{"op":"upsert","object":"invoice","target":{"externalId":"a"},"fields":{"extId":"b"}}`, schemas.CodeInvalidField, "update"},
		{"a key spelled otherwise that is no text", `{"op":"create","object":"invoice","fields":{"currency":"EUR","cId":"y","extId":7}}`, schemas.CodeInvalidField, "string"},
		{"a reference that is no text", `{"op":"create","object":"nps","fields":{"email":"a@b","score":9,"cId":7}}`, schemas.CodeInvalidField, "string"},
		{"an owner that is an object", `{"op":"update","object":"company","target":{"externalId":"a"},"fields":{"owner":{"_id":"x"}}}`, schemas.CodeInvalidField, "string"},
		{"references that are no array", `{"op":"create","object":"issue","fields":{"title":"x","companyIds":"y"}}`, schemas.CodeInvalidField, "array"},
		{"a number among references", `{"op":"create","object":"issue","fields":{"title":"x","enduserIds":["y",7]}}`, schemas.CodeInvalidField, "array"},
		{"an object without id among references", `{"op":"create","object":"note","fields":{"companyId":"x","endusers":[{"id":"y"},{"name":"Kari"}]}}`, schemas.CodeInvalidField, "array"},
		{"custom fields where there are none", `{"op":"create","object":"timesheet","fields":{"custom.Tier":1}}`, schemas.CodeUnknownField, ""},
		{"time entries go by _id only", `{"op":"upsert","object":"timeentry","target":{"externalId":"x"},"fields":{"hours":1}}`, schemas.CodeNoUpsertKey, "create"},
		{"churn by externalId", `{"op":"upsert","object":"churn","target":{"externalId":"x"},"fields":{"value":1}}`, schemas.CodeNoUpsertKey, "sourceId"},
		{"a churn of nothing", `{"op":"create","object":"churn","fields":{"companyId":"x"}}`, schemas.CodeMissingField, "value or isChurn"},
		{"precondition without stamp", `{"op":"update","object":"license","target":{"externalId":"a"},"fields":{"value":1},"ifUnchangedSince":"2026-03-04T11:59:59Z"}`, schemas.CodeUnsupportedOperation, ""},
	}
	rules := Rules{Now: noon, Custom: func(planhat.Object) (CustomFields, bool) {
		return CustomFields{"Tier": false, "Seats": false, "Days in Phase": true}, true
	}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, refusal := Check(command(t, tt.command), rules)
			if refusal == nil {
				t.Fatal("passed")
			}
			if refusal.Code != tt.code || !strings.Contains(refusal.Remedy, tt.remedy) {
				t.Fatalf("got %+v, want code %s and a remedy with %q", *refusal, tt.code, tt.remedy)
			}
			doc, ok := refusal.Code.Doc()
			if !ok || doc.Status != refusal.Status || refusal.Message == "" || refusal.Remedy == "" {
				t.Fatalf("%+v does not fit the list of codes (%s)", *refusal, doc.Status)
			}
		})
	}
}

func TestCheckAccepts(t *testing.T) {
	tests := []struct{ name, command, fields string }{
		{"custom in both spellings", `{"op":"update","object":"company","target":{"externalId":"a"},"fields":{"custom.Tier":1,"name":"x","custom":{"Seats":1.50}}}`,
			`{"name":"x","custom":{"Tier":1,"Seats":1.50}}`},
		{"unknown fields allowed", `{"op":"update","object":"company","target":{"externalId":"a"},"allowUnknownFields":true,"fields":{"brandNew":1,"custom.New":2}}`,
			`{"brandNew":1,"custom":{"New":2}}`},
		{"a note gets its type", `{"op":"create","object":"note","fields":{"companyId":"extid-a"}}`, `{"companyId":"extid-a","type":"note"}`},
		{"an update gets none", `{"op":"update","object":"note","target":{"_id":"66f0a1b2c3d4e5f600000001"},"fields":{"subject":"s"}}`, `{"subject":"s"}`},
		{"a key is cleared", `{"op":"update","object":"company","target":{"externalId":"a"},"fields":{"sourceId":null}}`, `{"sourceId":null}`},
		{"not yet expired", `{"op":"delete","object":"company","target":{"externalId":"a"},"notAfter":"2026-03-04T12:00:00Z"}`, `{}`},
		{"a conversation keeps its type", `{"op":"create","object":"conversation","fields":{"companyId":"x","type":"call"}}`, `{"companyId":"x","type":"call"}`},
		{"references in every shape", `{"op":"update","object":"task","target":{"sourceId":"t"},"fields":{"users":["a",{"id":"b"}],"endusers":[{"_id":"c"}],"ownerId":null}}`,
			`{"users":["a",{"id":"b"}],"endusers":[{"_id":"c"}],"ownerId":null}`},
		{"references are cleared", `{"op":"update","object":"issue","target":{"sourceId":"t"},"fields":{"companyIds":[],"enduserIds":null}}`, `{"companyIds":[],"enduserIds":null}`},
		{"a get of what can only be read", `{"op":"get","object":"ticket","target":{"sourceId":"t"}}`, `{}`},
		{"upsert with key alone", `{"op":"upsert","object":"enduser","target":{"email":"a@b"}}`, `{}`},
	}
	rules := Rules{Now: noon, Custom: func(planhat.Object) (CustomFields, bool) {
		return CustomFields{"Tier": false, "Seats": false, "Days in Phase": true}, true
	}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, refusal := Check(command(t, tt.command), rules)
			if refusal != nil {
				t.Fatalf("refused: %+v", *refusal)
			}
			if got := string(o.Fields.JSON()); got != tt.fields {
				t.Fatalf("fields are %s, want %s", got, tt.fields)
			}
		})
	}
}

func FuzzMembers(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1,"b":[{"c":"}"}],"d":{"e":"\""}}`, ` { "a\u0041" : null } `, `{"a":-1.5e10 , "b" : true}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := members(raw)
		var want map[string]json.RawMessage
		wantErr := json.Unmarshal(raw, &want)
		if wantErr == nil && want == nil {
			return // null
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: %v, encoding/json: %v", raw, err, wantErr)
		}
		if err != nil {
			return
		}
		if !json.Valid(Fields(got).JSON()) {
			t.Fatalf("%q becomes %q", raw, Fields(got).JSON())
		}
		if len(got) < len(want) {
			t.Fatalf("%q: %d members, encoding/json has %d", raw, len(got), len(want))
		}
		last := map[string]string{}
		for _, m := range got {
			last[strings.ToValidUTF8(m.Name, "\uFFFD")] = string(m.Raw)
		}
		for name, value := range want {
			if v, ok := last[name]; ok && v != string(value) {
				t.Fatalf("%q: %q is %s, want %s", raw, name, v, value)
			}
		}
	})
}
