package scale

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/test/rig/port"
	"github.com/planhat-bridge/planhat-bridge/test/share"
)

// What a restore may take, from the start of the process on.
const restoreMiB = 160 // of a million: 54 bytes of index an entry, and as much again as garbage at most

// restored is how many entries there are, and how much processor time they may take:
// a million where all is told.
func restored() (entries int, cpu time.Duration) {
	if share.All() {
		return 1_000_000, 5 * time.Second
	}
	return 200_000, 3 * time.Second
}

// TestRestoreOfManyEntries starts a source on a state of that many records, which
// stand in no order, as after years of edits. Planhat does not answer, so that a
// restore is all that the process does.
func TestRestoreOfManyEntries(t *testing.T) {
	entries, most := restored()
	s, err := stage.New(stage.Ports{}, planhatsim.Options{Seed: 1, Companies: -1}, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	writeState(t, s.Broker, entries)
	env := s.Env(0)
	env["PLANHAT_BASE_URL"], env["PLANHAT_OBJECTS"] = "http://"+port.Address(t), "enduser"
	binary := build(t, "source")

	began := time.Now()
	p := start(t, binary, env)
	p.until("restore", func(streams map[string]source.StreamStatus) bool {
		return streams["endusers"].Records == entries
	})
	took := time.Since(began)
	p.peak(t, "a restore", restoreMiB)
	p.kill()
	t.Logf("scale restore entries=%d cpu_s=%.2f seconds=%.2f", entries, p.cpu().Seconds(), took.Seconds())
	if p.cpu() > most {
		t.Errorf("%s of CPU, want at most %s", p.cpu(), most)
	}
}

// writeState writes index entries of endusers, as the source does.
func writeState(t *testing.T, broker string, entries int) {
	t.Helper()
	cl, err := kafka.Options{Brokers: []string{broker}}.NewClient(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	topic := kafka.Names{Bridge: "planhat-bridge"}.StateTopic("source", kafka.Layout{ReplicationFactor: 1})
	if err := kafka.EnsureTopics(t.Context(), cl, []kafka.TopicSpec{topic}, true); err != nil {
		t.Fatal(err)
	}
	token := "planhat/" + stage.Workspace
	partition := shard.ShardOf(token, shard.DefaultShards)
	random := rand.New(rand.NewPCG(1, 2))
	order := random.Perm(entries)
	for len(order) > 0 {
		batch := make([]*kgo.Record, 0, 20_000)
		for _, n := range order[:min(cap(batch), len(order))] {
			var id cdc.ID
			binary.BigEndian.PutUint64(id[:8], 0x66f0a1b2_00000000+uint64(n))
			binary.BigEndian.PutUint32(id[8:], random.Uint32())
			batch = append(batch, &kgo.Record{
				Topic: topic.Name, Partition: partition, Key: append([]byte(token+"/endusers\x00e"), id[:]...),
				Value: cdc.AppendEntry(nil, cdc.Entry{Fingerprint: random.Uint64(), Stamp: 1_772_000_000_000 + int64(n), Offset: int64(n) / 3, Partition: int32(n % 3)}),
			})
		}
		order = order[len(batch):]
		if err := cl.ProduceSync(t.Context(), batch...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}
