package ctl

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/schemas"
)

func (b *bridge) change(e schemas.Envelope) *kgo.Record {
	b.t.Helper()
	codec, err := schemas.NewCodec(vendor, "company")
	if err != nil {
		b.t.Fatal(err)
	}
	e.TsMs = noon.UnixMilli()
	e.Source = schemas.Source{Version: "1", Connector: vendor, Name: "planhat-bridge", TsMs: e.TsMs, DB: "acme", Table: "company", Sequence: 7, Stream: "companies"}
	value, err := codec.AppendEnvelope(nil, b.changeID, &e)
	if err != nil {
		b.t.Fatal(err)
	}
	return &kgo.Record{Topic: "planhat.changes.acme.company", Key: []byte(recordID), Value: value}
}

func (b *bridge) fill() {
	b.t.Helper()
	const v1, v2 = `{"_id":"` + recordID + `","name":"A & B"}`, `{"_id":"` + recordID + `","name":"B","mrr":1.50}`
	result, err := schemas.AppendResult(nil, b.resultID, &schemas.Result{CommandID: "c-1", Op: "create", Object: "company", Status: schemas.StatusOK,
		Effect: schemas.EffectCreated, RecordID: recordID, Topic: commands})
	if err != nil {
		b.t.Fatal(err)
	}
	b.write(
		b.change(schemas.Envelope{Op: "c", After: json.RawMessage(v1)}),
		b.change(schemas.Envelope{Op: "u", Before: json.RawMessage(v1), After: json.RawMessage(v2), Changed: []string{"mrr", "name"}}),
		b.change(schemas.Envelope{Op: "d", Before: json.RawMessage(v2)}),
		&kgo.Record{Topic: "planhat.changes.acme.company", Key: []byte(recordID)},
		&kgo.Record{Topic: "planhat.changes.acme.company", Key: []byte("?"), Value: []byte("junk")},
		&kgo.Record{Topic: commands, Partition: 1, Key: []byte("company/acct-1"),
			Value: []byte(`{"id":"c-1","op":"update","object":"company","target":{"externalId":"acct-1"},"fields":{"name":"A","custom":{"x":1}}}`)},
		&kgo.Record{Topic: commands, Key: []byte("k"), Value: []byte("{")},
		&kgo.Record{Topic: results, Key: []byte("c-1"), Value: result, Headers: []kgo.RecordHeader{{Key: "traceparent", Value: []byte("00-1")}}},
		&kgo.Record{Topic: "planhat.deadletters.acme", Key: []byte("k"), Value: []byte("{"), Headers: []kgo.RecordHeader{
			{Key: "trace", Value: []byte("1")}, {Key: "bridge.error.code", Value: []byte("UNDECODABLE")}, {Key: "bridge.error.message", Value: []byte("no JSON")}}},
		&kgo.Record{Topic: "planhat-bridge.signals", Value: []byte(`{"type":"pause"}`)},
	)
}

func TestTail(t *testing.T) {
	b := newBridge(t)
	b.fill()
	var got string
	for _, args := range [][]string{
		{},
		{"company", "--max", "2", "-o", "json"},
		{"planhat.changes.acme.company", "--max", "1"},
		{"company", "-o", "json", "--from", "beginning"},
		{"commands", "results", "deadletters", "signals"},
		{"commands", "results", "deadletters", "signals", "-o", "json"},
	} {
		got += b.run("", append([]string{"tail"}, args...)...)
	}
	golden(t, "tail", got)
}

func TestTailShowsCommittedOnly(t *testing.T) {
	b := newBridge(t)
	cl, err := b.options.NewClient(kgo.TransactionalID("t"))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for _, end := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit} {
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := cl.ProduceSync(t.Context(), b.change(schemas.Envelope{Op: "c", After: json.RawMessage(`{"_id":"` + recordID + `"}`)})).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := cl.EndTransaction(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.run("", "tail", "company"); strings.Count(got, recordID) != 1 {
		t.Error(got)
	}
}

func TestTailFollows(t *testing.T) {
	b := newBridge(t)
	b.fill()
	if got := b.run("", "tail", "company", "--follow", "--from", "beginning", "--max", "3"); strings.Count(got, recordID) != 3 || !strings.HasSuffix(got, "--- exit 0\n") {
		t.Error(got)
	}
	done := make(chan string, 1)
	go func() { done <- b.run("", "tail", "company", "--follow", "--max", "1") }()
	// The reader starts at the end: whatever it shows was written after it began.
	for {
		select {
		case got := <-done:
			if !strings.Contains(got, " u company "+recordID+" h\n") {
				t.Error(got)
			}
			return
		default:
			b.write(b.change(schemas.Envelope{Op: "u", After: json.RawMessage(`{"_id":"` + recordID + `"}`), Changed: []string{"h"}}))
		}
	}
}

func TestTopics(t *testing.T) {
	b := newBridge(t)
	b.fill()
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: commands, Partition: 1, At: 1, LeaderEpoch: -1})
	if err := kadm.NewClient(b.cl).CommitAllOffsets(t.Context(), "planhat-bridge.planhat.commands.acme", offsets); err != nil {
		t.Fatal(err)
	}
	golden(t, "topics", b.run("", "topics")+b.run("", "topics", "-o", "json")+b.run("", "topics", "-w", "other"))
}
