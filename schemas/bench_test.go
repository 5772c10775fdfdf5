package schemas

import (
	"testing"
	"time"
)

// A command as users write it; the work of reading it and of answering it.
func BenchmarkDecodeCommand(b *testing.B) {
	value := []byte(`{"id":"c-17","op":"upsert","object":"company","target":{"externalId":"cmd-17"},"fields":{"city":"Oslo","country":"Norway",` +
		`"custom":{"Region 🌍":"EMEA","Seats":17},"name":"Company 17","phase":"Live","web":"https://example.com"}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, p := DecodeCommand(b.Context(), value, nil); p != nil {
			b.Fatal(p)
		}
	}
}

func BenchmarkAppendResult(b *testing.B) {
	r := Result{
		CommandID: "c-17", Op: OpUpsert, Object: "company", Status: StatusOK, Effect: EffectCreated, RecordID: "0123456789abcdef01234567",
		Attempts: 1, Calls: 1, ReceivedAt: time.Now(), FinishedAt: time.Now(), Topic: "planhat.commands.acme", Partition: 2, Offset: 1 << 20,
	}
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if out, err = AppendResult(out[:0], 7, &r); err != nil {
			b.Fatal(err)
		}
	}
}
