package schemas

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	hamba "github.com/hamba/avro/v2"
)

func TestResultComesBack(t *testing.T) {
	at := time.Date(2026, 3, 4, 15, 21, 10, 1e6, time.UTC)
	results := []Result{
		{CommandID: "1", Op: OpGet, Object: "company", Status: StatusOK, Effect: EffectRead, RecordID: "66", Record: json.RawMessage(`{"mrr":1.0}`),
			Attempts: 2, Calls: 1, ReceivedAt: at, FinishedAt: at.Add(time.Second), Topic: "t", Partition: 2, Offset: 1 << 40},
		{CommandID: "2", Status: StatusRejected, Effect: EffectNone, Error: &ResultError{CodeUndecodable, "m", "r"}, Partition: -1, Offset: -1},
	}
	for _, want := range results {
		value, err := AppendResult(nil, 3, &want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeResult(value)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		var second map[string]any
		schema := hamba.MustParse(ResultSchema())
		if err := hamba.Unmarshal(schema, value[wireHeader:], &second); err != nil || second["commandId"] != want.CommandID || second["offset"] != want.Offset {
			t.Errorf("hamba/avro reads %v, %v", second, err)
		}
	}
}

func TestResultIsAlwaysWritable(t *testing.T) {
	bad := "a\xffb"
	value, err := AppendResult(nil, 1, &Result{CommandID: bad, Object: bad, Record: json.RawMessage(bad), Error: &ResultError{"X", bad, bad}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeResult(value)
	if err != nil || got.CommandID != "a\uFFFDb" || got.Error.Message != "a\uFFFDb" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestDecodeResultRefuses(t *testing.T) {
	value, err := AppendResult(nil, 1, &Result{CommandID: "1", Status: StatusOK, Topic: "t"})
	if err != nil {
		t.Fatal(err)
	}
	for n := range value {
		if _, err := DecodeResult(value[:n]); err == nil {
			t.Errorf("cut after %d of %d bytes: no error", n, len(value))
		}
	}
	if _, err := DecodeResult(append(value, 0)); err == nil {
		t.Error("a byte too many: no error")
	}
}

func TestDecodeAnyResultOfAnOlderVersion(t *testing.T) {
	older := strings.Replace(ResultSchema(), `{"name":"calls","type":"int","default":0,`, `{"name":"callz","type":"int","default":0,`, 1)
	if older == ResultSchema() {
		t.Fatal("nothing was replaced")
	}
	value, err := AppendResult(nil, 9, &Result{CommandID: "1", Status: StatusOK, Calls: 5, Topic: "t"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeAnyResult(t.Context(), value, table{9: {"AVRO", older}})
	if err != nil || got.CommandID != "1" || got.Calls != 0 || got.Topic != "t" {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, r := range []table{{}, {9: {"JSON", "{}"}}, {9: {"AVRO", `"int"`}}} {
		if _, err := DecodeAnyResult(t.Context(), value, r); err == nil {
			t.Errorf("%v: no error", r)
		}
	}
}

func TestCodesAreComplete(t *testing.T) {
	seen := map[Code]bool{}
	statuses := map[Status]bool{}
	for _, d := range statusDocs {
		statuses[d.status] = true
	}
	for _, d := range Codes() {
		if seen[d.Code] || d.Meaning == "" || d.Remedy == "" || !statuses[d.Status] || d.Status == StatusOK {
			t.Errorf("%+v", d)
		}
		seen[d.Code] = true
	}
	if len(seen) != 22 {
		t.Errorf("%d codes; a change of the closed list needs a line in the change log", len(seen))
	}
	if _, ok := Code("NOPE").Doc(); ok {
		t.Error("NOPE is on the list")
	}
}
