package ctl

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/schemas"
)

const (
	dealTopic    = "pipedrive.changes.demo.deal"
	webhookTopic = "pipedrive.webhooks.demo"
)

// deals are the events of one deal that is won and deleted, and what was sent of it.
func (b *bridge) deals() {
	b.t.Helper()
	if _, err := kadm.NewClient(b.cl).CreateTopics(b.t.Context(), 1, 1, nil, dealTopic, webhookTopic); err != nil {
		b.t.Fatal(err)
	}
	codec, err := schemas.NewCodec(pipedrive, "deal")
	if err != nil {
		b.t.Fatal(err)
	}
	id := b.register(dealTopic, codec.EnvelopeSchema())
	event := func(e schemas.Envelope) *kgo.Record {
		e.TsMs = noon.UnixMilli()
		e.Source = schemas.Source{Version: "1", Connector: pipedrive, Name: "planhat-bridge", TsMs: e.TsMs, DB: "demo", Table: "deal", Sequence: 7, Stream: "deal"}
		value, err := codec.AppendEnvelope(nil, id, &e)
		if err != nil {
			b.t.Fatal(err)
		}
		return &kgo.Record{Topic: dealTopic, Key: []byte("42"), Value: value}
	}
	const open, won = `{"id":42,"title":"A & B","status":"open","value":10.50}`, `{"id":42,"title":"A & B","status":"won","value":null,"won_time":"2026-03-04T11:59:00Z"}`
	b.write(
		event(schemas.Envelope{Op: "c", After: json.RawMessage(open)}),
		event(schemas.Envelope{Op: "u", Before: json.RawMessage(open), After: json.RawMessage(won), Changed: []string{"status", "value", "won_time"}}),
		event(schemas.Envelope{Op: "d", Before: json.RawMessage(won)}),
		&kgo.Record{Topic: dealTopic, Key: []byte("42")},
		&kgo.Record{Topic: webhookTopic, Key: []byte("deal/42"),
			Value: []byte(`{"meta":{"action":"change","entity":"deal","entity_id":"42","id":"c0ffee00-0000-4000-8000-000000000001","attempt":2,"version":"2.0"},"data":{"id":42,"status":"won"},"previous":{"status":"open"}}`)},
		&kgo.Record{Topic: webhookTopic, Key: []byte("unknown"), Value: []byte(`{"hello":1}`)},
		&kgo.Record{Topic: webhookTopic, Key: []byte("unknown"),
			Value: []byte(`{"meta":{"action":"change","entity":"deal\n\u001b[2J","entity_id":"42","id":"x","version":"2.0"},"data":{}}`)},
	)
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	b := newBridge(t)
	b.now = func() time.Time { return noon }
	b.answering(quoting)
	b.deals()
	var out strings.Builder
	for _, line := range []string{
		"tail pipedrive.changes.demo.deal",
		"tail pipedrive.changes.demo.deal --max 2 -o json",
		"tail deal webhooks --account demo",
		"tail webhooks --account demo --max 1 -o json",
		"tail --account demo --max 1",
		"tail company --account demo",
		"tail deal --account demo --workspace acme",
		"topics --account demo",
		"signal object --account demo --object deal",
		"signal record --account demo --object deal --id 42",
		"signal pause --account demo",
		"signal release --account demo --object note -o json",
		"signal object --account demo --stream deals",
		"signal record --account demo --object deal --external-id 42",
	} {
		out.WriteString(b.run("", strings.Fields(line)...))
	}
	b.environ = append(b.environ, "PIPEDRIVE_ACCOUNTS=demo,other", "PLANHAT_WORKSPACES=")
	for _, line := range []string{"tail deal", "signal pause", "send --object company --op create --set name=x --account demo"} {
		out.WriteString(b.run("", strings.Fields(line)...))
	}
	b.environ = append(b.environ, "PIPEDRIVE_ACCOUNTS=demo", "PLANHAT_WORKSPACES=acme")
	out.WriteString(b.run("", "tail", "deal"))
	golden(t, "account", out.String())
}
