package plan

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

const anID = "66f0a1b2c3d4e5f600000001"

// What can only be read is refused whatever else is wrong, but for an unknown
// operation.
func TestWhatCanOnlyBeReadIsNotWritten(t *testing.T) {
	for _, object := range []string{"ticket", "customfield"} {
		for op := range opRules {
			c := schemas.Command{Op: string(op), Object: object, Fields: json.RawMessage(`{"name":"x"}`)}
			if op == Get {
				c.Fields, c.Target.ID = nil, anID
			}
			_, refusal := Check(c, Rules{Now: noon})
			if op == Get {
				if refusal != nil {
					t.Errorf("%s of a %s: %+v", op, object, *refusal)
				}
				continue
			}
			if refusal == nil || refusal.Code != schemas.CodeUnsupportedOperation || refusal.Status != schemas.StatusRejected ||
				!strings.Contains(refusal.Remedy, "use get") {
				t.Errorf("%s of a %s: %+v", op, object, refusal)
			}
		}
	}
}

// Every object that can be written takes its required fields in a create, and each
// group of them is asked for.
func TestCreateOfEveryObject(t *testing.T) {
	for _, spec := range planhat.Objects() {
		if spec.ReadOnly {
			continue
		}
		t.Run(string(spec.Object), func(t *testing.T) {
			fields := Fields{{Name: spec.Fields[1].Name, Raw: value(spec, spec.Fields[1])}}
			for _, group := range spec.Required {
				f, _ := spec.Field(group[0])
				fields = fields.With(f.Name, value(spec, f))
			}
			create := func(fields Fields) *Refusal {
				_, refusal := Check(schemas.Command{Op: schemas.OpCreate, Object: string(spec.Object), Fields: fields.JSON()}, Rules{Now: noon})
				return refusal
			}
			if refusal := create(fields); refusal != nil {
				t.Fatalf("%s: %+v", fields.JSON(), *refusal)
			}
			for _, group := range spec.Required {
				less := fields
				for _, name := range group {
					less = less.Without(name)
				}
				if refusal := create(less); refusal == nil || refusal.Code != schemas.CodeMissingField {
					t.Errorf("without %v: %+v", group, refusal)
				}
			}
		})
	}
}

// value is one that a field takes.
func value(spec planhat.Spec, f planhat.Field) json.RawMessage {
	switch {
	case f.Name == typeField && spec.Type != "":
		return quote(spec.Type)
	case f.Type == planhat.String:
		return quote("x")
	case f.Type == planhat.TimestampMillis:
		return quote("2026-03-04T12:00:00.000Z")
	case f.Type == planhat.StringArray:
		return json.RawMessage(`["x"]`)
	case f.Type == planhat.Boolean:
		return json.RawMessage(`true`)
	default:
		return json.RawMessage(`1`)
	}
}

// A bulk item carries the key in the vendor's spelling, and its answer is attributed
// in that spelling and in the usual one.
func TestKeysInTheVendorsSpelling(t *testing.T) {
	o, refusal := Check(command(t, `{"op":"upsert","object":"invoice","target":{"externalId":"i1"},"fields":{"currency":"EUR","cId":"x"}}`), Rules{Now: noon})
	if refusal != nil {
		t.Fatal(*refusal)
	}
	item := itemOf(&o)
	if got, want := string(item.BulkBody()), `{"currency":"EUR","cId":"x","extId":"i1"}`; got != want {
		t.Errorf("in bulk %s, want %s", got, want)
	}
	if got, want := string(item.CreateBody()), `{"currency":"EUR","cId":"x","extId":"i1"}`; got != want {
		t.Errorf("alone %s, want %s", got, want)
	}
	c := Single(item)
	if c.Way != Bulk {
		t.Fatalf("goes by %s", c.Way)
	}
	for _, name := range []string{"extId", "externalId"} {
		answer := planhat.BulkAnswer{Created: 1, InsertsKeys: []planhat.KeySet{{"_id": anID, name: "i1"}}}
		if got := Attribute(c, answer)[0]; got != (Verdict{Outcome: Created, RecordID: anID}) {
			t.Errorf("answered with %s: %+v", name, got)
		}
	}
	made, refusal := Check(command(t, `{"op":"create","object":"invoice","fields":{"currency":"EUR","cId":"x","extId":"i1"}}`), Rules{Now: noon})
	if refusal != nil {
		t.Fatal(*refusal)
	}
	if diff := cmp.Diff([]Target{{planhat.KeyExternalID, "i1"}}, itemOf(&made).Guards()); diff != "" {
		t.Errorf("guards: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(len(chains([]*Order{&o, &made})), 1); diff != "" {
		t.Error("two commands for one extId are two chains")
	}
}

func TestReferences(t *testing.T) {
	company := func(field string, target Target, spelled string, prefixed, byKey bool) Reference {
		return Reference{Field: field, Object: planhat.Company, Target: target, Spelled: spelled, Prefixed: prefixed, ByKey: byKey}
	}
	for _, tt := range []struct {
		object planhat.Object
		fields string
		want   []Reference
		direct bool // it can be sent as it is
	}{
		{planhat.License, `{"companyId":"extid-a","value":1}`, []Reference{company("companyId", Target{planhat.KeyExternalID, "a"}, "extid-a", true, true)}, true},
		{planhat.Invoice, `{"cId":"srcid-a"}`, []Reference{company("cId", Target{planhat.KeySourceID, "a"}, "srcid-a", true, false)}, false},
		{planhat.Invoice, `{"cId":"` + anID + `"}`, []Reference{company("cId", Target{planhat.KeyID, anID}, anID, false, false)}, true},
		{planhat.Issue, `{"companyIds":["` + anID + `","extid-b"]}`, []Reference{
			company("companyIds", Target{planhat.KeyID, anID}, anID, false, false),
			company("companyIds", Target{planhat.KeyExternalID, "b"}, "extid-b", true, false)}, false},
		{planhat.Note, `{"companyExternalId":"extid-a"}`, []Reference{company("companyExternalId", Target{planhat.KeyExternalID, "extid-a"}, "extid-a", false, false)}, true},
		{planhat.Task, `{"ownerId":"u","users":[{"id":"v","name":"V"},"w"]}`, []Reference{
			{Field: "ownerId", Object: planhat.User, Target: Target{planhat.KeyID, "u"}, Spelled: "u"},
			{Field: "users", Object: planhat.User, Target: Target{planhat.KeyID, "v"}, Spelled: "v"},
			{Field: "users", Object: planhat.User, Target: Target{planhat.KeyID, "w"}, Spelled: "w"}}, true},
		{planhat.Timesheet, `{"timeEntries":[{"_id":"e"}],"assignedId":"extid-u"}`, []Reference{
			{Field: "timeEntries", Object: planhat.TimeEntry, Target: Target{planhat.KeyID, "e"}, Spelled: "e"},
			{Field: "assignedId", Object: planhat.User, Target: Target{planhat.KeyExternalID, "u"}, Spelled: "extid-u", Prefixed: true}}, false},
		{planhat.Company, `{"owner":null,"coOwner":"u","name":"extid-x"}`, []Reference{
			{Field: "coOwner", Object: planhat.User, Target: Target{planhat.KeyID, "u"}, Spelled: "u"}}, true},
		{planhat.Issue, `{"companyIds":null,"enduserIds":[],"conversationIds":{}}`, nil, true},
	} {
		fields, err := members([]byte(tt.fields))
		if err != nil {
			t.Fatal(err)
		}
		spec := &tables[tt.object].spec
		if diff := cmp.Diff(tt.want, References(spec, fields)); diff != "" {
			t.Errorf("%s %s: -want +got\n%s", tt.object, tt.fields, diff)
		}
		if got := (Item{Spec: spec, Fields: fields}).Unspelled(); (len(got) == 0) != tt.direct {
			t.Errorf("%s %s: to be spelled: %+v", tt.object, tt.fields, got)
		}
	}
}

func TestRefer(t *testing.T) {
	for _, tt := range []struct{ field, fields, want string }{
		{"cId", `{"cId":"extid-a","x":1}`, `{"cId":"ID","x":1}`},
		{"companyIds", `{"companyIds":["b", "extid-a"]}`, `{"companyIds":["b","ID"]}`},
		{"users", `{"users":[{"id":"b"},{"name":"A","id":"extid-a"}]}`, `{"users":[{"id":"b"},{"name":"A","id":"ID"}]}`},
		{"timeEntries", `{"timeEntries":[{"_id":"extid-a"}]}`, `{"timeEntries":[{"_id":"ID"}]}`},
	} {
		fields, err := members([]byte(tt.fields))
		if err != nil {
			t.Fatal(err)
		}
		got := Fields(fields).Refer(Reference{Field: tt.field, Spelled: "extid-a"}, "ID").JSON()
		if string(got) != tt.want {
			t.Errorf("%s: %s, want %s", tt.fields, got, tt.want)
		}
	}
}

// A record that another refers to by a key is written first, in whatever field and
// shape the reference is.
func TestReferencesOrderTheCalls(t *testing.T) {
	for _, line := range []string{
		`{"object":"enduser","op":"create","fields":{"companyId":"extid-A","email":"a@b"}}`,
		`{"object":"invoice","op":"create","fields":{"cId":"extid-A","currency":"EUR"}}`,
		`{"object":"issue","op":"create","fields":{"companyIds":["extid-A"],"title":"x"}}`,
		`{"object":"note","op":"create","fields":{"companyExternalId":"A"}}`,
		`{"object":"conversation","op":"create","fields":{"companyId":"extid-A","type":"call"}}`,
		`{"object":"nps","op":"upsert","target":{"sourceId":"N"},"fields":{"cId":"extid-A","email":"a@b","score":9}}`,
	} {
		batch := []string{
			line,
			`{"object":"company","op":"delete","target":{"externalId":"Z"}}`, // its chain brings A in the second wave
			`{"object":"company","op":"upsert","target":{"externalId":"A"},"fields":{"name":"x"}}`,
		}
		var orders []*Order
		for n, text := range batch {
			o, refusal := Check(command(t, text), Rules{Now: noon})
			if refusal != nil {
				t.Fatalf("%s: %+v", text, *refusal)
			}
			o.Seq = n
			if n > 0 {
				o.Chain = "company"
			}
			orders = append(orders, &o)
		}
		way := Single(itemOf(orders[0])).Way
		want := fmt.Sprintf("remove(1) | bulk(2) | %s(0)", way)
		if got := outline(Build(orders, Limits{})); got != want {
			t.Errorf("%s: planned as %s, want %s", line, got, want)
		}
	}
}

// The objects of a shared listing are looked up before they are written by _id.
func TestWhoGoesAlone(t *testing.T) {
	for text, want := range map[string]Way{
		`{"object":"nps","op":"upsert","target":{"sourceId":"N"},"fields":{"cId":"` + anID + `"}}`:           Bulk,
		`{"object":"nps","op":"upsert","target":{"sourceId":"N"},"fields":{"cId":"extid-A"}}`:                Bulk, // once its reference is an _id
		`{"object":"license","op":"upsert","target":{"sourceId":"N"},"fields":{"companyId":"extid-A"}}`:      Bulk,
		`{"object":"issue","op":"upsert","target":{"sourceId":"N"},"fields":{"companyIds":["x","srcid-A"]}}`: Bulk,
		`{"object":"conversation","op":"upsert","target":{"externalId":"N"},"fields":{"type":"call"}}`:       Bulk,
	} {
		o, refusal := Check(command(t, text), Rules{Now: noon})
		if refusal != nil {
			t.Fatalf("%s: %+v", text, *refusal)
		}
		if got := Single(itemOf(&o)).Way; got != want {
			t.Errorf("%s goes by %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]bool{
		`"company","fields":{"phase":"x"}`:        true,
		`"task","fields":{"action":"x"}`:          true,
		`"issue","fields":{"companyIds":["x"]}`:   true,
		`"invoice","fields":{"cId":"extid-A"}`:    true,
		`"note","fields":{"subject":"x"}`:         false,
		`"conversation","fields":{"subject":"x"}`: false,
		`"timesheet","fields":{"status":"x"}`:     false, // it has what a new record needs
	} {
		o, refusal := Check(command(t, `{"op":"update","target":{"_id":"`+anID+`"},"object":`+text+`}`), Rules{Now: noon})
		if refusal != nil {
			t.Fatalf("%s: %+v", text, *refusal)
		}
		if _, bulk := itemOf(&o).bulkGroup(); bulk != want {
			t.Errorf("%s by _id in bulk: %t", text, bulk)
		}
	}
}

// Time entries are sent as objects and held as ids.
func TestDifferencesOfReferences(t *testing.T) {
	for _, tt := range []struct {
		object       planhat.Object
		sent, record string
		want         []string
	}{
		{planhat.Timesheet, `{"timeEntries":[{"_id":"a"},{"_id":"b"}]}`, `{"timeEntries":["a","b"]}`, nil},
		{planhat.Timesheet, `{"timeEntries":[{"_id":"a"}]}`, `{"timeEntries":["b"]}`, []string{"timeEntries"}},
		{planhat.Timesheet, `{"timeEntries":[{"_id":"a"}]}`, `{"timeEntries":["a","b"]}`, []string{"timeEntries"}},
		{planhat.Note, `{"users":[{"id":"a","isOwner":true}]}`, `{"users":[{"id":"a","isOwner":false}]}`, []string{"users"}},
		{planhat.Note, `{"users":["a"]}`, `{"users":[{"id":"a","name":"A"}]}`, nil},
		{planhat.Issue, `{"companyIds":["extid-a","x"]}`, `{"companyIds":["b","x"]}`, nil},
		{planhat.Issue, `{"companyIds":["a"]}`, `{"companyIds":["b"]}`, []string{"companyIds"}},
	} {
		fields, err := members([]byte(tt.sent))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Differences([]byte(tt.record), Item{Spec: &tables[tt.object].spec, Fields: fields})
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%s, held as %s: %v, -want +got\n%s", tt.sent, tt.record, err, diff)
		}
	}
}
