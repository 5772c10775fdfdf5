package sink_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// framed is a value in the wire format of schema registries.
func framed(id int, value string) string {
	return string([]byte{0, byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id)}) + value
}

// poisons are commands that nobody can carry out, by the code of their dead letters.
func (b *bench) poisons() map[string]string {
	b.t.Helper()
	subject, err := b.registry.CreateSchema(b.t.Context(), "planhat.commands.acme-value", sr.Schema{Schema: schemas.CommandSchema(), Type: sr.TypeAvro})
	if err != nil {
		b.t.Fatal(err)
	}
	long := strings.Repeat("\xff", 8) + "\x7f" // a length of 2^62
	return map[string]string{
		"not JSON":        `{"op":`,
		"no value":        "",
		"unknown schema":  framed(9999, "rest"),
		"hostile length":  framed(subject.ID, long),
		"hostile blocks":  framed(subject.ID, strings.Repeat("\x02", 500)),
		"deep nesting":    `{"op":"create","object":"company","fields":` + strings.Repeat(`{"a":`, 5000) + `1` + strings.Repeat(`}`, 5000) + `}`,
		"too large":       `{"op":"create","object":"company","fields":{"name":"` + strings.Repeat("x", 1<<20) + `"}}`,
		"unknown object":  `{"op":"get","object":"compny","target":{"externalId":"A"}}`,
		"missing target":  `{"op":"update","object":"company","fields":{"name":"A"}}`,
		"unknown field":   `{"op":"create","object":"company","fields":{"name":"A","nmae":"B"}}`,
		"several targets": `{"op":"get","object":"company","target":{"externalId":"A","sourceId":"A"}}`,
	}
}

// TestPoisonDelaysNobody sends a command every few milliseconds, and one of each kind of
// poison between them: each has its dead letter, under the id that is derived from its
// place, within a second, and no other command is later for it than 100 ms.
func TestPoisonDelaysNobody(t *testing.T) {
	b := newBench(t, func(o *planhatsim.Options) { empty(o) })
	b.companies("C", 1)
	var err error
	if b.producer, err = b.kafka.NewClient(kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.ProducerBatchMaxBytes(4<<20), kgo.ProducerLinger(0)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.producer.Close)
	b.start()
	b.send(`z {"id":"warm","op":"get","object":"company","target":{"externalId":"C0"}}`)
	b.results()
	poisons := b.poisons()
	var complaint string
	for round := range 5 { // a machine that does other things may spoil some
		clean, _ := b.volley(fmt.Sprint("clean", round), nil)
		spoilt, letters := b.volley(fmt.Sprint("spoilt", round), poisons)
		complaint = ""
		if spoilt > clean+100*time.Millisecond {
			complaint = fmt.Sprintf("a command took %s beside poison, and %s without", spoilt, clean)
		}
		for name, took := range letters {
			if took > time.Second {
				complaint += fmt.Sprintf("; the dead letter of %q took %s", name, took)
			}
		}
		if complaint == "" {
			t.Logf("round %d: the slowest command took %s beside poison, %s without; dead letters %v", round, spoilt, clean, letters)
			return
		}
	}
	t.Error(complaint)
}

// volley sends 60 commands, 5 ms apart, with poison in between, and returns how long the
// slowest result and each dead letter took.
func (b *bench) volley(name string, poisons map[string]string) (slowest time.Duration, letters map[string]time.Duration) {
	b.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	sent := map[string]time.Time{} // by command id
	kinds := map[string]string{}   // command id -> kind of poison
	var pending []string
	for kind := range poisons {
		pending = append(pending, kind)
	}
	for n := range 60 {
		<-tick.C
		id := fmt.Sprintf("%s-%d", name, n)
		sent[id] = time.Now()
		b.send(fmt.Sprintf(`%d {"id":%q,"op":"get","object":"company","target":{"externalId":"C0"}}`, n, id))
		if len(pending) > 0 && n%4 == 1 {
			kind := pending[0]
			pending = pending[1:]
			at := time.Now()
			r := &kgo.Record{Topic: commandTopic, Key: []byte(kind), Value: []byte(poisons[kind])}
			if err := b.producer.ProduceSync(b.t.Context(), r).FirstErr(); err != nil {
				b.t.Fatal(kind, err)
			}
			b.sent++
			derived := sink.DerivedID(commandTopic, r.Partition, r.Offset)
			sent[derived], kinds[derived] = at, kind
		}
	}
	written := map[string]time.Time{}
	b.read(b.t.Context(), resultTopic, func(r *kgo.Record) bool {
		if at, mine := sent[string(r.Key)]; mine {
			written[string(r.Key)] = r.Timestamp
			if kinds[string(r.Key)] == "" {
				slowest = max(slowest, r.Timestamp.Sub(at))
			}
		}
		return len(written) < len(sent)
	})
	letters = map[string]time.Duration{}
	if len(kinds) > 0 {
		b.read(b.t.Context(), deadLetterTopic, func(r *kgo.Record) bool {
			id := headers(r)[sink.HeaderCommandID]
			if kind, mine := kinds[id]; mine {
				letters[kind] = r.Timestamp.Sub(sent[id])
			}
			return len(letters) < len(kinds)
		})
	}
	return slowest, letters
}
