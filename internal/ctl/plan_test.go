package ctl

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/schemas"
)

const (
	changes = "planhat.changes.acme."
	second  = "66f0a1b2c3d4e5f600000002"
	third   = "66f0a1b2c3d4e5f600000003"
)

// captured writes a change as the source would; an empty row is a delete.
func (b *bridge) captured(object, id, row string) {
	b.t.Helper()
	codec, err := schemas.NewCodec(vendor, object)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := kadm.NewClient(b.cl).CreateTopic(b.t.Context(), 1, 1, nil, changes+object); err != nil && !strings.Contains(err.Error(), "EXISTS") {
		b.t.Fatal(err)
	}
	e := schemas.Envelope{Op: "c", After: json.RawMessage(row), TsMs: noon.UnixMilli(), Source: schemas.Source{Version: "1", Connector: vendor, DB: "acme", Table: object}}
	if row == "" {
		e.Op, e.After, e.Before = "d", nil, json.RawMessage(`{"_id":"`+id+`"}`)
	}
	value, err := codec.AppendEnvelope(nil, b.register(changes+object, codec.EnvelopeSchema()), &e)
	if err != nil {
		b.t.Fatal(err)
	}
	b.write(&kgo.Record{Topic: changes + object, Key: []byte(id), Value: value})
}

// mirrored fills the change topics that the tests of plan look at.
func (b *bridge) mirrored() {
	b.t.Helper()
	b.captured("company", recordID, `{"_id":"`+recordID+`","name":"Was","externalId":"c-1","updatedAt":"2026-03-04T10:00:00.000Z"}`)
	b.captured("company", recordID, `{"_id":"`+recordID+`","name":"A","externalId":"c-1","phase":"Live","custom":{"Tier":"Gold"},"updatedAt":"2026-03-04T11:00:00.000Z"}`)
	b.captured("company", second, `{"_id":"`+second+`","name":"B","externalId":"c-2"}`)
	b.captured("company", third, `{"_id":"`+third+`","name":"C","externalId":"c-3"}`)
	b.captured("company", third, "")
	b.captured("license", "66f0a1b2c3d4e5f6000000aa", `{"_id":"66f0a1b2c3d4e5f6000000aa","externalId":"l-1","companyId":"`+recordID+`","value":5}`)
	b.captured("license", "66f0a1b2c3d4e5f6000000bb", `{"_id":"66f0a1b2c3d4e5f6000000bb","externalId":"l-1","companyId":"`+second+`","value":6}`)
	b.captured("customfield", "66f0a1b2c3d4e5f6000000cc", `{"_id":"66f0a1b2c3d4e5f6000000cc","name":"Tier","parent":"Company","type":"text"}`)
}

const planned = `{"id":"1-same","op":"upsert","object":"company","target":{"externalId":"c-1"},"fields":{"name":"A"}}
{"id":"2-differs","op":"upsert","object":"company","target":{"externalId":"c-1"},"fields":{"name":"Acme","custom":{"Tier":"Silver"}}}
{"id":"3-again","op":"upsert","object":"company","target":{"externalId":"c-1"},"fields":{"name":"Acme"}}
{"id":"4-new","op":"upsert","object":"company","target":{"externalId":"c-9"},"fields":{"name":"Nine"}}
{"id":"5-its-license","op":"create","object":"license","fields":{"externalId":"l-9","companyId":"extid-c-9","_currency":"EUR","value":1,"fromDate":"2026-01-01"}}
{"id":"6-gone","op":"update","object":"company","target":{"externalId":"c-3"},"fields":{"name":"x"}}
{"id":"7-taken","op":"create","object":"company","fields":{"name":"x","externalId":"c-2"}}
{"id":"8-too-little","op":"upsert","object":"company","target":{"externalId":"c-8"},"fields":{"phase":"x"}}
{"id":"9-misspelt","op":"update","object":"company","target":{"externalId":"c-1"},"fields":{"nmae":"x"}}
{"id":"10-no-such-custom","op":"update","object":"company","target":{"externalId":"c-1"},"fields":{"custom":{"Tiers":"x"}}}
{"id":"11-changed-since","op":"update","object":"company","target":{"_id":"` + second + `"},"fields":{"name":"x"},"ifUnchangedSince":"2026-03-04T10:30:00Z"}
{"id":"12-two-of-them","op":"update","object":"license","target":{"externalId":"l-1"},"fields":{"value":7}}
{"id":"13-of-a-company","op":"upsert","object":"license","target":{"externalId":"l-1"},"fields":{"companyId":"` + second + `","value":7}}
{"id":"14-no-such-company","op":"upsert","object":"license","target":{"externalId":"l-8"},"fields":{"companyId":"extid-c-404","_currency":"EUR","value":1,"fromDate":"2026-01-01"}}
{"id":"15-delete","op":"delete","object":"company","target":{"_id":"` + second + `"}}
{"id":"16-deleted","op":"get","object":"company","target":{"_id":"` + second + `"}}
{"id":"17-unknown-object","op":"update","object":"task","target":{"externalId":"t-1"},"fields":{"action":"x"}}
{"id":"18-expired","op":"get","object":"company","target":{"externalId":"c-1"},"notAfter":"2026-03-04T11:00:00Z"}
{"id":"19-changed","op":"update","object":"company","target":{"externalId":"c-1"},"fields":{"phase":null},"ifUnchangedSince":"2026-03-04T10:30:00Z"}
{"id":"20-read","op":"get","object":"company","target":{"externalId":"c-1"}}
`

func TestPlan(t *testing.T) {
	t.Parallel()
	b := newBridge(t)
	b.now = func() time.Time { return noon }
	b.mirrored()
	file := filepath.Join(t.TempDir(), "commands.jsonl")
	if err := os.WriteFile(file, []byte(planned), 0o600); err != nil {
		t.Fatal(err)
	}
	before := b.everything()
	got := b.run("", "plan", "-f", file) + b.run("", "plan", "-f", file, "-o", "json") + b.run("", "plan", "-f", file, "--offline") +
		b.run("", "plan", "--op", "upsert", "--object", "company", "--external-id", "c-1", "--set", "name=A") +
		b.run("", "plan", "--op", "create", "--object", "license", "--set", "companyId=extid-c-1", "--set", "_currency=EUR", "--set", "value=1", "--set", "fromDate=2026-01-01") +
		b.run("externalId,name\nc-1,B\nc-7,Seven\n", "plan", "--op", "upsert", "--object", "company", "--format", "csv", "-f", "-")
	golden(t, "plan", strings.ReplaceAll(got, file, "commands.jsonl"))
	if after := b.everything(); before != after {
		t.Errorf("plan wrote something: %s, before %s", after, before)
	}
}

// everything is what a write would change in Kafka: ends of topics, and groups.
func (b *bridge) everything() string {
	b.t.Helper()
	admin := kadm.NewClient(b.cl)
	topics, err := admin.ListTopics(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	groups, err := admin.ListGroups(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return b.ends(topics.Names()...) + fmt.Sprint(groups.Groups())
}

func TestPlanOfTheTopic(t *testing.T) {
	t.Parallel()
	b := newBridge(t)
	b.now = func() time.Time { return noon.Add(time.Minute) }
	b.mirrored()
	for n, name := range []string{"A", "B", "C", "D"} {
		b.write(&kgo.Record{Topic: commands, Partition: int32(n % 2), Key: []byte("company/c-1"), Timestamp: noon.Add(time.Duration(n) * time.Second),
			Value: []byte(`{"id":"` + name + `","op":"update","object":"company","target":{"externalId":"c-1"},"fields":{"name":"` + name + `"}}`)})
	}
	b.write(&kgo.Record{Topic: commands, Partition: 1, Value: []byte("{"), Timestamp: noon.Add(5 * time.Second)})
	var got string
	for _, args := range [][]string{
		{},
		{"--from", "beginning", "--max", "2"},
		{"--from", "58s500ms", "--until", "57s"},
		{"--range", "1/0-1"},
		{"--range", "1/2"},
	} {
		got += b.run("", append([]string{"plan"}, args...)...)
	}
	var position kadm.Offsets
	position.Add(kadm.Offset{Topic: commands, Partition: 0, At: 2, LeaderEpoch: -1})
	position.Add(kadm.Offset{Topic: commands, Partition: 1, At: 1, LeaderEpoch: -1})
	if err := kadm.NewClient(b.cl).CommitAllOffsets(t.Context(), "planhat-bridge.planhat.commands.acme", position); err != nil {
		t.Fatal(err)
	}
	golden(t, "plan_topic", got+b.run("", "plan"))
}

func TestPlanUsage(t *testing.T) {
	t.Parallel()
	b := newBridge(t)
	var got string
	for _, args := range [][]string{
		{"--op", "upsert"},
		{"-f", "no-such-file.jsonl"},
		{"--range", "1"},
		{"--range", "7/0"},
		{"--range", "0/1", "--from", "beginning"},
		{"--from", "tomorrow"},
		{"--offline"},
		{"--op", "get", "--object", "company", "--id", recordID, "--from", "1h"},
		{"--max", "0"},
		{"--external-id", "c-1", "--set", "name=x"},
		{"-o", "yaml"},
		{"-w", "other"},
	} {
		got += b.run("", append([]string{"plan"}, args...)...)
	}
	golden(t, "plan_usage", got)
}
