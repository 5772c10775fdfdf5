package brokerfaults

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wait"
)

// A log that lost its end with a leader, and was written on, may have something
// else where the state remembers a record's last change: that is no image of it.
func TestPlaceThatHoldsAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setting{})
	w.start()
	id, other := w.company(`{"name":"one"}`), w.company(`{"name":"another"}`)
	w.seen(id, prompt)
	w.seen(other, prompt)
	w.edit("companies", other, `{"phase":"so that its place is its own"}`)
	w.judge()
	w.source.Stop()

	cl := w.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	defer cl.Close()
	entries, keys := map[string]cdc.Entry{}, map[string][]byte{}
	err := kafka.ReadToStable(t.Context(), cl, names.State("source"), ours, 0, func(r *kgo.Record) error {
		if _, rest, ok := strings.Cut(string(r.Key), "companies\x00e"); ok && r.Value != nil {
			var of cdc.ID
			copy(of[:], rest)
			e, err := cdc.ParseEntry(r.Value)
			entries[of.String()], keys[of.String()] = e, r.Key
			return err
		}
		return nil
	})
	if err != nil || keys[id] == nil || keys[other] == nil {
		t.Fatalf("the state has %d records: %v", len(keys), err)
	}
	wrong := entries[id]
	wrong.Partition, wrong.Offset = entries[other].Partition, entries[other].Offset
	rec := &kgo.Record{Topic: names.State("source"), Partition: ours, Key: keys[id], Value: cdc.AppendEntry(nil, wrong)}
	if err := cl.ProduceSync(t.Context(), rec).FirstErr(); err != nil {
		t.Fatal(err)
	}

	w.source = w.launch(w.wire, nil)
	w.edit("companies", id, `{"phase":"edited"}`)
	wait.Until(t, "the edit is written", metWithin, func() bool { return strings.Contains(string(w.last("company", id).After), "edited") })
	if e := w.last("company", id); e.Op != "u" || e.Before != nil {
		t.Errorf("the update is op %q with before %s, which is of another record", e.Op, e.Before)
	}
	w.judge()
	w.source.Stop()
}
